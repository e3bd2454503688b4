// What the parts of a tile lowering share: the contract, its blocking and axes, and the layout of packed blocks.
import { bytesOf } from '../../../base/dtype.ts'
import type { Target } from '../../target.ts'
import type { Lowering } from '../lowered-kernel.ts'
import { type Blocking, columnsIn } from './blocking.ts'
import type { Factors } from './factors.ts'
import type { Layout } from './layout.ts'
import type { ContractNode, TileAxes } from './tile-axes.ts'

export interface TileContext {
  readonly lowering: Lowering
  readonly target: Target
  readonly contract: ContractNode
  readonly factors: Factors
  readonly blocking: Blocking
  readonly axes: TileAxes
  /** the dtype in which products are summed */
  readonly dtype: 'float32' | 'float64'
  /** k in one block, at most */
  readonly depth: number
  readonly layout: Layout
  /** whether the left operand is packed row by row, k contiguous as in its source, rather than in panels of mr rows */
  readonly packsRows: boolean
  /** elements from one row to the next, and from one k to the next, as the microkernel reads the left operand */
  readonly aRow: number
  readonly aStride: number
  /** elements from one k to the next of the right operand, or from one run of k to the next of windows */
  readonly bStride: number
  /** where taps of windows lie in a run of k */
  readonly bTaps: readonly number[] | undefined
  /** elements from one row to the next of results */
  readonly cStride: number
  /** elements of a packed block of each operand */
  readonly aBlock: number
  readonly bBlock: number
}

const lineBytes = 64
/** Rows that are a multiple of this apart meet in few sets of the cache. */
const meetingBytes = 1024

/** Lines of a row up to which a panel's part of all rows still spreads over enough sets of the cache. */
const fewLines = 4

/** Whole units, of long rows over an odd number of cache lines, so that rows spread over all sets of the cache. */
function paddedStride(elements: number, unit: number, bytes: number): number {
  const whole = Math.ceil(elements / unit) * unit
  const lines = Math.ceil((whole * bytes) / lineBytes)
  return ((lines > fewLines && lines % 2 === 0 ? lines + 1 : lines) * lineBytes) / bytes
}

type Basis = Pick<
  TileContext,
  'lowering' | 'target' | 'contract' | 'factors' | 'blocking' | 'axes' | 'layout' | 'packsRows'
>

export function makeContext(basis: Basis): TileContext {
  const { contract, blocking, layout, packsRows } = basis
  const dtype = contract.dtype === 'float64' ? 'float64' : 'float32'
  const bytes = bytesOf(dtype)
  const { mr, nr, mRuns, nRuns, kRuns, n, k, inPlace, direct, windows } = blocking
  const depth = kRuns * k.inner
  const columns = paddedStride(columnsIn(n, nRuns), nr, bytes)
  // tiles that are filled up read beyond the last row
  const phase = windows ? (nRuns + windows.reach) * windows.pitch : 0
  const image = windows && paddedStride(windows.phases.length * phase + nr, nr, bytes)
  const bStride = image ?? (inPlace.b ? layout.b!.depth.stride : columns)
  const rowStride = (depth * bytes) % meetingBytes === 0 ? depth + lineBytes / bytes : depth
  const rows = Math.ceil(mRuns / mr) * mr
  const packedA = packsRows ? { aRow: rowStride, aStride: 1 } : { aRow: 1, aStride: mr }
  const placedA = inPlace.a && { aRow: layout.a!.side.stride, aStride: layout.a!.depth.stride }
  return {
    ...basis,
    dtype,
    depth,
    ...(placedA || packedA),
    bStride,
    bTaps: windows?.taps.map((tap) => tap.phase * phase + tap.place),
    cStride: direct ? layout.c!.rows.stride : columns,
    aBlock: rows * (packsRows ? rowStride : depth),
    bBlock: (image === undefined ? depth : kRuns) * bStride,
  }
}
