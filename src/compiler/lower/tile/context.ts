// What the parts of a tile lowering share: the contract, its blocking and axes, and the layout of packed blocks.
import { bytesOf } from '../../../base/dtype.ts'
import type { Target } from '../../target.ts'
import type { Lowering } from '../lowered-kernel.ts'
import type { Blocking } from './blocking.ts'
import type { ContractNode, TileAxes } from './tile-axes.ts'

export interface TileContext {
  readonly lowering: Lowering
  readonly target: Target
  readonly contract: ContractNode
  readonly blocking: Blocking
  readonly axes: TileAxes
  /** the dtype in which products are summed */
  readonly dtype: 'float32' | 'float64'
  /** k in one block, at most */
  readonly depth: number
  /** elements from one k to the next in a packed block of the right operand */
  readonly bStride: number
  /** elements from one row to the next of a block of results */
  readonly cStride: number
  /** elements of a packed block of each operand */
  readonly aBlock: number
  readonly bBlock: number
}

const lineBytes = 64

/** Whole register tiles, over an odd number of cache lines, so that rows spread over all sets of the cache. */
function paddedStride(elements: number, nr: number, bytes: number): number {
  const whole = Math.ceil(elements / nr) * nr
  const lines = Math.ceil((whole * bytes) / lineBytes)
  return ((lines % 2 === 0 ? lines + 1 : lines) * lineBytes) / bytes
}

export function makeContext(
  lowering: Lowering,
  target: Target,
  contract: ContractNode,
  blocking: Blocking,
  axes: TileAxes,
): TileContext {
  const dtype = contract.dtype === 'float64' ? 'float64' : 'float32'
  const { mr, nr, mRuns, nRuns, kRuns, n, k } = blocking
  const depth = kRuns * k.inner
  const stride = paddedStride(nRuns * n.inner, nr, bytesOf(dtype))
  const rows = Math.ceil(mRuns / mr) * mr
  return {
    lowering,
    target,
    contract,
    blocking,
    axes,
    dtype,
    depth,
    bStride: stride,
    cStride: stride,
    aBlock: rows * depth,
    bBlock: depth * stride,
  }
}
