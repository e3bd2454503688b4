// Builders and inference: shapes and dtypes of results, error sentences, and the hash that every attribute must change.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DType } from '../base/dtype.ts'
import type { Shape } from '../base/shape.ts'
import * as b from './builders.ts'
import { evaluateNodes } from './evaluate.ts'
import { type Attrs, makeNode, type Node, type OpName } from './node.ts'
import { formatGraph } from './print.ts'
import { verifyGraph } from './verify.ts'

const leaf = (shape: Shape, dtype: DType = 'float32'): Node => b.placeholder(shape, dtype)
const typeOf = ({ shape, dtype }: Node): string => `${dtype} [${shape.join(', ')}]`
const values = (node: Node): number[] => {
  verifyGraph([node])
  return Array.from(evaluateNodes([node], new Map())[0].data as ArrayLike<number | bigint>, Number)
}

test('operands are broadcast and promoted as in PyTorch', () => {
  assert.equal(typeOf(b.add(leaf([3, 1]), leaf([4], 'int64'))), 'float32 [3, 4]')
  assert.equal(typeOf(b.add(leaf([3], 'int32'), leaf([], 'float64'))), 'float64 [3]')
  assert.equal(typeOf(b.mul(leaf([3], 'float16'), leaf([], 'float64'))), 'float16 [3]')
  assert.equal(typeOf(b.add(leaf([3], 'uint8'), 2)), 'uint8 [3]')
  assert.equal(typeOf(b.add(leaf([3], 'int32'), 0.5)), 'float32 [3]')
  assert.equal(typeOf(b.div(leaf([3], 'int32'), leaf([3], 'int64'))), 'float32 [3]')
  assert.equal(typeOf(b.add(leaf([2], 'bool'), leaf([2], 'bool'))), 'bool [2]')
  assert.equal(typeOf(b.sum(leaf([2, 3], 'bool'), 0)), 'int64 [3]')
})

test('matmul takes vectors, matrices and batches that broadcast', () => {
  const shapeOf = (a: Shape, c: Shape): Shape => b.matmul(leaf(a), leaf(c)).shape
  assert.deepEqual(shapeOf([3], [3]), [])
  assert.deepEqual(shapeOf([2, 3], [3]), [2])
  assert.deepEqual(shapeOf([3], [3, 4]), [4])
  assert.deepEqual(shapeOf([3], [5, 3, 4]), [5, 4])
  assert.deepEqual(shapeOf([5, 2, 3], [3]), [5, 2])
  assert.deepEqual(shapeOf([6, 5, 2, 3], [3, 4]), [6, 5, 2, 4])
  assert.deepEqual(shapeOf([2, 3], [6, 5, 3, 4]), [6, 5, 2, 4])
  assert.deepEqual(shapeOf([6, 1, 2, 3], [5, 3, 4]), [6, 5, 2, 4])
})

test('matmul computes what its definition says, in every layout', () => {
  const range = (shape: Shape): Node =>
    b.reshape(
      b.iota(
        shape.reduce((x, y) => x * y, 1),
        'float64',
      ),
      shape,
    )
  assert.deepEqual(values(b.matmul(range([2, 2]), range([2, 2]))), [2, 3, 6, 11])
  assert.deepEqual(values(b.matmul(range([2]), range([2, 2, 2]))), [2, 3, 6, 7])
  const [left, right] = [range([2, 2]), range([2, 2, 3])]
  const wide = b.matmul(b.expand(b.unsqueeze(left, 0), [2, 2, 2]), right)
  assert.deepEqual(values(b.matmul(left, right)), values(wide))
})

test('slices, pads, flips and unslice agree with indexing by hand', () => {
  const x = b.iota(7, 'int32')
  assert.deepEqual(values(b.sliceAxis(x, 0, 1, -1, 2)), [1, 3, 5])
  assert.deepEqual(values(b.sliceAxis(x, 0, undefined, undefined, -3)), [6, 3, 0])
  assert.deepEqual(values(b.sliceAxis(x, 0, 5, 2)), [])
  assert.deepEqual(values(b.pad(b.iota(3, 'int32'), [[1, -1]], 9)), [9, 0, 1])
  assert.deepEqual(values(b.flip(b.iota(3, 'int32'), [0])), [2, 1, 0])
  assert.deepEqual(values(b.unslice(b.add(b.iota(3, 'int32'), 1), [7], [5], [-2])), [0, 3, 0, 2, 0, 1, 0])
  assert.deepEqual(values(b.unslice(b.iota(0, 'int32'), [3], [0], [2])), [0, 0, 0])
  assert.deepEqual(values(b.window(x, 0, 3, 2, 2)), [0, 2, 4, 2, 4, 6])
})

