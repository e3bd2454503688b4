// Mutants: rows of tables are made wrong, one at a time, and the check that watches over them must fail. A mutant that lives means that
// gradcheck, the graph verifier or the comparison with the reference has gone blind.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gradcheck } from '../../src/autograd/gradcheck.ts'
import { compileGraph } from '../../src/compiler/compile.ts'
import { interpretPlan } from '../../src/compiler/interpret-plan.ts'
import { kernelPasses } from '../../src/compiler/optimize/optimize.ts'
import { simplifyRules } from '../../src/compiler/simplify/rules.ts'
import * as b from '../../src/graph/builders.ts'
import { compositeRow } from '../../src/graph/composites/composite-table.ts'
import { gelu, layerNorm, logSoftmax, relu, sigmoid, softmax, tanh } from '../../src/graph/composites.ts'
import { evaluateNodes } from '../../src/graph/evaluate.ts'
import { type HostArray, hostZeros } from '../../src/graph/host-array.ts'
import { makeNode, type Node, type OpName } from '../../src/graph/node.ts'
import { opTable } from '../../src/graph/op-table.ts'
import { verifyGraph } from '../../src/graph/verify.ts'
import type { Kernel } from '../../src/kernel/kernel-node.ts'
import { smallTarget } from '../fuzz/check-graph.ts'

type Rows = Record<string, unknown>

/** Replaces a field of a row while `body` runs. */
function mutated<T>(row: object, field: string, make: (original: T) => T, body: () => void): void {
  const fields = row as Rows
  const original = fields[field]
  fields[field] = make(original as T)
  try {
    body()
  } finally {
    fields[field] = original
  }
}

/** The check holds as things are, and fails with the mutant. */
function killed(row: object, field: string, make: (original: never) => unknown, check: () => void): void {
  check()
  mutated(row, field, make as (original: unknown) => unknown, () => assert.throws(check, 'the mutant lives'))
  check()
}

const values = (shape: readonly number[], seed: number): HostArray => {
  const array = hostZeros('float64', shape)
  for (let i = 0; i < array.data.length; i++) array.data[i] = 0.4 + ((i * 7 + seed * 5) % 11) / 8 + i * 0.01
  return array
}
const indices: HostArray = { dtype: 'int64', shape: [2, 2], data: BigInt64Array.from([1n, 0n, 2n, 1n]) }
const [x, y, z] = [values([2, 3], 1), values([2, 3], 2), values([2, 2], 3)]

type Program = (...inputs: readonly Node[]) => Node
type Case = readonly [program: Program, ...inputs: HostArray[]]

/** A program for each gradient rule, in which its sign shows. */
const gradients: Readonly<Record<string, Case>> = {
  sqrt: [b.sqrt, x],
  exp: [b.exp, x],
  log: [b.log, x],
  sin: [b.sin, x],
  cos: [b.cos, x],
  add: [b.add, x, y],
  mul: [b.mul, x, y],
  div: [b.div, x, y],
  mod: [b.mod, x, y],
  pow: [b.pow, x, y],
  max: [b.max, x, y],
  where: [(a, c) => b.where(b.less(a, c), a, c), x, y],
  reshape: [(a) => b.exp(b.reshape(a, [6])), x],
  permute: [(a) => b.exp(b.permute(a, [1, 0])), x],
  expand: [(a) => b.exp(b.expand(b.reshape(a, [2, 3, 1]), [2, 3, 4])), x],
  pad: [
    (a) =>
      b.exp(
        b.pad(a, [
          [1, 0],
          [0, 1],
        ]),
      ),
    x,
  ],
  slice: [(a) => b.exp(b.sliceAxis(a, 1, 2, undefined, -1)), x],
  window: [(a) => b.exp(b.window(a, 1, 2)), x],
  concat: [(a, c) => b.exp(b.concat([a, c])), x, y],
  reduce: [(a) => b.exp(b.sum(a, 1)), x],
  contract: [(a, c) => b.contract(a, c, 0, 1), x, y],
  gather: [(a, i) => b.exp(b.gather(a, 1, i)), x, indices],
  scatter: [(a, i, s) => b.exp(b.scatter(a, 1, i, s, 'sum')), x, indices, z],
  copy: [(a) => b.exp(b.copy(a)), x],
}
// float32 in between leaves few digits for differences
const rounding: Case = [(a) => b.exp(b.cast(a, 'float32')), x]

type AnyVjp = (node: Node, grad: Node, wanted: readonly boolean[]) => readonly (Node | undefined)[]

/** The first gradient with the wrong sign. */
const flipped =
  (original: AnyVjp): AnyVjp =>
  (...args) => {
    const grads = [...original(...args)]
    const first = grads.findIndex((grad) => grad !== undefined)
    return grads.map((grad, i) => (i === first ? b.neg(grad!) : grad))
  }

for (const [op, [program, ...inputs]] of Object.entries({ ...gradients, cast: rounding }))
  test(`mutant: the gradient of ${op} with the wrong sign`, () => {
    const options = op === 'cast' ? { epsilon: 1e-2, absoluteTolerance: 1e-2, relativeTolerance: 1e-2 } : {}
    killed(opTable[op as OpName], 'vjp', flipped, () => gradcheck(program, inputs, evaluateNodes, options))
  })

