// Blocking of a contract: how the BLIS loops cut it, as data. Depends on shape and target only; k's cuts, which decide in what order sums are
// formed, do not even depend on the number of threads, so that results are the same for any.
// m n k: extents of the product; mr nr: register tile; kc, mBlock, nBlock: block extents (BLIS, https://doi.org/10.1145/2764454).
import type { Shape } from '../../../base/shape.ts'
import { sizeOf } from '../../../base/shape.ts'
import type { Node } from '../../../graph/node.ts'
import type { Target, TileShape } from '../../target.ts'
import { chooseTile } from './choose-tile.ts'
import type { Factors } from './factors.ts'
import type { Layout } from './layout.ts'
import type { Walk } from './placement.ts'
import type { Windows } from './windows.ts'

/**
 * One side of the product: its extents, and the axis cut into `outer` runs of `inner` so that index maps stay affine inside a run. Columns
 * whose positions break at long distances are `slabs` of that many, multiplied one by one as batches are.
 */
export interface Side {
  readonly shape: Shape
  readonly slabs: number
  /** of one slab, as are the runs */
  readonly size: number
  readonly outer: number
  readonly inner: number
  /** from one run to the next in a block, where there may be gaps */
  readonly pitch: number
}

/** Columns of a block of so many runs, gaps between them counted. */
export const columnsIn = ({ inner, pitch }: Side, runs: number): number => (runs - 1) * pitch + inner

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
  /** column blocks that one task works through, for each block of k */
  readonly nBlocksPerTask: number
  /** parts of k that different tasks compute, in whole k blocks; partial results are added in order */
  readonly splits: number
  /** operands that several tasks would pack again: packed once, before the tasks */
  readonly shared: { readonly a: boolean; readonly b: boolean }
  /** operands that the microkernel reads where they are */
  readonly inPlace: { readonly a: boolean; readonly b: boolean }
  /** the microkernel writes results where they belong; else a block of them is finished in scratch and then stored */
  readonly direct: boolean
  /** columns that are read as windows of a copied image */
  readonly windows: Windows | undefined
}

const maximumSplits = 16
/** Flops worth a task of their own. */
const taskFlops = 1 << 20
const wantedTasks = 8
/** A column panel of b, as deep as a block of k, takes at most this part of the first cache; blocks of a this part of the second. */
const panelShare = 1 / 2
const blockShare = 1 / 4
/** About a cache line. */
const lineElements = 16
/** Columns of a block of b: its rows then fill few pages. */
const longestColumns = 256
/** The most columns in one run that a task writes directly. */
const longestRun = 512
/** The most rows of a block of results that is finished in scratch. */
const mostRows = 512

const side = (shape: Shape, inner: number, size = sizeOf(shape), pitch = inner): Side => ({
  shape,
  slabs: sizeOf(shape) / size,
  size,
  outer: size / inner,
  inner,
  pitch,
})

/** The innermost extents whose product stays at most `limit`. */
function innerRun(shape: Shape, limit: number): number {
  let run = 1
  for (let axis = shape.length - 1; axis > 0 && run * shape[axis] <= limit; axis--) run *= shape[axis]
  return run
}

/** The most elements of an inner run. */
export const longestInner = 128

type Contract = Extract<Node, { readonly op: 'contract' }>

/** What is known before blocks are cut. */
interface Extents {
  readonly batch: Shape
  readonly m: Side
  readonly n: Side
  readonly k: Side
  readonly kRuns: number
  readonly kBlocks: number
  readonly bytes: number
  readonly layout: Layout
  readonly target: Target
  readonly tiles: readonly TileShape[]
  readonly windows: Windows | undefined
}

