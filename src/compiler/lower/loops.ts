// Loop nests over axes: which axis becomes the vector loop, how wide it is, and how the outer ones are dealt to participants in blocks.
// Block sizes depend on shapes and target only, never on the number of threads, so that results do not either.
import { indexAlu, indexLiteral } from '../../kernel/builders.ts'
import type { Expression } from '../../kernel/kernel-node.ts'
import type { Target } from '../target.ts'
import {
  type Affine,
  type Axis,
  addScaled,
  axisIndex,
  followsMemory,
  makeAxis,
  scale,
  strideAlong,
  unravel,
} from './index-algebra.ts'
import type { KernelBuilder } from './kernel-builder.ts'
import type { Scope } from './scope.ts'

/** A vector loop. */
export interface Vector {
  readonly axis: Axis
  readonly lanes: number
}

/** A stride, in elements, from which lanes no longer share cache lines. */
const farStride = 16

/**
 * What an access costs per register of elements: contiguous is one load, broadcast is free or nearly so, the rest goes lane by lane,
 * and through as many cache lines when the lanes lie far apart.
 */
function accessCost(index: Affine, axis: Axis, lanes: number): number {
  const stride = strideAlong(index, axis)
  if (stride === 0) return 0.25
  if (stride === 1) return 1
  // digits of the axis are divided out lane by lane; what memory says is gathered
  if (stride === undefined) return (followsMemory(index, axis) ? 9 / 8 : 3) * lanes
  return (Math.abs(stride) < farStride ? 7 / 8 : 9 / 8) * lanes
}

/** Elements that a vector loop needs to pay for its own start and end. */
const leastLoop = 8

/** Elements of `bytes` that a vector register holds. */
export const registerLanes = (target: Target, bytes: number): number =>
  Math.max(1, Math.floor(target.vectorBytes / bytes))

/**
 * The axis along which most accesses are contiguous, when it is walked by registers of `lanes`; of equals, the innermost. `often` says how
 * many times an access happens for each turn of all loops: less than once where it stands outside some.
 */
export function chooseVectorAxis(
  axes: readonly Axis[],
  accesses: readonly Affine[],
  lanes: number,
  often: (access: Affine) => number = () => 1,
): Axis | undefined {
  let best: Axis | undefined
  let bestCost = Number.POSITIVE_INFINITY
  for (const axis of axes) {
    let cost = 0.01
    for (const access of accesses) cost += accessCost(access, axis, lanes) * often(access)
    // lanes beyond the extent do nothing, and a loop of a few elements is mostly its own start and end
    const least = Math.max(lanes, leastLoop)
    cost *= (Math.ceil(axis.extent / lanes) * lanes) / axis.extent
    if (axis.extent * 2 < least) cost *= least / axis.extent
    if (cost <= bestCost) [best, bestCost] = [axis, cost]
  }
  return best
}

/** Lanes of a vector loop: a few registers for light bodies, fewer for heavy ones, and never far more than the axis has. */
export function lanesFor(target: Target, bytes: number, weight: number, extent: number): number {
  const perRegister = registerLanes(target, bytes)
  let lanes = perRegister * (weight > 24 ? 2 : 4)
  while (lanes > perRegister && lanes / 2 >= extent) lanes /= 2
  return lanes
}

/** Bytes of work that pay for handing a block to a participant. */
const blockWork = 16384
export const maximumBlocks = 256

/** Number of blocks for work given in elements and cost (about bytes) of each. */
export const blocksFor = (elements: number, cost: number): number =>
  Math.max(1, Math.min(maximumBlocks, Math.ceil((elements * Math.max(4, cost)) / blockWork)))

const roundUp = (value: number, unit: number): number => Math.ceil(value / unit) * unit

