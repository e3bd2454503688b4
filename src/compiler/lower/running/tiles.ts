// Lines that run as lanes: a few steps of sixteen lines are copied into scratch across, a row for each step, walked through there by vectors, and
// copied back. The copies have the form that code generators may know to transpose blocks in registers.
import { loadOf, storeTo } from '../../../kernel/builders.ts'
import type { Memory } from '../../../kernel/kernel-node.ts'
import {
  type Affine,
  type Axis,
  add,
  axisIndex,
  constantIndex,
  floorDivide,
  makeAxis,
  modulo,
  scale,
  unravel,
} from '../index-algebra.ts'
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
  readonly steps: number
  readonly start: Affine
  readonly elements: Memory
  /** some lines' elements as they lie, where they are not in memory so */
  readonly rows: Memory | undefined
  readonly results: readonly Memory[]
  /** of each inner element, for each quantity a row */
  readonly states: readonly Memory[]
}

/** Walks as many lines as tiles hold, of all parts; gives their number. */
export function walkTiles(walking: Walking): number {
  const { builder, space, running, along, walk } = walking
  const { outer, inner, axes } = space
  const tiles = Math.floor((outer * along.count) / tileLines)
  const steps = along.step.extent
  if (tiles === 0 || steps < fewestSteps) return 0
  const longest = Math.ceil(settledSteps / inner)
  const size = tileLines * inner * Math.min(longest, steps)
  const part = makeAxis('part', along.count)
  const [tile, line] = [makeAxis('tile', tiles), makeAxis('line', tileLines)]
  const memory = {
    elements: builder.makeScratch('elements', running.dtypes[0], size),
    rows: walk.isStored ? undefined : builder.makeScratch('rows', running.dtypes[0], (size / tileLines) * together),
    results: walk.results.map(({ dtype }) => builder.makeScratch('results', dtype, size)),
    states: running.dtypes.map((dtype) => builder.makeScratch('states', dtype, tileLines * inner)),
  }
  const at = { index: add(along.first, axisIndex(part)), step: along.step }
  builder.loop({ name: tile.name, extent: tiles, kind: 'parallel' }, (variable) => {
    const [o, p] = unravel(add(scale(axisIndex(tile), tileLines), axisIndex(line)), [outer, along.count])
    const scope = new Scope().enter(tile, variable).bind(axes.outer, o).bind(part, p)
    const tileOf = (count: number, start: Affine): Tile => ({ ...memory, line, part: at, steps: count, start })
    const whole = tileOf(longest, constantIndex(0))
    overStates(walking, scope, whole, (inside, column) =>
      storeStates(walking, inside, whole, column, walk.begin(inside, at)),
    )
    const run = makeAxis('run', Math.floor(steps / longest))
    if (run.extent > 0)
      builder.loop({ name: run.name, extent: run.extent, kind: 'serial' }, (counter) =>
        walkTile(walking, scope.enter(run, counter), tileOf(longest, scale(axisIndex(run), longest))),
      )
    const left = steps % longest
    if (left > 0) walkTile(walking, scope, tileOf(left, constantIndex(steps - left)))
    const { end } = walk
    if (end)
      overStates(walking, scope, whole, (inside, column) => end(inside, at, loadStates(walking, inside, whole, column)))
  })
  return tiles * tileLines * inner
}

/** Calls `body` for the lines of each inner element, as lanes. */
function overStates(
  { builder, space }: Walking,
  scope: Scope,
  { line }: Tile,
  body: (scope: Scope, column: number) => void,
): void {
  builder.loop({ name: line.name, extent: line.extent, kind: 'vector', lanes: line.extent }, (variable) => {
    for (let column = 0; column < space.inner; column++)
      body(scope.enter(line, variable, true).bind(space.axes.inner, constantIndex(column)), column)
  })
}

const stateAt = ({ line }: Tile, column: number): Affine => add(constantIndex(column * tileLines), axisIndex(line))

const loadStates = ({ builder }: Walking, scope: Scope, tile: Tile, column: number): State =>
  tile.states.map((memory) => builder.bind('state', loadOf(memory, scope.materialize(stateAt(tile, column)))))

function storeStates({ builder }: Walking, scope: Scope, tile: Tile, column: number, state: State): void {
  tile.states.forEach((memory, i) => {
    builder.emit(storeTo(memory, scope.materialize(stateAt(tile, column)), state[i]))
  })
}

/** Where a tile keeps the cell of a line: cells are the steps' inner elements in a row. */
const placeIn = ({ line }: Tile, cell: Affine): Affine => add(scale(cell, tileLines), axisIndex(line))

