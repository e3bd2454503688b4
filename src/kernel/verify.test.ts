import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CompileError } from '../base/errors.ts'
import { alu, indexAlu, indexLiteral, indexOf, literal, loadOf, readOf, referenceTo, storeTo } from './builders.ts'
import type { Accumulator, Expression, For, Kernel, LoopVariable, Param, Statement } from './kernel-node.ts'
import { printKernel } from './print.ts'
import { verifyKernel } from './verify.ts'

const x: Param = { op: 'param', slot: 0, dtype: 'float32', size: 640, access: 'read', name: 'x' }
const out: Param = { op: 'param', slot: 1, dtype: 'float32', size: 64, access: 'write', name: 'out' }
const [i, j]: LoopVariable[] = [
  { name: 'i', id: 1 },
  { name: 'j', id: 2 },
]
const total: Accumulator = { name: 'total', dtype: 'float32', id: 3, lanes: 8, kind: 'sum' }
const zero = literal('float32', 0)
const [zeroth, first] = [indexLiteral(0), indexLiteral(1)]

const kernel = (...body: Statement[]): Kernel => ({ name: 'test', params: [x, out], scratch: [], body })
const loop = (
  over: LoopVariable,
  extent: number | Expression,
  body: Statement[],
  kind: For['kind'] = 'serial',
  lanes = 1,
): For => ({
  op: 'for',
  variable: over,
  extent: typeof extent === 'number' ? indexLiteral(extent) : extent,
  kind,
  lanes,
  body,
})
const scaled = (index: Expression, by: number) => indexAlu('mul', index, indexLiteral(by))
const rowMajor = indexAlu('add', scaled(indexOf(i), 10), indexOf(j))
const sumOfRow: Statement[] = [
  { op: 'declare', accumulator: total, initial: zero },
  loop(
    j,
    10,
    [{ op: 'accumulate', accumulator: total, value: alu('exp', 'float32', loadOf(x, rowMajor)) }],
    'vector',
    8,
  ),
  storeTo(out, indexOf(i), readOf(total)),
]

const refuses = (sentence: RegExp, ...body: Statement[]) =>
  assert.throws(
    () => verifyKernel(kernel(...body)),
    (error) => {
      assert.ok(error instanceof CompileError)
      assert.match(error.message, sentence)
      return true
    },
  )

test('a row reduction passes and prints as loop nests', () => {
  const rows = kernel(loop(i, 64, sumOfRow, 'parallel'))
  verifyKernel(rows)
  assert.equal(
    printKernel(rows),
    `kernel test (read x: float32[640], write out: float32[64]) {
  for i in 0..64 parallel {
    var total: float32 x8 sum = 0
    for j in 0..10 vector 8 {
      total += exp(x[i * 10 + j])
    }
    store out[i] = total
  }
}`,
  )
})

test('dtypes', () => {
  refuses(/expected value to be float32, got float64/, storeTo(out, zeroth, literal('float64', 0)))
  refuses(/expected add of one dtype/, storeTo(out, zeroth, alu('add', 'float32', zero, literal('int32', 1))))
  refuses(/expected exp of float/, storeTo(out, zeroth, alu('exp', 'int32', literal('int32', 1))))
  refuses(/expected index to be index/, storeTo(out, literal('int64', 0n), zero))
  refuses(/bitcast between dtypes of one size/, storeTo(out, zeroth, alu('bitcast', 'float32', literal('float64', 0))))
  refuses(/where of a bool/, storeTo(out, zeroth, alu('where', 'float32', zero, zero, zero)))
  refuses(/whole number/, storeTo(out, literal('index', 0.5), zero))
})

test('scopes', () => {
  refuses(/expected i inside its loop only/, storeTo(out, indexOf(i), zero))
  refuses(/expected total to be declared/, storeTo(out, zeroth, readOf(total)))
  const binding = { name: 't', dtype: 'float32', id: 9 } as const
  refuses(/expected t to be bound/, storeTo(out, zeroth, referenceTo(binding)))
  const inner: Statement = { op: 'let', binding, value: zero }
  refuses(/expected t to be bound/, loop(i, 2, [inner]), storeTo(out, zeroth, referenceTo(binding)))
})

