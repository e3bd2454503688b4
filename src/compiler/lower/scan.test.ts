import { test } from 'node:test'
import { scan } from '../../graph/builders/scan.ts'
import { add, div, exp, matmul, mul, neg, placeholder, sum } from '../../graph/builders.ts'
import type { Node } from '../../graph/node.ts'
import { checkGroup } from './test-harness.ts'

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
