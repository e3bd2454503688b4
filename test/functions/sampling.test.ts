// Random functions on every device: ranges and frequencies of what they draw, what must not be drawn, and the same numbers from one state.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ArgumentError } from '../../src/base/errors.ts'
import * as t from '../../src/index.ts'

const numbers = async (x: t.Tensor): Promise<number[]> => Array.from(await x.data(), Number)
const meanOf = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length
const varianceOf = (values: readonly number[]): number => meanOf(values.map((value) => (value - meanOf(values)) ** 2))
const near = (got: number, expected: number, tolerance: number): void =>
  assert.ok(Math.abs(got - expected) <= tolerance, `${got}, expected ${expected} within ${tolerance}`)

for (const device of t.availableDevices())
  describe(`draws on ${device}`, { concurrency: false }, () => {
    const options = { device }

    it('multinomial draws in proportion to the weights, and never what has none', async () => {
      t.manualSeed(1)
      const weights = t.tensor(
        [
          [1, 0, 3, 0],
          [0, 5, 5, 0],
        ],
        options,
      )
      const rows = (await t.multinomial(weights, 4000, true).toArray()) as unknown as number[][]
      for (const [row, expected] of [
        [rows[0].map(Number), [0.25, 0, 0.75, 0]],
        [rows[1].map(Number), [0, 0.5, 0.5, 0]],
      ])
        expected.forEach((share, category) => {
          const got = row.filter((each) => each === category).length / row.length
          if (share === 0) assert.equal(got, 0)
          else near(got, share, 0.04)
        })
    })

    it('multinomial without replacement draws each category once, the heavy ones first', async () => {
      t.manualSeed(2)
      const weights = t.tensor([1, 100, 1, 1], options)
      let first = 0
      for (let i = 0; i < 20; i++) {
        const drawn = await numbers(weights.multinomial(4))
        assert.deepEqual([...drawn].sort(), [0, 1, 2, 3])
        if (drawn[0] === 1) first++
      }
      assert.ok(first >= 15, `${first} of 20`)
      assert.throws(() => t.multinomial(weights, 5), ArgumentError)
    })

    it('multinomial refuses weights that no distribution has, when its result is read', async () => {
      const refused = async (weights: number[] | number[][], count: number, replacement: boolean) => {
        const drawn = t.multinomial(t.tensor(weights, options), count, replacement)
        await assert.rejects(drawn.toArray(), (error: Error) => {
          assert.ok(error instanceof ArgumentError, String(error))
          assert.match(
            error.message,
            /^multinomial: expected finite weights from 0, of which \d or more in a row are above 0/,
          )
          return true
        })
      }
      for (const replacement of [false, true])
        for (const bad of [-1, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])
          await refused(
            [
              [1, 1, 1],
              [1, bad, 1],
            ],
            2,
            replacement,
          )
      await refused([0, 0, 0], 1, true)
      await refused([0, 3, 0], 2, false)
    })

    it('uniform, normal and exponential have their ranges and moments', async () => {
      t.manualSeed(3)
      const even = await numbers(t.uniform(-2, 4, [4000], options))
      assert.ok(even.every((value) => value >= -2 && value < 4))
      near(meanOf(even), 1, 0.1)
      near(varianceOf(even), 3, 0.2)
      const waits = await numbers(t.zeros([4000], options).exponential_(2))
      assert.ok(waits.every((value) => value >= 0 && Number.isFinite(value)))
      near(meanOf(waits), 0.5, 0.04)
      const means = t.tensor([-10, 0, 10], options)
      const spread = t.normal(means.expand([2000, 3]), t.tensor([0, 1, 2], options))
      assert.deepEqual(spread.shape, [2000, 3])
      for (const [column, mean, variance] of [
        [0, -10, 0],
        [1, 0, 1],
        [2, 10, 4],
      ]) {
        const values = await numbers(spread.select(1, column))
        near(meanOf(values), mean, 0.15)
        near(varianceOf(values), variance, 0.4)
      }
    })

    it('fills in place, through views too', async () => {
      t.manualSeed(4)
      const x = t.zeros([4, 100], options)
      x.slice(1).uniform_(5, 6)
      x.slice(2).bernoulli_(0.25)
      x.slice(3).random_(0, 3)
      const rows = (await x.toArray()) as unknown as number[][]
      assert.ok(rows[0].every((value) => value === 0))
      assert.ok(rows[1].every((value) => value >= 5 && value < 6))
      near(meanOf(rows[2]), 0.25, 0.15)
      assert.deepEqual([...new Set(rows[3])].sort(), [0, 1, 2])
    })

    it('randint takes a bound alone, and bernoulli one probability', async () => {
      assert.ok((await numbers(t.randint(3, [200], options))).every((value) => value >= 0 && value < 3))
      near(meanOf(await numbers(t.bernoulli(t.zeros([2000], options), { p: 0.7 }))), 0.7, 0.05)
      assert.throws(() => t.bernoulli(t.zeros([2], options), { p: 1.5 }), ArgumentError)
    })

    it('channel dropout drops whole channels', async () => {
      t.manualSeed(5)
      const y = t.dropout2d(t.ones([8, 16, 3, 3], options))
      const sums = await numbers(y.sum([2, 3]))
      assert.ok(sums.every((sum) => sum === 0 || Math.abs(sum - 18) < 1e-4))
      assert.ok(sums.includes(0) && sums.some((sum) => sum > 0))
      assert.equal(t.dropout2d(y, { training: false }), y)
    })

    it('alpha dropout keeps mean and variance', async () => {
      t.manualSeed(6)
      const values = await numbers(t.alphaDropout(t.randn([20_000], options), { p: 0.3, training: true }))
      near(meanOf(values), 0, 0.05)
      near(varianceOf(values), 1, 0.08)
    })

    it('gumbelSoftmax gives ones where it is hard, with the gradient of the soft result', async () => {
      t.manualSeed(7)
      const logits = t.tensor([[0, 1, 2]], { ...options, requiresGrad: true })
      const hard = t.gumbelSoftmax(logits, { hard: true })
      near(meanOf(await numbers(hard.sum(-1))), 1, 1e-6)
      hard
        .mul(t.tensor([1, 2, 3], options))
        .sum()
        .backward()
      assert.ok((await numbers(logits.grad!)).some((value) => value !== 0))
    })

    it('rrelu draws slopes between its bounds when training', async () => {
      t.manualSeed(8)
      const values = await numbers(t.rrelu(t.full([1000], -1, options), { training: true }))
      assert.ok(values.every((value) => value >= -1 / 3 - 1e-6 && value <= -1 / 8 + 1e-6))
      assert.ok(new Set(values).size > 100)
    })

    it('a generator starts again from a saved state', async () => {
      const generator = new t.Generator(11, device)
      await numbers(t.rand([3], { generator }))
      const state = generator.getState()
      const first = await numbers(t.rand([5], { generator }))
      generator.setState(state)
      assert.deepEqual(await numbers(t.rand([5], { generator })), first)
      assert.equal(generator.initialSeed(), 11)
    })
  })
