// TENSORLOOM_DEBUG: which stages of each program are printed to standard error as it is compiled, comma-separated:
// graph, simplify, schedule, lower, optimize, memory, emit, or all. `retrace` is read by `compile`.
import { ArgumentError } from '../base/errors.ts'
import type { Program } from './device.ts'

const stageWords = ['graph', 'simplify', 'schedule', 'lower', 'optimize', 'memory', 'emit', 'all']
const otherWords = ['retrace']

/** The words of TENSORLOOM_DEBUG; none in a browser. */
export function debugWords(): readonly string[] {
  const { process } = globalThis as { process?: { env?: Record<string, string | undefined> } }
  const words = (process?.env?.TENSORLOOM_DEBUG ?? '').split(',').filter((word) => word !== '')
  const known = [...stageWords, ...otherWords]
  const unknown = words.find((word) => !known.includes(word))
  if (unknown !== undefined)
    throw new ArgumentError(`TENSORLOOM_DEBUG: expected any of ${known.join(', ')}, got '${unknown}'.`, { unknown })
  return words
}

let programs = 0

/** Prints the stages of a new program that are asked for and that its device has. */
export function printStages(device: string, program: Program): void {
  const words = debugWords()
  if (words.length === 0) return
  const number = ++programs
  for (const stage of program.stages)
    if (words.includes('all') || words.includes(stage))
      console.error(`--- ${device} program ${number}: ${stage}\n${program.print(stage)}`)
}
