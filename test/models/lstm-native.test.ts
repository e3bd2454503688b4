// One LSTM with the same weights on every device: outputs, last states and gradients must agree with the reference interpreter,
// plain and compiled, for several layers, two directions and a batch-first layout.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { availableDevices, compile, fromHost, nn, noGrad, setDevice, type Tensor } from '../../src/index.ts'
import type { LSTMOptions } from '../../src/nn/layers/recurrent.ts'

const [steps, batch, features, hidden] = [5, 3, 4, 6]

/** Values of no pattern that both devices get alike. */
const wave = (count: number, phase: number): Float32Array =>
  Float32Array.from({ length: count }, (_, i) => 0.6 * Math.sin(1.7 * i * i + phase))

const cases: readonly (readonly [string, LSTMOptions])[] = [
  ['one layer', {}],
  ['two layers, both directions', { numLayers: 2, bidirectional: true }],
  ['batch first, without biases', { batchFirst: true, bias: false }],
]

function build(options: LSTMOptions) {
  const model = new nn.LSTM(features, hidden, options)
  const parameters = [...model.parameters()]
  parameters.forEach((weight, i) => {
    noGrad(() => weight.copy_(fromHost(wave(weight.numel(), i), weight.shape)))
  })
  const shape = options.batchFirst ? [batch, steps, features] : [steps, batch, features]
  const x = fromHost(wave(steps * batch * features, 9), shape, { requiresGrad: true })
  const forward = (input: Tensor): [Tensor, Tensor, Tensor, Tensor] => {
    const [output, [h, c]] = model(input)
    const loss = output.square().mean().add(h.mul(2).sum()).add(c.sin().sum())
    loss.backward()
    return [loss, output, h, c]
  }
  return { parameters, x, forward }
}

async function run(device: string, options: LSTMOptions, isCompiled: boolean): Promise<number[][]> {
  setDevice(device)
  const { parameters, x, forward } = build(options)
  const results = (isCompiled ? compile(forward) : forward)(x)
  const gradients = [x, ...parameters].map((leaf) => leaf.grad!)
  assert.ok(gradients.every((gradient) => gradient !== null))
  const all: number[][] = []
  for (const each of [...results, ...gradients]) all.push(Array.from(await each.data(), Number))
  return all
}

function assertClose(got: readonly number[][], expected: readonly number[][]): void {
  assert.equal(got.length, expected.length)
  expected.forEach((values, which) => {
    assert.equal(got[which].length, values.length)
    values.forEach((value, i) => {
      const difference = Math.abs(got[which][i] - value)
      assert.ok(difference <= 1e-5 + 1e-5 * Math.abs(value), `value ${which}, element ${i}: ${got[which][i]}, ${value}`)
    })
  })
}

for (const [name, options] of cases)
  for (const device of availableDevices())
    for (const isCompiled of [false, true]) {
      if (device === 'reference' && !isCompiled) continue
      test(`LSTM, ${name}: ${device}${isCompiled ? ', compiled' : ''} as the reference`, async () => {
        assertClose(await run(device, options, isCompiled), await run('reference', options, false))
      })
    }
