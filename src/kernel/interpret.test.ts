import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CompileError } from '../base/errors.ts'
import { alu, indexAlu, indexLiteral, indexOf, lessThan, literal, loadOf, readOf, storeTo } from './builders.ts'
import { interpretKernel } from './interpret.ts'
import type { Accumulator, For, Kernel, LoopVariable, Memory, Param, Scratch, Statement } from './kernel-node.ts'
import { verifyKernel } from './verify.ts'

let ids = 0
const variable = (name: string): LoopVariable => ({ name, id: ids++ })
const param = (slot: number, size: number, access: Param['access'], dtype: Param['dtype'] = 'float32'): Param => ({
  op: 'param',
  slot,
  dtype,
  size,
  access,
  name: `p${slot}`,
})
const loop = (kind: For['kind'], over: LoopVariable, extent: number, body: Statement[], lanes = 1): For => ({
  op: 'for',
  variable: over,
  extent: indexLiteral(extent),
  kind,
  lanes,
  body,
})
const accumulator = (lanes: number, kind: Accumulator['kind'] = 'sum'): Accumulator => ({
  name: 'total',
  dtype: 'float32',
  id: ids++,
  lanes,
  kind,
})
const zero = literal('float32', 0)

function kernelOf(memory: Memory[], body: Statement[]): Kernel {
  const params = memory.filter((each) => each.op === 'param')
  const kernel = { name: 'test', params, scratch: memory.filter((each) => each.op === 'scratch'), body }
  verifyKernel(kernel)
  return kernel
}

test('a vector reduction adds per lane, then the lanes pairwise, then the initial value', () => {
  const [x, out] = [param(0, 10, 'read'), param(1, 1, 'write')]
  const total = accumulator(4)
  const i = variable('i')
  const value = loadOf(x, indexOf(i))
  const kernel = kernelOf(
    [x, out],
    [
      { op: 'declare', accumulator: total, initial: literal('float32', 0.5) },
      loop('vector', i, 10, [{ op: 'accumulate', accumulator: total, value }], 4),
      storeTo(out, indexLiteral(0), readOf(total)),
    ],
  )
  const data = Float32Array.from({ length: 10 }, (_, at) => Math.fround(0.1 * 3 ** at))
  const result = new Float32Array(1)
  interpretKernel(kernel, [data, result])
  const f = Math.fround
  const lane = (at: number): number => {
    let sum = 0
    for (let k = at; k < 10; k += 4) sum = f(sum + data[k])
    return sum
  }
  assert.equal(result[0], f(0.5 + f(f(lane(0) + lane(2)) + f(lane(1) + lane(3)))))
})

test('a lane accumulator read in a later vector loop is the combined value', () => {
  const [x, out] = [param(0, 6, 'read'), param(1, 6, 'write')]
  const largest = accumulator(4, 'max')
  const [i, j] = [variable('i'), variable('j')]
  const kernel = kernelOf(
    [x, out],
    [
      { op: 'declare', accumulator: largest, initial: literal('float32', Number.NEGATIVE_INFINITY) },
      loop('vector', i, 6, [{ op: 'accumulate', accumulator: largest, value: loadOf(x, indexOf(i)) }], 4),
      loop(
        'vector',
        j,
        6,
        [storeTo(out, indexOf(j), alu('sub', 'float32', loadOf(x, indexOf(j)), readOf(largest)))],
        4,
      ),
    ],
  )
  const out6 = new Float32Array(6)
  interpretKernel(kernel, [Float32Array.of(1, 2, 3, 9, 5, 6), out6])
  assert.deepEqual([...out6], [-8, -7, -6, 0, -4, -3])
})

test('a guarded load pads and reads nothing outside', () => {
  const [x, out] = [param(0, 3, 'read'), param(1, 5, 'write')]
  const i = variable('i')
  const at = indexAlu('sub', indexOf(i), indexLiteral(1))
  const guard = alu('and', 'bool', alu('lessEqual', 'bool', indexLiteral(0), at), lessThan(at, indexLiteral(3)))
  const padded = loadOf(x, at, guard, literal('float32', -1))
  const kernel = kernelOf([x, out], [loop('vector', i, 5, [storeTo(out, indexOf(i), padded)], 8)])
  const result = new Float32Array(5)
  interpretKernel(kernel, [Float32Array.of(1, 2, 3), result])
  assert.deepEqual([...result], [-1, 1, 2, 3, -1])
})