/** `runs` cut k and n where their own shapes do not. */
export function chooseBlocking(
  contract: Contract,
  { left: a, right: b }: Factors,
  target: Target,
  layout: Layout,
  runs: { readonly k?: number; readonly n?: number } = {},
  windows?: Windows,
): Blocking {
  const { batch, contracted } = contract.attrs
  const split = a.shape.length - contracted
  const m = side(a.shape.slice(batch, split), 1)
  const nShape = b.shape.slice(batch, b.shape.length - contracted)
  const n = sideOfColumns(nShape, runs.n, windows)
  const kShape = a.shape.slice(split)
  const k = side(kShape, windows?.taps.length ?? runs.k ?? innerRun(kShape, longestInner))
  const sums = contract.dtype === 'float64' ? 'float64' : 'float32'
  const bytes = sums === 'float64' ? 8 : 4
  const tiles = target.tiles[sums]!
  const widest = Math.max(...tiles.map(({ nr }) => nr))
  const panel = (target.l1 * panelShare) / bytes
  const kRuns = runsFor(
    windows ? Math.floor(panel / panelElements(windows, widest)) * k.inner : Math.floor(panel / widest),
    k,
  )
  const kBlocks = Math.ceil(k.outer / kRuns)
  return cutBlocks({ batch: a.shape.slice(0, batch), m, n, k, kRuns, kBlocks, bytes, layout, target, tiles, windows })
}

function sideOfColumns(shape: Shape, run: number | undefined, windows: Windows | undefined): Side {
  if (windows) return side(shape, windows.columns, windows.rows * windows.columns, windows.pitch)
  return run ? side(shape, 1, run) : side(shape, shape.length > 1 ? innerRun(shape, longestInner) : 1)
}

/** Elements of a copied image in the lines that a tile of `nr` columns reads for the taps of one run of k. */
const panelElements = ({ columns, pitch, reach, phases }: Windows, nr: number): number =>
  phases.length * (reach + 1) * (nr + pitch - columns + lineElements)

/** Runs per block near `elements`: all of them when they fit, else even blocks, and whole register tiles for runs of one. */
function runsFor(elements: number, { outer, inner }: Side, unit = 1): number {
  const most = Math.max(1, Math.floor(elements / inner))
  if (outer <= most) return outer
  const even = Math.ceil(outer / Math.ceil(outer / most))
  return inner === 1 ? Math.min(outer, Math.ceil(even / unit) * unit) : even
}

function cutBlocks(extents: Extents): Blocking {
  const { batch, m, n, k, kRuns, kBlocks, bytes, target, windows } = extents
  const depth = kRuns * k.inner
  const inPlaceA = readsLeftInPlace(extents)
  const splits = windows ? 1 : chooseSplits(extents)
  const runs = splits === 1 && !windows ? exactRuns(extents) : undefined
  const direct = runs !== undefined && storesDirectly(extents, runs)
  const inPlaceB = runs !== undefined && readsRightInPlace(extents, runs)
  const exactColumns = direct || inPlaceB
  const hasRuns = exactColumns && n.inner > 1
  const { mr, nr } = chooseTile(extents.tiles, {
    rows: m.size,
    columns: hasRuns ? runs * n.inner : n.size,
    depth,
    exactColumns,
  })
  const blockElements = (target.l2 * blockShare) / bytes
  const nMost = Math.max(nr, Math.min(longestColumns, Math.floor(blockElements / depth)))
  // blocks whose columns have places of their own are alike, or whole tiles: rows of several columns are neither when cut elsewhere
  const nRuns = hasRuns ? runs : (windows?.blockRows ?? runsFor(nMost, n, nr))
  const mMost = direct ? blockElements / depth : Math.min(mostRows, (2 * blockElements) / (nRuns * n.inner))
  const mRuns = runsFor(Math.max(mr, Math.floor(mMost)), m, mr)
  const inPlace = { a: inPlaceA, b: inPlaceB }
  const cut = { batch, m, n, k, mr, nr, kRuns, mRuns, nRuns, kBlocks, splits, inPlace, direct, windows }
  return dealTasks(cut, exactColumns, target)
}

/** Parts of k as tasks, when k is the long side: blocks of results stay whole, and nothing is packed twice. */
function chooseSplits({ batch, m, n, kBlocks, k }: Extents): number {
  if (kBlocks <= 8) return 1
  const blocks = sizeOf(batch) * n.slabs * Math.ceil(m.size / 240) * Math.ceil(n.size / longestColumns)
  const wanted = tasksFor(2 * m.size * n.size * k.size * n.slabs * sizeOf(batch))
  return blocks < wanted ? evenSplits(kBlocks, Math.ceil(wanted / blocks)) : 1
}

