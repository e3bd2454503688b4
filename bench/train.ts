// Training steps of the peer's cases, plain and compiled: ten steps are held against PyTorch's losses, then steps are timed.
import {
  lossesOf,
  prepareTraining,
  recordOf,
  stepOf,
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
  const lossDeviation = worstDeviation(name, await lossesOf(step, recordOf(name).losses.length))
  const isRight = lossDeviation <= tolerance
  return {
    sample: repeated(async () => (await step()).session.synchronize()),
    extras: { compiled, lossDeviation },
    ...(!isRight && {
      complaint: `losses are ${lossDeviation.toExponential(1)} from PyTorch's, more than ${tolerance}`,
    }),
  }
}
