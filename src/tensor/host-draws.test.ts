// Draws on the host against draws on the device: the same numbers, in whatever order the two take turns.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import '../index.ts'
import { Generator, rand, zeros } from './index.ts'

const [size, low, high] = [1000, -0.3, 0.7]

async function drawOnDevice(generator: Generator): Promise<unknown> {
  const drawn = rand([size], { generator })
  return drawn
    .mul(high - low)
    .add(low)
    .data()
}

test('host draws: bit for bit those of the device', async () => {
  for (const seed of [0, 7, 2 ** 40 + 12345]) {
    const [host, device] = [new Generator(seed), new Generator(seed)]
    for (let draw = 0; draw < 3; draw++) assert.deepEqual(host.drawUniform(size, low, high), await drawOnDevice(device))
    assert.deepEqual(await host.state.data(), await device.state.data())
  }
})

test('host draws: take turns with pending and with finished draws of the device', async () => {
  const [mixed, device] = [new Generator(3), new Generator(3)]
  const expected = []
  for (let draw = 0; draw < 5; draw++) expected.push(await drawOnDevice(device))
  const pending = rand([size], { generator: mixed })
  const second = mixed.drawUniform(size, low, high)
  const third = await drawOnDevice(mixed)
  const fourth = await drawOnDevice(mixed)
  const fifth = mixed.drawUniform(size, low, high)
  const first = await pending
    .mul(high - low)
    .add(low)
    .data()
  assert.deepEqual([first, second, third, fourth, fifth], expected)
})

test('host draws: a state that others wrote is drawn from on the device', () => {
  const generator = new Generator(3)
  generator.state.copy_(zeros([4], { dtype: 'int32' }))
  assert.equal(generator.drawUniform(size, low, high), undefined)
  assert.notEqual(generator.manualSeed(4).drawUniform(size, low, high), undefined)
  assert.equal(generator.drawUniform(2 ** 20, low, high), undefined)
})
