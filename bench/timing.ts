// A piece of work in, the times of many runs of it out, and their median and least.

/** What was measured in a stretch of runs; peers answer with the same. */
export interface Sample {
  /** milliseconds of each run */
  readonly times: readonly number[]
  /** the most memory that their process needed */
  readonly peakMiB?: number
}

/** Measures for so many seconds. */
export type Sampler = (seconds: number) => Promise<Sample>

const fewestRuns = 2
const firstWarmUps = 3

/** Times `run` by itself; the first runs, which compile, and one after each pause are left out. */
export function repeated(run: () => unknown): Sampler {
  let warmUps = firstWarmUps
  return async (seconds) => {
    for (; warmUps > 0; warmUps--) await run()
    warmUps = 1
    const times: number[] = []
    const end = performance.now() + seconds * 1000
    while (performance.now() < end || times.length < fewestRuns) {
      const start = performance.now()
      await run()
      times.push(performance.now() - start)
    }
    return { times }
  }
}

export interface Summary {
  /** median */
  readonly ms: number
  readonly minMs: number
  readonly peakMiB?: number
}

export function summarize(samples: readonly Sample[]): Summary {
  const sorted = samples.flatMap(({ times }) => times).sort((a, b) => a - b)
  const peaks = samples.flatMap(({ peakMiB }) => peakMiB ?? [])
  return {
    ms: round(sorted[sorted.length >> 1]),
    minMs: round(sorted[0]),
    ...(peaks.length > 0 && { peakMiB: Math.max(...peaks) }),
  }
}

export const geometricMean = (values: readonly number[]): number =>
  Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length)

/** Four significant digits: more would be noise. */
export const round = (value: number): number => Number(value.toPrecision(4))
