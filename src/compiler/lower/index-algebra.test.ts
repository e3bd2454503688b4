import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  type Affine,
  type Axis,
  addScaled,
  axisIndex,
  constantIndex,
  floorDivide,
  linearIndex,
  makeAxis,
  modulo,
  unravel,
} from './index-algebra.ts'
import { reshapeIndices } from './index-map.ts'
import { refine } from './refine.ts'

function numberOf(index: Affine, values: ReadonlyMap<Axis, number>): number {
  let sum = index.constant
  for (const { coefficient, atom } of index.terms) {
    if (atom.kind === 'opaque') throw new Error('no opaque values here')
    const of = atom.kind === 'axis' ? values.get(atom.axis)! : numberOf(atom.of, values)
    const value =
      atom.kind === 'axis'
        ? of
        : atom.kind === 'div'
          ? Math.floor(of / atom.by)
          : of - atom.by * Math.floor(of / atom.by)
    sum += coefficient * value
  }
  return sum
}

const step = fc.oneof(
  fc.record({ op: fc.constant('add' as const), axis: fc.nat(2), by: fc.integer({ min: -12, max: 12 }) }),
  fc.record({
    op: fc.constantFrom('div' as const, 'mod' as const),
    axis: fc.nat(2),
    by: fc.integer({ min: 1, max: 12 }),
  }),
  fc.record({
    op: fc.constantFrom('offset' as const, 'scale' as const),
    axis: fc.nat(2),
    by: fc.integer({ min: -6, max: 6 }),
  }),
)

test('index algebra: every expression means what plain arithmetic says, within its range', () => {
  const extents = fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 3, maxLength: 3 })
  fc.assert(
    fc.property(
      extents,
      fc.array(step, { maxLength: 8 }),
      fc.array(fc.nat(11), { minLength: 3, maxLength: 3 }),
      (sizes, steps, at) => {
        const axes = sizes.map((extent, i) => makeAxis(`x${i}`, extent))
        const values = new Map(axes.map((axis, i) => [axis, at[i] % axis.extent]))
        let index: Affine = constantIndex(0)
        let expected = 0
        for (const { op, axis, by } of steps) {
          if (op === 'add')
            [index, expected] = [addScaled(index, axisIndex(axes[axis]), by), expected + by * values.get(axes[axis])!]
          if (op === 'div') [index, expected] = [floorDivide(index, by), Math.floor(expected / by)]
          if (op === 'mod') [index, expected] = [modulo(index, by), expected - by * Math.floor(expected / by)]
          if (op === 'offset') [index, expected] = [addScaled(index, constantIndex(1), by), expected + by]
          if (op === 'scale') [index, expected] = [addScaled(constantIndex(0), index, by), expected * by]
        }
        assert.equal(numberOf(index, values), expected + 0)
        assert.ok(index.min <= expected && expected <= index.max)
      },
    ),
    { numRuns: 3000 },
  )
})

test('index algebra: the digits of a position join again', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 7 }), { maxLength: 5 }), (shape) => {
      const position = axisIndex(
        makeAxis(
          'i',
          shape.reduce((a, b) => a * b, 1),
        ),
      )
      assert.equal(linearIndex(unravel(position, shape), shape).key, position.key)
    }),
  )
})

test('refine: reshapes that regroup leave plain sums', () => {
  const root = makeAxis('i', 4 * 6 * 10)
  const maps = (position: Affine) => {
    const [a, b, c, d] = reshapeIndices(unravel(position, [24, 10]), [24, 10], [4, 6, 2, 5])
    return [linearIndex([c, a, d, b], [2, 4, 5, 6])]
  }
  const { axes, accesses } = refine([root], ([position]) => maps(position))
  assert.deepEqual(
    axes[0].map((axis) => axis.extent),
    [4, 6, 2, 5],
  )
  assert.ok(accesses[0].terms.every((term) => term.atom.kind === 'axis'))
})
