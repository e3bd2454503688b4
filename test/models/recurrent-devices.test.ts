// Recurrent networks with the same weights on every device: outputs, last states and gradients must agree with the reference interpreter,
// plain and compiled, for several layers, two directions, a batch-first layout, and sizes whose products fill register tiles.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { availableDevices, compile, fromHost, nn, noGrad, setDevice, type Tensor } from '../../src/index.ts'

/** Values of no pattern that all devices get alike. */
const wave = (count: number, phase: number): Float32Array =>
  Float32Array.from({ length: count }, (_, i) => 0.6 * Math.sin(1.7 * i * i + phase))

type Network = nn.LSTM | nn.GRU | nn.RNN

interface Case {
  readonly build: () => Network
  readonly shape: readonly number[]
}

const cases: Readonly<Record<string, Case>> = {
  'LSTM, one layer': { build: () => new nn.LSTM(4, 6), shape: [5, 3, 4] },
  'LSTM, two layers, both directions': {
    build: () => new nn.LSTM(4, 6, 2, { bidirectional: true }),
    shape: [5, 3, 4],
  },
  'LSTM, batch first, without biases': {
    build: () => new nn.LSTM(4, 6, { batchFirst: true, bias: false }),
    shape: [3, 5, 4],
  },
  'LSTM, in tiles': { build: () => new nn.LSTM(8, 24), shape: [3, 35, 8] },
  'GRU, both directions': { build: () => new nn.GRU(4, 6, { bidirectional: true }), shape: [5, 3, 4] },
  'GRU, in tiles': { build: () => new nn.GRU(8, 24), shape: [3, 35, 8] },
  'RNN with relu, in tiles': { build: () => new nn.RNN(8, 40, { nonlinearity: 'relu' }), shape: [3, 35, 8] },
}

function prepare({ build, shape }: Case) {
  const model = build()
  const parameters = [...model.parameters()]
  parameters.forEach((weight, i) => {
    noGrad(() =>
      weight.copy_(
        fromHost(
          wave(weight.numel(), i).map((value) => value / 2),
          weight.shape,
        ),
      ),
    )
  })
  const x = fromHost(wave(shape[0] * shape[1] * shape[2], 9), shape, { requiresGrad: true })
  const forward = (input: Tensor): Tensor[] => {
    const [output, last] = model.forward(input)
    const states = Array.isArray(last) ? last : [last as Tensor]
    const loss = states.reduce(
      (sum, state, i) =>
        sum.add(
          state
            .mul(i + 1)
            .sin()
            .sum(),
        ),
      output.square().mean(),
    )
    loss.backward()
    return [loss, output, ...states]
  }
  return { parameters, x, forward }
}

async function run(device: string, one: Case, isCompiled: boolean): Promise<number[][]> {
  setDevice(device)
  const { parameters, x, forward } = prepare(one)
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

for (const [name, one] of Object.entries(cases))
  for (const device of availableDevices())
    for (const isCompiled of [false, true]) {
      if (device === 'reference' && !isCompiled) continue
      test(`${name}: ${device}${isCompiled ? ', compiled' : ''} as the reference`, async () => {
        assertClose(await run(device, one, isCompiled), await run('reference', one, false))
      })
    }
