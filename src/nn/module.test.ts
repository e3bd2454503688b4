// Module: calls, fields, names, state dicts, hooks, modes and printing.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import '../index.ts'
import { ArgumentError, ShapeError } from '../base/errors.ts'
import { fromHost, ones, type Tensor, tensor, zeros } from '../tensor/index.ts'
import * as nn from './index.ts'

class Block extends nn.Module {
  readonly #scale = 2
  override readonly name = 'block'
  up = new nn.Linear(2, 3)
  down = new nn.Linear(3, 2, { bias: false })

  forward(x: Tensor, add = 0): Tensor {
    return this.down(this.up(x).relu()).mul(this.#scale).add(add)
  }
}

class Net extends nn.Module {
  static override readonly stateNames = { runningSum: 'running_sum' }
  embedding = new nn.Embedding(5, 2)
  blocks = [new Block(), new Block()]
  heads = new Map([['first', new nn.Linear(2, 1)]])
  scale = nn.parameter(ones([1]))
  notes = tensor([1, 2])
  runningSum = this.registerBuffer('runningSum', zeros([2]))
  scratch = this.registerBuffer('scratch', zeros([1]), { persistent: false })

  forward(x: Tensor): Tensor {
    return this.blocks.reduce((value, block) => block(value), x).mul(this.scale)
  }
}

const stateNames = [
  'scale',
  'running_sum',
  'embedding.weight',
  'blocks.0.up.weight',
  'blocks.0.up.bias',
  'blocks.0.down.weight',
  'blocks.1.up.weight',
  'blocks.1.up.bias',
  'blocks.1.down.weight',
  'heads.first.weight',
  'heads.first.bias',
]

test('a module is called with the types of its forward', async () => {
  const block = new Block()
  const y: Tensor = block(ones([4, 2]), 1)
  assert.deepEqual(y.shape, [4, 2])
  assert.deepEqual(await y.toArray(), await block.forward(ones([4, 2]), 1).toArray())
  assert.equal(typeof block, 'function')
  assert.ok(block instanceof Block && block instanceof nn.Module)
  // @ts-expect-error: forward takes a tensor
  assert.throws(() => block('x'))
})

test('fields are plain properties, of any name', () => {
  const block = new Block()
  assert.deepEqual(Object.keys(block), ['training', 'name', 'up', 'down'])
  assert.equal(block.name, 'block')
  assert.equal((block as unknown as { length?: number }).length, undefined)
})

test('names are those of PyTorch, own tensors before children, in field order', () => {
  const net = new Net()
  assert.deepEqual([...net.stateDict().keys()], stateNames)
  assert.deepEqual(
    Array.from(net.namedParameters(), ([name]) => name),
    stateNames.filter((name) => name !== 'running_sum'),
  )
  assert.deepEqual(
    Array.from(net.namedBuffers(), ([name]) => name),
    ['running_sum', 'scratch'],
  )
  assert.deepEqual(
    Array.from(net.namedModules(), ([name]) => name),
    [
      '',
      'embedding',
      'blocks.0',
      'blocks.0.up',
      'blocks.0.down',
      'blocks.1',
      'blocks.1.up',
      'blocks.1.down',
      'heads.first',
    ],
  )
})

test('containers name their entries by position or key alone', () => {
  const layers = new nn.Sequential(new nn.Linear(1, 1), new nn.ReLU(), new nn.Linear(1, 1, { bias: false }))
  assert.deepEqual([...layers.stateDict().keys()], ['0.weight', '0.bias', '2.weight'])
  assert.deepEqual([...new nn.ModuleList([new nn.Linear(1, 1)]).stateDict().keys()], ['0.weight', '0.bias'])
  assert.deepEqual([...new nn.ModuleDict({ a: new nn.Linear(1, 1) }).stateDict('x').keys()], ['x.a.weight', 'x.a.bias'])
  assert.throws(() => new nn.ModuleList()(), ArgumentError)
})

test('tied parameters are listed once and saved under each name', () => {
  const net = new nn.Sequential(new nn.Linear(2, 2, { bias: false }), new nn.Linear(2, 2, { bias: false }))
  ;(net.at(1) as nn.Linear).weight = (net.at(0) as nn.Linear).weight
  assert.equal(net.parameters().length, 1)
  assert.deepEqual([...net.stateDict().keys()], ['0.weight', '1.weight'])
})

test('a frozen parameter stays a parameter', () => {
  const net = new Net().requiresGrad_(false)
  assert.ok(net.parameters().every((each) => !each.requiresGrad))
  assert.deepEqual([...net.stateDict().keys()], stateNames)
})

test('a state dict goes into another module of the same shape', async () => {
  const [a, b] = [new Net(), new Net()]
  const report = b.loadStateDict(a.stateDict())
  assert.deepEqual(report, { missing: [], unexpected: [] })
  for (const [name, value] of a.stateDict())
    assert.deepEqual(await b.stateDict().get(name)!.toArray(), await value.toArray(), name)
  assert.notDeepEqual(await a.blocks[0].up.weight.toArray(), await new Net().blocks[0].up.weight.toArray())
})

test('a misfit is named in a sentence, and changes nothing', async () => {
  const layer = new nn.Linear(2, 3)
  const before = await layer.bias!.toArray()
  const state = { weight: zeros([4, 2]), bias: zeros([3]) }
  assert.throws(
    () => layer.loadStateDict(state),
    (error: Error) =>
      error instanceof ArgumentError &&
      /of Linear, got shapes differ: weight is \[3, 2\] here and \[4, 2\] there/.test(error.message),
  )
  assert.throws(
    () => layer.loadStateDict({ bias: zeros([3]), gain: zeros([1]) }),
    /missing weight; unexpected gain.*strict: false/,
  )
  assert.deepEqual(await layer.bias!.toArray(), before)
  assert.deepEqual(layer.loadStateDict({ bias: zeros([3]), gain: zeros([1]) }, { strict: false }), {
    missing: ['weight'],
    unexpected: ['gain'],
  })
  assert.deepEqual(await layer.bias!.toArray(), [0, 0, 0])
})

test('hooks see and replace arguments and outputs until they are removed', async () => {
  const layer = new nn.Identity()
  const before = layer.registerForwardPreHook((_, [x]) => [(x as Tensor).add(1)])
  const after = layer.registerForwardHook((_, __, output) => (output as Tensor).mul(10))
  assert.equal(await layer(tensor(1)).item(), 20)
  before.remove()
  assert.equal(await layer(tensor(1)).item(), 10)
  after.remove()
  assert.equal(await layer(tensor(1)).item(), 1)
})

test('train and eval reach every module', () => {
  const net = new Net().eval()
  assert.ok(net.modules().every((module) => !module.training))
  assert.ok(
    net
      .train()
      .modules()
      .every((module) => module.training),
  )
  const seen: string[] = []
  net.apply((module) => seen.push(module.constructor.name))
  assert.equal(seen.at(-1), 'Net')
  assert.equal(seen.length, net.modules().length)
})

test('to casts floating point tensors and keeps tied ones tied', () => {
  const net = new nn.Sequential(new nn.Linear(2, 2), new nn.BatchNorm2d(2), new nn.Linear(2, 2))
  ;(net.at(2) as nn.Linear).weight = (net.at(0) as nn.Linear).weight
  const count = net.parameters().length
  net.to('float64')
  assert.equal(net.parameters().length, count)
  assert.ok(net.parameters().every((each) => each.dtype === 'float64' && each.requiresGrad && each.isLeaf))
  assert.deepEqual(
    net.buffers().map(({ dtype }) => dtype),
    ['float64', 'float64', 'int64'],
  )
})

test('a module that holds itself is refused in a sentence', () => {
  const layer = new nn.Linear(1, 1)
  ;(layer as unknown as { parent: nn.Module }).parent = layer
  assert.throws(() => layer.parameters(), /form a tree, got 'parent'/)
})

test('modules print as in PyTorch', () => {
  const net = new nn.Sequential(
    new nn.Conv2d(1, 4, 3, { padding: 1 }),
    new nn.ReLU(),
    new nn.Sequential(new nn.Linear(4, 2)),
  )
  const expected = `Sequential(
  (0): Conv2d(1, 4, kernelSize=[3, 3], stride=1, padding=1)
  (1): ReLU()
  (2): Sequential(
    (0): Linear(inFeatures=4, outFeatures=2, bias=true)
  )
)`
  assert.equal(String(net), expected)
  assert.equal(inspect(net), expected)
})

test('initial weights have the spread of PyTorch', async () => {
  const { weight, bias } = new nn.Linear(400, 100)
  for (const values of [await weight.data(), await bias!.data()]) {
    const numbers = Array.from(values, Number)
    assert.ok(numbers.every((value) => Math.abs(value) <= 0.05))
    assert.ok(Math.max(...numbers) > 0.045)
  }
  const normal = Array.from(await nn.init.kaimingNormal_(zeros([50, 200]), { nonlinearity: 'relu' }).data(), Number)
  const variance = normal.reduce((sum, value) => sum + value * value, 0) / normal.length
  assert.ok(Math.abs(variance - 2 / 200) < 0.001, String(variance))
  assert.throws(() => nn.init.xavierUniform_(zeros([3])), ShapeError)
})

test('wrong input is named at the call', () => {
  assert.throws(
    () => new nn.BatchNorm2d(3)(zeros([2, 4, 5, 5])),
    /BatchNorm2d: expected x of 4 dimensions with 3 channels/,
  )
  assert.throws(() => new nn.Conv2d(3, 4, 3, { groups: 2 }), /channels that 2 groups divide/)
  assert.throws(() => new nn.MultiheadAttention(8, 3), /multiple of numHeads/)
  assert.throws(() => new nn.LSTM(3, 4)(zeros([2, 5])), /LSTM: expected x of 3 dimensions/)
  assert.throws(() => new nn.Dropout(2), /probability/)
})

test('clipping leaves small gradients and scales large ones', async () => {
  const weight = nn.parameter(fromHost(new Float32Array([1, 2]), [2]))
  weight.grad = fromHost(new Float32Array([3, 4]), [2])
  assert.equal(await nn.utils.clipGradNorm_([weight], 10).item(), 5)
  assert.deepEqual(await weight.grad.toArray(), [3, 4])
  nn.utils.clipGradValue_([weight], 3.5)
  assert.deepEqual(await weight.grad.toArray(), [3, 3.5])
})
