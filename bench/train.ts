// Training steps of the peer's cases, plain and compiled: ten steps are held against PyTorch's losses, then steps are timed.
import {
  compileTraining,
  prepareTraining,
  recordOf,
  type Training,
  type TrainingName,
  trainingNames,
  worstDeviation,
} from '../test/models/training-cases.ts'
import type { Case, Prepared } from './suite.ts'
import { repeated } from './timing.ts'
import { trainingWork } from './training-work.ts'

const tolerance = 1e-4

export const train = (): Case[] =>
  trainingNames.flatMap((name) =>
    [true, false].map((compiled) => ({
      name,
      group: `train ${compiled ? 'compiled' : 'plain'}`,
      work: { case: name },
      ...trainingWork(name),
      ours: () => prepare(name, compiled),
    })),
  )

async function prepare(name: TrainingName, compiled: boolean): Promise<Prepared> {
  const step = stepOf(prepareTraining(name), compiled)
  const losses: number[] = []
  for (let i = 0; i < recordOf(name).losses.length; i++) losses.push(await (await step()).item())
  const lossDeviation = worstDeviation(name, losses)
  const isRight = lossDeviation <= tolerance
  return {
    sample: repeated(async () => (await step()).session.synchronize()),
    extras: { compiled, lossDeviation },
    ...(!isRight && {
      complaint: `losses are ${lossDeviation.toExponential(1)} from PyTorch's, more than ${tolerance}`,
    }),
  }
}

function stepOf(training: Training, compiled: boolean) {
  const { x, y, learn, optimizer } = training
  if (compiled) {
    const step = compileTraining(training)
    return async () => step(x, y)
  }
  return async () => {
    const loss = learn(x, y)
    await optimizer.step()
    return loss
  }
}
