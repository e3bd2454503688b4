// Optimizers against PyTorch's paths over ten steps, clipping, state dicts, and sentences for options that make no sense.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import '../../src/index.ts'
import { clipGradNorm_, clipGradValue_ } from '../../src/nn/clip.ts'
import { parameter } from '../../src/nn/parameter.ts'
import * as optim from '../../src/optim/index.ts'
import { Adam, AdamW, type Optimizer, SGD } from '../../src/optim/index.ts'
import { type DType, fromHost, type Tensor, tensor, zeros } from '../../src/tensor/index.ts'
import { assertClose, readFixture } from './torch-fixtures.ts'

type Numbers = readonly (number | string)[]

interface Path {
  readonly name: string
  readonly optimizer: string
  readonly dtype: DType
  readonly options: { readonly lr: number }
  readonly secondGroup: object
  readonly lrFactorFromStep5: number
  readonly steps: readonly { readonly loss: number | string; readonly parameters: readonly Numbers[] }[]
}

interface Clip {
  readonly function: 'clipGradNorm' | 'clipGradValue'
  readonly dtype: DType
  readonly maxNorm: number
  readonly normType: number | string
  readonly clipValue: number
  readonly before: readonly Numbers[]
  readonly after: readonly Numbers[]
  readonly norm: number | string
}

interface Fixture {
  readonly shapes: readonly (readonly number[])[]
  readonly start: readonly Numbers[]
  readonly curvatures: readonly Numbers[]
  readonly targets: readonly Numbers[]
  readonly paths: readonly Path[]
  readonly clips: readonly Clip[]
}

const fixture = readFixture<Fixture>('optimizers')
const { shapes } = fixture
const numberOf = (value: number | string): number =>
  typeof value === 'number' ? value : { inf: Number.POSITIVE_INFINITY, '-inf': Number.NEGATIVE_INFINITY }[value]!
const tensorsOf = (values: readonly Numbers[], dtype: DType): Tensor[] =>
  values.map((flat, i) =>
    fromHost(
      flat.map((value) => (value === 'nan' ? Number.NaN : numberOf(value))),
      shapes[i],
      { dtype },
    ),
  )
const tolerances: Partial<Record<DType, [number, number]>> = { float32: [1.3e-6, 1e-5], float64: [1e-7, 1e-7] }

const optimizers = optim as unknown as Record<string, new (groups: object[], options: object) => Optimizer>

for (const path of fixture.paths)
  test(`${path.name} ${path.dtype}`, async () => {
    const { dtype, options, secondGroup } = path
    const [rtol, atol] = tolerances[dtype]!
    const params = tensorsOf(fixture.start, dtype).map((value) => parameter(value))
    const [curvatures, targets] = [tensorsOf(fixture.curvatures, dtype), tensorsOf(fixture.targets, dtype)]
    const groups = [{ params: params.slice(0, 2) }, { params: params.slice(2), ...secondGroup }]
    const optimizer = new optimizers[path.optimizer](groups, options)
    for (const [step, expected] of path.steps.entries()) {
      if (step === 5) for (const group of optimizer.paramGroups) group.lr *= path.lrFactorFromStep5
      const loss = params
        .map((param, i) => param.sub(targets[i]).square().mul(curvatures[i]).mul(0.5).sum())
        .reduce((sum, each) => sum.add(each))
      optimizer.zeroGrad()
      loss.backward()
      await optimizer.step()
      await assertClose(loss, tensor(numberOf(expected.loss), { dtype }), `loss ${step}`, rtol, atol)
      const after = tensorsOf(expected.parameters, dtype)
      for (const [i, param] of params.entries())
        await assertClose(param, after[i], `parameter ${i} after ${step}`, rtol, atol)
    }
  })

for (const [index, clip] of fixture.clips.entries())
  test(`clip ${index}: ${clip.function} ${clip.dtype}`, async () => {
    const { dtype } = clip
    const [rtol, atol] = tolerances[dtype]!
    const params = shapes.map((shape) => parameter(zeros(shape, { dtype })))
    tensorsOf(clip.before, dtype).forEach((grad, i) => {
      params[i].grad = grad
    })
    if (clip.function === 'clipGradValue') clipGradValue_(params, clip.clipValue)
    else {
      const norm = clipGradNorm_(params, clip.maxNorm, numberOf(clip.normType))
      await assertClose(norm, tensor(numberOf(clip.norm), { dtype }), 'norm', rtol, atol)
    }
    const after = tensorsOf(clip.after, dtype)
    for (const [i, param] of params.entries()) await assertClose(param.grad!, after[i], `gradient ${i}`, rtol, atol)
  })

