// Training steps of the peer's cases, plain and compiled: ten steps are held against PyTorch's losses, then steps are timed.
import { fileURLToPath } from 'node:url'
import {
  compileTraining,
  prepareTraining,
  recordOf,
  type Training,
  type TrainingName,
  trainingNames,
  worstDeviation,
} from '../test/models/training-cases.ts'
import type { Options } from './arguments.ts'
import { outputOf } from './peers.ts'
import type { Suite, Surroundings } from './suite.ts'
import { sample, summarize } from './timing.ts'
import { trainingWork } from './training-work.ts'

const tolerance = 1e-4
const firstStepScript = fileURLToPath(new URL('./first-step.js', import.meta.url))

export const runTrain: Suite = async (surroundings) => {
  const { only } = surroundings.options
  const complaints: string[] = []
  for (const name of trainingNames.filter((candidate) => candidate.includes(only)))
    for (const compiled of [true, false]) {
      const complaint = await complaintOf(name, compiled, surroundings)
      if (complaint) complaints.push(`${name}, ${compiled ? 'compiled' : 'plain'}: ${complaint}`)
    }
  return complaints
}

/** Why a case's figures are worth nothing, if so. A case that cannot run must not keep the others from it. */
async function complaintOf(name: TrainingName, compiled: boolean, surroundings: Surroundings) {
  try {
    const deviation = await runCase(name, compiled, surroundings)
    if (deviation <= tolerance) return undefined
    return `losses are ${deviation.toExponential(1)} from PyTorch's, more than ${tolerance}`
  } catch (error) {
    return (error as Error).message
  }
}

/** One case in one mode; resolves to the worst relative deviation of its losses. */
async function runCase(name: TrainingName, compiled: boolean, { options, report, peers, floorOf }: Surroundings) {
  const training = prepareTraining(name)
  const step = stepOf(training, compiled)
  const losses: number[] = []
  for (let i = 0; i < recordOf(name).losses.length; i++) losses.push(await (await step()).item())
  const lossDeviation = worstDeviation(name, losses)
  const waitingStep = async () => {
    const loss = await step()
    await loss.session.synchronize()
  }
  const before = await sample(waitingStep, options.seconds / 2)
  const peerTimes = await peers.timesOf(name)
  const timing = summarize([...before, ...(await sample(waitingStep, options.seconds / 2))])
  const { flops, bytes } = trainingWork(name)
  report.row({
    suite: 'train',
    name,
    device: options.device,
    threads: options.threads,
    compiled,
    ...timing,
    ...(compiled && { firstMs: await firstStep(name, options) }),
    floorMs: floorOf(flops, bytes),
    lossDeviation,
    ...(peerTimes && { peers: peerTimes }),
  })
  return lossDeviation
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

/** Milliseconds of the first compiled step in a process of its own, where nothing is warm. */
async function firstStep(name: TrainingName, { device, threads }: Options): Promise<number> {
  return Number(await outputOf(process.execPath, [firstStepScript, name, device, String(threads)]))
}
