// The builder of loops: initial carries, sequences and a step over nodes go in, final carries and stacked outputs come out. What the
// step refers to from outside becomes a constant input of the loop by itself.

import { isFloat } from '../../base/dtype.ts'
import { ArgumentError } from '../../base/errors.ts'
import { hashSeed, mix, mixString, mixValue } from '../../base/hash.ts'
import { inferStructure } from '../infer/structure.ts'
import { makeNode, type Node, type OpName, type ScanBody, topologicalOrder } from '../node.ts'
import { substitute } from '../substitute.ts'
import { placeholder } from './leaves.ts'

export interface ScanInputs {
  readonly carries: readonly Node[]
  /** stepped over along axis 0 */
  readonly sequences: readonly Node[]
  /** number of steps, where there is no sequence to tell */
  readonly length?: number
  /** from the last step to the first */
  readonly reverse?: boolean
}

export interface ScanStep {
  /** of the types of the initial carries */
  readonly carries: readonly Node[]
  /** stacked along a new axis 0 */
  readonly outputs: readonly Node[]
}

/**
 * Runs `step` over the sequences. The carries of each step and what is dear to compute are stacked too, for the gradient; what nobody
 * reads is not stored.
 */
export function scan(
  inputs: ScanInputs,
  step: (carries: readonly Node[], slices: readonly Node[]) => ScanStep,
): ScanStep {
  const { carries, sequences, reverse = false } = inputs
  const length = sequences.length > 0 ? sequences[0].shape[0] : inputs.length
  if (length === undefined)
    throw new ArgumentError('scan: expected a sequence or a length, got neither.', { op: 'scan' })
  const carryHolders = carries.map(({ shape, dtype }) => placeholder(shape, dtype))
  const sliceHolders = sequences.map(({ shape, dtype }) => placeholder(shape.slice(1), dtype))
  const next = step(carryHolders, sliceHolders)
  const outputs = [...next.carries, ...next.outputs, ...carryHolders]
  const stepHolders = [...carryHolders, ...sliceHolders]
  const lifted = liftOuterNodes(outputs, stepHolders)
  const body = makeScanBody({
    carries: carries.length,
    sequences: sequences.length,
    length,
    reverse,
    placeholders: [...stepHolders, ...lifted.holders],
    outputs: [...lifted.outputs, ...dearNodes(lifted.outputs, stepHolders)],
  })
  const results = scanResults(
    [...carries, ...sequences, ...lifted.constants],
    body,
    carries.length + next.outputs.length,
  )
  return { carries: results.slice(0, carries.length), outputs: results.slice(carries.length) }
}

const dearOps: ReadonlySet<string> = new Set<OpName>([
  'composite',
  'contract',
  'reduce',
  'gather',
  'scan',
  'exp',
  'log',
  'sin',
  'cos',
  'pow',
])

/** Float nodes of a step that cost more to compute again than to store and read. */
export function dearNodes(outputs: readonly Node[], stepHolders: readonly Node[]): Node[] {
  const perStep = new Set<Node>(stepHolders)
  const order = topologicalOrder(outputs)
  for (const node of order) if (node.inputs.some((input) => perStep.has(input))) perStep.add(node)
  return order.filter((node) => dearOps.has(node.op) && isFloat(node.dtype) && perStep.has(node))
}

/** One node for each of the first `count` results of a loop. */
export function scanResults(inputs: readonly Node[], body: ScanBody, count = body.outputs.length): Node[] {
  return Array.from({ length: count }, (_, result) => scanResult(inputs, body, result))
}

export function scanResult(inputs: readonly Node[], body: ScanBody, result: number): Node<'scan'> {
  const { shape, dtype } = inferStructure.scan(inputs, { body, result })
  return makeNode('scan', inputs, { body, result }, shape, dtype)
}

/** A body with its structural hash: ops, attributes and wiring, with placeholders told apart by position. */
export function makeScanBody(body: Omit<ScanBody, 'hash'>): ScanBody {
  let hash = mix(mix(mix(mix(hashSeed, body.carries), body.sequences), body.length), body.reverse ? 1 : 0)
  const positions = new Map<Node, number>(body.placeholders.map((holder, i) => [holder, -1 - i]))
  for (const node of topologicalOrder(body.outputs)) {
    if (positions.has(node)) continue
    positions.set(node, positions.size)
    hash = mixValue(mixString(hash, node.op), node.op === 'buffer' ? node.dtype : node.attrs)
    for (const input of node.inputs) hash = mix(hash, positions.get(input)!)
  }
  for (const output of body.outputs) hash = mix(hash, positions.get(output)!)
  for (const { shape, dtype } of body.placeholders) hash = mixString(mixValue(hash, shape), dtype)
  return { ...body, hash }
}

interface Lifted {
  readonly outputs: readonly Node[]
  readonly constants: readonly Node[]
  readonly holders: readonly Node[]
}

/** Replaces the largest parts of a step that do not depend on it by placeholders; bare constants stay inside. */
function liftOuterNodes(outputs: readonly Node[], inner: readonly Node[]): Lifted {
  const order = topologicalOrder(outputs)
  const dependent = new Set<Node>(inner)
  const literal = new Set<Node>()
  for (const node of order) {
    if (node.inputs.some((input) => dependent.has(input))) dependent.add(node)
    else if (!dependent.has(node) && isLiteral(node, literal)) literal.add(node)
  }
  const replacements = new Map<Node, Node>()
  const lift = (node: Node): void => {
    if (!dependent.has(node) && !literal.has(node) && !replacements.has(node))
      replacements.set(node, placeholder(node.shape, node.dtype))
  }
  for (const node of order) if (dependent.has(node)) node.inputs.forEach(lift)
  outputs.forEach(lift)
  return {
    outputs: substitute(outputs, replacements),
    constants: [...replacements.keys()],
    holders: [...replacements.values()],
  }
}

function isLiteral(node: Node, literal: ReadonlySet<Node>): boolean {
  if (node.op === 'constant' || node.op === 'iota') return true
  const moves = node.op === 'reshape' || node.op === 'expand' || node.op === 'cast'
  return moves && literal.has(node.inputs[0])
}
