// The most memory that a process needs to make a model and step it: resident pages at their peak, engine and all. One process a turn.
import { fileURLToPath } from 'node:url'
import { trainingNames } from '../test/models/training-cases.ts'
import type { Options } from './arguments.ts'
import { outputOf } from './processes.ts'
import type { Case } from './suite.ts'
import type { Sample } from './timing.ts'

const script = fileURLToPath(new URL('./step-memory.js', import.meta.url))
const steps = 10

export const memory = ({ device, threads }: Options): Case[] =>
  trainingNames.flatMap((name) =>
    [true, false].map((compiled) => ({
      name,
      group: `memory ${compiled ? 'compiled' : 'plain'}`,
      work: { case: name, steps },
      flops: 0,
      bytes: 0,
      ours: () => {
        const words = [name, compiled ? 'compiled' : 'plain', device, threads, steps].map(String)
        const sample = async () => JSON.parse(await outputOf(process.execPath, [script, ...words])) as Sample
        return { sample, extras: { compiled } }
      },
    })),
  )
