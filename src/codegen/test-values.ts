// Every arithmetic kind on every dtype, as scalars, whole vectors and tails, on special values, against the interpreter: cases for every code generator.
import { type DType, dtypes, dtypeTable } from '../base/dtype.ts'
import { aluTable, operandCategory } from '../kernel/alu-table.ts'
import { alu, castTo, lessThan, loadOf, storeTo, zeroOf } from '../kernel/builders.ts'
import type { AluKind, Expression } from '../kernel/kernel-node.ts'
import {
  assertSame,
  type Cases,
  dataOf,
  empty,
  kernelOf,
  loopOver,
  param,
  type TestedGenerator,
  type Tolerance,
} from './test-generator.ts'

const floatValues = [
  ...[0, -0, 1, -1, 0.5, -0.5, 2, -2, 3, 7.25, -7.75, 100, 1e-3, -1e10, 1e10, 1e-30, 3e38, -3e38, 1e-40, 88.8, -103.5],
  ...[Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN, Math.PI, 2.5, 3.5, -2.5, 1e5, 123456.789, 4, 0.1],
]
const integerValues = [
  0, 1, -1, 2, -2, 3, -3, 7, -7, 8, 10, 31, 32, 33, 63, 64, 100, 127, -128, 255, 1000, -1000, 32767, 65537,
]

function valuesOf(dtype: DType): (number | bigint)[] {
  if (operandCategory(dtype) === 'float') return floatValues
  if (dtype === 'bool') return [0, 1]
  const { bytes, signed } = dtypeTable[dtype]
  const bits = BigInt(8 * bytes)
  const fit = (value: bigint) => (signed ? BigInt.asIntN(Number(bits), value) : BigInt.asUintN(Number(bits), value))
  const top = signed ? 1n << (bits - 1n) : 1n << bits
  return [...new Set([...integerValues.map(BigInt), top - 1n, -top, 0x123456789abcdefn].map(fit))]
}

/** All pairs of values, in an order that puts unlike ones side by side. */
function operands(dtype: DType, arity: number): (number | bigint)[][] {
  const values = valuesOf(dtype)
  if (arity === 1) return [values]
  const columns: (number | bigint)[][] = Array.from({ length: arity }, () => [])
  for (const [i, a] of values.entries())
    for (const [j, b] of values.entries())
      for (const [k, value] of [a, b, values[(i * 5 + j * 3) % values.length]].slice(0, arity).entries())
        columns[k].push(value)
  return columns
}

const transcendental = new Set<AluKind>(['exp', 'log', 'sin', 'cos', 'pow'])
function toleranceOf(kind: AluKind, dtype: DType): Tolerance | undefined {
  if (dtype === 'float64') {
    if (kind === 'multiplyAdd') return { relative: 1e-14, absolute: 1e-290 }
    return transcendental.has(kind) ? { relative: 1e-15, absolute: 1e-300 } : undefined
  }
  // the interpreter rounds the product's sum twice
  if (kind === 'multiplyAdd' && dtype === 'float32') return { relative: 1.2e-7, absolute: 0 }
  const step = dtype === 'float16' ? 1e-3 : dtype === 'bfloat16' ? 8e-3 : 2.4e-7
  return transcendental.has(kind) ? { relative: step, absolute: dtype === 'float16' ? 1e-7 : 1.5e-45 } : undefined
}

function check(
  generator: TestedGenerator,
  kind: AluKind,
  dtype: DType,
  result: DType,
  columns: (number | bigint)[][],
  tolerance?: Tolerance,
): void {
  const size = columns[0].length
  const params = columns.map((_, slot) => param(slot, dtype, size))
  const out = param(params.length, result, size)
  for (const lanes of [1, 4, 8, 16]) {
    const loop = loopOver(lanes === 1 ? 'serial' : 'vector', size, lanes, (i) => {
      const inputs = params.map((p) => loadOf(p, i))
      return [storeTo(out, i, kind === 'cast' ? castTo(inputs[0], result) : alu(kind, result, ...inputs))]
    })
    assertSame(
      generator,
      kernelOf([...params, out], [loop]),
      [...columns.map((values) => dataOf(dtype, values)), empty(result, size)],
      { tolerance },
    )
  }
}

const largerOf = (dtype: DType, a: Expression, b: Expression): Expression => alu('where', dtype, lessThan(a, b), b, a)

const kinds = (Object.keys(aluTable) as AluKind[]).filter((kind) => !['cast', 'bitcast', 'where'].includes(kind))

function checkKind(generator: TestedGenerator, kind: AluKind): void {
  // where product and sum are rounded apart in vectors, a case of its own compares loosely
  if (kind === 'multiplyAdd' && !generator.fusesMultiplyAdd) return
  const { accepts, result, arity } = aluTable[kind]
  for (const dtype of dtypes)
    if ((accepts as readonly string[]).includes(operandCategory(dtype))) {
      const tolerance = toleranceOf(kind, dtype)
      check(generator, kind, dtype, result === 'bool' ? 'bool' : dtype, operands(dtype, arity), tolerance)
    }
}

export const valueCases: Cases = {
  ...Object.fromEntries(
    kinds.map((kind) => [`${kind} on every dtype`, (generator: TestedGenerator) => checkKind(generator, kind)]),
  ),

  'casts between all dtypes': (generator) => {
    for (const from of dtypes)
      for (const to of dtypes) if (from !== to) check(generator, 'cast', from, to, [valuesOf(from)])
  },

  'bitcasts between dtypes of one size': (generator) => {
    for (const from of dtypes)
      for (const to of dtypes)
        if (from !== to && from !== 'bool' && to !== 'bool' && dtypeTable[from].bytes === dtypeTable[to].bytes)
          check(generator, 'bitcast', from, to, [valuesOf(from).filter((value) => !Number.isNaN(value))])
  },

  'where chooses by lane': (generator) => {
    for (const dtype of dtypes) {
      const [a, b] = operands(dtype, 2)
      const size = a.length
      const [x, y, c, out] = [
        param(0, dtype, size),
        param(1, dtype, size),
        param(2, 'bool', size),
        param(3, dtype, size),
      ]
      for (const lanes of [1, 8, 32]) {
        const loopOf = (value: (i: Expression) => Expression) =>
          loopOver(lanes === 1 ? 'serial' : 'vector', size, lanes, (i) => [storeTo(out, i, value(i))])
        const loops = [
          loopOf((i) => alu('where', dtype, loadOf(c, i), loadOf(x, i), loadOf(y, i))),
          loopOf((i) => alu('where', dtype, loadOf(c, i), zeroOf(dtype), loadOf(y, i))),
          loopOf((i) => largerOf(dtype, loadOf(x, i), loadOf(y, i))),
        ]
        const choice = dataOf(
          'bool',
          a.map((_, i) => ((i * 7) % 3) & 1),
        )
        for (const loop of loops)
          assertSame(generator, kernelOf([x, y, c, out], [loop]), [
            dataOf(dtype, a),
            dataOf(dtype, b),
            choice,
            empty(dtype, size),
          ])
      }
    }
  },

  'multiplyAdd rounds once or twice, as the engine does, and alike in vectors and alone': (generator) => {
    for (const dtype of ['float32', 'float64'] as const) {
      const values = Array.from({ length: 23 }, (_, i) => Math.sin(i * i + 1))
      const [a, b, c] = [values, values.map((x) => x * 3 - 1), values.map((x) => x + 0.25)]
      check(generator, 'multiplyAdd', dtype, dtype, [a, b, c], { relative: 1e-5, absolute: 1e-6 })
    }
  },
}