test('division, remainder, comparisons and extrema follow PyTorch at the edges', () => {
  const of = (dtype: DType, ...list: number[]): Node => b.stack(list.map((value) => b.constant(value, dtype)))
  const nan = Number.NaN
  assert.deepEqual(values(b.floorDivide(of('int32', 7, -7, 7, -7), of('int32', 2, 2, -2, -2))), [3, -4, -4, 3])
  assert.deepEqual(values(b.floorDivide(of('float32', 7, -7, 0.3), of('float32', 2, 2, 0.1))), [3, -4, 3])
  assert.deepEqual(values(b.min(of('float32', 1, nan, 3), of('float32', nan, 2, -1))), [nan, nan, -1])
  assert.deepEqual(values(b.min(of('uint8', 1, 0), of('uint8', 0, 2))), [0, 0])
  assert.deepEqual(values(b.lessEqual(of('float32', 1, nan, 3), of('float32', 1, 2, nan))), [1, 0, 0])
  assert.deepEqual(values(b.sub(of('uint8', 5, 7), of('uint8', 2, 7))), [3, 0])
  assert.deepEqual(values(b.sign(of('float32', -2, 0, 4))), [-1, 0, 1])
  assert.deepEqual(values(b.bitwiseNot(of('uint8', 0, 255))), [255, 0])
  assert.deepEqual(values(b.isFinite(of('float32', 1, nan, Number.NEGATIVE_INFINITY))), [1, 0, 0])
  assert.deepEqual(values(b.all(of('bool', 1, 0))), [0])
})

test('errors say op, expected, got and a hint', () => {
  const says = (build: () => unknown, message: RegExp): void => assert.throws(build, { message })
  says(() => b.add(leaf([2, 3]), leaf([4])), /^add: expected shapes that broadcast together, got \[2, 3\] and \[4\]/)
  says(
    () => b.reshape(leaf([2, 3]), [4, 2]),
    /^reshape: expected a shape of 6 elements for \[2, 3\], got \[4, 2\], which has 8/,
  )
  says(() => b.reshape(leaf([2, 3]), [4, -1]), /^reshape: expected one -1 and other sizes that divide 6/)
  says(() => b.permute(leaf([2, 3]), [0, 0]), /^permute: expected each axis of \[2, 3\] once, got \[0, 0\]/)
  says(() => b.expand(leaf([2, 3]), [4, 3]), /^expand: expected axis 0 to stay 2 \(only axes of size 1 grow\)/)
  says(
    () => b.matmul(leaf([2, 3]), leaf([4, 5])),
    /^matmul: expected .* got \[2, 3\] and \[4, 5\]. The last axis of a \(3\)/,
  )
  says(() => b.concat([leaf([2, 3]), leaf([2, 4])]), /^cat: expected shapes that are equal but for axis 0/)
  says(() => b.amax(leaf([0, 3]), 0), /^max: expected at least one element to reduce, got \[0, 3\]/)
  says(() => b.gather(leaf([2, 3]), 0, leaf([2, 3])), /^gather: expected an index of dtype int32 or int64, got float32/)
  says(() => b.mean(leaf([2], 'int64')), /^mean: expected a float dtype, got int64. Convert it first/)
  says(() => b.window(leaf([4]), 0, 5), /^window: expected at least 5 elements on axis 0/)
  says(() => b.where(leaf([2]), leaf([2]), leaf([2])), /^where: expected a condition of dtype bool, got float32/)
  says(() => b.neg(leaf([2], 'bool')), /^neg: expected a numeric dtype, got bool. To invert a mask use logicalNot/)
  says(() => b.sum(leaf([2, 3]), 2), /^sum: expected an axis from -2 to 1/)
  says(() => b.constant(300, 'uint8'), /^constant: expected a number that uint8 holds, got 300/)
  says(() => b.select(leaf([3]), 0, 3), /^select: expected a position from -3 to 2 on axis 0/)
})

test('a scan runs its step forwards and backwards, and lifts what the step refers to', () => {
  const x = b.iota(4, 'int64')
  const outside = b.sum(b.add(x, 1))
  const build = (reverse: boolean): Node[] => {
    const { carries, outputs } = b.scan({ carries: [b.constant(1, 'int64')], sequences: [x], reverse }, ([c], [s]) => {
      const next = b.add(c, s)
      return { carries: [next], outputs: [b.mul(next, outside)] }
    })
    return [carries[0], outputs[0]]
  }
  assert.deepEqual(build(false).map(values), [[7], [10, 20, 40, 70]])
  assert.deepEqual(build(true).map(values), [[7], [70, 70, 60, 40]])
  assert.equal(build(false)[0].hash, build(false)[0].hash)
  assert.notEqual(build(false)[0].hash, build(true)[0].hash)
})