test('a wrong guard is caught where it reads', () => {
  const [x, out] = [param(0, 3, 'read'), param(1, 5, 'write')]
  const i = variable('i')
  const wrong = loadOf(x, indexOf(i), lessThan(indexOf(i), indexLiteral(4)), zero)
  const kernel = kernelOf([x, out], [loop('serial', i, 5, [storeTo(out, indexOf(i), wrong)])])
  assert.throws(
    () => interpretKernel(kernel, [new Float32Array(3), new Float32Array(5)]),
    (error) => {
      assert.ok(error instanceof CompileError)
      assert.match(error.message, /p0\[3\] is outside 0\.\.2/)
      return true
    },
  )
})

test('tile multiply overwrites or adds to a strided tile', () => {
  const [a, b, c] = [param(0, 6, 'read'), param(1, 12, 'read'), param(2, 10, 'readwrite')]
  const tile = (accumulate: number): Statement => ({
    op: 'tileMultiply',
    dtype: 'float32',
    mr: 2,
    nr: 3,
    depth: indexLiteral(3),
    aRow: 1,
    aStride: 2,
    bStride: 4,
    a: { memory: a, index: indexLiteral(0) },
    b: { memory: b, index: indexLiteral(0) },
    c: { memory: c, index: indexLiteral(1), stride: indexLiteral(4) },
    accumulate: indexLiteral(accumulate),
  })
  const panelA = Float32Array.of(1, 2, 3, 4, 5, 6)
  const panelB = Float32Array.of(1, 0, 2, Number.NaN, 0, 1, 2, Number.NaN, 1, 1, 0, Number.NaN)
  const result = new Float32Array(10).fill(100)
  interpretKernel(kernelOf([a, b, c], [tile(0)]), [panelA, panelB, result])
  assert.deepEqual([...result], [100, 6, 8, 8, 100, 8, 10, 12, 100, 100])
  interpretKernel(kernelOf([a, b, c], [tile(1)]), [panelA, panelB, result])
  assert.deepEqual([...result], [100, 12, 16, 16, 100, 16, 20, 24, 100, 100])
  const panelOfRows = Float32Array.of(1, 3, 5, 2, 4, 6)
  interpretKernel(kernelOf([a, b, c], [{ ...tile(0), aRow: 3, aStride: 1 } as Statement]), [
    panelOfRows,
    panelB,
    result,
  ])
  assert.deepEqual([...result], [100, 6, 8, 8, 100, 8, 10, 12, 100, 100])
  // rows of b at 0, 1 and 4 of one stride
  const taps = { ...tile(0), bStride: 8, bTaps: [0, 1, 4] } as Statement
  const panelOfTaps = Float32Array.of(1, 0, 2, 5, 0, 1, 2)
  const wide = Float32Array.from({ length: 12 }, (_, i) => panelOfTaps[i] ?? Number.NaN)
  interpretKernel(kernelOf([a, b, c], [taps]), [panelA, wide, result])
  assert.deepEqual([...result], [100, 1, 11, 27, 100, 2, 14, 36, 100, 100])
  assert.throws(
    () => kernelOf([a, b, c], [{ ...taps, bTaps: [0, 1, 10] } as Statement]),
    /of p1 in 0\.\.11, can prove 0\.\.12 only/,
  )
  const beyond = { ...tile(0), c: { memory: c, index: indexLiteral(4), stride: indexLiteral(4) } } as Statement
  assert.throws(() => kernelOf([a, b, c], [beyond]), /can prove 4\.\.10 only/)
})

/** Sums 8 blocks of 4 into partials, then, behind a barrier, the partials in order. */
function partialSums(): Kernel {
  const [x, partials, out] = [param(0, 32, 'read'), param(1, 8, 'readwrite'), param(2, 8, 'write')]
  const [block, k, each, p] = [variable('block'), variable('k'), variable('each'), variable('p')]
  const [inner, outer] = [accumulator(1), accumulator(1)]
  const element = indexAlu('add', indexAlu('mul', indexOf(block), indexLiteral(4)), indexOf(k))
  return kernelOf(
    [x, partials, out],
    [
      loop('parallel', block, 8, [
        { op: 'declare', accumulator: inner, initial: zero },
        loop('serial', k, 4, [{ op: 'accumulate', accumulator: inner, value: loadOf(x, element) }]),
        storeTo(partials, indexOf(block), readOf(inner)),
      ]),
      { op: 'barrier' },
      loop('parallel', each, 8, [
        { op: 'declare', accumulator: outer, initial: zero },
        loop('unroll', p, 8, [{ op: 'accumulate', accumulator: outer, value: loadOf(partials, indexOf(p)) }]),
        storeTo(out, indexOf(each), readOf(outer)),
      ]),
    ],
  )
}

