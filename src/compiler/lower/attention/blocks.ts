// How attention is cut into blocks of queries and of keys, whose scores stay in the first cache; which register tiles multiply them.
// All of it depends on shape and target only.
import { bytesOf } from '../../../base/dtype.ts'
import type { Target, TileShape } from '../../target.ts'
import { chooseFilledTile } from '../tile/choose-tile.ts'

export interface Extents {
  readonly batch: number
  readonly queries: number
  readonly keys: number
  /** of q and k */
  readonly width: number
  /** of v and the result */
  readonly out: number
}

export interface AttentionBlocks {
  /** queries and keys of a block; keys in whole tiles */
  readonly queries: number
  readonly keys: number
  readonly queryBlocks: number
  readonly keyBlocks: number
  /** tasks that share the query blocks of one batch element: part p takes blocks p, p + parts, … */
  readonly parts: number
  /** for scores (keys by queries), and for results as wide as q and as v; all of one height */
  readonly tiles: { readonly scores: TileShape; readonly width: TileShape; readonly out: TileShape }
  /** elements from one row to the next of a block of scores, of rows as wide as q, and as v */
  readonly strides: { readonly scores: number; readonly width: number; readonly out: number }
}

const mostQueries = 128
const wantedTasks = 8
const lineBytes = 64
/** Blocks, where there are several, hold whole groups of so many queries. */
const step = 8
/** What a block costs besides its rows and columns, in rows. */
const blockOverhead = 8

export const roundUp = (value: number, unit: number): number => Math.ceil(value / unit) * unit

export function chooseBlocks(extents: Extents, target: Target, dtype: 'float32' | 'float64'): AttentionBlocks {
  const tiles = target.tiles[dtype]!
  const scores = chooseFilledTile(extents.keys, extents.queries, tiles)
  const alike = tiles.filter((tile) => tile.mr === scores.mr)
  const width = chooseFilledTile(extents.queries, extents.width, alike)
  const out = chooseFilledTile(extents.queries, extents.out, alike)
  const cached = (target.l1 * 2) / 3 / bytesOf(dtype)
  const queries = chooseQueries(extents.queries, scores, Math.min(mostQueries, Math.floor(cached / scores.mr)))
  const keys = Math.max(1, Math.floor(cached / queries / scores.mr)) * scores.mr
  const even = roundUp(Math.ceil(extents.keys / Math.ceil(extents.keys / keys)), scores.mr)
  const queryBlocks = Math.ceil(extents.queries / queries)
  return {
    queries,
    keys: even,
    queryBlocks,
    keyBlocks: Math.ceil(extents.keys / even),
    parts: Math.min(queryBlocks, Math.ceil(wantedTasks / extents.batch)),
    tiles: { scores, width, out },
    strides: {
      scores: oddLines(Math.max(roundUp(queries, scores.nr), roundUp(queries, scores.mr)), bytesOf(dtype)),
      width: roundUp(extents.width, width.nr),
      out: roundUp(extents.out, out.nr),
    },
  }
}

/** Queries are columns of scores and rows of results: the size whose blocks fill both kinds of tiles best. */
function chooseQueries(extent: number, { mr, nr }: TileShape, most: number): number {
  const filled = (size: number) => roundUp(size, nr) + roundUp(size, mr)
  const costOf = (size: number) => {
    const rest = extent % size
    return Math.floor(extent / size) * (filled(size) + blockOverhead) + (rest > 0 ? filled(rest) + blockOverhead : 0)
  }
  const largest = Math.max(step, Math.floor(most / step) * step)
  let best = Math.min(extent, largest)
  for (let size = largest; size >= nr; size -= step) if (size < best && costOf(size) < costOf(best)) best = size
  return best
}

/** Over an odd number of cache lines, rows spread over all sets of the cache. */
function oddLines(elements: number, bytes: number): number {
  const lines = Math.ceil((elements * bytes) / lineBytes)
  return ((lines % 2 === 0 ? lines + 1 : lines) * lineBytes) / bytes
}
