// Compares values with PyTorch's tolerances: NaN equals NaN, infinities and integers must be equal.
// https://docs.pytorch.org/docs/stable/testing.html
import { type DType, isFloat } from '../../src/base/dtype.ts'
import { formatShape, sameShape } from '../../src/base/shape.ts'
import type { RawTensor } from '../../src/formats/safetensors/index.ts'
import type { Tensor, TypedArray } from '../../src/index.ts'
import { valuesOf } from '../../src/tensor/host-values.ts'

export interface Tolerance {
  readonly relative: number
  readonly absolute: number
}

export const tolerances: Partial<Record<DType, Tolerance>> = {
  float16: { relative: 1e-3, absolute: 1e-5 },
  bfloat16: { relative: 1.6e-2, absolute: 1e-5 },
  float32: { relative: 1.3e-6, absolute: 1e-5 },
  float64: { relative: 1e-7, absolute: 1e-7 },
}

/** Wider tolerances for single ops, with the reason; there may only be fewer of them. */
export const toleranceOverrides: readonly (Tolerance & {
  readonly op: string
  readonly dtype: DType
  readonly reason: string
})[] = [
  {
    op: 'scaledDotProductAttention',
    dtype: 'float32',
    relative: 1e-5,
    absolute: 1e-5,
    reason: 'scores near 100 have an ulp of 8e-6, which exp turns into a relative error',
  },
  {
    op: 'polygamma',
    dtype: 'float32',
    relative: 3e-5,
    absolute: 1e-5,
    reason:
      'PyTorch takes the sine of π x as rounded to float32, which is far off near the poles; here it is reduced first',
  },
  ...['addbmm', 'convTranspose3d'].map((op) => ({
    op,
    dtype: 'float32' as const,
    relative: 1e-5,
    absolute: 2e-5,
    reason: 'sums of some 50 products near 40 in another order',
  })),
]

const toleranceOf = (op: string, dtype: DType): Tolerance =>
  toleranceOverrides.find((override) => override.op === op && override.dtype === dtype) ??
  tolerances[dtype] ?? { relative: 0, absolute: 0 }

/** Says how a tensor differs from what was expected, or undefined. */
export async function difference(
  op: string,
  what: string,
  got: Tensor,
  expected: RawTensor,
): Promise<string | undefined> {
  if (got.dtype !== expected.dtype) return `${what}: dtype ${got.dtype}, expected ${expected.dtype}`
  if (!sameShape(got.shape, expected.shape))
    return `${what}: shape ${formatShape(got.shape)}, expected ${formatShape(expected.shape)}`
  return differentValue(
    what,
    await got.data(),
    valuesOf(expected.bytes, expected.dtype),
    expected.dtype,
    toleranceOf(op, expected.dtype),
  )
}

function differentValue(
  what: string,
  got: TypedArray,
  expected: TypedArray,
  dtype: DType,
  { relative, absolute }: Tolerance,
): string | undefined {
  for (let i = 0; i < expected.length; i++) {
    const [a, b] = [got[i], expected[i]]
    if (a === b) continue
    const close = isFloat(dtype) && isClose(Number(a), Number(b), relative, absolute)
    if (!close) return `${what}: element ${i} is ${a}, expected ${b}`
  }
  return undefined
}

const isClose = (a: number, b: number, relative: number, absolute: number): boolean =>
  (Number.isNaN(a) && Number.isNaN(b)) || (Number.isFinite(b) && Math.abs(a - b) <= absolute + relative * Math.abs(b))
