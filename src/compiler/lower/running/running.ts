// Lowers running sums, products, extrema and logarithms of sums: one walk along the axis that carries a state. Lines run side by side, so that
// none waits for its own last step; inner elements run as lanes. Where there are few lines the axis is cut into parts: totals of the parts
// first, then what is before each of them, then a walk through each part. The cuts are the same for any number of threads.
import type { RunningAttrs } from '../../../graph/composites/running.ts'
import { elementsOf, type Node } from '../../../graph/node.ts'
import { castTo, loadOf, storeTo } from '../../../kernel/builders.ts'
import type { Expression, Memory } from '../../../kernel/kernel-node.ts'
import type { KernelGroup } from '../../schedule-types.ts'
import type { Target } from '../../target.ts'
import { computeDType } from '../evaluate.ts'
import {
  type Affine,
  addScaled,
  axisIndex,
  constantIndex,
  linearIndex,
  makeAxis,
  unravel,
  zero,
} from '../index-algebra.ts'
import { type LoweredKernel, Lowering, resultOf } from '../lowered-kernel.ts'
import type { Scope } from '../scope.ts'
import { type Running, runningOf, type State } from './kinds.ts'
import { positionIn, type RunningSpace, runningSpace, slotOf, slotsOf } from './space.ts'
import { walkTiles } from './tiles.ts'
import { overLines, type Result, type Walk, walkLines, walkStrips } from './walk.ts'

export const suitsRunning = (node: Node<'composite'>): boolean => elementsOf(node) > 0

interface Context {
  readonly lowering: Lowering
  readonly space: RunningSpace
  readonly running: Running
  readonly input: Node
  readonly attrs: RunningAttrs
  /** what is before each part, if there are several */
  readonly slots: readonly Memory[]
}

export function lowerRunning(group: KernelGroup, target: Target): LoweredKernel {
  const lowering = new Lowering(group)
  const anchor = group.anchorNode as Node<'composite'>
  const attrs = anchor.attrs.attrs as unknown as RunningAttrs
  const [input] = anchor.inputs
  const space = runningSpace(anchor, target)
  const running = runningOf(attrs.kind, computeDType(input.dtype))
  const slots =
    space.parts > 1
      ? running.dtypes.map((dtype, i) => lowering.builder.temporary(`before${i}`, dtype, slotsOf(space)))
      : []
  const context = { lowering, space, running, input, attrs, slots }
  const { builder } = lowering
  if (space.parts > 1) {
    writeTotals(context)
    builder.emit({ op: 'barrier' })
    joinTotals(context)
    builder.emit({ op: 'barrier' })
  }
  writeResults(context, space.parts, zero, space.length)
  if (space.rest > 0) writeResults(context, 1, constantIndex(space.parts), space.rest)
  return lowering.finish()
}

function walkParts(context: Context, count: number, first: Affine, length: number, walk: Walk): void {
  const { lowering, space, running } = context
  const along = { count, first, step: makeAxis('step', length) }
  const walking = { builder: lowering.builder, space, running, along, walk }
  if (space.strip > 1) walkStrips(walking)
  else walkLines(walking, walkTiles(walking))
}

/** The element at hand, read through whatever views the input is; from memory without a name, so that copies are seen to be copies. */
function reading(context: Context): Pick<Walk, 'element' | 'isStored'> {
  const { lowering, space, input } = context
  const memory = lowering.inputs.get(input)
  return {
    isStored: memory !== undefined && computeDType(input.dtype) === input.dtype,
    element(scope, part) {
      const at = elementAt(context, positionIn(space, part))
      const evaluation = lowering.evaluation(scope)
      return memory ? evaluation.load(memory, linearIndex(at, input.shape)) : evaluation.evaluate(input, at)
    },
  }
}

/** Index vector of the element at a position along its line. */
function elementAt({ space, input, attrs: { axis, reverse } }: Context, position: Affine): Affine[] {
  const { axes, extent } = space
  const at = reverse ? addScaled(constantIndex(extent - 1), position, -1) : position
  const outer = unravel(axisIndex(axes.outer), input.shape.slice(0, axis))
  return [...outer, at, ...unravel(axisIndex(axes.inner), input.shape.slice(axis + 1))]
}

const loadState = ({ space, slots }: Context, scope: Scope, part: Affine): State =>
  slots.map((memory) => loadOf(memory, scope.materialize(slotOf(space, part))))

function storeState({ lowering, space, slots }: Context, scope: Scope, part: Affine, state: State): void {
  slots.forEach((memory, i) => {
    lowering.builder.emit(storeTo(memory, scope.materialize(slotOf(space, part)), state[i]))
  })
}

function writeTotals(context: Context): void {
  const { space, running } = context
  walkParts(context, space.parts, zero, space.length, {
    begin: () => running.start,
    ...reading(context),
    results: [],
    end: (scope, { index }, state) => storeState(context, scope, index, state),
  })
}

/** Totals become what is before each part; behind the last one stands the total of all. */
function joinTotals(context: Context): void {
  const { lowering, space, running } = context
  const { builder } = lowering
  const part = makeAxis('part', space.parts)
  overLines(builder, space, (scope) => {
    const totals = running.dtypes.map((dtype, i) => builder.assigned(`total${i}`, dtype, running.start[i]))
    builder.loop({ name: part.name, extent: part.extent, kind: 'serial' }, (variable) => {
      const inside = scope.enter(part, variable)
      const own = loadState(context, inside, axisIndex(part)).map((value) => builder.bind('own', value))
      const before = totals.map((total) => builder.bind('before', builder.read(total)))
      storeState(context, inside, axisIndex(part), before)
      const joined = running.combine(builder, before, own).map((value) => builder.bind('joined', value))
      totals.forEach((total, i) => {
        builder.accumulate(total, joined[i])
      })
    })
    const all = totals.map((total) => builder.read(total))
    storeState(context, scope, constantIndex(space.parts), all)
  })
}

/** Walks through `count` parts from `first` on, and stores what comes out. */
function writeResults(context: Context, count: number, first: Affine, length: number): void {
  const { lowering, space, running } = context
  const { group, builder } = lowering
  const resultFor = (node: Node, value: (state: State) => Expression): Result => ({
    dtype: node.dtype,
    value: (state) => castTo(value(state), node.dtype),
    store(scope, part, stored) {
      const at = linearIndex(elementAt(context, positionIn(space, part)), node.shape)
      builder.emit(storeTo(lowering.outputs.get(node)!, scope.materialize(at), stored))
    },
  })
  const [values, positions] = [resultOf(group, 'values'), resultOf(group, 'positions')]
  walkParts(context, count, first, length, {
    begin: (scope, { index }) => (space.parts > 1 ? loadState(context, scope, index) : running.start),
    ...reading(context),
    results: [
      ...(values ? [resultFor(values, (state) => running.values(builder, state))] : []),
      ...(positions ? [resultFor(positions, (state) => running.positions!(state))] : []),
    ],
  })
}
