// Measurements in, lines out: JSON objects for programs, a table for people.
import type { Extras } from './suite.ts'

export interface Row extends Extras {
  readonly suite: string
  readonly name: string
  readonly device: string
  readonly threads: number
  /** median */
  readonly ms: number
  readonly minMs: number
  /** at the median; null where a case has no such work */
  readonly gflops: number | null
  readonly gbs: number | null
  /** what the machine's peak and bandwidth allow at best; null where they could not be measured */
  readonly floorMs: number | null
  /** each peer's median and least milliseconds */
  readonly peers: Readonly<Record<string, number>>
  readonly minPeers: Readonly<Record<string, number>>
  /** of a process of its own, where memory is what is measured */
  readonly peakMiB?: number
  readonly peakMiBPeers?: Readonly<Record<string, number | undefined>>
}

export interface Report {
  row(row: Row): void
  /** a remark that is no measurement */
  note(text: string): void
}

export const jsonReport: Report = {
  row: (row) => console.log(JSON.stringify(row)),
  // standard output is for objects only
  note: (text) => console.error(text),
}

const number = (value: number | null | undefined): string =>
  value === undefined || value === null ? '-' : String(value)

const nameWidth = 42
const line = ([name, ...rest]: readonly string[]): string =>
  name.padEnd(nameWidth) + rest.map((cell) => cell.padStart(10)).join('')

const titles = ['name', 'ms', 'min', 'floor', 'gflops', 'gbs', 'loss off']

function cells({ name, compiled, ms, minMs, floorMs, gflops, gbs, lossDeviation }: Row): string[] {
  const mode = compiled === undefined ? '' : compiled ? ' compiled' : ' plain'
  const deviation = lossDeviation === undefined ? '-' : lossDeviation.toExponential(1)
  return [name + mode, ...[ms, minMs, floorMs, gflops, gbs].map(number), deviation]
}

/** Each peer's median and least time, and how many times ours they are: more than 1 where we are faster. */
const peerCells = ({ ms, minMs, peers, minPeers }: Row): string =>
  Object.keys(peers)
    .map((name) => {
      const [median, least] = [peers[name], minPeers[name]]
      return `   ${name} ${median} min ${least} = ${(median / ms).toFixed(2)}x min ${(least / minMs).toFixed(2)}x`
    })
    .join('')

/** Peaks of memory, where they were measured. */
const memoryCells = ({ peakMiB, peakMiBPeers = {} }: Row): string => {
  const theirs = Object.entries(peakMiBPeers).map(([name, peak]) => `, ${name} ${peak}`)
  return peakMiB === undefined ? '' : `   peak MiB ${peakMiB}${theirs.join('')}`
}

/** Each row as it comes, under a heading for its suite. */
export function tableReport(): Report {
  let suite = ''
  return {
    row: (row) => {
      if (row.suite !== suite)
        console.log(
          `\n${row.suite}, ${row.device}, ${row.threads} threads; milliseconds, x: peer / ours\n${line(titles)}`,
        )
      suite = row.suite
      console.log(line(cells(row)) + peerCells(row) + memoryCells(row))
    },
    note: (text) => console.log(text),
  }
}
