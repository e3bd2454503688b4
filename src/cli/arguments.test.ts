// The command line of the main job: options, defaults and sentences.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ArgumentError } from '../base/errors.ts'
import { helpText, readArguments } from './arguments.ts'

const refuses = (words: string[], sentence: RegExp) =>
  assert.throws(
    () => readArguments(words),
    (error: unknown) => error instanceof ArgumentError && sentence.test(error.message),
  )

test('defaults', () => {
  assert.deepEqual(readArguments([]), {
    help: false,
    dataset: 'digits',
    dataDir: undefined,
    model: 'cnn',
    output: 'output',
    device: undefined,
    seed: 0,
    epochs: undefined,
    threads: undefined,
  })
})

test('every option is read, and told by the help', () => {
  const words = [
    '--dataset',
    'mnist',
    '--data-dir',
    'y',
    '--model',
    'mlp',
    '--seed=3',
    '--epochs',
    '2',
    '--device',
    'reference',
    '--threads',
    '1',
    '--output',
    'x',
    '-h',
  ]
  const options = readArguments(words)
  assert.deepEqual(options, {
    help: true,
    dataset: 'mnist',
    dataDir: 'y',
    model: 'mlp',
    output: 'x',
    device: 'reference',
    seed: 3,
    epochs: 2,
    threads: 1,
  })
  for (const name of Object.keys(options)) assert.match(helpText, new RegExp(`--${name.replace('D', '-d')}\\b`))
})

test('what is not an option is refused in a sentence', () => {
  refuses(['--speed'], /Unknown option '--speed'. Expected --dataset, --data-dir, --model, --epochs/)
  refuses(['x'], /Unexpected argument 'x'/)
  refuses(['--epochs'], /--epochs/)
  refuses(['--model', 'rnn'], /--model: expected one of cnn, mlp, got 'rnn'/)
  refuses(['--dataset', 'cifar'], /--dataset: expected one of digits, mnist, fashion-mnist, got 'cifar'/)
  refuses(['--epochs', '0'], /--epochs: expected a whole number from 1 to 4294967295, got '0'/)
  refuses(['--seed', '1.5'], /--seed: expected a whole number/)
  refuses(['--threads', 'two'], /--threads: expected a whole number from 1/)
})
