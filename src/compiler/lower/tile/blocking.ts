// Blocking of a contract: how the BLIS loops cut it, as data. Depends on shape and target only, so results do not depend on threads.
// m n k: extents of the product; mr nr: register tile; kc, mBlock, nBlock: block extents (BLIS, https://doi.org/10.1145/2764454).
import type { Shape } from '../../../base/shape.ts'
import { sizeOf } from '../../../base/shape.ts'
import type { Node } from '../../../graph/node.ts'
import type { Target, TileShape } from '../../target.ts'

/** One side of the product: its extents, and the axis cut into `outer` runs of `inner` so that index maps stay affine inside a run. */
export interface Side {
  readonly shape: Shape
  readonly size: number
  readonly outer: number
  readonly inner: number
}

export interface Blocking {
  readonly batch: Shape
  readonly m: Side
  readonly n: Side
  readonly k: Side
  readonly mr: number
  readonly nr: number
  /** block extents in runs of the side's `inner` */
  readonly mRuns: number
  readonly nRuns: number
  readonly kRuns: number
  readonly mBlocks: number
  readonly nBlocks: number
  readonly kBlocks: number
  /** parts of k that different tasks compute, in whole k blocks; partial results are added in order */
  readonly splits: number
  /** operands that several tasks would pack again: packed once, before the tasks */
  readonly shared: { readonly a: boolean; readonly b: boolean }
}

const maximumSplits = 16
/** Flops worth a task of their own. */
const taskFlops = 1 << 20
const wantedTasks = 8

const side = (shape: Shape, inner: number): Side => ({
  shape,
  size: sizeOf(shape),
  outer: sizeOf(shape) / inner,
  inner,
})

/** The innermost extents whose product stays at most `limit`. */
function innerRun(shape: Shape, limit: number): number {
  let run = 1
  for (let axis = shape.length - 1; axis > 0 && run * shape[axis] <= limit; axis--) run *= shape[axis]
  return run
}

/** `kRun` cuts k where its own shape does not. */
export function chooseBlocking(
  contract: Extract<Node, { readonly op: 'contract' }>,
  target: Target,
  kRun?: number,
): Blocking {
  const { batch, contracted } = contract.attrs
  const [a, b] = contract.inputs
  const split = a.shape.length - contracted
  const m = side(a.shape.slice(batch, split), 1)
  const nShape = b.shape.slice(batch, b.shape.length - contracted)
  const n = side(nShape, nShape.length > 1 ? innerRun(nShape, 128) : 1)
  const kShape = a.shape.slice(split)
  const k = side(kShape, kRun ?? innerRun(kShape, 128))
  const { mr, nr } = chooseTile(m.size, n.size, target.tiles[contract.dtype === 'float64' ? 'float64' : 'float32']!)
  const bytes = contract.dtype === 'float64' ? 8 : 4
  const kRuns = runsFor(Math.floor(target.l1 / 2 / bytes / nr), k)
  const blockElements = target.l2 / 4 / bytes
  const nRuns = runsFor(Math.max(nr, Math.min(256, Math.floor(blockElements / (kRuns * k.inner)))), n, nr)
  const mRuns = runsFor(Math.max(mr, Math.min(240, Math.floor(blockElements / (nRuns * n.inner)))), m, mr)
  const chosen = { batch: a.shape.slice(0, batch), m, n, k, mr, nr, kRuns, mRuns, nRuns }
  return withTasks(chosen)
}

/** The tile that multiplies the product, filled up to whole tiles, in the least time; of equals the first. */
export function chooseTile(m: number, n: number, tiles: readonly TileShape[]): TileShape {
  const filled = (size: number, unit: number) => Math.ceil(size / unit) * unit
  const cycles = ({ mr, nr, rate }: TileShape) => (filled(m, mr) * filled(n, nr)) / rate
  return tiles.reduce((best, tile) => (cycles(tile) < cycles(best) ? tile : best))
}

/** Runs per block near `elements`: all of them when they fit, else even blocks, and whole register tiles for runs of one. */
function runsFor(elements: number, { outer, inner }: Side, unit = 1): number {
  const most = Math.max(1, Math.floor(elements / inner))
  if (outer <= most) return outer
  const even = Math.ceil(outer / Math.ceil(outer / most))
  return inner === 1 ? Math.min(outer, Math.ceil(even / unit) * unit) : even
}

type Cut = Omit<Blocking, 'mBlocks' | 'nBlocks' | 'kBlocks' | 'splits' | 'shared'>

/** Cuts blocks further, then k, until there is work for several participants. */
function withTasks(cut: Cut): Blocking {
  const flops = 2 * cut.m.size * cut.n.size * cut.k.size * sizeOf(cut.batch)
  const wanted = Math.min(wantedTasks, Math.max(1, Math.floor(flops / taskFlops)))
  let { mRuns, nRuns } = cut
  const blocks = () => sizeOf(cut.batch) * Math.ceil(cut.m.outer / mRuns) * Math.ceil(cut.n.outer / nRuns)
  const kBlocks = Math.ceil(cut.k.outer / cut.kRuns)
  // when k is the long side its parts are tasks: blocks stay whole, and nothing is packed twice
  const splits = kBlocks > 8 && blocks() < wanted ? evenSplits(kBlocks, Math.ceil(wanted / blocks())) : 1
  while (splits === 1 && blocks() < wanted) {
    const mHalf = halve(mRuns, cut.m, cut.mr * 4)
    const nHalf = halve(nRuns, cut.n, cut.nr * 2)
    if (mHalf < mRuns && (cut.m.size * mRuns >= cut.n.size * nRuns || nHalf === nRuns)) mRuns = mHalf
    else if (nHalf < nRuns) nRuns = nHalf
    else break
  }
  const mBlocks = Math.ceil(cut.m.outer / mRuns)
  const nBlocks = Math.ceil(cut.n.outer / nRuns)
  return { ...cut, mRuns, nRuns, mBlocks, nBlocks, kBlocks, splits, shared: sharedSides(cut, mBlocks, nBlocks) }
}

/** At most `wanted` parts of whole k blocks, none of them empty. */
const evenSplits = (kBlocks: number, wanted: number): number =>
  Math.ceil(kBlocks / Math.ceil(kBlocks / Math.min(maximumSplits, kBlocks, wanted)))

/** Half the runs, in whole register tiles where runs are single elements; unchanged when a block would become too small. */
function halve(runs: number, { inner }: Side, least: number): number {
  const unit = inner === 1 ? least : 1
  const half = Math.ceil(runs / 2 / unit) * unit
  return half < runs && half * inner >= least ? half : runs
}

/** Packed copies larger than this cost more memory traffic than packing again inside the cache. */
const sharedElements = 8 << 20

function sharedSides({ batch, m, n, k }: Cut, mBlocks: number, nBlocks: number): Blocking['shared'] {
  const fits = (side: Side): boolean => sizeOf(batch) * side.size * k.size <= sharedElements
  return { a: nBlocks > 1 && fits(m), b: mBlocks > 1 && fits(n) }
}