test('lanes', () => {
  const accumulate: Statement = { op: 'accumulate', accumulator: total, value: zero }
  const declare: Statement = { op: 'declare', accumulator: total, initial: zero }
  refuses(/vector loop of 8 lanes, got none/, declare, accumulate)
  refuses(/vector loop of 8 lanes, got one of 4/, declare, loop(j, 10, [accumulate], 'vector', 4))
  const single = { ...total, lanes: 1 }
  refuses(
    /expected total to have lanes/,
    { op: 'declare', accumulator: single, initial: zero },
    loop(j, 10, [{ op: 'accumulate', accumulator: single, value: zero }], 'vector', 8),
  )
  refuses(/outside the vector loop/, loop(j, 10, [declare], 'vector', 8))
  refuses(/only serial loops inside a vector loop/, loop(j, 10, [loop(i, 2, [], 'vector', 8)], 'vector', 8))
})

test('barriers and parallel loops stand at the top', () => {
  refuses(/barriers between top statements/, loop(i, 2, [{ op: 'barrier' }]))
  refuses(/parallel loops as top statements/, loop(i, 2, [loop(j, 2, [], 'parallel')]))
})

test('access', () => {
  refuses(/expected x to be writable, got access 'read'/, storeTo(x, zeroth, zero))
  refuses(/expected out to be readable/, storeTo(out, zeroth, loadOf(out, zeroth)))
  refuses(/among the kernel's params and scratch/, storeTo({ ...out }, zeroth, zero))
})

const copy = (index: Expression): Statement => storeTo(out, zeroth, loadOf(x, index))
const accepts = (...body: Statement[]) => verifyKernel(kernel(...body))

test('bounds of affine indices', () => {
  refuses(/i \* 10 \+ j of x in 0\.\.639, can prove 0\.\.640 only/, loop(i, 64, [loop(j, 11, [copy(rowMajor)])]))
  refuses(/can prove -1\.\.62 only/, loop(i, 64, [copy(indexAlu('sub', indexOf(i), first))]))
  accepts(loop(i, 64, [copy(indexAlu('sub', indexLiteral(63), indexOf(i)))]))
})

test('a minimum as extent cancels against the block it cuts', () => {
  const start = scaled(indexOf(i), 16)
  const rest = indexAlu('min', indexLiteral(16), indexAlu('sub', indexLiteral(630), start))
  accepts(loop(i, 40, [loop(j, rest, [copy(indexAlu('add', start, indexOf(j)))])]))
  const slack = indexAlu('min', indexLiteral(16), indexAlu('sub', indexLiteral(641), start))
  refuses(/can prove 0\.\.640 only/, loop(i, 41, [loop(j, slack, [copy(indexAlu('add', start, indexOf(j)))])]))
})

test('a quotient of the last turn is exact, and minima pass through sums and products', () => {
  // i counts blocks of six rows, j rows of a block; pairs of rows share ten elements
  const rows = (all: number) =>
    indexAlu('min', indexLiteral(6), indexAlu('sub', indexLiteral(all), scaled(indexOf(i), 6)))
  const pair = indexAlu('div', indexOf(j), indexLiteral(2))
  const element = indexAlu('add', scaled(indexOf(i), 30), scaled(pair, 10))
  accepts(loop(i, 22, [loop(j, rows(128), [copy(element)])]))
  refuses(/can prove 0\.\.640 only/, loop(i, 22, [loop(j, rows(129), [copy(element)])]))
  const wider = (all: number) => indexAlu('add', scaled(rows(all), 5), indexLiteral(5))
  const run = indexAlu('add', scaled(indexOf(i), 30), indexOf(j))
  accepts(loop(i, 22, [loop(j, wider(127), [copy(run)])]))
  refuses(/can prove 0\.\.644 only/, loop(i, 22, [loop(j, wider(128), [copy(run)])]))
})

test('division and remainder undo a flattened index', () => {
  const row = indexAlu('div', rowMajor, indexLiteral(10))
  const column = indexAlu('mod', rowMajor, indexLiteral(10))
  const transposed = indexAlu('add', scaled(column, 64), row)
  accepts(loop(i, 64, [loop(j, 10, [copy(transposed)])]))
  const flat = indexOf(i)
  const both = indexAlu(
    'add',
    scaled(indexAlu('div', flat, indexLiteral(7)), 7),
    indexAlu('mod', flat, indexLiteral(7)),
  )
  accepts(loop(i, 630, [copy(both)]))
  refuses(/can prove 0\.\.643 only/, loop(i, 639, [copy(both)]))
})

test('bindings are seen through, data is not trusted', () => {
  const binding = { name: 'at', dtype: 'index', id: 9 } as const
  accepts(loop(i, 64, [{ op: 'let', binding, value: scaled(indexOf(i), 10) }, copy(referenceTo(binding))]))
  const data = alu('cast', 'index', loadOf(x, zeroth))
  refuses(/Guard the access/, copy(data))
  accepts({ op: 'if', condition: literal('bool', true), body: [copy(data)] })
})
