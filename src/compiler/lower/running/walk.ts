// The loops of a running function: lines side by side with their states in registers, or strips of inner elements with theirs in scratch. What
// a step does is given; the loops say where it happens, and keep what it gives for the next.
import type { DType } from '../../../base/dtype.ts'
import { loadOf, storeTo } from '../../../kernel/builders.ts'
import type { Accumulator, Expression } from '../../../kernel/kernel-node.ts'
import {
  type Affine,
  type Axis,
  add,
  addScaled,
  axisIndex,
  constantIndex,
  makeAxis,
  scale,
  unravel,
} from '../index-algebra.ts'
import type { KernelBuilder } from '../kernel-builder.ts'
import { blockExtent } from '../loops.ts'
import { Scope } from '../scope.ts'
import type { Running, State } from './kinds.ts'
import { type Part, positionIn, type RunningSpace } from './space.ts'

/** Parts of the axis: `count` of them from `first` on, each with the steps of `step`. */
export interface Along {
  readonly count: number
  readonly first: Affine
  readonly step: Axis
}

/** Something that comes out at every step, as it is stored. */
export interface Result {
  readonly dtype: DType
  value(state: State): Expression
  store(scope: Scope, part: Part, value: Expression): void
}

/** What happens along a line. */
export interface Walk {
  begin(scope: Scope, part: Part): State
  /** the element at hand, as it is computed with */
  element(scope: Scope, part: Part): Expression
  /** whether that is a load */
  readonly isStored: boolean
  readonly results: readonly Result[]
  end?(scope: Scope, part: Part, state: State): void
}

export interface Walking {
  readonly builder: KernelBuilder
  readonly space: RunningSpace
  readonly running: Running
  readonly along: Along
  readonly walk: Walk
}

/** One step in place: reads the element, stores what comes out, gives the next state. */
function stepInPlace({ builder, space, running, walk }: Walking, scope: Scope, part: Part, state: State): State {
  const position = (): Expression => scope.materialize(positionIn(space, part))
  const next = nameChanged(builder, state, running.step(builder, state, walk.element(scope, part), position))
  for (const result of walk.results) result.store(scope, part, result.value(next))
  return next
}

/** Steps after which a state settles. */
export const settledSteps = 64

/** Calls `body` for each step in order, and `settle` after every few, if there is such a thing. */
function overSteps(
  builder: KernelBuilder,
  scope: Scope,
  step: Axis,
  settle: (() => void) | undefined,
  body: (scope: Scope) => void,
): void {
  const loop = (outside: Scope, extent: number, start: Affine): void => {
    const within = makeAxis(step.name, extent)
    builder.loop({ name: step.name, extent, kind: 'serial' }, (variable) =>
      body(outside.enter(within, variable).bind(step, add(start, axisIndex(within)))),
    )
  }
  if (settle === undefined || step.extent <= settledSteps) {
    loop(scope, step.extent, constantIndex(0))
    return
  }
  const run = makeAxis('run', Math.floor(step.extent / settledSteps))
  builder.loop({ name: run.name, extent: run.extent, kind: 'serial' }, (variable) => {
    loop(scope.enter(run, variable), settledSteps, scale(axisIndex(run), settledSteps))
    settle()
  })
  const left = step.extent % settledSteps
  if (left > 0) loop(scope, left, constantIndex(step.extent - left))
}

/** All of a state is computed before any of it is replaced. */
export const nameChanged = (builder: KernelBuilder, before: State, next: State): State =>
  next.map((value, i) => (value === before[i] || value.op === 'reference' ? value : builder.bind('next', value)))

// --- lines ----------------------------------------------------------------------------------------------------------------

/** Lines that run side by side, about: enough to hide how long a step takes, few enough for registers. */
const sideBySide = 8

/** Whole multiples or whole parts of the inner axis, so that lines keep their distance from group to group. */
const groupSize = ({ inner }: RunningSpace, states: number): number => {
  const wanted = Math.max(1, Math.floor(sideBySide / states))
  return inner * Math.max(1, Math.floor(wanted / inner))
}

/** Calls `body` with the lines of each group, as positions in [outer, parts, inner], from `start` on. */
function overGroups(
  builder: KernelBuilder,
  start: number,
  lines: number,
  size: number,
  body: (scope: Scope, lines: Affine[]) => void,
): void {
  const from = (first: Affine, count: number): Affine[] =>
    Array.from({ length: count }, (_, i) => add(first, constantIndex(start + i)))
  const group = makeAxis('group', Math.floor(lines / size))
  if (group.extent > 0)
    builder.loop({ name: group.name, extent: group.extent, kind: 'parallel' }, (variable) =>
      body(new Scope().enter(group, variable), from(scale(axisIndex(group), size), size)),
    )
  const left = lines % size
  if (left > 0)
    builder.loop({ name: group.name, extent: 1, kind: 'parallel' }, () =>
      body(new Scope(), from(constantIndex(lines - left), left)),
    )
}

