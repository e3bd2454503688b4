// The command line of the benchmarks: words in, options out, or a sentence that says what was wrong.
import { parseArgs } from 'node:util'

export const suiteNames = ['gemm', 'train'] as const
export type SuiteName = (typeof suiteNames)[number]

export interface Options {
  readonly suites: readonly SuiteName[]
  readonly device: string
  readonly threads: number
  /** time spent on each measurement */
  readonly seconds: number
  /** part of the names to run */
  readonly only: string
  readonly json: boolean
}

export const helpText = `npm run bench -- [options]: times Tensorloom, and PyTorch beside it where TENSORLOOM_PEER_PYTHON names a Python that has it.

  --suite ${suiteNames.join('|')}  what to time (all)
  --device NAME       where to compute (native)
  --threads N         threads to compute with (1)
  --seconds S         time for each measurement (1)
  --only TEXT         names that contain this
  --json              one JSON object a line, {suite, name, device, threads, ms, minMs, floorMs, …}, instead of a table
  --help              this text
`

const flags = {
  suite: { type: 'string', multiple: true },
  device: { type: 'string', default: 'native' },
  threads: { type: 'string', default: '1' },
  seconds: { type: 'string', default: '1' },
  only: { type: 'string', default: '' },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const

/** undefined when help was asked for. */
export function readArguments(words: readonly string[]): Options | undefined {
  const { values } = parseArgs({ args: [...words], options: flags })
  if (values.help) return undefined
  const { suite, device, only, json } = values
  const suites = (suite ?? suiteNames).map((wanted) => {
    const known = suiteNames.find((name) => name === wanted)
    if (!known) throw new Error(`--suite: expected one of ${suiteNames.join(', ')}, got '${wanted}'.`)
    return known
  })
  const threads = Number(values.threads)
  if (!Number.isInteger(threads) || threads < 1)
    throw new Error(`--threads: expected a whole number from 1, got '${values.threads}'.`)
  const seconds = Number(values.seconds)
  if (!(seconds > 0)) throw new Error(`--seconds: expected a positive number, got '${values.seconds}'.`)
  return { suites, device, threads, seconds, only, json }
}
