// Recurrent networks over nodes against PyTorch's recorded modules: layers, directions, given states, no biases.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { onesLike, placeholder, transpose, zerosLike } from '../../src/graph/builders.ts'
import { type RecurrentWeights, recurrent, recurrentCell } from '../../src/graph/composites/recurrent.ts'
import { evaluateNodes } from '../../src/graph/evaluate.ts'
import type { HostArray } from '../../src/graph/host-array.ts'
import type { Node } from '../../src/graph/node.ts'
import { openTensors, readFixture } from './torch-samples.ts'

interface RawInput {
  readonly tensor: string
}

interface RawModule {
  readonly name: string
  readonly module: string
  readonly kwargs: { readonly batchFirst?: boolean; readonly bidirectional?: boolean }
  readonly args: readonly number[]
  readonly stateDict: Readonly<Record<string, string>>
  readonly inputs: readonly (RawInput | readonly RawInput[])[]
  readonly outputs: readonly string[]
}

const tensor = openTensors('modules.safetensors')
const modules = readFixture<{ readonly modules: readonly RawModule[] }>('modules.json').modules

class Replay {
  readonly leaves = new Map<Node, HostArray>()
  readonly #module: RawModule

  constructor(module: RawModule) {
    this.#module = module
  }

  leaf(key: string): Node {
    const value = tensor(key)
    const node = placeholder(value.shape, value.dtype)
    this.leaves.set(node, value)
    return node
  }

  weights(): RecurrentWeights[] {
    const { stateDict } = this.#module
    const suffixes = Object.keys(stateDict).flatMap((name) => (name.startsWith('weight_ih') ? [name.slice(9)] : []))
    const parameter = (name: string): Node | undefined => (name in stateDict ? this.leaf(stateDict[name]) : undefined)
    return suffixes.map((suffix) => ({
      weightIh: parameter(`weight_ih${suffix}`)!,
      weightHh: parameter(`weight_hh${suffix}`)!,
      biasIh: parameter(`bias_ih${suffix}`),
      biasHh: parameter(`bias_hh${suffix}`),
    }))
  }

  outputs(): Node[] {
    const { inputs, args, kwargs } = this.#module
    const given = this.leaf((inputs[0] as RawInput).tensor)
    const x = kwargs.batchFirst ? transpose(given, 0, 1) : given
    const weights = this.weights()
    const zeros = zerosLike(placeholder([weights.length, x.shape[1], args[1]], 'float32'))
    const [h, c] = (inputs[1] as readonly RawInput[] | undefined)?.map(({ tensor: key }) => this.leaf(key)) ?? [
      zeros,
      zeros,
    ]
    const { output, states } = recurrent('lstm', x, [h, c], weights, { bidirectional: kwargs.bidirectional })
    return [kwargs.batchFirst ? transpose(output, 0, 1) : output, ...states]
  }
}

for (const module of modules.filter((each) => each.module === 'LSTM'))
  test(`${module.name} as PyTorch`, () => {
    const replay = new Replay(module)
    const results = evaluateNodes(replay.outputs(), replay.leaves)
    module.outputs.forEach((key, at) => {
      const expected = tensor(key)
      assert.deepEqual([...results[at].shape], [...expected.shape])
      expected.data.forEach((value, i) => {
        assert.ok(Math.abs(Number(results[at].data[i]) - Number(value)) < 1e-6, `output ${at}, element ${i}`)
      })
    })
  })

test('a cell is one step of a layer', () => {
  const x = placeholder([2, 3], 'float32')
  const h = zerosLike(placeholder([2, 4], 'float32'))
  const weights = {
    weightIh: onesLike(placeholder([16, 3], 'float32')),
    weightHh: onesLike(placeholder([16, 4], 'float32')),
  }
  const value: HostArray = { dtype: 'float32', shape: [2, 3], data: new Float32Array([1, 0, 0, 0, 0, 0]) }
  const [next] = recurrentCell('lstm', x, [h, h], weights)
  const [got] = evaluateNodes([next], new Map([[x, value]]))
  const gate = 1 / (1 + Math.exp(-1))
  const expected = gate * Math.tanh(gate * Math.tanh(1))
  assert.ok(Math.abs(Number(got.data[0]) - expected) < 1e-6)
  assert.equal(Number(got.data[4]), 0)
})
