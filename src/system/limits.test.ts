// Processor and memory limits as read from both versions of cgroups, from made-up system files.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { memoryLeft, processorLimit } from './limits.ts'

const files = (content: Record<string, string>) => (path: string) => content[path]
const meminfo = 'MemTotal: 1000 kB\nMemAvailable:  800 kB\n'

test('without cgroups the affinity mask and the free memory count', () => {
  assert.equal(processorLimit(files({}), 6), 6)
  assert.equal(memoryLeft(files({ '/proc/meminfo': meminfo })), 800 * 1024)
  assert.equal(memoryLeft(files({})), Number.POSITIVE_INFINITY)
})

test('version 2: the tightest of the group and its ancestors, quota rounded up', () => {
  const read = files({
    '/proc/meminfo': meminfo,
    '/proc/self/cgroup': '0::/user/job\n',
    '/sys/fs/cgroup/user/cpu.max': '350000 100000\n',
    '/sys/fs/cgroup/user/job/cpu.max': 'max 100000\n',
    '/sys/fs/cgroup/user/memory.max': '500000\n',
    '/sys/fs/cgroup/user/memory.current': '400000\n',
    '/sys/fs/cgroup/user/memory.stat': 'anon 5\ninactive_file 1000\nactive_file 7\n',
    '/sys/fs/cgroup/user/job/memory.max': 'max\n',
    '/sys/fs/cgroup/user/job/memory.current': '1\n',
  })
  assert.equal(processorLimit(read, 8), 4)
  assert.equal(processorLimit(read, 2), 2)
  assert.equal(memoryLeft(read), 101_000)
})

test('version 1: quota of the cpu controller, limit of the memory controller', () => {
  const group = '9:memory:/\n3:cpu,cpuacct:/docker/x\n0::/\n'
  const read = files({
    '/proc/meminfo': meminfo,
    '/proc/self/cgroup': group,
    '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '50000\n',
    '/sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n',
    '/sys/fs/cgroup/memory/memory.limit_in_bytes': '300000\n',
    '/sys/fs/cgroup/memory/memory.usage_in_bytes': '100000\n',
  })
  assert.equal(processorLimit(read, 8), 1)
  assert.equal(memoryLeft(read), 200_000)
  const unlimited = files({
    '/proc/self/cgroup': group,
    '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '-1\n',
    '/sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n',
  })
  assert.equal(processorLimit(unlimited, 8), 8)
})
