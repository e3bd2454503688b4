// The axes a contract runs over and the index vectors of its operands and of its result in terms of them.
import type { Node } from '../../../graph/node.ts'
import { type Affine, type Axis, axisIndex, linearIndex, makeAxis, unravel } from '../index-algebra.ts'
import type { Blocking, Side } from './blocking.ts'
import type { Factors } from './factors.ts'

/** One side's axes: position = (slab * outer extent + outer) * inner extent + inner. */
export interface SideAxes {
  readonly slab: Axis
  readonly outer: Axis
  readonly inner: Axis
}

export interface TileAxes {
  readonly batch: Axis
  readonly m: SideAxes
  readonly n: SideAxes
  readonly k: SideAxes
  /** block numbers, the task's run of column blocks, and the part of k */
  readonly mBlock: Axis
  readonly nBlock: Axis
  readonly nGroup: Axis
  readonly kBlock: Axis
  readonly split: Axis
}

export type ContractNode = Extract<Node, { readonly op: 'contract' }>

const sideAxes = (name: string, side: Side): SideAxes => ({
  slab: makeAxis(`${name}Slab`, side.slabs),
  outer: makeAxis(name, side.outer),
  inner: makeAxis(`${name}i`, side.inner),
})

export function makeTileAxes(blocking: Blocking): TileAxes {
  const size = blocking.batch.reduce((product, extent) => product * extent, 1)
  return {
    batch: makeAxis('batch', size),
    m: sideAxes('m', blocking.m),
    n: sideAxes('n', blocking.n),
    k: sideAxes('k', blocking.k),
    mBlock: makeAxis('mBlock', blocking.mBlocks),
    nBlock: makeAxis('nBlock', blocking.nBlocks),
    nGroup: makeAxis('nGroup', Math.ceil(blocking.nBlocks / blocking.nBlocksPerTask)),
    kBlock: makeAxis('kBlock', blocking.kBlocks),
    split: makeAxis('split', blocking.splits),
  }
}

/** Index vector of one side's dimensions, given where inside its runs it stands. */
export function sideIndices(side: Side, axes: SideAxes, inner: Affine = axisIndex(axes.inner)): Affine[] {
  const digits = [axisIndex(axes.slab), axisIndex(axes.outer), inner]
  return unravel(linearIndex(digits, [side.slabs, side.outer, side.inner]), side.shape)
}

/** Index vector of the contract's result, given those of its batch, of the left factor's side and of the right one's. */
export const resultIndices = (
  { swapped }: Factors,
  batch: readonly Affine[],
  left: readonly Affine[],
  right: readonly Affine[],
): Affine[] => (swapped ? [...batch, ...right, ...left] : [...batch, ...left, ...right])

export const batchIndices = (blocking: Blocking, axes: TileAxes): Affine[] =>
  unravel(axisIndex(axes.batch), blocking.batch)
