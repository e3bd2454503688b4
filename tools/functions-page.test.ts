// The committed docs/functions.md against what the case table and the samples say now.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { NotYetError } from '../src/base/errors.ts'
import * as t from '../src/index.ts'
import * as missing from '../src/tensor/functions/not-yet.ts'
import { cases } from '../test/conformance/cases.ts'
import { samples } from '../test/conformance/samples.ts'
import { skipOf } from '../test/conformance/skips.ts'
import { functionsPath, generateFunctionsPage } from './functions-page.ts'

test('docs/functions.md is up to date', () => {
  assert.equal(readFileSync(functionsPath, 'utf8'), generateFunctionsPage(), 'run `npm run docs`')
})

test('every recorded function has a case, and at least 98 % of all samples are replayed', () => {
  for (const { op } of samples) assert.ok(op in cases, op)
  const replayed = samples.filter((sample) => !skipOf(sample)).length
  assert.ok(replayed >= 0.98 * samples.length, `${replayed} of ${samples.length}`)
})

test('the methods and functions that the page names are there', () => {
  const [page] = readFileSync(functionsPath, 'utf8').split('## Samples left out')
  const cells = Array.from(page.matchAll(/^\| (`.+?) \|/gm), ([, cell]) => cell)
  const apart = Array.from(page.matchAll(/^- [^:]+: (.+)$/gm), ([, names]) => names)
  const names = [...cells, ...apart].flatMap((text) => Array.from(text.matchAll(/`([\w.]+)`/g), ([, name]) => name))
  assert.ok(names.length > 400, String(names.length))
  for (const name of names) assert.ok(name.startsWith('x.') ? name.slice(2) in t.Tensor.prototype : name in t, name)
})

test('what is not there yet says so', () => {
  for (const [name, call] of Object.entries(missing))
    assert.throws(
      () => call(),
      (error: Error) => error instanceof NotYetError && error.message.startsWith(`${name}: not there yet`),
    )
})
