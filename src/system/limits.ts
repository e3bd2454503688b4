// Reads what this process may use: processors (affinity, cgroup quota) and memory (free in the machine, left in its cgroup).
// A container is usually given less than the machine shows; taking more means throttling or the out-of-memory killer.

import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'

/** Of the memory that is left, how much one allocation may take: the rest of the machine lives on what remains. */
export const headroomShare = 0.9

/** Returns a small text file's content, or undefined when there is none. */
export type ReadText = (path: string) => string | undefined

const readText: ReadText = (path) => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

/** How many threads can run at once: affinity mask and cgroup quota, rounded up. */
export function processorLimit(read: ReadText = readText, affinity = availableParallelism()): number {
  const quotas = [...folders(read, ''), ...folders(read, 'cpu')].map((folder) => quotaOf(read, folder))
  return Math.max(1, Math.min(affinity, Math.ceil(Math.min(...quotas))))
}

/** Bytes that can still be taken before the machine or one of this process's cgroups is full. */
export function memoryLeft(read: ReadText = readText): number {
  const available = Number(/^MemAvailable:\s+(\d+) kB/m.exec(read('/proc/meminfo') ?? '')?.[1] ?? Number.NaN) * 1024
  const groups = [
    ...folders(read, '').map((folder) => leftIn(read, folder, 'memory.max', 'memory.current', 'inactive_file')),
    ...folders(read, 'memory').map((folder) =>
      leftIn(read, folder, 'memory.limit_in_bytes', 'memory.usage_in_bytes', 'total_inactive_file'),
    ),
  ]
  return Math.min(Number.isNaN(available) ? Number.POSITIVE_INFINITY : available, ...groups)
}

/** Folders of this process's cgroup and its ancestors: version 2 when `controller` is empty, else that of version 1. */
function folders(read: ReadText, controller: string): string[] {
  const line = (read('/proc/self/cgroup') ?? '')
    .split('\n')
    .find((entry) => entry.split(':')[1]?.split(',').includes(controller))
  if (line === undefined) return []
  const root = controller === '' ? '/sys/fs/cgroup' : `/sys/fs/cgroup/${controller}`
  const parts = line.split(':').slice(2).join(':').split('/').filter(Boolean)
  return [root, ...parts.map((_, i) => `${root}/${parts.slice(0, i + 1).join('/')}`)]
}

/** Processors' worth of time per period; infinite where there is no quota. */
function quotaOf(read: ReadText, folder: string): number {
  const [quota, period] = read(`${folder}/cpu.max`)?.split(/\s+/) ?? [
    read(`${folder}/cpu.cfs_quota_us`),
    read(`${folder}/cpu.cfs_period_us`),
  ]
  const processors = Number(quota) / Number(period)
  return processors > 0 ? processors : Number.POSITIVE_INFINITY
}

/** Page cache that nobody has used lately counts as left: the kernel drops it first. */
function leftIn(read: ReadText, folder: string, limit: string, usage: string, reclaimable: string): number {
  const limitBytes = Number(read(`${folder}/${limit}`) ?? Number.NaN)
  const usedBytes = Number(read(`${folder}/${usage}`) ?? Number.NaN)
  if (Number.isNaN(limitBytes - usedBytes)) return Number.POSITIVE_INFINITY
  const stat = read(`${folder}/memory.stat`) ?? ''
  const cache = Number(new RegExp(`^${reclaimable} (\\d+)`, 'm').exec(stat)?.[1] ?? 0)
  return Math.max(0, limitBytes - usedBytes + cache)
}
