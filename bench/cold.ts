// What users wait for before the first result, each time in a new process: the import, over an empty script, and the first compiled
// training step after it. Also what calls cost that compute next to nothing, and one whose result is large and fresh. The suite is called
// `compile`.
import { fileURLToPath } from 'node:url'
import { compile, nn, optim, randn, type Tensor, zeros } from '../src/index.ts'
import { trainingNames } from '../test/models/training-cases.ts'
import type { Options } from './arguments.ts'
import { outputOf } from './processes.ts'
import type { Case, Prepared } from './suite.ts'
import { repeated, type Sampler } from './timing.ts'

const pathOf = (file: string): string => fileURLToPath(new URL(file, import.meta.url))

/** One process a turn. */
const once =
  (measure: () => Promise<number>): Sampler =>
  async () => ({ times: [await measure()] })

async function secondsOf(script: string): Promise<number> {
  const start = performance.now()
  await outputOf(process.execPath, ['--input-type=module', '-e', script])
  return performance.now() - start
}

/** Pairs of processes, because starting one varies as much as importing takes. */
const importOnce: Sampler = async () => {
  const times: number[] = []
  // the package as its users get it
  const script = `await import('tensorloom')`
  for (let pair = 0; pair < 5; pair++) {
    const empty = await secondsOf('')
    times.push((await secondsOf(script)) - empty)
  }
  return { times }
}

function replayOfAdd(): Prepared {
  const x = zeros([16]).realize()
  const add = compile((each: Tensor) => each.add(1))
  return { sample: repeated(() => add(x).session.synchronize()) }
}

/** The same without `compile`: graph, key and a fresh result each time. */
const plainAdd = (count: number) => (): Prepared => {
  const x = zeros([count]).realize()
  return { sample: repeated(() => x.add(1).realize().session.synchronize()) }
}

function replayOfStep(): Prepared {
  const model = new nn.Sequential(new nn.Linear(4, 4), new nn.ReLU(), new nn.Linear(4, 4))
  const optimizer = new optim.SGD(model.parameters(), { lr: 0.1 })
  const [x, y] = [randn([1, 4]).realize(), zeros([1], { dtype: 'int64' }).realize()]
  const step = compile((input: Tensor, target: Tensor) => {
    optimizer.zeroGrad()
    const loss = nn.functional.crossEntropy(model(input), target)
    loss.backward()
    void optimizer.step()
    return loss
  })
  return { sample: repeated(() => step(x, y).session.synchronize()) }
}

export const cold = ({ device, threads }: Options): Case[] => {
  const plain = { flops: 0, bytes: 0 }
  const firstStep = (name: string) =>
    once(async () =>
      Number(await outputOf(process.execPath, [pathOf('./first-step.js'), name, device, String(threads)])),
    )
  const call = (kind: 'replay' | 'plain', what: string, ours: () => Prepared): Case => ({
    name: `${kind}-${what}`,
    group: kind,
    work: { what: 'call', case: what },
    ...plain,
    ours,
  })
  return [
    {
      name: 'import',
      group: 'import',
      work: { what: 'import' },
      ...plain,
      ours: () => ({ sample: importOnce }),
    },
    call('replay', 'add-16', replayOfAdd),
    call('replay', 'mlp-4-4-4-b1-sgd', replayOfStep),
    call('plain', 'add-16', plainAdd(16)),
    call('plain', 'add-1000000', plainAdd(1_000_000)),
    ...trainingNames.map((name) => ({
      name,
      group: 'first step',
      work: { what: 'first step', case: name },
      ...plain,
      ours: () => ({ sample: firstStep(name) }),
    })),
  ]
}