const tasksFor = (flops: number): number => Math.min(wantedTasks, Math.max(1, Math.floor(flops / taskFlops)))

/** At most `wanted` parts of whole k blocks, none of them empty. */
const evenSplits = (kBlocks: number, wanted: number): number =>
  Math.ceil(kBlocks / Math.ceil(kBlocks / Math.min(maximumSplits, kBlocks, wanted)))

// --- in place ------------------------------------------------------------------------------------------------------------------------

/** Bytes after which addresses share a set of the first cache, and a page. */
const wayBytes = 4096
/** Pages that may be read in turn without losing sight of any. */
const fewPages = 64
/** Rows or columns that a packed operand must serve to be worth its copy. */
const worthPacking = 256

/** Whether a block of k, `depth` at most, is walked evenly. */
const isEven = ({ run }: Walk, { k, kRuns }: Extents): boolean => run === k.size || run % (kRuns * k.inner) === 0

/** Rows of a, or columns for a transposed one, are broadcast from where they are, unless all rows of a tile fall into one set of the cache. */
function readsLeftInPlace(extents: Extents): boolean {
  const { m, n, bytes, layout } = extents
  if (!layout.a) return false
  const { side: rows, depth } = layout.a
  if (rows.run !== m.size || !isEven(depth, extents)) return false
  const meets = (stride: number): boolean => (stride * bytes) % wayBytes === 0
  if (depth.stride === 1) return !meets(rows.stride) || n.size <= worthPacking
  return rows.stride === 1 && n.size <= worthPacking
}

/**
 * Runs of n in a block whose columns are consecutive wherever they are read or written in place, so that each block has the same number of
 * them; all runs when n is consecutive as a whole.
 */
function exactRuns({ n, layout }: Extents): number | undefined {
  const run = Math.min(layout.c?.columns.run ?? n.size, layout.b?.side.run ?? n.size)
  if (n.inner === 1) return run === n.size ? n.outer : undefined
  if (run % n.inner > 0) return undefined
  const most = Math.max(1, Math.floor(longestRun / n.inner))
  for (let runs = Math.min(most, run / n.inner); runs > 1; runs--) if ((run / n.inner) % runs === 0) return runs
  return 1
}

/** Fewer columns than this do not make up for fetching a from beyond the second cache. */
const fewColumns = 128
/** Cycles that finishing a result in scratch and storing it later would take. */
const laterCost = 1.5

/** Whether the microkernel may write results where they belong, and loses less at the ends of runs than the detour would cost. */
function storesDirectly({ m, n, k, layout, tiles, bytes, target }: Extents, runs: number): boolean {
  const { c } = layout
  if (c?.columns.stride !== 1 || c.rows.run !== m.size) return false
  const columns = runs * n.inner
  if (c.columns.run % columns > 0) return false
  // all of a is fetched again for each block
  const isNear = m.size * k.size * bytes <= target.l2 * blockShare
  if (columns < Math.min(n.size, fewColumns) && !isNear) return false
  const { lanes } = tiles[0]
  const idle = (Math.ceil(columns / lanes) * lanes) / columns - 1
  return columns === n.size || (idle * k.size) / (2 * lanes) < laterCost
}

/** Rows of b are read where they are when few rows of a want them, and they lie in few pages. */
function readsRightInPlace(extents: Extents, runs: number): boolean {
  const { m, n, k, kRuns, bytes, layout } = extents
  if (!layout.b) return false
  const { side: columns, depth } = layout.b
  if (columns.stride !== 1 || columns.run % (runs * n.inner) > 0 || !isEven(depth, extents)) return false
  const pages = Math.min(1, (depth.stride * bytes) / wayBytes) * kRuns * k.inner
  return m.size < worthPacking && pages <= fewPages
}

// --- tasks ---------------------------------------------------------------------------------------------------------------------------

type Cut = Omit<Blocking, 'mBlocks' | 'nBlocks' | 'nBlocksPerTask' | 'shared'>