test('partials behind a barrier give the same bits for 1, 2 and 4 participants', () => {
  const kernel = partialSums()
  const data = Float32Array.from({ length: 32 }, (_, i) => Math.sin(i) * 10 ** (i % 5))
  const results = [1, 2, 4].map((participants) => {
    const out = new Float32Array(8)
    interpretKernel(kernel, [data, new Float32Array(8).fill(Number.NaN), out], [], participants)
    return [...out]
  })
  assert.ok(Number.isFinite(results[0][0]))
  assert.deepEqual(results[1], results[0])
  assert.deepEqual(results[2], results[0])
})

test('without the barrier, participants that run apart show the race', () => {
  const kernel = partialSums()
  const racy = { ...kernel, body: kernel.body.filter((statement) => statement.op !== 'barrier') }
  const out = new Float32Array(8)
  interpretKernel(racy, [new Float32Array(32), new Float32Array(8).fill(Number.NaN), out], [], 2)
  assert.ok(Number.isNaN(out[0]))
})

test('scratch is poisoned with NaN and belongs to one participant', () => {
  const scratch: Scratch = { op: 'scratch', dtype: 'float32', size: 1, name: 'own' }
  const out = param(0, 2, 'write')
  const i = variable('i')
  const own = loadOf(scratch, indexLiteral(0))
  const body = [storeTo(out, indexOf(i), own), storeTo(scratch, indexLiteral(0), literal('float32', 1))]
  const kernel = kernelOf([scratch, out], [loop('parallel', i, 2, body)])
  const [alone, apart] = [new Float32Array(2), new Float32Array(2)]
  interpretKernel(kernel, [alone], [], 1)
  interpretKernel(kernel, [apart], [], 2)
  assert.deepEqual([...alone], [Number.NaN, 1])
  assert.deepEqual([...apart], [Number.NaN, Number.NaN])
})

test('a failed check is the error word; the guarded access goes on', () => {
  const [index, out] = [param(0, 3, 'read', 'int64'), param(1, 3, 'write', 'int64')]
  const i = variable('i')
  const found = alu('cast', 'index', loadOf(index, indexOf(i)))
  const kernel = kernelOf(
    [index, out],
    [
      loop('serial', i, 3, [
        { op: 'check', index: found, limit: 3, position: indexOf(i), id: 7 },
        storeTo(out, found, literal('int64', 1n), lessThan(found, indexLiteral(3))),
      ]),
    ],
  )
  const marks = new BigInt64Array(3)
  const failure = interpretKernel(kernel, [BigInt64Array.of(2n, 5n, 1n), marks])
  assert.deepEqual(failure, { id: 7, position: 1, index: 5 })
  assert.deepEqual([...marks], [0n, 1n, 1n])
})

test('halves are loaded from bits, computed in float32 and rounded by the store', () => {
  const [x, out] = [param(0, 2, 'read', 'float16'), param(1, 2, 'write', 'bfloat16')]
  const i = variable('i')
  const sum = alu('cast', 'bfloat16', alu('add', 'float16', loadOf(x, indexOf(i)), literal('float16', 1)))
  const kernel = kernelOf([x, out], [loop('vector', i, 2, [storeTo(out, indexOf(i), sum)], 8)])
  const result = new Uint16Array(2)
  interpretKernel(kernel, [Uint16Array.of(0x3c00, 0x0001), result])
  assert.deepEqual([...result], [0x4000, 0x3f80])
})

test('extents come from the size table', () => {
  const out = param(0, 4, 'write')
  const i = variable('i')
  const body = [storeTo(out, indexOf(i), literal('float32', 1), lessThan(indexOf(i), indexLiteral(4)))]
  const sized: For = { ...loop('serial', i, 0, body), extent: { op: 'size', dtype: 'index', slot: 0 } }
  const kernel = kernelOf([out], [sized])
  const result = new Float32Array(4)
  interpretKernel(kernel, [result], [3n])
  assert.deepEqual([...result], [1, 1, 1, 0])
})
