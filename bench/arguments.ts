// The command line of the benchmarks: words in, options out, or a sentence that says what was wrong.
import { parseArgs } from 'node:util'
import { type PeerName, peerNames } from './peers.ts'
import { type SuiteName, suiteNames } from './suites.ts'

export interface Options {
  readonly suites: readonly SuiteName[]
  readonly device: string
  readonly threads: number
  /** time spent on each measurement */
  readonly seconds: number
  /** part of the names to run */
  readonly only: string
  readonly json: boolean
  /** the peers asked for; those that are quick to start, if left out */
  readonly peers?: readonly PeerName[]
}

export const helpText = `npm run bench -- [options]: times Tensorloom, and beside it each peer that is installed (bench/peers/README.md).

  --suite NAME        what to time, as often as you like: ${suiteNames.join(', ')} (all)
  --device NAME       where to compute (native)
  --threads N         threads to compute with (1)
  --seconds S         time for each measurement (1)
  --only TEXT         names that contain this
  --peers A,B         peers to time, of ${peerNames.join(', ')}; 'none' for none (all but torchCompile, which is slow to start)
  --json              one JSON object a line, {suite, name, device, threads, ms, minMs, gflops, gbs, floorMs, peers, …}, instead of a table
  --help              this text
`

const flags = {
  suite: { type: 'string', multiple: true },
  device: { type: 'string', default: 'native' },
  threads: { type: 'string', default: '1' },
  seconds: { type: 'string', default: '1' },
  only: { type: 'string', default: '' },
  json: { type: 'boolean', default: false },
  peers: { type: 'string' },
  help: { type: 'boolean', default: false },
} as const

/** undefined when help was asked for. */
export function readArguments(words: readonly string[]): Options | undefined {
  const { values } = parseArgs({ args: [...words], options: flags })
  if (values.help) return undefined
  const { suite, device, only, json } = values
  const suites = (suite ?? suiteNames).map((wanted) => oneOf('--suite', suiteNames, wanted))
  const peers = values.peers === 'none' ? [] : values.peers?.split(',').map((name) => oneOf('--peers', peerNames, name))
  const threads = Number(values.threads)
  if (!Number.isInteger(threads) || threads < 1)
    throw new Error(`--threads: expected a whole number from 1, got '${values.threads}'.`)
  const seconds = Number(values.seconds)
  if (!(seconds > 0)) throw new Error(`--seconds: expected a positive number, got '${values.seconds}'.`)
  return { suites, device, threads, seconds, only, json, ...(peers && { peers }) }
}

function oneOf<T extends string>(flag: string, names: readonly T[], wanted: string): T {
  const known = names.find((name) => name === wanted)
  if (!known) throw new Error(`${flag}: expected one of ${names.join(', ')}, got '${wanted}'.`)
  return known
}