const composites: Readonly<Record<string, Program>> = {
  relu: (a) => relu(b.sub(a, 0.9)),
  sigmoid,
  tanh,
  softmax: (a) => softmax(a, 1),
  logSoftmax: (a) => logSoftmax(a, 1),
  gelu: (a) => gelu(a),
  standardize: (a) => layerNorm(a, [3]),
}

for (const [name, program] of Object.entries(composites))
  test(`mutant: the gradient of ${name} with the wrong sign`, () => {
    const row = compositeRow(name)
    assert.ok(row.vjp, `${name} has no rule of its own`)
    killed(row, 'vjp', flipped, () => gradcheck(program, [x], evaluateNodes))
  })

const leaf = (...shape: number[]): Node => b.placeholder(shape, 'float32')

/** One node of each inference rule. */
const inferred: Readonly<Record<string, () => Node>> = {
  exp: () => b.exp(leaf(2, 3)),
  less: () => b.less(leaf(2, 3), leaf(2, 3)),
  permute: () => b.permute(leaf(2, 3), [1, 0]),
  pad: () =>
    b.pad(leaf(2, 3), [
      [1, 0],
      [0, 1],
    ]),
  window: () => b.window(leaf(2, 9), 1, 3),
  reduce: () => b.sum(leaf(2, 3), 1, true),
  contract: () => b.contract(leaf(2, 3), leaf(4, 3), 0, 1),
  gather: () => b.gather(leaf(2, 3), 0, b.placeholder([1, 3], 'int64')),
}

type AnyInfer = (
  inputs: readonly Node[],
  attrs: object,
) => { readonly shape: readonly number[]; readonly dtype: string }

for (const [op, build] of Object.entries(inferred))
  test(`mutant: the inference of ${op} with an axis too many`, () => {
    const longer =
      (original: AnyInfer): AnyInfer =>
      (inputs, attrs) => {
        const { shape, dtype } = original(inputs, attrs)
        return { shape: [...shape, 1], dtype }
      }
    killed(opTable[op as OpName], 'infer', longer, () => verifyGraph([build()]))
  })

/** The compiled program, with all passes, on the interpreter against the reference semantics. */
function agree(program: Program): void {
  const leaves = [leaf(5, 7), leaf(5, 7)]
  const root = program(...leaves)
  const data = leaves.map(({ shape }, seed): HostArray => {
    const array = hostZeros('float32', shape)
    for (let i = 0; i < array.data.length; i++) array.data[i] = 0.25 + ((i * 5 + seed * 3) % 9) / 4
    return array
  })
  const graph = { leaves, outputs: [{ node: root, persistent: false }] }
  const [expected] = evaluateNodes([root], new Map(leaves.map((one, i) => [one, data[i]])))
  const [actual] = interpretPlan(compileGraph(graph, smallTarget), data, 2)
  expected.data.forEach((value, i) => {
    assert.ok(Math.abs(Number(value) - Number(actual.data[i])) <= 1e-4 * (1 + Math.abs(Number(value))), `at ${i}`)
  })
}

const meanings: Readonly<Record<string, Program>> = {
  exp: b.exp,
  add: b.add,
  div: b.div,
  floor: b.floor,
  max: b.max,
  permute: (a) => b.permute(a, [1, 0]),
  slice: (a) => b.flip(a, [1]),
  concat: (a, c) => b.concat([a, c], 1),
  reduce: (a) => b.amax(a, 0),
  contract: (a, c) => b.contract(a, c, 0, 1),
}

type AnyReference = (inputs: readonly HostArray[], node: Node) => HostArray

for (const [op, program] of Object.entries(meanings))
  test(`mutant: the meaning of ${op} off by one element`, () => {
    const wrong =
      (original: AnyReference): AnyReference =>
      (inputs, node) => {
        const result = original(inputs, node)
        const data = result.data.slice()
        data[data.length - 1] = Number(data[data.length - 1]) + 0.5
        return { ...result, data }
      }
    killed(opTable[op as OpName], 'reference', wrong, () => agree(program))
  })

test('mutant: a rule of simplify that drops an addition', () => {
  const rule = { name: 'wrong', apply: (node: Node) => (node.op === 'add' ? node.inputs[0] : undefined) }
  killed(
    simplifyRules,
    'add',
    () => [rule],
    () => agree(b.add),
  )
})

test('mutant: a rule of simplify that turns a permutation round', () => {
  const apply = (node: Node): Node | undefined => {
    if (node.op !== 'permute' || node.attrs.axes[0] !== 1) return undefined
    return makeNode('reshape', node.inputs, { shape: node.shape }, node.shape, node.dtype)
  }
  killed(
    simplifyRules,
    'permute',
    () => [{ name: 'wrong', apply }],
    () => agree((a) => b.exp(b.permute(a, [1, 0]))),
  )
})

type Statement = Kernel['body'][number]
const withoutLast = (statement: Statement): Statement =>
  statement.op === 'for' ? { ...statement, body: statement.body.slice(0, -1) } : statement

for (const pass of kernelPasses)
  test(`mutant: ${pass.name} loses a statement`, () => {
    const shorter =
      (original: (kernel: Kernel) => Kernel) =>
      (kernel: Kernel): Kernel => {
        const result = original(kernel)
        return { ...result, body: result.body.map(withoutLast) }
      }
    killed(pass, 'run', shorter, () => agree((a, c) => b.sum(b.mul(a, c), 1)))
  })