/** Cuts blocks further until there is work for several participants, or gives several column blocks to a task. */
function dealTasks(cut: Cut, exactColumns: boolean, target: Target): Blocking {
  const { batch, m, n, k, mr, nr, inPlace, splits, direct } = cut
  const batches = sizeOf(batch) * n.slabs
  const wanted = splits > 1 ? 1 : tasksFor(2 * m.size * n.size * k.size * batches)
  let deal = countBlocks(cut, cut)
  while (batches * deal.mBlocks * deal.nBlocks < wanted) {
    const halves = [{ ...deal, mRuns: halve(deal.mRuns, deal.mBlocks, m, mr) }]
    if (!exactColumns || n.inner === 1) halves.push({ ...deal, nRuns: halve(deal.nRuns, deal.nBlocks, n, nr) })
    const options = halves
      .map((half) => countBlocks(cut, half))
      .filter(({ mBlocks, nBlocks }) => mBlocks > deal.mBlocks || nBlocks > deal.nBlocks)
    if (options.length === 0) break
    const costs = options.map((option) => costOfDeal(cut, option, target))
    deal = options[costs.indexOf(Math.min(...costs))]
  }
  const { mBlocks, nBlocks } = deal
  const spare = Math.floor((batches * mBlocks * nBlocks) / wanted)
  const nBlocksPerTask = direct && !inPlace.a ? Math.max(1, Math.min(nBlocks, spare)) : 1
  const shared = sharedSides(cut, mBlocks, Math.ceil(nBlocks / nBlocksPerTask), target)
  return { ...cut, ...deal, nBlocksPerTask, shared }
}

/** Blocks of rows and of columns, and how many there are. */
type Deal = Pick<Blocking, 'mRuns' | 'nRuns' | 'mBlocks' | 'nBlocks'>

const countBlocks = ({ m, n }: Cut, { mRuns, nRuns }: Pick<Cut, 'mRuns' | 'nRuns'>): Deal => ({
  mRuns,
  nRuns,
  mBlocks: Math.ceil(m.outer / mRuns),
  nBlocks: Math.ceil(n.outer / nRuns),
})

/** Runs per block for twice as many even blocks, whole register tiles of single elements; unchanged when blocks would become too small. */
function halve(runs: number, blocks: number, { outer, inner }: Side, tile: number): number {
  const unit = inner === 1 ? tile : 1
  const half = Math.ceil(outer / (2 * blocks) / unit) * unit
  return half < runs && half * inner >= 2 * tile ? half : runs
}

/** Cycles to pack an element inside a task's cache, and to write and read it again in memory that tasks share. */
const packingCost = 0.8
const sharingCost = 2.2

/** Cycles of a product that depend on how it is dealt: columns filled up to whole tiles, and packing. */
function costOfDeal(cut: Cut, { nRuns, mBlocks, nBlocks }: Deal, target: Target): number {
  const { m, n, k, nr, inPlace, windows } = cut
  const { rate } = target.tiles.float32![0]
  const panels = (runs: number): number => Math.ceil(columnsIn(n, runs) / nr)
  const filled = nr * ((nBlocks - 1) * panels(nRuns) + panels(n.outer - (nBlocks - 1) * nRuns))
  const shared = sharedSides(cut, mBlocks, nBlocks, target)
  const packing = (isShared: boolean, times: number): number => (isShared ? sharingCost : times * packingCost)
  const a = inPlace.a ? 0 : packing(shared.a, nBlocks * n.slabs) * m.size
  const b = inPlace.b || windows ? 0 : packing(shared.b, mBlocks) * n.size * n.slabs
  return k.size * ((2 * m.size * filled * n.slabs) / rate + a + b)
}

/** Packed once for all tasks is what packing again for each would cost more than the traffic, which is little inside the second cache. */
function sharedSides(
  { batch, m, n, k, inPlace, windows }: Cut,
  mBlocks: number,
  nGroups: number,
  { l2 }: Target,
): Blocking['shared'] {
  const pays = (side: Side, times: number): boolean => {
    const isNear = sizeOf(batch) * side.size * side.slabs * k.size * 4 <= l2 / 2
    return times > 1 && (isNear || times * packingCost > sharingCost)
  }
  return { a: !inPlace.a && pays(m, nGroups * n.slabs), b: !inPlace.b && !windows && pays(n, mBlocks) }
}
