// What devices measured while a function ran, as a report: a table by kernel, and a trace that Chrome and Perfetto show.
import { ArgumentError } from '../base/errors.ts'
import type { Device, KernelProfile } from './device.ts'

/** All calls of one kernel. */
export interface ProfileRow {
  readonly device: string
  readonly label: string
  /** which code ran it: 'x64', 'interpreter', … */
  readonly lowering: string
  readonly calls: number
  readonly milliseconds: number
  /** of the time of all kernels, from 0 to 1 */
  readonly share: number
}

/** https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU: complete events, times in microseconds */
export interface TraceEvent {
  readonly name: string
  readonly cat: string
  readonly ph: 'X' | 'M'
  readonly pid: number
  readonly tid: number
  readonly ts: number
  readonly dur?: number
  readonly args: Readonly<Record<string, unknown>>
}

export interface ChromeTrace {
  readonly displayTimeUnit: 'ms'
  readonly traceEvents: readonly TraceEvent[]
}

/** Calls measured on one device. */
export interface DeviceProfile {
  readonly device: string
  readonly calls: readonly KernelProfile[]
}

/** The part of Node's files that saving needs. */
interface FileWriter {
  writeFile(path: string, text: string): Promise<void>
}

export class ProfileReport<T = unknown> {
  /** what the function returned */
  readonly result: T
  /** the longest first */
  readonly rows: readonly ProfileRow[]
  /** from beginning to end, JavaScript and compilation included */
  readonly milliseconds: number
  /** of all kernels together */
  readonly kernelMilliseconds: number
  readonly #profiles: readonly DeviceProfile[]

  constructor(result: T, milliseconds: number, profiles: readonly DeviceProfile[]) {
    this.result = result
    this.milliseconds = milliseconds
    this.#profiles = profiles
    this.kernelMilliseconds = sum(profiles.flatMap(({ calls }) => calls.map((call) => call.milliseconds)))
    this.rows = rowsOf(profiles, this.kernelMilliseconds)
  }

  /** A table, one line for each kernel. */
  toString(): string {
    const total = [
      'all kernels',
      '',
      String(sum(this.rows.map(({ calls }) => calls))),
      fixed(this.kernelMilliseconds),
      '',
    ]
    const lines = this.rows.map(({ label, lowering, calls, milliseconds, share }) => [
      label,
      lowering,
      String(calls),
      fixed(milliseconds),
      `${(100 * share).toFixed(1)} %`,
    ])
    const table = alignColumns([['kernel', 'code', 'calls', 'ms', 'share'], ...lines, total])
    return `${table}\n${fixed(this.milliseconds)} ms from beginning to end`
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString()
  }

  /**
   * The trace that chrome://tracing and ui.perfetto.dev open. Devices add up the time of each call rather than note when it began, so the
   * calls of a program stand one after the other, each as long as it took on average, and programs in the order of their first run.
   */
  chromeTrace(): ChromeTrace {
    return { displayTimeUnit: 'ms', traceEvents: this.#profiles.flatMap(eventsOf) }
  }

  /** Writes the Chrome trace as a JSON file. @throws ArgumentError where there is no file system */
  async save(path: string): Promise<void> {
    // asked for at run time, so that browsers never see the import
    const { process } = globalThis as { process?: { getBuiltinModule?(name: string): unknown } }
    const files = process?.getBuiltinModule?.('node:fs/promises') as FileWriter | undefined
    if (!files)
      throw new ArgumentError(
        'save: expected a runtime with files, got none. Use JSON.stringify(report.chromeTrace()).',
      )
    await files.writeFile(path, JSON.stringify(this.chromeTrace()))
  }
}

/** Measures the kernels that `devices` run while `body` does; `settle` waits for them before and after. */
export async function measure<T>(
  devices: readonly Device[],
  settle: () => Promise<void>,
  body: () => T | Promise<T>,
): Promise<ProfileReport<T>> {
  await settle()
  for (const device of devices) device.profile(true)
  const start = performance.now()
  try {
    const result = await body()
    await settle()
    const milliseconds = performance.now() - start
    const profiles = devices.map((device) => ({ device: device.name, calls: device.profile(false) }))
    return new ProfileReport(result, milliseconds, profiles)
  } catch (error) {
    for (const device of devices) device.profile(false)
    throw error
  }
}

function rowsOf(profiles: readonly DeviceProfile[], total: number): ProfileRow[] {
  const rows = new Map<string, ProfileRow>()
  for (const { device, calls: list } of profiles)
    for (const { label, lowering, calls, milliseconds } of list) {
      if (calls === 0) continue
      const key = JSON.stringify([device, label, lowering])
      const before = rows.get(key) ?? { calls: 0, milliseconds: 0 }
      const time = before.milliseconds + milliseconds
      const share = total > 0 ? time / total : 0
      rows.set(key, { device, label, lowering, calls: before.calls + calls, milliseconds: time, share })
    }
  return [...rows.values()].sort((a, b) => b.milliseconds - a.milliseconds)
}

function eventsOf({ device, calls }: DeviceProfile, index: number): TraceEvent[] {
  const pid = index + 1
  const events: TraceEvent[] = [{ name: 'process_name', cat: '', ph: 'M', pid, tid: 0, ts: 0, args: { name: device } }]
  let now = 0
  for (const { label, lowering, program = 0, calls: count, milliseconds } of calls) {
    if (count === 0) continue
    const dur = (1000 * milliseconds) / count
    const args = { calls: count, milliseconds, code: lowering }
    events.push({ name: label, cat: lowering, ph: 'X', pid, tid: program + 1, ts: now, dur, args })
    now += dur
  }
  return events
}

/** Text columns to the left, numbers to the right. */
function alignColumns(rows: readonly (readonly string[])[]): string {
  const textColumns = 2
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)))
  const align = (cell: string, column: number): string =>
    column < textColumns ? cell.padEnd(widths[column]) : cell.padStart(widths[column])
  return rows.map((row) => row.map(align).join('  ').trimEnd()).join('\n')
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)
const fixed = (milliseconds: number): string => milliseconds.toFixed(3)
