// Loops of float32 in 512 bits against the interpreter, bit by bit: whole steps and what is left of them, sums and maxima in lanes, choices
// by comparison, constants kept in registers. Without AVX-512 the same kernels run in groups of eight.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ReduceKind } from '../../base/scalar.ts'
import { alu, identityOf, indexLiteral, literal, loadOf, readOf, storeTo } from '../../kernel/builders.ts'
import type { Accumulator, Expression } from '../../kernel/kernel-node.ts'
import { assertSame, dataOf, empty, kernelOf, loopOver, param } from '../test-generator.ts'
import { emitKernel } from './emit-kernel.ts'
import { machineCode, refusal } from './test-harness.ts'

const options = { skip: refusal }
const special = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, 1e-40, 3e38]
const numbers = (size: number) =>
  dataOf(
    'float32',
    Array.from({ length: size }, (_, i) => (i % 13 === 7 ? special[i % special.length] : ((i * 37) % 101) / 8 - 6)),
  )
const float = (kind: Parameters<typeof alu>[0], ...inputs: Expression[]) => alu(kind, 'float32', ...inputs)
const number = (value: number) => literal('float32', value)

/** Arithmetic, extrema with and without constants, rounding, comparisons and choices of two values. */
function work(x: Expression, y: Expression): Expression {
  const bounded = float('min', float('max', float('mul', x, number(1.5)), number(-4)), y)
  const rounded = float('sub', float('floor', bounded), float('neg', float('abs', y)))
  const ratio = float('div', rounded, float('add', float('sqrt', float('abs', x)), number(0.25)))
  const isLess = alu('less', 'bool', ratio, x)
  return float('where', isLess, ratio, float('where', alu('notEqual', 'bool', x, y), bounded, float('max', x, ratio)))
}

test('arithmetic in whole steps and in what is left of them', options, () => {
  for (const size of [16, 31, 32, 64, 77, 100])
    for (const lanes of [16, 32]) {
      const [x, y, out] = [0, 1, 2].map((slot) => param(slot, 'float32', size))
      const body = (i: Expression) => [storeTo(out, i, work(loadOf(x, i), loadOf(y, indexLiteral(3))))]
      const kernel = kernelOf([x, y, out], [loopOver('vector', size, lanes, body)])
      for (const avx512 of [true, false])
        assertSame(machineCode, kernel, [numbers(size), numbers(size).reverse(), empty('float32', size)], { avx512 })
    }
})

/** Exponents and mantissas taken apart as integers, compared, put together and chosen by masks. */
function workOnBits(x: Expression, y: Expression): Expression {
  const integer = (kind: Parameters<typeof alu>[0], ...inputs: Expression[]) => alu(kind, 'int32', ...inputs)
  const whole = (value: number) => literal('int32', value)
  const bits = integer('bitcast', x)
  const exponent = integer('sub', integer('shiftRight', bits, whole(23)), whole(127))
  const mantissa = integer('or', integer('and', bits, whole(0x7fffff)), whole(0x3f800000))
  const mixed = integer('max', integer('mul', exponent, whole(3)), integer('neg', integer('xor', exponent, whole(5))))
  const back = float('add', float('bitcast', mantissa), float('cast', integer('shiftLeft', mixed, whole(2))))
  const isLess = alu('less', 'bool', exponent, integer('cast', alu('less', 'bool', x, y)))
  const isChosen = alu(
    'or',
    'bool',
    alu('and', 'bool', isLess, alu('equal', 'bool', bits, mixed)),
    alu('not', 'bool', isLess),
  )
  return float('where', alu('xor', 'bool', isChosen, alu('lessEqual', 'bool', x, y)), back, float('cast', isLess))
}

test('bits of floats and masks', options, () => {
  for (const size of [16, 64, 77]) {
    const [x, y, out] = [0, 1, 2].map((slot) => param(slot, 'float32', size))
    const body = (i: Expression) => [storeTo(out, i, workOnBits(loadOf(x, i), loadOf(y, i)))]
    const kernel = kernelOf([x, y, out], [loopOver('vector', size, 32, body)])
    const features = { f16c: true, avx512: true }
    assert.match(emitKernel(kernel, { checked: false, features }).print(), /vpcmpgtd/)
    for (const avx512 of [true, false])
      assertSame(machineCode, kernel, [numbers(size), numbers(size).reverse(), empty('float32', size)], { avx512 })
  }
})

test('sums and extrema in lanes have the same bits in groups of sixteen and of eight', options, () => {
  for (const kind of ['sum', 'max', 'min', 'prod'] as const satisfies readonly ReduceKind[])
    for (const size of [32, 90, 256]) {
      const [x, out] = [param(0, 'float32', size), param(1, 'float32', 1)]
      const accumulator: Accumulator = { name: kind, dtype: 'float32', id: 0, lanes: 32, kind }
      const body = (i: Expression) => [
        { op: 'accumulate', accumulator, value: float('mul', loadOf(x, i), number(0.5)) } as const,
      ]
      const kernel = kernelOf(
        [x, out],
        [
          { op: 'declare', accumulator, initial: identityOf(kind, 'float32') },
          loopOver('vector', size, 32, body),
          storeTo(out, indexLiteral(0), readOf(accumulator)),
        ],
      )
      const finite = dataOf(
        'float32',
        Array.from(numbers(size) as Float32Array, (value) => (Number.isFinite(value) ? Number(value) : 1)),
      )
      for (const avx512 of [true, false]) assertSame(machineCode, kernel, [finite, empty('float32', 1)], { avx512 })
    }
})

