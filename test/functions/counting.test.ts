// Functions whose results are as long as values say, on more elements than recorded samples have: against plain loops.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fromHost, setDevice, type Tensor, tensor } from '../../src/index.ts'

const size = 40_000
/** Repeatable whole numbers from 0 below `limit`. */
const numbers = (limit: number): number[] => Array.from({ length: size }, (_, i) => ((i * 7919 + 13) % 10_007) % limit)
const numbersOf = async (x: Tensor): Promise<number[]> => Array.from(await x.data(), Number)

function countsOf(values: readonly number[]): Map<number, number> {
  const counts = new Map<number, number>()
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1)
  return new Map([...counts].sort(([a], [b]) => a - b))
}

for (const device of ['native', 'wasm']) {
  test(`${device}: bincount of many numbers, with weights too`, async () => {
    setDevice(device)
    const values = numbers(300)
    const x = tensor(values).to('int64')
    const counts = countsOf(values)
    const expected = Array.from({ length: 310 }, (_, bin) => counts.get(bin) ?? 0)
    assert.deepEqual(await numbersOf(await x.bincount(null, 310)), expected)
    const doubled = await x.bincount(tensor(values.map(() => 2)))
    assert.deepEqual(
      await numbersOf(doubled),
      expected.slice(0, 300).map((count) => 2 * count),
    )
  })

  for (const [name, values] of [
    ['a short range', numbers(500).map((value) => value - 100)],
    ['a long range', numbers(500).map((value) => value * 1_000_003)],
    ['fractions', numbers(500).map((value) => value / 4)],
  ] as const)
    test(`${device}: unique of ${name}`, async () => {
      setDevice(device)
      const dtype = name === 'fractions' ? 'float32' : 'int64'
      const x = fromHost(Float64Array.from(values), [size]).to(dtype)
      const results = (await x.unique({ returnInverse: true, returnCounts: true })) as Tensor[]
      const [found, inverse, counts] = await Promise.all(results.map(numbersOf))
      const expected = countsOf(values)
      assert.deepEqual(found, [...expected.keys()])
      assert.deepEqual(counts, [...expected.values()])
      assert.deepEqual(
        inverse.map((group) => found[group]),
        values,
      )
      assert.deepEqual(await numbersOf(await x.unique()), found)
    })

  test(`${device}: neighbours that are equal, elements and slices`, async () => {
    setDevice(device)
    const values = numbers(10_007).map((value) => Math.floor(value / 4000))
    const starts = values.map((value, i) => i === 0 || value !== values[i - 1])
    const x = tensor(values)
    const results = (await x.uniqueConsecutive({ returnInverse: true, returnCounts: true })) as Tensor[]
    const [found, inverse, counts] = await Promise.all(results.map(numbersOf))
    assert.deepEqual(
      found,
      values.filter((_, i) => starts[i]),
    )
    assert.deepEqual(
      inverse.map((group) => found[group]),
      values,
    )
    assert.equal(
      counts.reduce((a, b) => a + b, 0),
      size,
    )
    const columns = x.reshape(1, size).expand([3, size])
    const slices = (await columns.uniqueConsecutive({ dim: 1 })) as Tensor
    assert.deepEqual(await numbersOf(slices), [...found, ...found, ...found])
  })

  test(`${device}: positions and values of what is not 0, and what each is repeated by`, async () => {
    setDevice(device)
    const values = numbers(7).map((value) => Math.max(0, value - 3))
    const x = tensor(values).reshape([20, 50, 40])
    const places = values.flatMap((value, i) => (value > 0 ? [i] : []))
    const digits = [2000, 40, 1].map((stride, axis) => places.map((i) => Math.floor(i / stride) % [20, 50, 40][axis]))
    const rows = await x.nonzero()
    assert.deepEqual(rows.shape, [places.length, 3])
    assert.deepEqual(
      await numbersOf(rows),
      places.flatMap((_, i) => digits.map((of) => of[i])),
    )
    const columns = await x.nonzero({ asTuple: true })
    assert.deepEqual(await Promise.all(columns.map(numbersOf)), digits)
    const repeated = await tensor(values).repeatInterleave(tensor(values).to('int64'))
    assert.deepEqual(
      await numbersOf(repeated),
      values.flatMap((value) => Array.from({ length: value }, () => value)),
    )
  })

  test(`${device}: the gradient of what a mask selects goes to where it stood, whatever is written meanwhile`, async () => {
    setDevice(device)
    const values = numbers(7)
    const x = tensor(values).requiresGrad_()
    const mask = tensor(values.map((value) => value > 3))
    const copy = tensor(values)
    const pending = copy.maskedSelect(mask)
    copy.zero_()
    const expected = values.filter((value) => value > 3)
    assert.deepEqual(await numbersOf(await pending), expected)
    const selected = await x.maskedSelect(mask)
    selected.mul(selected).sum().backward()
    assert.deepEqual(
      await numbersOf(x.grad!),
      values.map((value) => (value > 3 ? 2 * value : 0)),
    )
  })
}
