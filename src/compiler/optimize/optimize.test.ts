import assert from 'node:assert/strict'
import { test } from 'node:test'
import { alu, indexLiteral, indexOf, literal, loadOf, storeTo } from '../../kernel/builders.ts'
import type { Expression, Kernel, Param, Statement } from '../../kernel/kernel-node.ts'
import { printKernel } from '../../kernel/print.ts'
import { verifyKernel } from '../../kernel/verify.ts'
import { kernelPasses, optimize } from './optimize.ts'

const x: Param = { op: 'param', slot: 0, dtype: 'float32', size: 64, access: 'read', name: 'x' }
const index: Param = { op: 'param', slot: 1, dtype: 'int64', size: 8, access: 'read', name: 'index' }
const out: Param = { op: 'param', slot: 2, dtype: 'float32', size: 64, access: 'readwrite', name: 'out' }
const [block, j] = [
  { name: 'block', id: 0 },
  { name: 'j', id: 1 },
]
const at = alu('add', 'index', alu('mul', 'index', indexOf(block), indexLiteral(8)), indexOf(j))
const float = (value: number) => literal('float32', value)
const load = loadOf(x, at)

function kernelOf(body: readonly Statement[]): Kernel {
  const inner: Statement = { op: 'for', variable: j, extent: indexLiteral(8), kind: 'vector', lanes: 8, body }
  const outer: Statement = {
    op: 'for',
    variable: block,
    extent: indexLiteral(8),
    kind: 'parallel',
    lanes: 1,
    body: [inner],
  }
  return { name: 'test', params: [x, index, out], scratch: [], body: [outer] }
}

function optimized(body: readonly Statement[]): string {
  const kernel = optimize(kernelOf(body))
  verifyKernel(kernel)
  return printKernel(kernel)
}

const storing = (value: Expression): string => optimized([storeTo(out, at, value)])

test('simplify: what the graph spells out becomes one operation', () => {
  const negative = alu('mul', 'float32', load, float(-1))
  assert.match(storing(alu('add', 'float32', float(3), negative)), /= 3 - x\[/)
  assert.match(storing(alu('div', 'float32', load, float(8))), /\* 0\.125/)
  const other = alu('mul', 'float32', loadOf(x, indexOf(j)), float(-1))
  assert.match(storing(alu('mul', 'float32', alu('max', 'float32', negative, other), float(-1))), /= min\(x/)
})

test('simplify: floats keep their bits', () => {
  assert.match(storing(alu('add', 'float32', load, float(0))), /\+ 0/)
  assert.match(storing(alu('add', 'float32', alu('add', 'float32', load, float(1)), float(2))), /\+ 1 \+ 2/)
  assert.match(storing(alu('div', 'float32', load, float(3))), /\/ 3/)
})

test('hoist: values and index tests leave the loops that do not change them', () => {
  const position = indexOf(block)
  const row = alu('cast', 'index', loadOf(index, position))
  const scale = alu('exp', 'float32', loadOf(x, position))
  const printed = optimized([
    { op: 'check', index: row, limit: 64, position, id: 0 },
    storeTo(out, at, alu('mul', 'float32', load, scale)),
  ])
  const loop = printed.indexOf('vector')
  for (const invariant of ['check 0', 'exp(', 'block * 8']) assert.ok(printed.indexOf(invariant) < loop, printed)
})

test('hoist: loads of memory that the kernel writes stay in place', () => {
  const printed = storing(alu('add', 'float32', loadOf(out, indexOf(block)), load))
  assert.ok(printed.indexOf('out[block]') > printed.indexOf('vector'), printed)
})

test('share: a repeated value is bound once', () => {
  const squared = alu('mul', 'float32', alu('exp', 'float32', load), alu('exp', 'float32', loadOf(x, at)))
  assert.equal(storing(squared).split('exp(').length, 2)
})

test('remove: nothing unused is left', () => {
  const printed = optimized([
    { op: 'let', binding: { name: 'unused', dtype: 'float32', id: 0 }, value: load },
    storeTo(out, at, float(1)),
  ])
  assert.doesNotMatch(printed, /unused/)
})

test('every pass has a name of its own and can be left out', () => {
  assert.equal(new Set(kernelPasses.map((pass) => pass.name)).size, kernelPasses.length)
  const kernel = kernelOf([storeTo(out, at, load)])
  assert.equal(optimize(kernel, new Set(kernelPasses.map((pass) => pass.name))), kernel)
})
