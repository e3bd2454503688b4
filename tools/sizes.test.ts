// Small made-up sources in, the verdicts of tools/sizes.ts out: what is over, and which reasons count.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { environmentVariables, longFiles, longFunctions, primitivesIn } from './sizes.ts'

const source = (path: string, ...lines: string[]) => ({ path, lines })
const filler = Array.from({ length: 400 }, () => 'x')

test('a long file needs a reason in its header', () => {
  assert.deepEqual(longFiles([source('a.ts', ...filler)]), [])
  assert.deepEqual(longFiles([source('a.ts', 'y', ...filler)]), ['a.ts: 401 lines (at most 400)'])
  assert.deepEqual(longFiles([source('a.ts', '// size: one table of instructions', ...filler)]), [])
  assert.equal(longFiles([source('a.ts', '// size:', ...filler)]).length, 1)
})

test('a long function needs a reason in the comment above it, and no other', () => {
  const measured = (line: number) => [
    { message: 'This function has too many lines (50).', location: { path: 'a.ts', start: { line } } },
  ]
  const sources = [
    source(
      'a.ts',
      '/** Says what it does. */',
      '// size: a table written as code',
      'export function f() {',
      '}',
      'function g() {',
      '}',
      "describe('h', () => {",
    ),
  ]
  assert.deepEqual(longFunctions(sources, measured(3)), [])
  assert.deepEqual(longFunctions(sources, measured(5)), ['a.ts:5: 50 lines (at most 40): function g() {'])
  assert.deepEqual(longFunctions(sources, measured(7)), [])
})

test('primitives are the members of Attrs but composite', () => {
  const lines = [
    'export interface Attrs {',
    '  // leaves',
    '  constant: {',
    '    value: number',
    '  }',
    '  readonly add: None',
  ]
  assert.deepEqual(primitivesIn(source('node.ts', ...lines, '  composite: None', '}', '  other: None')), [
    'constant',
    'add',
  ])
  assert.throws(() => primitivesIn(source('node.ts', 'export const x = 1')), /no longer declares Attrs/)
})

test('environment variables are counted once each', () => {
  const variable = (name: string) => `process.env.${['TENSORLOOM', name].join('_')}`
  const sources = [source('a.ts', variable('B'), variable('A_B')), source('b.ts', variable('B'), variable('PREFIX_'))]
  assert.deepEqual(
    environmentVariables(sources).map((name) => name.slice('TENSORLOOM_'.length)),
    ['A_B', 'B'],
  )
})
