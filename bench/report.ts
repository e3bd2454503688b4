// Measurements in, lines out: JSON objects for programs, a table for people.

export interface Row {
  readonly suite: string
  readonly name: string
  readonly device: string
  readonly threads: number
  /** median */
  readonly ms: number
  readonly minMs: number
  /** what the machine's peak and bandwidth allow at best; null where they could not be measured */
  readonly floorMs: number | null
  readonly gflops?: number
  /** a training step: whether it ran through `compile`, the first step of a cold process, and the worst relative loss */
  readonly compiled?: boolean
  readonly firstMs?: number
  readonly lossDeviation?: number
  readonly peers?: Readonly<Record<string, number>>
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

function cells({ name, compiled, ms, minMs, floorMs, gflops, firstMs, lossDeviation, peers }: Row): string[] {
  const mode = compiled === undefined ? '' : compiled ? ' compiled' : ' plain'
  const deviation = lossDeviation === undefined ? '-' : lossDeviation.toExponential(1)
  return [name + mode, ...[ms, minMs, floorMs, gflops, firstMs].map(number), deviation, number(peers?.torch)]
}

const titles = ['name', 'ms', 'min', 'floor', 'gflops', 'first ms', 'loss off', 'torch ms']
const line = ([name, ...rest]: readonly string[]): string =>
  name.padEnd(38) + rest.map((cell) => cell.padStart(10)).join('')

/** Each row as it comes, under a heading for its suite. */
export function tableReport(): Report {
  let suite = ''
  return {
    row: (row) => {
      if (row.suite !== suite) console.log(`\n${row.suite}, ${row.device}, ${row.threads} threads\n${line(titles)}`)
      suite = row.suite
      console.log(line(cells(row)))
    },
    note: (text) => console.log(text),
  }
}
