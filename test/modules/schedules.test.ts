// Learning-rate schedules against PyTorch's rates and momenta, resuming, chaining, and what is refused.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compile, type Tensor, tensor } from '../../src/index.ts'
import { parameter } from '../../src/nn/parameter.ts'
import * as optim from '../../src/optim/index.ts'
import { readFixture } from './torch-fixtures.ts'

interface Spec {
  readonly schedule: string
  readonly args: readonly unknown[]
  readonly options: object
}
interface Schedule extends Spec {
  readonly name: string
  readonly rates: readonly (readonly number[])[]
  readonly momenta: readonly (readonly number[])[]
}
interface Steps {
  step(metric?: number): void
  stateDict(): unknown
  loadStateDict(state: unknown): void
}

const fixture = readFixture<{ schedules: readonly Schedule[]; metrics: readonly number[] }>('optimizers')
const classes = optim as unknown as Record<string, new (...args: unknown[]) => Steps>

const twoGroups = () =>
  new optim.SGD([{ params: [parameter(tensor([1]))] }, { params: [parameter(tensor([2]))], lr: 0.3 }], {
    lr: 1,
    momentum: 0.9,
  })

function scheduleOf(optimizer: optim.SGD, { schedule, args, options }: Spec): Steps {
  if (schedule !== 'SequentialLR') return new classes[schedule](optimizer, ...args, options)
  const [children, milestones] = args as [Spec[], number[]]
  return new classes.SequentialLR(
    optimizer,
    children.map((child) => scheduleOf(optimizer, child)),
    milestones,
  )
}

const near = (actual: readonly number[], expected: readonly number[], what: string): void =>
  actual.forEach((value, i) => {
    assert.ok(
      Math.abs(value - expected[i]) <= 1e-12 + 1e-9 * Math.abs(expected[i]),
      `${what}: ${value}, ${expected[i]}`,
    )
  })

const stepWith = (schedule: Steps, epoch: number): void =>
  schedule instanceof optim.ReduceLROnPlateau ? schedule.step(fixture.metrics[epoch]) : schedule.step()

for (const expected of fixture.schedules) {
  const compare = (optimizer: optim.SGD, epoch: number) => {
    near(
      optimizer.paramGroups.map(({ lr }) => lr),
      expected.rates[epoch],
      `rates of epoch ${epoch}`,
    )
    const momenta = optimizer.paramGroups.map(({ options }) => options.momentum)
    near(momenta, expected.momenta[epoch], `momenta of epoch ${epoch}`)
  }
  test(expected.name, () => {
    const optimizer = twoGroups()
    const schedule = scheduleOf(optimizer, expected)
    for (const epoch of fixture.metrics.keys()) {
      compare(optimizer, epoch)
      stepWith(schedule, epoch)
    }
  })

  test(`${expected.name} goes on from its state`, () => {
    const [first, second] = [twoGroups(), twoGroups()]
    const before = scheduleOf(first, expected)
    for (let epoch = 0; epoch < 5; epoch++) stepWith(before, epoch)
    const after = scheduleOf(second, expected)
    second.loadStateDict(first.stateDict())
    after.loadStateDict(before.stateDict())
    for (let epoch = 5; epoch < 12; epoch++) {
      compare(second, epoch)
      stepWith(after, epoch)
    }
  })
}

test('LambdaLR takes a function of the epoch', () => {
  const optimizer = twoGroups()
  const schedule = new optim.LambdaLR(optimizer, (epoch) => 1 / (epoch + 1))
  const rates = [0, 1, 2].map(() => {
    const [rate] = schedule.getLastLr()
    schedule.step()
    return rate
  })
  assert.deepEqual(rates, [1, 1 / 2, 1 / 3])
})

test('schedules of one optimizer multiply, and a rate set by hand stays', () => {
  const optimizer = twoGroups()
  const [halves, tenths] = [new optim.ExponentialLR(optimizer, 0.5), new optim.StepLR(optimizer, 2)]
  for (let epoch = 0; epoch < 3; epoch++) {
    halves.step()
    tenths.step()
  }
  near([optimizer.paramGroups[0].lr], [0.125 * 0.1], 'both')
  optimizer.paramGroups[0].lr = 1
  halves.step()
  near([optimizer.paramGroups[0].lr], [0.5], 'by hand')
})

test('restarts take fractions of epochs', () => {
  const optimizer = twoGroups()
  const schedule = new optim.CosineAnnealingWarmRestarts(optimizer, 2)
  schedule.step(1.5)
  near([optimizer.paramGroups[0].lr], [(1 + Math.cos(0.75 * Math.PI)) / 2], 'rate')
})

test('a compiled step follows rate and momentum without another trace', async () => {
  const run = async (wrap: (step: () => Tensor) => () => Tensor) => {
    const weight = parameter(tensor([3], { dtype: 'float64' }))
    const optimizer = new optim.SGD([weight], { lr: 0.1, momentum: 0.9 })
    const schedule = new optim.OneCycleLR(optimizer, { maxLr: 0.2, totalSteps: 8 })
    const step = wrap(() => {
      optimizer.zeroGrad()
      const loss = weight.square().sum()
      loss.backward()
      optimizer.step()
      return loss
    })
    for (let i = 0; i < 8; i++) {
      await step().item()
      schedule.step()
    }
    return { value: await weight.item(), traces: (step as { traces?: number }).traces }
  }
  const [plain, compiled] = [await run((step) => step), await run((step) => compile(step))]
  assert.equal(compiled.value, plain.value)
  assert.ok(compiled.traces! <= 2)
})

test('what makes no sense is refused in a sentence', () => {
  const optimizer = twoGroups()
  assert.throws(() => new optim.StepLR(optimizer, 0), /StepLR: expected stepSize to be an integer from 1, got 0/)
  assert.throws(() => new optim.OneCycleLR(optimizer, { maxLr: 1 }), /expected totalSteps, or both epochs and/)
  assert.throws(() => new optim.OneCycleLR(optimizer, { maxLr: [1], totalSteps: 3 }), /one for each of 2 groups, got 1/)
  const noMomentum = new optim.Adagrad([parameter(tensor([1]))])
  assert.throws(() => new optim.OneCycleLR(noMomentum, { maxLr: 1, totalSteps: 3 }), /cycleMomentum: false/)
  assert.throws(() => new optim.SequentialLR(optimizer, [], []), /one milestone fewer than schedules/)
  const plateau = new optim.ReduceLROnPlateau(optimizer)
  assert.throws(() => plateau.step(tensor(1) as unknown as number), /await loss.item\(\)/)
})
