// `npm start`: trains a network on labelled images, shows how it goes, and saves the weights and the loss curve.
import { mkdir, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { deviceSettings } from '#default-devices'
import { TensorloomError } from '../base/errors.ts'
import { load, save } from '../formats/safetensors/index.ts'
import { device, noGrad, type Tensor } from '../index.ts'
import { setDefaultChoice } from '../tensor/sessions.ts'
import { helpText, type Options, readArguments } from './arguments.ts'
import { openDataset } from './datasets.ts'
import { renderLineChart } from './line-chart.ts'
import { type Recipe, recipes } from './models.ts'
import { Progress } from './progress.ts'
import { type EpochReport, testBatches, trainClassifier } from './train-classifier.ts'

type Classifier = ReturnType<Recipe['create']>

const progress = new Progress(process.stdout)

async function run(options: Options): Promise<void> {
  const { device: name, threads } = options
  setDefaultChoice({ ...deviceSettings(), ...(name && { name }), ...(threads && { threads }) })
  const report = device()
  progress.line(`device ${report.name}, ${report.threads} ${report.threads === 1 ? 'thread' : 'threads'}`)
  for (const { name, reason } of report.refused) progress.line(`  not ${name}: ${reason}`)

  const { dataset, dataDir, seed } = options
  const splits = await openDataset(dataset, seed, {
    dataDir,
    onProgress: (file, done, total) => progress.update(`download ${basename(file)}`, done, total ?? done),
  })
  const recipe: Recipe = recipes[dataset][options.model]
  const epochs = options.epochs ?? recipe.epochs
  const reports: EpochReport[] = []
  const training = await trainClassifier(
    recipe,
    splits,
    { epochs, seed },
    {
      onStep: (epoch, step, steps) => progress.update(`epoch ${epoch}/${epochs}`, step, steps),
      onEpoch: (report) => {
        reports.push(report)
        progress.line(describeEpoch(report, epochs))
      },
    },
  )

  const { model, compileSeconds, millisecondsPerStep, testAccuracy } = training
  progress.line(`compile ${compileSeconds.toFixed(2)} s, then ${millisecondsPerStep.toFixed(2)} ms per step`)
  await mkdir(options.output, { recursive: true })
  const chartPath = join(options.output, 'loss.svg')
  await writeFile(chartPath, renderLossCurve(options, reports))
  progress.line(`loss curve ${chartPath}`)
  const [testImages] = (await testBatches(splits.test)[Symbol.asyncIterator]().next()).value!
  await checkSavedWeights(model, testImages, recipe, join(options.output, 'weights.safetensors'))
  progress.line(`test accuracy ${testAccuracy.toFixed(4)}`)
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length

const describeEpoch = ({ epoch, losses, trainAccuracy, testAccuracy, seconds }: EpochReport, epochs: number): string =>
  `epoch ${String(epoch).padStart(String(epochs).length)}/${epochs}  loss ${mean(losses).toFixed(4)}  ` +
  `train ${trainAccuracy.toFixed(4)}  test ${testAccuracy.toFixed(4)}  ${seconds.toFixed(2)} s`

function renderLossCurve({ model, dataset, seed }: Options, reports: readonly EpochReport[]): string {
  const perStep = reports.flatMap(({ losses }) => losses)
  const steps = perStep.length / reports.length
  return renderLineChart({
    title: `Training loss of the ${model} on ${dataset}, seed ${seed}`,
    xLabel: 'step',
    yLabel: 'cross-entropy',
    lines: [
      { label: 'each step', color: '#b8cbe6', points: perStep.map((loss, step) => [step + 1, loss]) },
      {
        label: 'mean of an epoch',
        color: '#1f5fbf',
        points: reports.map(({ losses, epoch }) => [epoch * steps, mean(losses)]),
      },
    ],
  })
}

/** Saves the weights, loads them into a fresh model, and compares the logits of both bit by bit. */
async function checkSavedWeights(model: Classifier, testImages: Tensor, recipe: Recipe, path: string): Promise<void> {
  await save(model.stateDict(), path, { model: model.constructor.name })
  const fresh = recipe.create()
  fresh.loadStateDict(await load(path))
  const [trained, loaded] = [await logitBits(model, testImages), await logitBits(fresh, testImages)]
  const difference = trained.findIndex((word, i) => word !== loaded[i])
  if (difference >= 0)
    throw new Error(`The logits of the loaded weights differ from the trained model's at ${difference}.`)
  progress.line(
    `weights ${path}: a fresh model that loads them gives bit-identical logits (${trained.length} compared)`,
  )
}

async function logitBits(model: Classifier, images: Tensor): Promise<Uint32Array> {
  model.eval()
  const logits = await noGrad(() => model(images)).data()
  return new Uint32Array(logits.buffer, logits.byteOffset, logits.length)
}

/** What was asked for wrongly ends with a sentence and code 2, what failed on the way with code 1. */
async function main(words: readonly string[]): Promise<number> {
  let options: Options
  try {
    options = readArguments(words)
  } catch (error) {
    console.error(`${(error as Error).message}\nSee npm start -- --help.`)
    return 2
  }
  if (options.help) {
    process.stdout.write(helpText)
    return 0
  }
  try {
    await run(options)
    return 0
  } catch (error) {
    if (!(error instanceof TensorloomError)) throw error
    console.error(error.message)
    return error.code === 'DEVICE' || error.code === 'ARGUMENT' ? 2 : 1
  }
}

// `npm start | head`: whoever read has seen enough
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit(0)
})
process.exitCode = await main(process.argv.slice(2))
