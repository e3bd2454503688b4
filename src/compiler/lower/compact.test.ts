import { test } from 'node:test'
import type { DType } from '../../base/dtype.ts'
import { logicalNot, mul, placeholder, stack } from '../../graph/builders.ts'
import { compact } from '../../graph/composites/compact.ts'
import type { HostArray } from '../../graph/host-array.ts'
import { checkGroup } from './test-harness.ts'

const maskOf = (bits: readonly number[]): HostArray => ({
  dtype: 'bool',
  shape: [bits.length],
  data: Uint8Array.from(bits),
})

function check(bits: readonly number[], dtype: DType = 'float32'): void {
  const [mask, x] = [placeholder([bits.length], 'bool'), placeholder([bits.length], dtype)]
  for (const isComputed of [false, true]) {
    const picks = isComputed ? logicalNot(mask) : mask
    const { count, moved } = compact(picks, [mul(x, 2), x, stack([x, x, mul(x, 3)], 1)])
    const number = bits.filter((bit) => (bit === 1) !== isComputed).length
    checkGroup('composite', [...moved, count], {
      anchorNode: count,
      inputs: new Map([[mask, maskOf(bits)]]),
      lengths: [number, number, 3 * number, 1],
    })
  }
}

const bitsOf = (size: number, isPicked: (i: number) => boolean): number[] =>
  Array.from({ length: size }, (_, i) => Number(isPicked(i)))

test('compact: none, all, one, some', () => {
  for (const size of [1, 7, 1024, 1500])
    for (const isPicked of [() => false, () => true, (i: number) => i === size - 1, (i: number) => i % 7 < 3])
      check(bitsOf(size, isPicked))
})

test('compact: blocks begin where those before them end', () => {
  check(bitsOf(17_000, (i) => (i * 7919) % 11 < 4))
})

test('compact: dtypes', () => {
  for (const dtype of ['float64', 'int64', 'int32', 'bfloat16'] as const)
    check(
      bitsOf(37, (i) => i % 3 > 0),
      dtype,
    )
})
