// Lines that run as lanes: a few steps of sixteen lines are copied into scratch across, a row for each step, walked through there by vectors, and
// copied back. The copies have the form that code generators may know to transpose blocks in registers.
import { loadOf, storeTo } from '../../../kernel/builders.ts'
import type { Memory } from '../../../kernel/kernel-node.ts'
import { type Affine, type Axis, add, axisIndex, constantIndex, makeAxis, scale, unravel } from '../index-algebra.ts'
import { Scope } from '../scope.ts'
import type { State } from './kinds.ts'
import { type Part, positionIn } from './space.ts'
import { nameChanged, settledSteps, type Walking } from './walk.ts'

/** Lines of a tile, and how many of them are copied together. */
const tileLines = 16
const together = 8
/** Lines with fewer steps than this are not worth copying. */
const fewestSteps = 16

/** One tile: its lines, as positions in [outer, parts], and its memory. */
interface Tile {
  readonly line: Axis
  readonly part: Part
  /** steps of the tile, and how many are before it */
  readonly step: Axis
  readonly start: Affine
  readonly elements: Memory
  readonly results: readonly Memory[]
  readonly states: readonly Memory[]
}

/** Walks as many lines as tiles hold, of all parts; gives their number. */
export function walkTiles(walking: Walking): number {
  const { builder, space, running, along, walk } = walking
  const { outer, inner, axes } = space
  const tiles = Math.floor((outer * along.count) / tileLines)
  const steps = along.step.extent
  if (inner > 1 || tiles === 0 || steps < fewestSteps) return 0
  const size = tileLines * Math.min(settledSteps, steps)
  const part = makeAxis('part', along.count)
  const [tile, line] = [makeAxis('tile', tiles), makeAxis('line', tileLines)]
  const memory = {
    elements: builder.makeScratch('elements', running.dtypes[0], size),
    results: walk.results.map(({ dtype }) => builder.makeScratch('results', dtype, size)),
    states: running.dtypes.map((dtype) => builder.makeScratch('states', dtype, tileLines)),
  }
  const at = { index: add(along.first, axisIndex(part)), step: along.step }
  builder.loop({ name: tile.name, extent: tiles, kind: 'parallel' }, (variable) => {
    const [o, p] = unravel(add(scale(axisIndex(tile), tileLines), axisIndex(line)), [outer, along.count])
    const scope = new Scope().enter(tile, variable).bind(axes.outer, o).bind(part, p).bind(axes.inner, constantIndex(0))
    const walkSteps = (outside: Scope, count: number, start: Affine): void =>
      walkTile(walking, outside, { ...memory, line, part: at, step: makeAxis('step', count), start })
    overLanes(walking, scope, line, (inside) =>
      storeStates(walking, inside, memory.states, line, walk.begin(inside, at)),
    )
    const run = makeAxis('run', Math.floor(steps / settledSteps))
    if (run.extent > 0)
      builder.loop({ name: run.name, extent: run.extent, kind: 'serial' }, (counter) =>
        walkSteps(scope.enter(run, counter), settledSteps, scale(axisIndex(run), settledSteps)),
      )
    const left = steps % settledSteps
    if (left > 0) walkSteps(scope, left, constantIndex(steps - left))
    if (walk.end)
      overLanes(walking, scope, line, (inside) =>
        walk.end!(inside, at, loadStates(walking, inside, memory.states, line)),
      )
  })
  return tiles * tileLines
}

function overLanes({ builder }: Walking, scope: Scope, line: Axis, body: (scope: Scope) => void): void {
  builder.loop({ name: line.name, extent: line.extent, kind: 'vector', lanes: line.extent }, (variable) =>
    body(scope.enter(line, variable, true)),
  )
}

const loadStates = ({ builder }: Walking, scope: Scope, states: readonly Memory[], line: Axis): State =>
  states.map((memory) => builder.bind('state', loadOf(memory, scope.materialize(axisIndex(line)))))

