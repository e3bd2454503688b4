// Copies across lanes as machine code, against the interpreter: whole and partial blocks, known and open extents, and loops that only look alike.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { alu, indexAlu, indexLiteral, loadOf, storeTo } from '../../kernel/builders.ts'
import type { Expression, Kernel, Statement } from '../../kernel/kernel-node.ts'
import { assertSame, dataOf, kernelOf, loopOver, param } from '../test-generator.ts'
import { emitKernel } from './emit-kernel.ts'
import { machineCode, refusal } from './test-harness.ts'

const options = { skip: refusal }
const stride = 70
const [rows, columns] = [24, 61]
type Width = 'float32' | 'int64'
const memoryOf = (dtype: Width) => ({
  x: param(0, dtype, rows * stride),
  out: param(1, dtype, columns * 33 + rows),
})
const sizes = memoryOf('float32')
const values = dataOf(
  'float32',
  Array.from({ length: sizes.x.size }, (_, i) => Math.sin(i)),
)
const zeros = dataOf('float32', new Array<number>(sizes.out.size).fill(0))

const sum = (a: Expression, b: Expression): Expression => indexAlu('add', a, b)
const times = (a: Expression, by: number): Expression => indexAlu('mul', a, indexLiteral(by))

interface Form {
  readonly extent: Expression
  readonly spacing?: number
  readonly change?: (value: Expression) => Expression
  readonly dtype?: Width
}

/** out[column * 33 + row] = x[row * stride + column], eight rows at a time. */
function copyKernel({ extent, spacing = 1, change = (value) => value, dtype = 'float32' }: Form): Kernel {
  const { x, out } = memoryOf(dtype)
  const body = loopOver('serial', rows / 8, 1, (group) => [
    loopOver('unroll', 8, 1, (lane) => {
      const from = sum(times(sum(times(group, 8), lane), stride), indexLiteral(0))
      const to = sum(times(group, 8 * spacing), times(lane, spacing))
      const copy = (k: Expression): Statement => storeTo(out, sum(to, times(k, 33)), change(loadOf(x, sum(from, k))))
      return [loopOver('vector', extent, 32, (k) => [copy(k)])]
    }),
  ])
  return kernelOf([x, out], [body])
}

const size: Expression = { op: 'size', dtype: 'index', slot: 0 }

test('blocks are transposed, and what is left over is copied', options, () => {
  for (const count of [1, 7, 8, 9, 24, 61])
    for (const extent of [indexLiteral(count), size])
      for (const checked of [false, true])
        assertSame(machineCode, copyKernel({ extent }), [values, zeros], { sizes: [BigInt(count)], checked })
})

test('wide elements are transposed four by eight', options, () => {
  const wide = [sizes.x.size, sizes.out.size].map((length) =>
    dataOf(
      'int64',
      Array.from({ length }, (_, i) => BigInt(i) * 3n ** 20n),
    ),
  )
  for (const count of [1, 3, 4, 13, 61])
    for (const extent of [indexLiteral(count), size])
      assertSame(machineCode, copyKernel({ extent, dtype: 'int64' }), wide, { sizes: [BigInt(count)] })
})

test('rows that are no neighbours, and values that are computed, are left as they are', options, () => {
  const extent = indexLiteral(16)
  assertSame(machineCode, copyKernel({ extent, spacing: 0 }), [values, zeros])
  assertSame(machineCode, copyKernel({ extent, change: (value) => alu('add', 'float32', value, value) }), [
    values,
    zeros,
  ])
})

test('a transposed block is far less code than its elements', options, () => {
  const features = { f16c: true, avx512: false }
  const bytesOf = (kernel: Kernel): number => emitKernel(kernel, { checked: false, features }).code.length
  const extent = indexLiteral(32)
  assert.ok(
    bytesOf(copyKernel({ extent })) * 3 < bytesOf(copyKernel({ extent, change: (v) => alu('add', 'float32', v, v) })),
  )
})
