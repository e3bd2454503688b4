// Orders, ranks, searches and running sums along axes that are longer than a block, on every device: against JavaScript's own.
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import {
  availableDevices,
  closeDevices,
  type DType,
  searchsorted,
  setDevice,
  type Tensor,
  tensor,
} from '../../src/index.ts'

after(closeDevices)

/** In [0, 1), the same on every run. */
const fraction = (i: number): number => {
  const wild = Math.sin(i * 12.9898) * 43758.5453
  return wild - Math.floor(wild)
}

const special = (i: number): number | undefined => {
  if (i % 97 === 0) return Number.NaN
  if (i % 53 === 0) return i % 2 === 0 ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY
  return i % 31 === 0 ? (i % 2) * -0 : undefined
}

const values: Partial<Record<DType, (i: number) => number | bigint | boolean>> = {
  bool: (i) => fraction(i) < 0.5,
  uint8: (i) => Math.floor(fraction(i) * 256),
  int32: (i) => Math.floor((fraction(i) - 0.5) * 2 ** 32),
  int64: (i) => BigInt(Math.floor((fraction(i) - 0.5) * 2 ** 53)) * (i % 3 === 0 ? 1n : 1000n),
  float16: (i) => special(i) ?? Math.round((fraction(i) - 0.5) * 100),
  float32: (i) => special(i) ?? Math.round((fraction(i) - 0.5) * 1000) / 7,
  float64: (i) => special(i) ?? (fraction(i) - 0.5) * 2 ** (i % 40),
}

/** Stable order, NaN last; first in descending order. */
function expectedOrder(line: readonly (number | bigint)[], descending: boolean): number[] {
  const compare = (a: number | bigint, b: number | bigint): number => {
    const [missingA, missingB] = [a, b].map((value) => Number(Number.isNaN(value)))
    if (missingA + missingB > 0) return missingA - missingB
    return a < b ? -1 : a > b ? 1 : 0
  }
  return line.map((_, i) => i).sort((i, j) => compare(line[i], line[j]) * (descending ? -1 : 1) || i - j)
}

const numbersOf = async (x: Tensor): Promise<number[]> => Array.from((await x.data()) as ArrayLike<number>, Number)

async function checkOrder(x: Tensor): Promise<void> {
  const [rows, extent] = x.shape
  const all = Array.from((await x.data()) as ArrayLike<number | bigint>)
  for (const descending of [false, true]) {
    const got = await numbersOf(x.argsort(-1, descending))
    const top = await numbersOf(x.topk(topCount, -1, descending).indices)
    for (let row = 0; row < rows; row++) {
      const part = [row * extent, (row + 1) * extent] as const
      const expected = expectedOrder(all.slice(...part), descending)
      assert.deepEqual(got.slice(...part), expected, `${x.dtype} ${descending}`)
      assert.deepEqual(top.slice(row * topCount, (row + 1) * topCount), expected.slice(0, topCount), `${x.dtype} top`)
    }
  }
}

const topCount = 9

/** The element of a rank, and where values stand in the row in order. */
async function checkRanks(x: Tensor): Promise<void> {
  const [rows, extent] = x.shape
  const all = Array.from((await x.data()) as ArrayLike<number | bigint>)
  const order = Array.from({ length: rows }, (_, row) =>
    expectedOrder(all.slice(row * extent, (row + 1) * extent), false),
  )
  for (const k of [1, 700, extent])
    assert.deepEqual(
      await numbersOf(x.kthvalue(k, -1).indices),
      order.map((each) => each[k - 1]),
    )
  const wanted = [3, 1500, 1999]
  const values = x.sort().values.indexSelect(1, tensor(wanted).long())
  const places = await numbersOf(searchsorted(x.sort().values, values))
  // the first of equal ones
  const sorted = await numbersOf(x.sort().values)
  const first = order.flatMap((_, row) =>
    wanted.map((at) => sorted.slice(row * extent, (row + 1) * extent).indexOf(sorted[row * extent + at])),
  )
  assert.deepEqual(places, first)
}

for (const device of availableDevices()) {
  // an interpreter takes its time
  const isSlow = device === 'reference'
  const dtypes = isSlow ? (['float32'] as const) : (Object.keys(values) as DType[])
  const shapes = isSlow ? [[1, 2049]] : [[2, 2300]]

  test(`${device}: orders and ranks along long axes, ties by position, NaN as the largest`, async () => {
    setDevice(device)
    for (const dtype of dtypes)
      for (const shape of shapes) {
        const count = shape[0] * shape[1]
        const list = Array.from({ length: count }, (_, i) => values[dtype]!(i))
        const x = tensor(list as number[])
          .to(dtype)
          .reshape(shape)
        await checkOrder(x)
        if (dtype === 'int32' || dtype === 'float64') await checkRanks(x.nanToNum())
      }
  })

  test(`${device}: running sums of long axes; what is not finite stays behind`, async () => {
    setDevice(device)
    for (const shape of [
      [5000, 1],
      [3, 257],
      [17, 33],
    ]) {
      const list = Array.from({ length: shape[0] * shape[1] }, (_, i) => Math.floor(fraction(i) * 100))
      for (const axis of [0, 1]) {
        const got = await numbersOf(tensor(list).reshape(shape).cumsum(axis))
        const step = axis === 0 ? shape[1] : 1
        const expected: number[] = []
        list.forEach((value, i) => {
          const isFirst = axis === 0 ? i < step : i % shape[1] === 0
          expected.push(value + (isFirst ? 0 : expected[i - step]))
        })
        assert.deepEqual(got, expected)
      }
    }
    const late = Array.from({ length: 40 }, (_, i) => (i === 20 ? Number.POSITIVE_INFINITY : 1))
    const sums = await numbersOf(tensor(late).cumsum(0))
    assert.deepEqual(sums.slice(18, 22), [19, 20, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY])
  })
}
