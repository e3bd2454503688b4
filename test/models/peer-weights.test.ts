// The generator of peer weights must give PyTorch's side of losses.json bit for bit; a drift here would make every parity run a lie.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { peerFill, peerUniform, type StepCase } from './peer-weights.ts'

interface Document {
  readonly samples: readonly { readonly seed: number; readonly values: readonly number[] }[]
  readonly fills: readonly { readonly case: string; readonly parameter: string; readonly values: readonly number[] }[]
  readonly cases: Readonly<Record<string, StepCase>>
}

// npm runs tests from the package root.
const document = JSON.parse(readFileSync('test/fixtures/steps/losses.json', 'utf8')) as Document

test('peerUniform gives the recorded numbers', () => {
  assert.ok(document.samples.length > 0)
  for (const { seed, values } of document.samples) assert.deepEqual([...peerUniform(seed, values.length)], values)
})

test('peerFill gives the recorded head of weights, inputs and targets', () => {
  assert.ok(document.fills.length > 0)
  for (const { case: name, parameter, values } of document.fills) {
    const { input, target, parameters } = document.cases[name]!
    const spec = { input, target }[parameter] ?? parameters.find((entry) => entry.name === parameter)!
    assert.deepEqual([...peerFill(spec)].slice(0, values.length).map(Number), values, `${name} ${parameter}`)
  }
})

test('a uniform fill stays within its bound and is centred', () => {
  const weights = peerFill({ shape: [100, 100], fill: 'uniform', seed: 1000, bound: 0.5 })
  assert.ok(weights.every((w) => Math.abs(w) <= 0.5))
  assert.ok(Math.abs(weights.reduce((sum, w) => sum + w, 0) / weights.length) < 0.01)
})
