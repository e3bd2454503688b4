// Reads test/fixtures/torch: tensors of a safetensors file, values of a JSON file, and the cotangent that gradients were taken with.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { parse } from '../../src/formats/safetensors/serialize.ts'
import { fromBytes, fromHost, type Tensor } from '../../src/tensor/index.ts'

const folder = 'test/fixtures/torch' // npm runs tests from the package root

export const readFixture = <T>(name: string): T => JSON.parse(readFileSync(`${folder}/${name}.json`, 'utf8')) as T

export function readFixtureTensors(name: string): (key: string) => Tensor {
  const { tensors } = parse(readFileSync(`${folder}/${name}.safetensors`))
  return (key) => {
    const raw = tensors.get(key)
    assert.ok(raw, `${name}.safetensors holds ${key}`)
    return fromBytes(raw.bytes, raw.shape, { dtype: raw.dtype })
  }
}

/** cos(i + 1) at row-major index i. */
export function cotangentOf({ shape, dtype }: Tensor): Tensor {
  const size = shape.reduce((product, extent) => product * extent, 1)
  return fromHost(
    Float64Array.from({ length: size }, (_, i) => Math.cos(i + 1)),
    shape,
    { dtype },
  )
}

/** Fails unless |actual - expected| <= atol + rtol |expected| everywhere; the defaults are PyTorch's for float32. */
export async function assertClose(
  actual: Tensor,
  expected: Tensor,
  what: string,
  rtol = 1.3e-6,
  atol = 1e-5,
): Promise<void> {
  assert.deepEqual(actual.shape, expected.shape, `shape of ${what}`)
  assert.equal(actual.dtype, expected.dtype, `dtype of ${what}`)
  const [a, b] = [await actual.data(), await expected.data()]
  for (let i = 0; i < b.length; i++) {
    const [x, y] = [Number(a[i]), Number(b[i])]
    const isClose = x === y || Math.abs(x - y) <= atol + rtol * Math.abs(y) || (Number.isNaN(x) && Number.isNaN(y))
    assert.ok(isClose, `${what}: expected ${y} at ${i}, got ${x}`)
  }
}
