// Chooses the register tile of a product: of the target's shapes, at any number of rows up to theirs, the one that takes the least time.
import type { TileShape } from '../../target.ts'

export interface TileExtents {
  readonly rows: number
  readonly columns: number
  /** k of one turn of the microkernel */
  readonly depth: number
  /** whether columns left over have tiles of their own size, as rows do, rather than being filled up to whole ones */
  readonly exactColumns: boolean
}

/** Sums in flight that keep the multipliers busy: two units of latency four. */
const fewestSums = 8
/** Multiply-adds of a vector that could be done while a tile starts, and while one of its sums is loaded and stored. */
const startCost = 40
const sumCost = 1.5
/** What a tile of its own for rows or columns left over must gain: it is more code to make and to fetch. */
const variantCost = 1.01

/** Pieces of `size`: whole ones of `unit`, and what is left over. */
function pieces(size: number, unit: number, exact: boolean): readonly (readonly [number, number])[] {
  if (!exact || size % unit === 0) return [[Math.ceil(size / unit), unit]]
  const rest = [1, size % unit] as const
  return size < unit ? [rest] : [[Math.floor(size / unit), unit], rest]
}

/** Time of a product in flops at the tile's best rate. */
function costOf({ mr, nr, lanes, rate }: TileShape, extents: TileExtents): number {
  const { rows, columns, depth, exactColumns } = extents
  const across = pieces(columns, nr, exactColumns)
  const down = pieces(rows, mr, true)
  let cost = 0
  for (const [times, height] of down)
    for (const [often, width] of across) {
      const sums = height * Math.ceil(width / lanes)
      cost += times * often * (Math.max(sums, fewestSums) * depth + startCost + sums * sumCost)
    }
  return (cost * lanes * variantCost ** (down.length + across.length)) / rate
}

/** The shapes of `tiles` with fewer rows, too. */
const candidatesOf = (tiles: readonly TileShape[]): TileShape[] =>
  tiles.flatMap((tile) => Array.from({ length: tile.mr }, (_, less) => ({ ...tile, mr: tile.mr - less })))

/** Of equals the first. */
export function chooseTile(tiles: readonly TileShape[], extents: TileExtents): TileShape {
  let [best, bestCost] = [tiles[0], Number.POSITIVE_INFINITY]
  for (const tile of candidatesOf(tiles)) {
    const cost = costOf(tile, extents)
    if (cost < bestCost) [best, bestCost] = [tile, cost]
  }
  return best
}

/** The tile that multiplies a product, filled up to whole tiles of one shape, in the least time; of equals the first. */
export function chooseFilledTile(rows: number, columns: number, tiles: readonly TileShape[]): TileShape {
  const filled = (size: number, unit: number) => Math.ceil(size / unit) * unit
  const cycles = ({ mr, nr, rate }: TileShape) => (filled(rows, mr) * filled(columns, nr)) / rate
  return tiles.reduce((best, tile) => (cycles(tile) < cycles(best) ? tile : best))
}
