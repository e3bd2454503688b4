// The command line of the main job: words in, options out, or a sentence that says what was wrong.
import { parseArgs } from 'node:util'
import { ArgumentError } from '../base/errors.ts'

export const modelNames = ['cnn', 'mlp'] as const
export type ModelName = (typeof modelNames)[number]

export interface Options {
  readonly help: boolean
  readonly model: ModelName
  readonly seed: number
  readonly output: string
  /** the model's own number unless given */
  readonly epochs: number | undefined
  readonly device: string | undefined
  readonly threads: number | undefined
}

export const helpText = `npm start [-- options]: trains a network on 1,797 handwritten digits.

  --model cnn|mlp    what to train (cnn)
  --epochs N         passes over the training set (20, mlp 60)
  --seed N           seed of weights, order, dropout and shifts (0)
  --device NAME      where to compute, such as native or reference (the fastest that runs here)
  --threads N        threads to compute with (as many as this process may use)
  --output FOLDER    where loss.svg and weights.safetensors go (output)
  --help             this text
`

const flags = {
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
  const model = modelNames.find((name) => name === values.model)
  if (model === undefined)
    throw new ArgumentError(`--model: expected one of ${modelNames.join(', ')}, got '${values.model}'.`)
  return {
    help: values.help,
    model,
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

function wholeNumber(name: string, text: string | undefined, least: number): number | undefined {
  if (text === undefined) return undefined
  const value = Number(text)
  if (/^\d+$/.test(text) && value >= least && value <= 0xffffffff) return value
  throw new ArgumentError(`--${name}: expected a whole number from ${least} to ${0xffffffff}, got '${text}'.`)
}