/** Serial loops over axes, outermost first, and the vector loop inside; `unrolled` repeats its body in place. */
export function nest(
  builder: KernelBuilder,
  scope: Scope,
  axes: readonly Axis[],
  vector: Vector | undefined,
  body: (scope: Scope) => void,
  unrolled?: Axis,
): void {
  if (axes.length === 0) {
    body(scope)
    return
  }
  const [axis, ...rest] = axes
  const serial = axis === unrolled ? 'unroll' : 'serial'
  loop(
    builder,
    axis,
    axis.extent,
    vector,
    (variable) => nest(builder, scope.enter(axis, variable, vector?.axis === axis), rest, vector, body, unrolled),
    serial,
  )
}

function loop(
  builder: KernelBuilder,
  axis: Axis,
  extent: Expression | number,
  vector: Vector | undefined,
  body: Parameters<KernelBuilder['loop']>[1],
  serial: 'serial' | 'unroll' = 'serial',
): void {
  const isVector = vector?.axis === axis
  builder.loop(
    { name: axis.name, extent, kind: isVector ? 'vector' : serial, lanes: isVector ? vector.lanes : 1 },
    body,
  )
}

/** Extent of block `block` when `extent` is cut into blocks of `size`. */
export function blockExtent(extent: number, size: number, block: Expression): Expression {
  if (extent % size === 0) return indexLiteral(size)
  const left = indexAlu('sub', indexLiteral(extent), indexAlu('mul', block, indexLiteral(size)))
  return indexAlu('min', indexLiteral(size), left)
}

/** Loops over part `block` of `axis`, cut into blocks of `size`; `block` is an axis of the scope. */
export function loopOverBlock(
  builder: KernelBuilder,
  scope: Scope,
  axis: Axis,
  size: number,
  block: Affine,
  vector: Vector | undefined,
  body: (scope: Scope) => void,
): void {
  if (size === 1 && vector?.axis !== axis) {
    body(scope.bind(axis, block))
    return
  }
  const within = makeAxis(axis.name, size)
  const extent = blockExtent(axis.extent, size, scope.materialize(block))
  const inner = vector?.axis === axis ? { axis: within, lanes: vector.lanes } : vector
  loop(builder, within, extent, inner, (variable) =>
    body(
      scope
        .enter(within, variable, inner?.axis === within)
        .bind(axis, addScaled(axisIndex(within), scale(block, size), 1)),
    ),
  )
}

/**
 * A parallel loop over about `blocks` blocks of the axes' product, and the loops over each block inside it. Outer axes are dealt whole,
 * one axis is cut, the ones inside it are looped over in every block.
 */
export function parallelNest(
  builder: KernelBuilder,
  scope: Scope,
  axes: readonly Axis[],
  blocks: number,
  vector: Vector | undefined,
  body: (scope: Scope) => void,
): void {
  if (axes.length === 0) {
    builder.loop({ name: 'block', extent: 1, kind: 'parallel' }, () => body(scope))
    return
  }
  let outer = 1
  let cut = 0
  while (cut < axes.length - 1 && outer * axes[cut].extent < blocks) outer *= axes[cut++].extent
  const axis = axes[cut]
  let size = Math.ceil(axis.extent / Math.ceil(blocks / outer))
  if (vector?.axis === axis) size = Math.min(axis.extent, roundUp(size, vector.lanes))
  const count = Math.ceil(axis.extent / size)
  const all = makeAxis('block', outer * count)
  const dealt = [...axes.slice(0, cut), makeAxis('part', count)]
  builder.loop({ name: 'block', extent: all.extent, kind: 'parallel' }, (variable) => {
    const digits = unravel(
      axisIndex(all),
      dealt.map((one) => one.extent),
    )
    let inner = scope.enter(all, variable)
    dealt.forEach((one, i) => {
      const value = inner.materialize(digits[i])
      const named = value.op === 'alu' ? builder.bind(one.name, value) : value
      inner = inner.fix(one, named)
    })
    const part = axisIndex(dealt[cut])
    loopOverBlock(builder, inner, axis, size, part, vector, (within) =>
      nest(builder, within, axes.slice(cut + 1), vector, body),
    )
  })
}
