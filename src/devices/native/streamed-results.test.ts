// Large results that a program gives away go past the caches: the same values, by other stores, and only where whole lines are written.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as t from '../../index.ts'

interface Streamed {
  readonly name: string
  readonly shape: readonly number[]
  readonly compute: (x: t.Tensor) => t.Tensor
  readonly streams: boolean
}

const cases: readonly Streamed[] = [
  { name: 'one axis', shape: [700_001], compute: (x) => x.neg(), streams: true },
  { name: 'float64', shape: [400_001], compute: (x) => x.to('float64').mul(3), streams: true },
  { name: 'rows of half lines', shape: [700, 1000], compute: (x) => x.softmax(1), streams: true },
  { name: 'rows of odd length', shape: [701, 999], compute: (x) => x.softmax(1), streams: false },
  { name: 'few in a row', shape: [90_000, 8], compute: (x) => x.softmax(1), streams: false },
  { name: 'a fill', shape: [1000, 1], compute: (x) => x.expand([1000, 1000]).contiguous(), streams: false },
  { name: 'small', shape: [1000], compute: (x) => x.neg(), streams: false },
]

const numbers = async (x: t.Tensor): Promise<number[]> => Array.from(await x.data(), Number)

for (const { name, shape, compute, streams } of cases)
  test(name, async (context) => {
    if (!t.availableDevices().includes('native')) return context.skip('no native device')
    t.setDevice('native')
    t.manualSeed(1)
    const x = t.randn(shape).realize()
    const fn = t.compile(compute)
    const got = await numbers(fn(x))
    const code = fn.programs[0].print('emit')
    assert.deepEqual([/vmovntps/.test(code), /sfence/.test(code)], [streams, streams])
    const expected = await numbers(compute(x.to('reference')))
    const worst = got.reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i])), 0)
    assert.ok(worst < 1e-6, `off by ${worst}`)
  })

test('what the program reads again is stored into the caches', (context) => {
  if (!t.availableDevices().includes('native')) return context.skip('no native device')
  t.setDevice('native')
  const fn = t.compile((x: t.Tensor) => {
    const y = x.exp()
    return [y, y.sum(0)]
  })
  fn(t.randn([1000, 1000]))
  const stages = fn.programs[0].print('optimize')
  assert.match(stages, /write out0: float32\[1000000\]/)
})