function storeStates({ builder }: Walking, scope: Scope, states: readonly Memory[], line: Axis, state: State): void {
  states.forEach((memory, i) => {
    builder.emit(storeTo(memory, scope.materialize(axisIndex(line)), state[i]))
  })
}

/** Where a tile keeps the element of a line at a step. */
const placeIn = ({ line, step }: Tile): Affine => add(scale(axisIndex(step), tileLines), axisIndex(line))

function walkTile(walking: Walking, scope: Scope, tile: Tile): void {
  const inside = scope.bind(walking.along.step, add(tile.start, axisIndex(tile.step)))
  copyIn(walking, inside, tile)
  overLanes(walking, inside, tile.line, (lanes) => stepThrough(walking, lanes, tile))
  copyOut(walking, inside, tile)
}

/** A few lines at a time, along their steps. */
function copyIn({ builder, walk }: Walking, scope: Scope, tile: Tile): void {
  const { line, step, part, elements } = tile
  const [group, one] = [makeAxis('lines', tileLines / together), makeAxis('line', together)]
  builder.loop({ name: group.name, extent: group.extent, kind: 'serial' }, (groups) =>
    builder.loop({ name: one.name, extent: together, kind: 'unroll' }, (ones) => {
      const own = add(scale(axisIndex(group), together), axisIndex(one))
      const onLine = scope.enter(group, groups).enter(one, ones).bind(line, own)
      builder.loop({ name: step.name, extent: step.extent, kind: 'vector', lanes: 32 }, (variable) => {
        const inside = onLine.enter(step, variable, true)
        builder.emit(storeTo(elements, inside.materialize(placeIn(tile)), walk.element(inside, part)))
      })
    }),
  )
}

/** All steps of a tile, in registers. */
function stepThrough(walking: Walking, scope: Scope, tile: Tile): void {
  const { builder, space, running, walk } = walking
  const { line, step, part, elements, results, states } = tile
  const start = loadStates(walking, scope, states, line)
  const state = running.dtypes.map((dtype, i) => builder.assigned(`state${i}`, dtype, start[i]))
  const read = (): State => state.map((one) => builder.read(one))
  builder.loop({ name: step.name, extent: step.extent, kind: 'serial' }, (variable) => {
    const inside = scope.enter(step, variable)
    const place = inside.materialize(placeIn(tile))
    const before = read()
    const position = () => inside.materialize(positionIn(space, part))
    const next = nameChanged(builder, before, running.step(builder, before, loadOf(elements, place), position))
    walk.results.forEach((result, i) => {
      builder.emit(storeTo(results[i], place, result.value(next)))
    })
    state.forEach((one, i) => {
      if (next[i] !== before[i]) builder.accumulate(one, next[i])
    })
  })
  storeStates(walking, scope, states, line, running.settle ? running.settle(read()) : read())
}

/** A few steps at a time, along the lines. */
function copyOut({ builder, walk }: Walking, scope: Scope, tile: Tile): void {
  const { line, step, part } = tile
  const [group, one] = [makeAxis('steps', Math.floor(step.extent / together)), makeAxis('step', together)]
  const left = makeAxis('step', step.extent % together)
  walk.results.forEach((result, i) => {
    const along = (outside: Scope): void =>
      builder.loop({ name: line.name, extent: tileLines, kind: 'vector', lanes: tileLines }, (variable) => {
        const inside = outside.enter(line, variable, true)
        result.store(inside, part, loadOf(tile.results[i], inside.materialize(placeIn(tile))))
      })
    if (group.extent > 0)
      builder.loop({ name: group.name, extent: group.extent, kind: 'serial' }, (groups) =>
        builder.loop({ name: one.name, extent: together, kind: 'unroll' }, (ones) =>
          along(
            scope
              .enter(group, groups)
              .enter(one, ones)
              .bind(step, add(scale(axisIndex(group), together), axisIndex(one))),
          ),
        ),
      )
    if (left.extent > 0)
      builder.loop({ name: left.name, extent: left.extent, kind: 'serial' }, (variable) =>
        along(scope.enter(left, variable).bind(step, add(constantIndex(step.extent - left.extent), axisIndex(left)))),
      )
  })
}
