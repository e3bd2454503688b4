// A piece of work in, the median and the least time of many runs of it out.
import { setImmediate as macrotask } from 'node:timers/promises'

const fewestSamples = 5
const warmUps = 3

/** Milliseconds of each run, for `seconds` in all; the first runs, which compile, are left out. */
export async function sample(run: () => unknown, seconds: number): Promise<number[]> {
  for (let i = 0; i < warmUps; i++) await run()
  const times: number[] = []
  const end = performance.now() + seconds * 1000
  while (performance.now() < end || times.length < fewestSamples) {
    const start = performance.now()
    await run()
    times.push(performance.now() - start)
    // finalizers and signals starve in a loop of microtasks; feeding them is the loop's work, not the step's
    await macrotask()
  }
  return times
}

export interface Timing {
  readonly ms: number
  readonly minMs: number
}

export function summarize(times: readonly number[]): Timing {
  const sorted = [...times].sort((a, b) => a - b)
  return { ms: round(sorted[sorted.length >> 1]), minMs: round(sorted[0]) }
}

/** Four significant digits: more would be noise. */
export const round = (value: number): number => Number(value.toPrecision(4))
