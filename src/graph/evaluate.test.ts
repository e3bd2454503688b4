import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DType } from '../base/dtype.ts'
import { CompileError } from '../base/errors.ts'
import type { Shape } from '../base/shape.ts'
import { evaluateNodes, prepareEvaluation } from './evaluate.ts'
import { makeNode, type Node, type ScanBody } from './node.ts'
import { host, valuesOf } from './semantics/test-harness.ts'

let storages = 0
const buffer = (shape: Shape, dtype: DType = 'float32'): Node =>
  makeNode('buffer', [], { leaf: { storage: storages++, version: 0 }, shape, dtype }, shape, dtype)
const add = (a: Node, b: Node): Node => makeNode('add', [a, b], {}, a.shape, a.dtype)

test('leaves carry their own values', () => {
  const constant = makeNode('constant', [], { value: 0.1, dtype: 'float16' }, [], 'float16')
  const iota = makeNode('iota', [], { size: 3, dtype: 'int64' }, [3], 'int64')
  const [tenth, counted] = evaluateNodes([constant, iota], new Map())
  assert.deepEqual(valuesOf(tenth), [0.0999755859375])
  assert.deepEqual(valuesOf(counted), [0n, 1n, 2n])
})

test('a shared node is computed once, and deep chains do not overflow', () => {
  const x = buffer([1])
  let chain = x
  for (let i = 0; i < 20000; i++) chain = add(chain, x)
  let calls = 0
  const evaluation = prepareEvaluation([chain, chain], [x])
  const [first] = evaluation.run([host('float32', [1])], () => calls++)
  assert.deepEqual(valuesOf(first), [20001])
  assert.equal(calls, 20000)
  assert.equal(evaluation.steps, 20000)
})

test('a given node cuts the graph: nothing below it is looked at', () => {
  const middle = add(buffer([2]), buffer([2]))
  const [sum] = evaluateNodes([add(middle, middle)], new Map([[middle, host('float32', [1, 2])]]))
  assert.deepEqual(valuesOf(sum), [2, 4])
})

test('a missing buffer is a CompileError', () => {
  assert.throws(() => evaluateNodes([buffer([1])], new Map()), CompileError)
})

const scanOf = (reverse: boolean) => {
  const [carry, item, constant] = [buffer([2]), buffer([2]), buffer([2])]
  const next = add(add(carry, item), constant)
  const body: ScanBody = {
    carries: 1,
    sequences: 1,
    length: 3,
    reverse,
    placeholders: [carry, item, constant],
    outputs: [next, next],
    hash: 0,
  }
  const inputs = [buffer([2]), buffer([3, 2]), buffer([2])]
  const final = makeNode('scan', inputs, { body, result: 0 }, [2], 'float32')
  const stacked = makeNode('scan', inputs, { body, result: 1 }, [3, 2], 'float32')
  const values = [host('float32', [100, 200]), host('float32', [1, 2, 3, 4, 5, 6], [3, 2]), host('float32', [10, 10])]
  return evaluateNodes([final, stacked], new Map(inputs.map((input, i) => [input, values[i]])))
}

test('scan carries forward and stacks', () => {
  const [final, stacked] = scanOf(false)
  assert.deepEqual(valuesOf(final), [139, 242])
  assert.deepEqual(valuesOf(stacked), [111, 212, 124, 226, 139, 242])
})

test('scan in reverse stacks at the step it read', () => {
  const [final, stacked] = scanOf(true)
  assert.deepEqual(valuesOf(final), [139, 242])
  assert.deepEqual(valuesOf(stacked), [139, 242, 128, 230, 115, 216])
})
