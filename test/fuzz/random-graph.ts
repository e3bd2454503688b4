// Random well-typed graphs: a list of seeded steps goes in, each adds a value to a pool; leaves with their data, and outputs with what
// they may be off by, come out. Lists shrink well, so failures are small.
import { type DType, isFloat } from '../../src/base/dtype.ts'
import { type Shape, sizeOf } from '../../src/base/shape.ts'
import type { Graph } from '../../src/compiler/graph.ts'
import { buffer } from '../../src/graph/builders.ts'
import { type HostArray, hostZeros } from '../../src/graph/host-array.ts'
import { elementsOf, type Node } from '../../src/graph/node.ts'
import { formatGraph } from '../../src/graph/print.ts'
import { type Bounded, exactly } from './bounded.ts'
import { aggregateSteps } from './steps-aggregate.ts'
import { elementwiseSteps } from './steps-elementwise.ts'
import { indexSteps } from './steps-index.ts'
import { layerSteps } from './steps-layer.ts'
import { movementSteps } from './steps-movement.ts'

/** What a step may ask for. */
export interface Draw {
  /** a whole number from 0 to `limit` - 1 */
  nat(limit: number): number
  pick<T>(choices: readonly T[]): T
  /** a value of the pool that `accept` takes, likelier a late one */
  value(accept?: (x: Bounded) => boolean): Bounded | undefined
  /** a new leaf of small exact values */
  leaf(shape: Shape, dtype: DType): Bounded
}

export type StepTable = Readonly<Record<string, (draw: Draw) => Bounded | undefined>>

export const stepTable: StepTable = {
  ...elementwiseSteps,
  ...movementSteps,
  ...aggregateSteps,
  ...indexSteps,
  ...layerSteps,
}
export const stepNames = Object.keys(stepTable)

export interface Step {
  readonly name: string
  readonly seed: number
}

export interface Recipe {
  /** shapes of the first leaves */
  readonly shapes: readonly (readonly number[])[]
  readonly steps: readonly Step[]
  /** decides on dtypes of leaves, outputs and targets */
  readonly seed: number
}

export interface RandomGraph {
  readonly graph: Graph
  readonly values: readonly HostArray[]
  /** largest allowed difference, by output */
  readonly tolerances: readonly number[]
}

export const leafDTypes: readonly DType[] = ['float32', 'float32', 'float32', 'float64', 'int32', 'int64', 'bool']
const outputLimit = 4

/** A stream of numbers from a seed (mulberry32). */
export function numbersFrom(seed: number): (limit: number) => number {
  let state = seed | 0
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return (((t ^ (t >>> 14)) >>> 0) % 0x10000000) % limit
  }
}

/** Multiples of a quarter from -4 to 4, or small whole numbers. */
export function randomValues(dtype: DType, shape: Shape, nat: (limit: number) => number): HostArray {
  const result = hostZeros(dtype, shape)
  const { data } = result
  for (let i = 0; i < data.length; i++) {
    if (dtype === 'bool') data[i] = nat(2)
    else if (data instanceof BigInt64Array) data[i] = BigInt(nat(19) - 9)
    else data[i] = isFloat(dtype) ? (nat(33) - 16) / 4 : nat(19) - 9
  }
  return result
}

let storages = 0

export function buildGraph(recipe: Recipe, elementLimit: number): RandomGraph {
  const nat = numbersFrom(recipe.seed)
  const leaves: { readonly node: Node; readonly data: HostArray }[] = []
  const pool: Bounded[] = []
  const leaf = (shape: Shape, dtype: DType): Bounded => {
    const node = buffer({ storage: --storages, version: 0 }, shape, dtype)
    leaves.push({ node, data: randomValues(dtype, shape, nat) })
    return isFloat(dtype) ? exactly(node, 4, 0.25) : exactly(node, dtype === 'bool' ? 1 : 9, 1)
  }
  for (const shape of recipe.shapes) pool.push(leaf(shape, leafDTypes[nat(leafDTypes.length)]))
  for (const { name, seed } of recipe.steps) {
    const result = stepTable[name](drawFrom(pool, leaf, numbersFrom(seed)))
    if (result && elementsOf(result.node) <= elementLimit && result.node.shape.length <= 6) pool.push(result)
  }
  return chooseOutputs(pool, leaves, nat)
}

function drawFrom(pool: readonly Bounded[], leaf: Draw['leaf'], nat: Draw['nat']): Draw {
  return {
    nat,
    leaf,
    pick: (choices) => choices[nat(choices.length)],
    value: (accept = () => true) => {
      const fitting = pool.filter(accept)
      if (fitting.length === 0) return undefined
      const late = nat(3) > 0 ? Math.min(3, fitting.length) : fitting.length
      return fitting[fitting.length - 1 - nat(late)]
    },
  }
}

/** The last value and a few others; some are written to a leaf of their type in place, some are persistent. */
function chooseOutputs(
  pool: readonly Bounded[],
  leaves: readonly { readonly node: Node; readonly data: HostArray }[],
  nat: Draw['nat'],
): RandomGraph {
  const chosen = [pool[pool.length - 1]]
  for (let i = nat(outputLimit); i > 0; i--) chosen.push(pool[nat(pool.length)])
  const taken = new Set<number>()
  const outputs = chosen.map(({ node }) => {
    const target = leaves.findIndex(
      (other, slot) =>
        !taken.has(slot) && other.node.dtype === node.dtype && String(other.node.shape) === String(node.shape),
    )
    if (target < 0 || nat(3) > 0) return { node, persistent: nat(4) === 0 }
    taken.add(target)
    return { node, target, persistent: true }
  })
  return {
    graph: { leaves: leaves.map(({ node }) => node), outputs },
    values: leaves.map(({ data }) => data),
    tolerances: chosen.map(({ error }) => error),
  }
}

export function formatRandomGraph({ graph }: RandomGraph): string {
  const slots = graph.leaves.map((leaf, i) => `leaf${i}: ${leaf.dtype} [${leaf.shape.join(', ')}]`)
  const targets = graph.outputs.map(({ target, persistent }, i) =>
    `output ${i}${target === undefined ? '' : ` in place of leaf${target}`}${persistent ? ', persistent' : ''}`)
  return [...slots, formatGraph(graph.outputs.map(({ node }) => node)), ...targets].join('\n')
}

export const sizeOfValue = (x: Bounded): number => sizeOf(x.node.shape)
