// The command line of the main job: words in, options out, or a sentence that says what was wrong.
import { parseArgs } from 'node:util'
import { ArgumentError } from '../base/errors.ts'

export const modelNames = ['cnn', 'mlp'] as const
export type ModelName = (typeof modelNames)[number]

export const datasetNames = ['digits', 'mnist', 'fashion-mnist'] as const
export type DatasetName = (typeof datasetNames)[number]

export interface Options {
  readonly help: boolean
  readonly dataset: DatasetName
  /** where the data set's files are, when not in TENSORLOOM_DATA or the cache */
  readonly dataDir: string | undefined
  readonly model: ModelName
  readonly seed: number
  readonly output: string
  /** the model's own number unless given */
  readonly epochs: number | undefined
  readonly device: string | undefined
  readonly threads: number | undefined
}

export const helpText = `npm start [-- options]: trains a network to tell images apart.

  --dataset NAME     digits (1,797 handwritten ones, bundled), mnist or fashion-mnist (digits)
  --data-dir FOLDER  where the data set's files are (TENSORLOOM_DATA, else the cache, else they are downloaded)
  --model cnn|mlp    what to train (cnn)
  --epochs N         passes over the training set (digits 20, mlp 60; others 3)
  --seed N           seed of weights, order, dropout and shifts (0)
  --device NAME      where to compute, such as native or reference (the fastest that runs here)
  --threads N        threads to compute with (as many as this process may use)
  --output FOLDER    where loss.svg and weights.safetensors go (output)
  --help             this text
`

const flags = {
  dataset: { type: 'string', default: 'digits' },
  'data-dir': { type: 'string' },
  model: { type: 'string', default: 'cnn' },
  epochs: { type: 'string' },
  seed: { type: 'string', default: '0' },
  device: { type: 'string' },
  threads: { type: 'string' },
  output: { type: 'string', default: 'output' },
  help: { type: 'boolean', short: 'h', default: false },
} as const

/** @throws ArgumentError for flags and values that are not of these */
export function readArguments(words: readonly string[]): Options {
  const values = parseWords(words)
  return {
    help: values.help,
    dataset: oneOf('dataset', values.dataset, datasetNames),
    dataDir: values['data-dir'],
    model: oneOf('model', values.model, modelNames),
    output: values.output,
    device: values.device,
    seed: wholeNumber('seed', values.seed, 0)!,
    epochs: wholeNumber('epochs', values.epochs, 1),
    threads: wholeNumber('threads', values.threads, 1),
  }
}

function parseWords(words: readonly string[]) {
  try {
    return parseArgs({ args: [...words], options: flags, allowPositionals: false }).values
  } catch (error) {
    // Node's sentence names the flag; what follows its first full stop advises on positional arguments.
    const [sentence] = (error as Error).message.split('. ')
    throw new ArgumentError(
      `${sentence.replace(/\.$/, '')}. Expected ${Object.keys(flags)
        .map((flag) => `--${flag}`)
        .join(', ')}.`,
    )
  }
}

function oneOf<T extends string>(name: string, text: string, allowed: readonly T[]): T {
  const found = allowed.find((value) => value === text)
  if (found === undefined) throw new ArgumentError(`--${name}: expected one of ${allowed.join(', ')}, got '${text}'.`)
  return found
}

function wholeNumber(name: string, text: string | undefined, least: number): number | undefined {
  if (text === undefined) return undefined
  const value = Number(text)
  if (/^\d+$/.test(text) && value >= least && value <= 0xffffffff) return value
  throw new ArgumentError(`--${name}: expected a whole number from ${least} to ${0xffffffff}, got '${text}'.`)
}
