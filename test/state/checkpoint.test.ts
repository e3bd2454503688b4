// A checkpoint midway: a run that goes on from it gives the same bits as one that never stopped.
import assert from 'node:assert/strict'
import { defaultGenerator, fromHost, manualSeed, randn, type Tensor } from '../../src/index.ts'
import { endStep, type Mode, program } from './matrix.ts'
import { nn, optim } from './modules.ts'

class Net extends nn.Module {
  first = new nn.Linear(4, 8)
  drop = new nn.Dropout(0.25)
  second = new nn.Linear(8, 1)
  forward(x: Tensor): Tensor {
    return this.second(this.drop(this.first(x).relu()))
  }
}

function makeRun({ wrap }: Mode) {
  const model = new Net()
  const optimizer = new optim.AdamW(model.parameters(), { lr: 0.01 })
  const step = wrap((x: Tensor) => {
    const loss = model(x).square().mean()
    optimizer.zeroGrad()
    loss.backward()
    optimizer.step()
    return loss
  })
  return { model, optimizer, step }
}

type Run = ReturnType<typeof makeRun>

async function train({ step }: Run, from: number, to: number): Promise<number[]> {
  const losses: number[] = []
  for (let i = from; i < to; i++) {
    const x = fromHost(
      Float32Array.from({ length: 8 }, (_, j) => Math.sin(i * 8 + j)),
      [2, 4],
    )
    const loss = step(x)
    await endStep()
    losses.push(await loss.item())
  }
  return losses
}

/** Host copies, as a file would hold them. */
async function copied<T>(value: T): Promise<T> {
  if (value !== null && typeof value === 'object' && 'viewSteps' in value) {
    const tensor = value as unknown as Tensor
    return fromHost(await tensor.data(), tensor.shape) as unknown as T
  }
  if (Array.isArray(value)) return (await Promise.all(value.map(copied))) as unknown as T
  if (value === null || typeof value !== 'object') return value
  const entries = await Promise.all(
    Object.entries(value).map(async ([key, item]) => [key, await copied(item)] as const),
  )
  return Object.fromEntries(entries) as T
}

program('a checkpoint midway and a bit-identical resume', async (mode) => {
  manualSeed(11)
  const run = makeRun(mode)
  await train(run, 0, 5)
  const { state } = defaultGenerator()
  const saved = {
    model: new Map(await copied([...run.model.stateDict()])),
    optimizer: await copied(run.optimizer.stateDict()),
    random: await state.data(),
  }
  const losses = await train(run, 5, 10)

  manualSeed(99)
  randn([3])
  const resumed = makeRun(mode)
  resumed.model.loadStateDict(saved.model)
  resumed.optimizer.loadStateDict(saved.optimizer)
  state.copyFrom(saved.random as Int32Array)
  assert.deepEqual(await train(resumed, 5, 10), losses)
  for (const [name, value] of run.model.stateDict())
    assert.deepEqual(await resumed.model.stateDict().get(name)!.data(), await value.data(), name)
})
