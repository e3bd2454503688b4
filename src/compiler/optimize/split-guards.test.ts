import assert from 'node:assert/strict'
import { test } from 'node:test'
import { alu, indexAlu, indexLiteral, indexOf, literal, loadOf, referenceTo, storeTo } from '../../kernel/builders.ts'
import { interpretKernel } from '../../kernel/interpret.ts'
import type { Expression, For, Kernel, Param, Statement } from '../../kernel/kernel-node.ts'
import { printKernel } from '../../kernel/print.ts'
import { verifyKernel } from '../../kernel/verify.ts'
import { optimize } from './optimize.ts'

const size = 4096
const x: Param = { op: 'param', slot: 0, dtype: 'float32', size, access: 'read', name: 'x' }
const out: Param = { op: 'param', slot: 1, dtype: 'float32', size, access: 'readwrite', name: 'out' }
const [block, tap, lane] = ['block', 'tap', 'lane'].map((name, id) => ({ name, id }))
const inside = { name: 'inside', dtype: 'bool', id: 0 } as const

const sum = (...terms: Expression[]): Expression => terms.reduce((a, b) => indexAlu('add', a, b))
const within = (index: Expression, limit: number): Expression =>
  alu('and', 'bool', alu('lessEqual', 'bool', indexLiteral(0), index), alu('less', 'bool', index, indexLiteral(limit)))
const loopOver = (variable: For['variable'], extent: Expression, kind: For['kind'], body: Statement[]): For => ({
  op: 'for',
  variable,
  extent,
  kind,
  lanes: kind === 'vector' ? 8 : 1,
  body,
})

interface Padded {
  readonly lanes: Expression
  readonly step: number
  readonly extent: number
  readonly before: number
}

/** Rows of taps of a padded row, as packing a convolution's windows writes them: 4 rows, 3 taps, rows from 1 to 2 inside. */
function kernelOf({ lanes, step, extent, before }: Padded): Kernel {
  const column = sum(indexAlu('mul', indexOf(lane), indexLiteral(step)), indexOf(tap), literal('index', -before))
  const row = sum(indexOf(block), literal('index', -1))
  const guard = alu('and', 'bool', within(row, 2), within(column, extent))
  const position = sum(indexAlu('mul', row, indexLiteral(200)), column)
  const value = loadOf(x, position, referenceTo(inside), literal('float32', 7))
  const target = sum(
    indexAlu('mul', indexOf(block), indexLiteral(600)),
    indexAlu('mul', indexOf(tap), indexLiteral(200)),
  )
  const body: Statement[] = [
    { op: 'let', binding: inside, value: guard },
    storeTo(out, sum(target, indexOf(lane)), alu('add', 'float32', value, literal('float32', 1))),
  ]
  const taps = loopOver(tap, indexLiteral(3), 'unroll', [loopOver(lane, lanes, 'vector', body)])
  const kernel = {
    name: 'test',
    params: [x, out],
    scratch: [],
    body: [loopOver(block, indexLiteral(4), 'parallel', [taps])],
  }
  verifyKernel(kernel)
  return kernel
}

function run(kernel: Kernel): Float32Array {
  const result = new Float32Array(size)
  interpretKernel(kernel, [Float32Array.from({ length: size }, (_, i) => i), result])
  return result
}

const open = indexAlu('min', indexLiteral(60), sum(indexLiteral(20), indexAlu('mul', indexOf(block), indexLiteral(15))))
const cases: Readonly<Record<string, Padded>> = {
  'a few lanes': { lanes: indexLiteral(6), step: 1, extent: 5, before: 1 },
  'many lanes': { lanes: indexLiteral(66), step: 1, extent: 64, before: 2 },
  'every third element': { lanes: indexLiteral(30), step: 3, extent: 80, before: 4 },
  'more padding than lanes': { lanes: indexLiteral(20), step: 1, extent: 5, before: 40 },
  'a number of lanes that differs': { lanes: open, step: 1, extent: 30, before: 3 },
}

for (const [name, padded] of Object.entries(cases))
  test(`split: ${name} of a padded row keep their values`, () => {
    const kernel = kernelOf(padded)
    const split = optimize(kernel)
    verifyKernel(split)
    assert.deepEqual(run(split), run(kernel))
  })

test('split: rows outside are filled, and long rows inside are copied without tests', () => {
  const printed = printKernel(optimize(kernelOf(cases['many lanes'])))
  assert.equal(printed.match(/if /g)?.length, 2)
  assert.doesNotMatch(printed, /inside \?/)
  for (const [extent, times] of [
    [64, 3],
    [66, 1],
  ])
    assert.equal(printed.match(new RegExp(`in 0..${extent} vector`, 'g'))?.length, times)
})
