// A suite in, a row for each of its cases out: we and each peer take turns, so that all see the same weather; then geometric means of
// the ratios.
import { setTimeout } from 'node:timers/promises'
import type { Options } from './arguments.ts'
import type { Peer } from './peers.ts'
import type { Report, Row } from './report.ts'
import type { Case } from './suite.ts'
import type { SuiteName } from './suites.ts'
import { geometricMean, round, type Sample, type Summary, summarize } from './timing.ts'

export interface Surroundings {
  readonly options: Options
  readonly report: Report
  readonly peers: readonly Peer[]
  /** least milliseconds that this machine needs for so many flops and bytes of compulsory traffic */
  readonly floorOf: (flops: number, bytes: number) => number | null
}

const turns = 3
/** Milliseconds after which the idle threads of whoever was measured have stopped spinning. */
const quiet = 20

/** A group of more cases than this ends with the names of the worst. */
const longList = 20
const worstShown = 10

/** Resolves to complaints: cases that failed, or whose results are wrong. A case that cannot run must not keep the others from it. */
export async function compare(suite: SuiteName, cases: readonly Case[], surroundings: Surroundings): Promise<string[]> {
  const { options, report } = surroundings
  const complaints: string[] = []
  const groups = new Map<string, Row[]>()
  for (const each of cases.filter(({ name }) => name.includes(options.only)))
    try {
      const { row, complaint } = await measure(suite, each, surroundings)
      report.row(row)
      const group = each.group ?? suite
      groups.set(group, [...(groups.get(group) ?? []), row])
      if (complaint) complaints.push(`${each.name}: ${complaint}`)
    } catch (error) {
      complaints.push(`${each.name}: ${(error as Error).message}`)
    }
  for (const [group, rows] of groups) for (const line of closingLines(group, rows)) report.note(line)
  return complaints
}

async function measure(suite: SuiteName, each: Case, { options, peers, floorOf }: Surroundings) {
  const { sample, extras, complaint, resultBytes = 0 } = await each.ours()
  const bytes = each.bytes + resultBytes
  const ours: Sample[] = []
  const answers = peers.map(({ name }) => ({ name, samples: [] as Sample[] }))
  for (let turn = 0; turn < turns; turn++) {
    ours.push(await sample(options.seconds / turns))
    for (const [i, peer] of peers.entries()) {
      const answer = await peer.sample(suite, each, options.seconds / turns)
      if (answer) answers[i].samples.push(answer)
      await setTimeout(quiet)
    }
  }
  const { peakMiB, ...timing } = summarize(ours)
  const theirs = answers
    .filter(({ samples }) => samples.length > 0)
    .map(({ name, samples }) => [name, summarize(samples)] as const)
  const rate = (amount: number): number | null => (amount > 0 ? round(amount / timing.ms / 1e6) : null)
  const of = <K extends keyof Summary>(key: K) =>
    Object.fromEntries(theirs.map(([name, summary]) => [name, summary[key]]))
  const row: Row = {
    suite,
    name: each.name,
    device: options.device,
    threads: options.threads,
    ...timing,
    gflops: rate(each.flops),
    gbs: rate(bytes),
    floorMs: each.flops + bytes > 0 ? floorOf(each.flops, bytes) : null,
    peers: of('ms'),
    minPeers: of('minMs'),
    ...extras,
    ...(peakMiB && { peakMiB, peakMiBPeers: of('peakMiB') }),
  }
  return { row, complaint }
}

/** How much longer each peer takes over all cases that it knows, and those of a long list where it does best. */
function closingLines(group: string, rows: readonly Row[]): string[] {
  const names = [...new Set(rows.flatMap(({ peers }) => Object.keys(peers)))]
  return names.flatMap((name) => {
    const ratios = rows.filter(({ peers }) => name in peers).map((row) => ratioOf(row, name))
    const medians = geometricMean(ratios.map(({ median }) => median)).toFixed(3)
    const minima = geometricMean(ratios.map(({ least }) => least)).toFixed(3)
    const count = ratios.length === 1 ? 'one case' : `${ratios.length} cases`
    const mean = `${group}: geometric mean of ${name} / ours, ${count}: ${medians} (medians), ${minima} (minima)`
    if (ratios.length <= longList) return [mean]
    const worst = ratios.sort((a, b) => a.median - b.median).slice(0, worstShown)
    return [
      mean,
      `${group}: lowest ${name} / ours: ${worst.map((each) => `${each.name} ${each.median.toFixed(2)}`).join(', ')}`,
    ]
  })
}

/** How many times ours a peer's time is; its peak of memory, where that is what was measured. */
function ratioOf({ name, ms, minMs, peers, minPeers, peakMiB, peakMiBPeers }: Row, peer: string) {
  const peak = peakMiB && (peakMiBPeers?.[peer] ?? Number.NaN) / peakMiB
  return { name, median: peak ?? peers[peer] / ms, least: peak ?? minPeers[peer] / minMs }
}