/** A scope inside this one where a cell says which step and which inner element it is. */
function atCell({ space, along }: Walking, scope: Scope, { start }: Tile, cell: Affine): Scope {
  const step = add(start, floorDivide(cell, space.inner))
  return scope.bind(along.step, step).bind(space.axes.inner, modulo(cell, space.inner))
}

function walkTile(walking: Walking, scope: Scope, tile: Tile): void {
  copyIn(walking, scope, tile)
  overStates(walking, scope, tile, (lanes, column) => stepThrough(walking, lanes, tile, column))
  copyOut(walking, scope, tile)
}

/** A few lines at a time, along their cells: through rows of their own where elements have to be computed. */
function copyIn(walking: Walking, scope: Scope, tile: Tile): void {
  const { builder, walk, space } = walking
  const { line, steps, part, elements, rows } = tile
  const [group, one] = [makeAxis('lines', tileLines / together), makeAxis('line', together)]
  const cell = makeAxis('cell', steps * space.inner)
  const overCells = (kind: 'serial' | 'unroll', outside: Scope, body: (inside: Scope) => void): void =>
    builder.loop({ name: one.name, extent: together, kind }, (ones) => {
      const onLine = outside.enter(one, ones).bind(line, add(scale(axisIndex(group), together), axisIndex(one)))
      builder.loop({ name: cell.name, extent: cell.extent, kind: 'vector', lanes: 32 }, (variable) =>
        body(atCell(walking, onLine.enter(cell, variable, true), tile, axisIndex(cell))),
      )
    })
  const inRows = add(scale(axisIndex(one), cell.extent), axisIndex(cell))
  builder.loop({ name: group.name, extent: group.extent, kind: 'serial' }, (variable) => {
    const lines = scope.enter(group, variable)
    if (rows)
      overCells('serial', lines, (inside) => {
        builder.emit(storeTo(rows, inside.materialize(inRows), walk.element(inside, part)))
      })
    overCells('unroll', lines, (inside) => {
      const element = rows ? loadOf(rows, inside.materialize(inRows)) : walk.element(inside, part)
      builder.emit(storeTo(elements, inside.materialize(placeIn(tile, axisIndex(cell))), element))
    })
  })
}

/** All steps of a tile for one inner element, in registers. */
function stepThrough(walking: Walking, scope: Scope, tile: Tile, column: number): void {
  const { builder, space, running, along, walk } = walking
  const { part, elements, results } = tile
  const step = makeAxis('step', tile.steps)
  const start = loadStates(walking, scope, tile, column)
  const state = running.dtypes.map((dtype, i) => builder.assigned(`state${i}`, dtype, start[i]))
  const read = (): State => state.map((one) => builder.read(one))
  builder.loop({ name: step.name, extent: step.extent, kind: 'serial' }, (variable) => {
    const inside = scope.enter(step, variable).bind(along.step, add(tile.start, axisIndex(step)))
    const place = inside.materialize(placeIn(tile, add(scale(axisIndex(step), space.inner), constantIndex(column))))
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
  storeStates(walking, scope, tile, column, running.settle ? running.settle(read()) : read())
}

/** A few cells at a time, along the lines. */
function copyOut(walking: Walking, scope: Scope, tile: Tile): void {
  const { builder, space, walk } = walking
  const { line, part } = tile
  const cells = tile.steps * space.inner
  const [group, one] = [makeAxis('cells', Math.floor(cells / together)), makeAxis('cell', together)]
  const left = makeAxis('cell', cells % together)
  walk.results.forEach((result, i) => {
    const along = (outside: Scope, cell: Affine): void =>
      builder.loop({ name: line.name, extent: tileLines, kind: 'vector', lanes: tileLines }, (variable) => {
        const inside = atCell(walking, outside.enter(line, variable, true), tile, cell)
        result.store(inside, part, loadOf(tile.results[i], inside.materialize(placeIn(tile, cell))))
      })
    if (group.extent > 0)
      builder.loop({ name: group.name, extent: group.extent, kind: 'serial' }, (groups) =>
        builder.loop({ name: one.name, extent: together, kind: 'unroll' }, (ones) =>
          along(scope.enter(group, groups).enter(one, ones), add(scale(axisIndex(group), together), axisIndex(one))),
        ),
      )
    if (left.extent > 0)
      builder.loop({ name: left.name, extent: left.extent, kind: 'serial' }, (variable) =>
        along(scope.enter(left, variable), add(constantIndex(cells - left.extent), axisIndex(left))),
      )
  })
}
