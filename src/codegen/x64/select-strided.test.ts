// Lanes a few elements apart, edges of windows as constant masks, and lanes that a guard leaves out, against the interpreter. The harness
// ends every buffer at an unreadable page, so a load that reaches too far ends the process.
import { test } from 'node:test'
import type { DType } from '../../base/dtype.ts'
import { alu, both, indexAlu, indexLiteral, lessThan, literal, loadOf, storeTo } from '../../kernel/builders.ts'
import type { Expression } from '../../kernel/kernel-node.ts'
import { assertSame, dataOf, empty, kernelOf, loopOver, param } from '../test-generator.ts'
import { machineCode, refusal } from './test-harness.ts'

const options = { skip: refusal }
const numbers = (dtype: DType, size: number) =>
  dataOf(
    dtype,
    Array.from({ length: size }, (_, i) => (dtype === 'bool' ? Number(i % 3 === 0) : (i * 37 + 5) % 251)),
  )

test(
  'elements 1 to 5 apart are read and written, in whole and partial vectors, and nothing behind them',
  options,
  () => {
    for (const dtype of ['float32', 'int32', 'bool', 'uint8', 'int8', 'float16', 'int64'] as const)
      for (const stride of [1, 2, 3, 4, 5])
        for (const size of [1, 2, 4, 5, 6, 7, 8, 11, 14, 16, 29])
          for (const lanes of [4, 8, 16]) {
            const span = (size - 1) * stride + 1
            const [x, out] = [param(0, dtype, span), param(1, dtype, span)]
            const at = (i: Expression) => indexAlu('mul', i, indexLiteral(stride))
            const body = (i: Expression) => [storeTo(out, at(i), loadOf(x, at(i)))]
            assertSame(machineCode, kernelOf([x, out], [loopOver('vector', size, lanes, body)]), [
              numbers(dtype, span),
              dataOf(dtype, new Array<number>(span).fill(1)),
            ])
          }
  },
)

test('elements are read backwards, in whole and partial vectors, and nothing before them', options, () => {
  for (const dtype of ['float32', 'int32', 'bool', 'float64', 'int64'] as const)
    for (const size of [1, 4, 7, 8, 11, 16, 29])
      for (const lanes of [4, 8, 16]) {
        const [x, out] = [param(0, dtype, size), param(1, dtype, size)]
        const body = (i: Expression) => [storeTo(out, i, loadOf(x, indexAlu('sub', indexLiteral(size - 1), i)))]
        const kernel = kernelOf([x, out], [loopOver('vector', size, lanes, body)])
        assertSame(machineCode, kernel, [numbers(dtype, size), empty(dtype, size)])
      }
})

test('taps that hang over an edge give the padding, in loops and written out', options, () => {
  const size = 14
  for (const dtype of ['float32', 'int32', 'bool', 'int64'] as const)
    for (const kind of ['serial', 'unroll'] as const)
      for (const stride of [1, 2]) {
        const source = param(0, dtype, stride * size)
        const out = param(1, dtype, 5 * size)
        const padding = literal(dtype, dtype === 'int64' ? 0n : dtype === 'bool' ? false : 0)
        const taps = loopOver(kind, 5, 1, (tap) => [
          loopOver('vector', size, 16, (i) => {
            const position = indexAlu('sub', indexAlu('add', tap, i), indexLiteral(2))
            const inside = both(
              alu('lessEqual', 'bool', indexLiteral(0), position),
              lessThan(position, indexLiteral(size)),
            )
            const value = loadOf(source, indexAlu('mul', position, indexLiteral(stride)), inside, padding)
            return [storeTo(out, indexAlu('add', indexAlu('mul', tap, indexLiteral(size)), i), value)]
          }),
        ])
        assertSame(machineCode, kernelOf([source, out], [taps]), [
          numbers(dtype, stride * size),
          empty(dtype, 5 * size),
        ])
      }
})

test('exp is 0 where it vanishes, and NaN of NaN', options, () => {
  const values = [
    Number.NEGATIVE_INFINITY,
    -1e30,
    -104.1,
    -103.9,
    -100,
    -88,
    0,
    1,
    89,
    Number.NaN,
    Number.POSITIVE_INFINITY,
  ]
  const [x, out] = [param(0, 'float32', values.length), param(1, 'float32', values.length)]
  const loop = loopOver('vector', values.length, 8, (i) => [storeTo(out, i, alu('exp', 'float32', loadOf(x, i)))])
  assertSame(machineCode, kernelOf([x, out], [loop]), [dataOf('float32', values), empty('float32', values.length)], {
    tolerance: { relative: 3e-7, absolute: 2e-45 },
  })
})