test('plain loops are written in 512 bits where asked for, others are not', () => {
  const [x, out] = [param(0, 'float32', 64), param(1, 'float32', 64)]
  const features = { f16c: true, avx512: true }
  const printed = (kernel: Parameters<typeof emitKernel>[0]) => emitKernel(kernel, { checked: false, features }).print()
  const plain = loopOver('vector', 64, 32, (i) => [storeTo(out, i, float('exp', loadOf(x, i)))])
  assert.match(printed(kernelOf([x, out], [plain])), /zmm/)
  const backwards = loopOver('vector', 64, 32, (i) => [
    storeTo(out, alu('sub', 'index', indexLiteral(63), i), loadOf(x, i)),
  ])
  assert.doesNotMatch(printed(kernelOf([x, out], [backwards])), /zmm/)
})

test('float64 in eight lanes: arithmetic, choices, signs as bits, sums', options, () => {
  const double = (kind: Parameters<typeof alu>[0], ...inputs: Expression[]) => alu(kind, 'float64', ...inputs)
  const integer = (kind: Parameters<typeof alu>[0], ...inputs: Expression[]) => alu(kind, 'int64', ...inputs)
  const value = (x: Expression, y: Expression): Expression => {
    const half = double('multiplyAdd', double('max', x, double('neg', y)), literal('float64', 0.5), double('abs', y))
    const isChosen = alu('or', 'bool', alu('less', 'bool', x, y), alu('equal', 'bool', half, literal('float64', 2)))
    const sign = integer('and', integer('bitcast', x), literal('int64', -(2n ** 63n)))
    const flipped = double('bitcast', integer('xor', integer('bitcast', half), sign))
    const chosen = double(
      'where',
      isChosen,
      double('div', flipped, double('sqrt', double('abs', x))),
      double('floor', y),
    )
    return double('add', chosen, double('cast', alu('not', 'bool', isChosen)))
  }
  for (const size of [8, 16, 30, 64, 77]) {
    const [x, y, out] = [0, 1, 2].map((slot) => param(slot, 'float64', size))
    const total = param(3, 'float64', 1)
    const accumulator: Accumulator = { name: 'sum', dtype: 'float64', id: 0, lanes: 16, kind: 'sum' }
    const kernel = kernelOf(
      [x, y, out, total],
      [
        loopOver('vector', size, 16, (i) => [storeTo(out, i, value(loadOf(x, i), loadOf(y, indexLiteral(5))))]),
        { op: 'declare', accumulator, initial: identityOf('sum', 'float64') },
        loopOver('vector', size, 16, (i) => [
          { op: 'accumulate', accumulator, value: double('mul', loadOf(y, i), literal('float64', 0.3)) },
        ]),
        storeTo(total, indexLiteral(0), readOf(accumulator)),
      ],
    )
    if (size > 16)
      assert.match(
        emitKernel(kernel, { checked: false, features: { f16c: true, avx512: true } }).print(),
        /vsqrtpd zmm/,
      )
    const wide = dataOf('float64', Array.from(numbers(size) as Float32Array))
    const finite = dataOf(
      'float64',
      Array.from({ length: size }, (_, i) => ((i * 37) % 101) / 8 - 6),
    )
    for (const avx512 of [true, false])
      assertSame(machineCode, kernel, [wide, finite, empty('float64', size), empty('float64', 1)], { avx512 })
  }
})

test('halves are loaded, rounded and stored in sixteen lanes', options, () => {
  for (const dtype of ['float16', 'bfloat16'] as const)
    for (const size of [16, 50, 64, 77]) {
      const [x, y, out] = [0, 1, 2].map((slot) => param(slot, dtype, size))
      const single = (e: Expression) => alu('cast', 'float32', e)
      const rounded = (e: Expression) => single(alu('cast', dtype, e))
      const body = (i: Expression) => {
        const product = rounded(float('mul', single(loadOf(x, i)), single(loadOf(y, indexLiteral(2)))))
        return [storeTo(out, i, alu('cast', dtype, float('add', product, number(0.3))))]
      }
      const kernel = kernelOf([x, y, out], [loopOver('vector', size, 32, body)])
      const printed = emitKernel(kernel, { checked: false, features: { f16c: true, avx512: true } }).print()
      if (size > 32) assert.match(printed, dtype === 'float16' ? /vcvtph2ps zmm/ : /vpmovzxwd zmm/)
      const data = () => dataOf(dtype, Array.from(numbers(size) as Float32Array))
      for (const avx512 of [true, false])
        assertSame(machineCode, kernel, [data(), data(), empty(dtype, size)], { avx512 })
    }
})

test('sines and cosines of float64 beside much else: large angles leave eight lanes', options, () => {
  const double = (kind: Parameters<typeof alu>[0], ...inputs: Expression[]) => alu(kind, 'float64', ...inputs)
  const size = 40
  const [x, out] = [param(0, 'float64', size), param(1, 'float64', size)]
  const value = (e: Expression): Expression => {
    const [sine, cosine] = [double('sin', e), double('cos', e)]
    const others = double('add', double('exp', sine), double('log', double('add', cosine, literal('float64', 3))))
    return double('add', double('div', sine, double('add', cosine, literal('float64', 2))), others)
  }
  const kernel = kernelOf([x, out], [loopOver('vector', size, 16, (i) => [storeTo(out, i, value(loadOf(x, i)))])])
  const angles = dataOf(
    'float64',
    Array.from({ length: size }, (_, i) => (i % 5 === 3 ? 1e17 * (i + 1) : i * 1.7 - 20)),
  )
  for (const avx512 of [true, false]) {
    const tolerance = { relative: 1e-13, absolute: 1e-13 }
    assertSame(machineCode, kernel, [angles, empty('float64', size)], { avx512, tolerance })
  }
})