const two: Node[] = [leaf([2, 3]), leaf([2, 3])]
const body = (over: object) => ({
  carries: 0,
  sequences: 0,
  length: 2,
  reverse: false,
  placeholders: [],
  outputs: [],
  ...over,
})
const variants: { readonly [K in OpName]?: readonly [Attrs[K], ...Attrs[K][]] } = {
  constant: [
    { value: 1, dtype: 'float32' },
    { value: 2, dtype: 'float32' },
    { value: 1, dtype: 'float64' },
  ],
  iota: [
    { size: 6, dtype: 'int64' },
    { size: 7, dtype: 'int64' },
    { size: 6, dtype: 'int32' },
  ],
  cast: [{ dtype: 'float64' }, { dtype: 'int32' }],
  bitcast: [{ dtype: 'int32' }, { dtype: 'float32' }],
  reshape: [{ shape: [3, 2] }, { shape: [2, 3] }],
  permute: [{ axes: [0, 1] }, { axes: [1, 0] }],
  expand: [{ shape: [2, 3] }, { shape: [2, 4] }],
  pad: [
    { before: [0, 1], after: [0, 0], value: 0 },
    { before: [1, 0], after: [0, 0], value: 0 },
    { before: [0, 1], after: [1, 0], value: 0 },
    { before: [0, 1], after: [0, 0], value: 1 },
    { before: [0, 1], after: [0, 0], value: -0 },
  ],
  slice: [
    { starts: [0, 0], sizes: [1, 1], steps: [1, 1] },
    { starts: [1, 0], sizes: [1, 1], steps: [1, 1] },
    { starts: [0, 0], sizes: [2, 1], steps: [1, 1] },
    { starts: [0, 0], sizes: [1, 1], steps: [1, 2] },
  ],
  window: [
    { axis: 0, size: 2, stride: 1, dilation: 1 },
    { axis: 1, size: 2, stride: 1, dilation: 1 },
    { axis: 0, size: 1, stride: 1, dilation: 1 },
    { axis: 0, size: 2, stride: 2, dilation: 1 },
    { axis: 0, size: 2, stride: 1, dilation: 2 },
  ],
  concat: [{ axis: 0 }, { axis: 1 }],
  reduce: [
    { kind: 'sum', axes: [0] },
    { kind: 'max', axes: [0] },
    { kind: 'sum', axes: [1] },
    { kind: 'sum', axes: [0, 1] },
  ],
  contract: [
    { batch: 0, contracted: 1 },
    { batch: 1, contracted: 1 },
    { batch: 0, contracted: 2 },
  ],
  gather: [
    { axis: 0, caller: 'gather' },
    { axis: 1, caller: 'gather' },
    { axis: 0, caller: 'embedding' },
  ],
  scatter: [
    { axis: 0, kind: 'set', caller: 'scatter' },
    { axis: 1, kind: 'set', caller: 'scatter' },
    { axis: 0, kind: 'sum', caller: 'scatter' },
  ],
  scan: [
    { body: b.makeScanBody(body({})), result: 0 },
    { body: b.makeScanBody(body({})), result: 1 },
    { body: b.makeScanBody(body({ carries: 1 })), result: 0 },
    { body: b.makeScanBody(body({ sequences: 1 })), result: 0 },
    { body: b.makeScanBody(body({ length: 3 })), result: 0 },
    { body: b.makeScanBody(body({ reverse: true })), result: 0 },
    { body: b.makeScanBody(body({ placeholders: two, outputs: [two[0]] })), result: 0 },
    { body: b.makeScanBody(body({ placeholders: two, outputs: [two[1]] })), result: 0 },
  ],
  composite: [
    { name: 'relu', attrs: {}, shape: [2], dtype: 'float32' },
    { name: 'abs', attrs: {}, shape: [2], dtype: 'float32' },
    { name: 'relu', attrs: { axis: 1 }, shape: [2], dtype: 'float32' },
  ],
  collective: [
    { kind: 'sum', group: 'a' },
    { kind: 'sum', group: 'b' },
  ],
}

test('every attribute of every op changes the hash', () => {
  for (const [op, list] of Object.entries(variants)) {
    const hashes = list.map((attrs) => makeNode<OpName>(op as OpName, two, attrs, [2, 3], 'float32').hash)
    assert.equal(new Set(hashes).size, hashes.length, op)
  }
})

test('a leaf is told apart by its type, not its storage', () => {
  const at = (storage: number, shape: Shape): number => b.buffer({ storage, version: 0 }, shape, 'float32').hash
  assert.equal(at(1, [2]), at(2, [2]))
  assert.notEqual(at(1, [2]), at(1, [3]))
})

test('the printer numbers nodes and shows attributes and types', () => {
  const x = b.buffer({ storage: 7, version: 2 }, [2, 3], 'float32')
  const w = b.buffer({ storage: 8, version: 0 }, [4, 3], 'float32')
  assert.equal(
    formatGraph([b.sum(b.contract(x, w, 0, 1), 1)]),
    `%0 = buffer() {storage: 8, version: 0} : float32 [4, 3]
%1 = buffer() {storage: 7, version: 2} : float32 [2, 3]
%2 = contract(%1, %0) {batch: 0, contracted: 1} : float32 [2, 4]
%3 = reduce(%2) {kind: sum, axes: [1]} : float32 [2, 1]
%4 = reshape(%3) : float32 [2]
return %4`,
  )
})

test('the verifier finds a node whose type is not the inferred one', () => {
  const wrong = makeNode('add', two, {}, [3, 2], 'float32')
  assert.throws(() => verifyGraph([wrong], 'simplify'), {
    code: 'COMPILE',
    message: 'verify: expected add that simplify made to have inferred type float32 [2, 3], got float32 [3, 2].',
  })
})
