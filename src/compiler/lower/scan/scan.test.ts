import { test } from 'node:test'
import { scan } from '../../../graph/builders/scan.ts'
import {
  add,
  concat,
  contract,
  div,
  exp,
  flip,
  matmul,
  mul,
  narrow,
  neg,
  pad,
  placeholder,
  sum,
} from '../../../graph/builders.ts'
import type { Node } from '../../../graph/node.ts'
import { checkGroup } from '../test-harness.ts'

const logistic = (x: Node): Node => div(1, add(exp(neg(x)), 1))
const check = (outputs: readonly Node[]) =>
  checkGroup('scan', outputs, { anchorNode: outputs.find((node) => node.op === 'scan'), tolerance: 1e-4 })

test('scan: a running sum, forward and backward', () => {
  for (const reverse of [false, true]) {
    const x = placeholder([5, 3], 'float32')
    const { carries, outputs } = scan(
      { carries: [placeholder([3], 'float32')], sequences: [x], reverse },
      ([c], [s]) => {
        const next = add(c, s)
        return { carries: [next], outputs: [mul(next, 2)] }
      },
    )
    check([outputs[0]])
    check([carries[0], outputs[0]])
  }
})

test('scan: carries may trade places', () => {
  const inputs = [placeholder([4], 'float32'), placeholder([4], 'float32')]
  const { carries } = scan({ carries: inputs, sequences: [], length: 3 }, ([a, b]) => ({
    carries: [b, a],
    outputs: [],
  }))
  check(carries)
})

test('scan: a recurrent cell with contractions and reductions', () => {
  const [x, h] = [placeholder([6, 4, 5], 'float32'), placeholder([4, 7], 'float32')]
  const [input, recurrent] = [placeholder([5, 7], 'float32'), placeholder([7, 7], 'float32')]
  const { carries, outputs } = scan({ carries: [h], sequences: [x] }, ([state], [slice]) => {
    const gate = logistic(add(matmul(slice, input), matmul(mul(state, 0.25), recurrent)))
    const next = mul(gate, state)
    return { carries: [next], outputs: [next, sum(next, 1)] }
  })
  check([carries[0], ...outputs])
})

/** A step whose product goes through register tiles where rows are its own: gates from the state, a part of them stored. */
function gatedScan(rows: number, hidden: number, dtype: 'float32' | 'float64', reverse: boolean): Node[] {
  const x = placeholder([3, rows, 2 * hidden], dtype)
  const weight = placeholder([2 * hidden, hidden], dtype)
  const carries = [placeholder([rows, hidden], dtype), placeholder([rows, hidden], dtype)]
  const result = scan({ carries, sequences: [x], reverse }, ([h, c], [slice]) => {
    const gates = add(slice, mul(contract(h, weight, 0, 1), 0.125))
    const [input, forget] = [0, 1].map((i) => logistic(narrow(gates, 1, i * hidden, hidden)))
    const next = add(mul(forget, c), input)
    return { carries: [mul(next, 0.5), next], outputs: [gates, concat([input, h], 1)] }
  })
  return [...result.carries, ...result.outputs]
}

test('scan: products in tiles, over whole and partial blocks of rows', () => {
  for (const [rows, hidden] of [
    [1, 40],
    [5, 24],
    [34, 16],
    [51, 9],
  ])
    check(gatedScan(rows, hidden, rows === 34 ? 'float64' : 'float32', rows === 5))
})

test('scan: a product of what the step computes, and a carry that is the product itself', () => {
  const [x, weight] = [placeholder([4, 20, 16], 'float32'), placeholder([16, 16], 'float32')]
  const { carries, outputs } = scan(
    { carries: [placeholder([20, 16], 'float32')], sequences: [x] },
    ([state], [slice]) => {
      const changed = mul(add(state, slice), 0.03125)
      return { carries: [contract(changed, weight, 0, 1)], outputs: [changed] }
    },
  )
  check([carries[0], outputs[0]])
})

test('scan: a depth that is cut into parts adds them up in order', () => {
  const [x, weight] = [placeholder([2, 6, 300], 'float32'), placeholder([17, 300], 'float32')]
  const { carries } = scan({ carries: [placeholder([6, 17], 'float32')], sequences: [x] }, ([state], [slice]) => ({
    carries: [mul(add(contract(slice, weight, 0, 1), state), 0.0625)],
    outputs: [],
  }))
  check(carries)
})

test('scan: rows that read each other are stepped together', () => {
  const weight = placeholder([16, 16], 'float32')
  const { carries, outputs } = scan(
    { carries: [placeholder([18, 16], 'float32')], sequences: [], length: 3 },
    ([state]) => {
      const mixed = add(mul(contract(state, weight, 0, 1), 0.0625), sum(mul(state, 0.125), 0))
      return { carries: [mixed], outputs: [flip(state, [0])] }
    },
  )
  check([carries[0], outputs[0]])
})

test('scan: a carry that is read after its next value is known keeps the old one until the end of the step', () => {
  const inputs = [placeholder([6, 8], 'float32'), placeholder([6, 8], 'float32')]
  const { carries } = scan({ carries: inputs, sequences: [], length: 3 }, ([a, b]) => {
    const next = add(a, b)
    return { carries: [next, mul(add(b, sum(next, 1, true)), add(a, 0.25))], outputs: [] }
  })
  check(carries)
})

test('scan: the gradient of slices is computed slice by slice', () => {
  const [x, weight] = [placeholder([3, 7, 24], 'float32'), placeholder([24, 24], 'float32')]
  const { carries, outputs } = scan(
    { carries: [placeholder([7, 24], 'float32')], sequences: [x] },
    ([state], [slice]) => {
      const part = (start: number): Node =>
        pad(mul(narrow(add(state, slice), 1, start, 8), start + 1), [
          [0, 0],
          [start, 16 - start],
        ])
      const whole = add(add(part(0), part(8)), part(16))
      return { carries: [mul(contract(whole, weight, 0, 1), 0.03125)], outputs: [whole] }
    },
  )
  check([carries[0], outputs[0]])
})

test('scan: no rows and no steps', () => {
  for (const [steps, rows] of [
    [3, 0],
    [0, 3],
  ]) {
    const [x, h] = [placeholder([steps, rows, 4], 'float32'), placeholder([rows, 4], 'float32')]
    const { carries, outputs } = scan({ carries: [h], sequences: [x] }, ([state], [slice]) => {
      const next = add(state, slice)
      return { carries: [next], outputs: [next] }
    })
    check([carries[0], outputs[0]])
  }
})
