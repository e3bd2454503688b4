// Forward passes of the training cases' models, in evaluation mode and without gradients, each compiled into one program.
import { compile, noGrad, type Tensor } from '../src/index.ts'
import { prepareTraining, trainingNames } from '../test/models/training-cases.ts'
import type { Case } from './suite.ts'
import { repeated } from './timing.ts'
import { inferenceWork } from './training-work.ts'

export const infer = (): Case[] =>
  trainingNames.map((name) => ({
    name,
    work: { case: name },
    ...inferenceWork(name),
    ours: () => {
      const { model, x } = prepareTraining(name)
      model.eval()
      const forward = compile((input: Tensor) => noGrad(() => model(input)))
      return { sample: repeated(() => forward(x).session.synchronize()) }
    },
  }))
