// Random small graphs: the reference, the lowered kernel, the optimized one and those with a pass left out must agree.
import { test } from 'node:test'
import fc from 'fast-check'
import {
  add,
  amax,
  concat,
  div,
  exp,
  flip,
  less,
  max,
  mul,
  neg,
  pad,
  permute,
  placeholder,
  reshape,
  sliceAxis,
  sub,
  sum,
  where,
  window,
} from '../../graph/builders.ts'
import type { Node } from '../../graph/node.ts'
import { checkGroup } from './test-harness.ts'

interface Step {
  readonly op: number
  readonly a: number
  readonly b: number
}

const stepOf = fc.record({ op: fc.nat(13), a: fc.nat(1000), b: fc.nat(1000) })
const shapeOf = fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 4 })

function reshaped(x: Node, choice: number): Node {
  const size = x.shape.reduce((a, b) => a * b, 1)
  const divisors = Array.from({ length: size }, (_, i) => i + 1).filter((d) => size % d === 0)
  const first = divisors[choice % divisors.length]
  return reshape(x, [first, size / first])
}

const rotated = (x: Node, by: number): Node =>
  permute(
    x,
    x.shape.map((_, i) => (i + by) % x.shape.length),
  )

/** A leaf that broadcasts along all axes but one. */
const vectorAlong = (x: Node, axis: number): Node =>
  placeholder(
    x.shape.map((extent, i) => (i === axis ? extent : 1)),
    'float32',
  )

/** Applies a step to a value; only those that keep the number of elements when `keep`. */
function apply(x: Node, { op, a, b }: Step, keep: boolean): Node {
  const axis = a % Math.max(1, x.shape.length)
  const flat = keep ? op % 8 : op
  switch (flat) {
    case 0:
      return add(mul(x, 0.5), x)
    case 1:
      return max(x, neg(mul(x, 0.25)))
    case 2:
      return add(x, vectorAlong(x, axis))
    case 3:
      return mul(x, placeholder(x.shape, 'float32'))
    case 4:
      return where(less(x, 0), x, placeholder(x.shape.slice(1), 'float32'))
    case 5:
      return reshaped(x, b)
    case 6:
      return rotated(x, b % x.shape.length)
    case 7:
      return flip(x, [axis])
    case 8:
      return pad(
        x,
        x.shape.map((_, i) => (i === axis ? [b % 3, a % 2] : [0, 0])),
        b % 5,
      )
    case 9:
      return concat([x, mul(x, 2)], axis)
    case 10:
      return sliceAxis(x, axis, b % x.shape[axis], undefined, 1 + (a % 2))
    case 11:
      return x.shape[axis] > 2 ? window(x, axis, 2, 1 + (b % 2)) : x
    case 12:
      return exp(mul(x, 0.125))
    default:
      return sub(x, 1)
  }
}

const options = { numRuns: 120, seed: 7 }

test('random maps agree with the reference', () => {
  fc.assert(
    fc.property(shapeOf, fc.array(stepOf, { minLength: 1, maxLength: 6 }), (shape, steps) => {
      let x: Node = placeholder(shape, 'float32')
      for (const step of steps) if (x.shape.length <= 5) x = apply(x, step, false)
      checkGroup('map', [add(x, x)], { tolerance: 1e-5 })
    }),
    options,
  )
})

test('random rows agree with the reference', () => {
  fc.assert(
    fc.property(
      shapeOf,
      fc.array(stepOf, { maxLength: 4 }),
      fc.nat(1000),
      fc.constantFrom('softmax', 'sum', 'max', 'centre'),
      (shape, steps, choice, kind) => {
        let x: Node = placeholder(shape, 'float32')
        for (const step of steps) x = apply(x, step, step.op < 8)
        if (x.shape.length > 5) return
        const axes = x.shape.map((_, axis) => axis).filter((axis) => ((choice >> axis) & 1) === 1)
        if (axes.length === 0) axes.push(0)
        const total = sum(exp(sub(x, amax(x, axes, true))), axes, true)
        const outputs = {
          softmax: () => [div(exp(sub(x, amax(x, axes, true))), total)],
          sum: () => [sum(x, axes)],
          max: () => [mul(amax(x, axes), 2), amax(x, axes, true)],
          centre: () => [sub(x, sum(mul(x, 0.5), axes, true)), sum(mul(x, 0.5), axes)],
        }
        checkGroup('row', outputs[kind](), { tolerance: 1e-4 })
      },
    ),
    options,
  )
})