/** Takes steps down a bowl; the second parameter gets no gradient in the steps of `frozen`. */
async function descend(optimizer: Optimizer, params: Tensor[], steps: number, frozen: number[] = []) {
  for (let step = 0; step < steps; step++) {
    optimizer.zeroGrad()
    for (const [i, param] of params.entries()) if (i !== 1 || !frozen.includes(step)) param.square().sum().backward()
    await optimizer.step()
  }
}

const pair = () => [parameter(tensor([1, -2])), parameter(tensor([3]))]
const valuesOf = (params: readonly Tensor[]) => Promise.all(params.map((param) => param.toArray()))

for (const [name, make] of [
  ['SGD', (params: Tensor[]) => new SGD(params, { lr: 0.1, momentum: 0.9, dampening: 0.5 })],
  ['AdamW', (params: Tensor[]) => new AdamW(params, { lr: 0.1, amsgrad: true })],
  ['RMSprop', (params: Tensor[]) => new optim.RMSprop(params, { lr: 0.1, momentum: 0.5, centered: true })],
  ['NAdam', (params: Tensor[]) => new optim.NAdam(params, { lr: 0.1 })],
  ['Adagrad', (params: Tensor[]) => new optim.Adagrad(params, { lr: 0.1, initialAccumulatorValue: 0.5 })],
  ['Lion', (params: Tensor[]) => new optim.Lion(params, { lr: 0.1 })],
] as const)
  test(`${name} goes on from a state dict bit for bit`, async () => {
    const params = pair()
    const optimizer = make(params)
    await descend(optimizer, params, 3)
    const copies = params.map((param) => parameter(param.detach().clone()))
    const resumed = make(copies)
    resumed.loadStateDict(optimizer.stateDict())
    await descend(optimizer, params, 3)
    await descend(resumed, copies, 3)
    assert.deepEqual(await valuesOf(copies), await valuesOf(params))
  })

test('state dicts have the layout of PyTorch', async () => {
  const params = pair()
  const optimizer = new Adam([{ params: [params[0]] }, { params: [params[1]], lr: 0.5, weightDecay: 0.1 }])
  await descend(optimizer, params, 2)
  const { state, param_groups } = optimizer.stateDict()
  assert.deepEqual(Object.keys(state), ['0', '1'])
  assert.deepEqual(Object.keys(state[1]), ['step', 'exp_avg', 'exp_avg_sq'])
  assert.equal(await state[1].step.item(), 2)
  assert.deepEqual(
    param_groups.map(({ params, lr, weight_decay }) => ({ params, lr, weight_decay })),
    [
      { params: [0], lr: 1e-3, weight_decay: 0 },
      { params: [1], lr: 0.5, weight_decay: 0.1 },
    ],
  )
})

test('a parameter without a gradient rests: neither it nor its count of steps moves', async () => {
  const params = pair()
  const optimizer = new Adam(params, { lr: 0.1 })
  await descend(optimizer, params, 4, [0, 1])
  const fresh = pair()
  await descend(new Adam(fresh, { lr: 0.1 }), fresh, 2)
  assert.deepEqual(await params[1].toArray(), await fresh[1].toArray())
  assert.equal(await optimizer.stateDict().state[1].step.item(), 2)
})

test('what makes no sense is refused in a sentence', () => {
  assert.throws(() => new SGD([]), /SGD: expected at least one parameter, got none/)
  assert.throws(() => new SGD(pair(), { lr: -1 }), /expected lr to be at least 0, got -1/)
  assert.throws(() => new SGD(pair(), { lr: Number.NaN }), /got NaN/)
  assert.throws(() => new SGD(pair(), { nesterov: true }), /nesterov with a momentum/)
  assert.throws(() => new Adam(pair(), { betas: [0.9, 1] }), /betas\[1\] to be at least 0 and below 1, got 1/)
  const [a] = pair()
  assert.throws(() => new SGD([a, a]), /each parameter once/)
  assert.throws(() => new SGD([a.mul(2)]), /expected leaf tensors, got the result of an operation/)
  assert.throws(() => new SGD([a]).loadStateDict({ state: {}, param_groups: [] }), /1 groups of 1 parameters, got 0/)
})
