// The rewrite engine on a small expression language.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type RewriteOptions, type RuleTable, rewrite } from './rewrite.ts'

interface Expr {
  readonly op: string
  readonly inputs: readonly Expr[]
  readonly value: number
}

const expr = (op: string, inputs: readonly Expr[] = [], value = 0): Expr => ({ op, inputs, value })
const literal = (value: number): Expr => expr('literal', [], value)
const show = ({ op, inputs, value }: Expr): string =>
  op === 'literal' ? String(value) : inputs.length === 0 ? op : `${op}(${inputs.map(show).join(' ')})`

const foldAdd = {
  name: 'fold add',
  apply: ({ inputs: [a, b] }: Expr) =>
    a.op === 'literal' && b.op === 'literal' ? literal(a.value + b.value) : undefined,
}
const dropZero = {
  name: 'drop zero',
  apply: ({ inputs: [a, b] }: Expr) => (b.op === 'literal' && b.value === 0 ? a : undefined),
}
const doubleToAdd = { name: 'double to add', apply: ({ inputs: [a] }: Expr) => expr('add', [a, a]) }

const run = (root: Expr, rules: RuleTable<Expr>, more: Partial<RewriteOptions<Expr>> = {}): Expr =>
  rewrite([root], {
    opOf: (node) => node.op,
    inputsOf: (node) => node.inputs,
    rebuild: (node, inputs) => ({ ...node, inputs }),
    rules,
    ...more,
  })[0]

test('rules fire bottom-up until none fits, and their firings are counted', () => {
  const counts = new Map<string, number>()
  const root = expr('add', [expr('add', [expr('x'), literal(0)]), expr('add', [literal(2), literal(-2)])])
  assert.equal(show(run(root, { add: [foldAdd, dropZero] }, { counts })), 'x')
  assert.deepEqual(Object.fromEntries(counts), { 'fold add': 1, 'drop zero': 2 })
})

test('what a rule gives is rewritten in turn, inputs included', () => {
  const root = expr('double', [expr('double', [literal(3)])])
  assert.equal(show(run(root, { add: [foldAdd], double: [doubleToAdd] })), '12')
})

test('untouched nodes keep their identity and shared nodes are visited once', () => {
  const shared = expr('f', [expr('x')])
  const root = expr('g', [shared, shared])
  let visits = 0
  const watch = {
    name: 'watch',
    apply: () => {
      visits++
      return undefined
    },
  }
  assert.equal(run(root, { '*': [watch] }), root)
  assert.equal(visits, 3)
})

test('intern gives equal nodes one identity', () => {
  const table = new Map<string, Expr>()
  const intern = (node: Expr): Expr => {
    const key = show(node)
    if (!table.has(key)) table.set(key, node)
    return table.get(key)!
  }
  const root = run(expr('g', [expr('f', [expr('x')]), expr('f', [expr('x')])]), {}, { intern })
  assert.equal(root.inputs[0], root.inputs[1])
})

test('a chain deeper than the call stack is rewritten', () => {
  let root = expr('x')
  for (let i = 0; i < 100_000; i++) root = expr('add', [root, literal(0)])
  assert.equal(run(root, { add: [dropZero] }).op, 'x')
})

test('rules that undo each other end in an error that names one', () => {
  const ping = { name: 'ping', apply: () => expr('b') }
  const pong = { name: 'pong', apply: () => expr('a') }
  assert.throws(() => run(expr('a'), { a: [ping], b: [pong] }, { stepLimit: 10 }), {
    code: 'COMPILE',
    message: /expected the rules to come to rest, got more than 10 firings, the last of ping/,
  })
})

test('a rule that wraps its own pattern is refused', () => {
  const wrap = { name: 'wrap', apply: (node: Expr) => expr('f', [node]) }
  assert.throws(() => run(expr('x'), { x: [wrap] }), { message: /does not contain its own pattern/ })
})