interface Line {
  readonly position: Affine
  readonly states: readonly Accumulator[]
}

/** Lines of all parts from `start` on, some at a time, each with a state of its own in registers. */
export function walkLines(walking: Walking, start = 0): void {
  const { builder, space, running, along, walk } = walking
  const { outer, inner, axes } = space
  const part = makeAxis('part', along.count)
  const at = { index: add(along.first, axisIndex(part)), step: along.step }
  const onLine = (scope: Scope, position: Affine): Scope => {
    const [o, p, c] = unravel(position, [outer, along.count, inner])
    return scope.bind(axes.outer, o).bind(part, p).bind(axes.inner, c)
  }
  const count = outer * along.count * inner - start
  overGroups(builder, start, count, groupSize(space, running.dtypes.length), (scope, positions) => {
    const lines = positions.map((position): Line => {
      const state = walk.begin(onLine(scope, position), at)
      return { position, states: running.dtypes.map((dtype, i) => builder.assigned(`state${i}`, dtype, state[i])) }
    })
    const read = ({ states }: Line): State => states.map((state) => builder.read(state))
    const write = ({ states }: Line, before: State, next: State): void => {
      const named = nameChanged(builder, before, next)
      states.forEach((state, i) => {
        if (named[i] !== before[i]) builder.accumulate(state, named[i])
      })
    }
    const settleAll = (): void => {
      for (const line of lines) {
        const before = read(line)
        write(line, before, running.settle!(before))
      }
    }
    overSteps(builder, scope, along.step, running.settle && settleAll, (inside) => {
      for (const line of lines) {
        const before = read(line)
        write(line, before, stepInPlace(walking, onLine(inside, line.position), at, before))
      }
    })
    if (walk.end) for (const line of lines) walk.end(onLine(scope, line.position), at, read(line))
  })
}

/** A loop over all lines, whole. */
export function overLines(builder: KernelBuilder, { outer, inner, axes }: RunningSpace, body: (scope: Scope) => void) {
  const line = makeAxis('line', outer * inner)
  builder.loop({ name: line.name, extent: line.extent, kind: 'parallel' }, (variable) => {
    const [o, c] = unravel(axisIndex(line), [outer, inner])
    body(new Scope().enter(line, variable).bind(axes.outer, o).bind(axes.inner, c))
  })
}

// --- strips ---------------------------------------------------------------------------------------------------------------

/** Strips of inner elements of all parts, each a vector; their states wait in scratch while the elements of a step are passed. */
export function walkStrips(walking: Walking): void {
  const { builder, space, running, along, walk } = walking
  const { outer, inner, strip, lanes, axes } = space
  const part = makeAxis('part', along.count)
  const block = makeAxis('strip', Math.ceil(inner / strip))
  const task = makeAxis('task', outer * along.count * block.extent)
  const within = makeAxis('inner', strip)
  const at = { index: add(along.first, axisIndex(part)), step: along.step }
  const memory = running.dtypes.map((dtype, i) => builder.makeScratch(`state${i}`, dtype, strip))
  const write = (scope: Scope, before: State, next: State): void => {
    const named = nameChanged(builder, before, next)
    memory.forEach((one, i) => {
      if (named[i] !== before[i]) builder.emit(storeTo(one, scope.materialize(axisIndex(within)), named[i]))
    })
  }
  builder.loop({ name: task.name, extent: task.extent, kind: 'parallel' }, (variable) => {
    const [o, p, b] = unravel(axisIndex(task), [outer, along.count, block.extent])
    const scope = new Scope().enter(task, variable).bind(axes.outer, o).bind(part, p).bind(block, b)
    const extent = blockExtent(inner, strip, scope.materialize(axisIndex(block)))
    const overStrip = (outside: Scope, body: (inside: Scope) => void): void => {
      const vector = { name: within.name, extent, kind: 'vector', lanes: Math.min(lanes * 4, strip) } as const
      const own = addScaled(axisIndex(within), axisIndex(block), strip)
      builder.loop(vector, (one) => body(outside.enter(within, one, true).bind(axes.inner, own)))
    }
    const read = (inside: Scope): State =>
      memory.map((one) => builder.bind('state', loadOf(one, inside.materialize(axisIndex(within)))))
    overStrip(scope, (inside) => write(inside, [], walk.begin(inside, at)))
    const settleAll = (outside: Scope) => (): void =>
      overStrip(outside, (inside) => {
        const before = read(inside)
        write(inside, before, running.settle!(before))
      })
    overSteps(builder, scope, along.step, running.settle && settleAll(scope), (outside) =>
      overStrip(outside, (inside) => {
        const before = read(inside)
        write(inside, before, stepInPlace(walking, inside, at, before))
      }),
    )
    if (walk.end) overStrip(scope, (inside) => walk.end!(inside, at, read(inside)))
  })
}
