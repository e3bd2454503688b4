// Random well-typed graphs: a list of seeded steps goes in, each adds a value to a pool; leaves with their data, and outputs with what
// they may be off by, come out. Lists shrink well, so failures are small.
import { backward } from '../../src/autograd/backward.ts'
import { type DType, isFloat } from '../../src/base/dtype.ts'
import type { Shape } from '../../src/base/shape.ts'
import type { Graph } from '../../src/compiler/graph.ts'
import { buffer, mean, onesLike } from '../../src/graph/builders.ts'
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
  /** largest difference, by output, that either of two correct evaluations may have from the truth */
  readonly tolerances: readonly number[]
  /** tolerances are for values of about 1, and grow with the largest element */
  readonly isRelative?: boolean
}

export const leafDTypes: readonly DType[] = ['float32', 'float32', 'float32', 'float64', 'int32', 'int64', 'bool']
const outputLimit = 4

/** A stream of numbers from a seed (mulberry32). */
export function numbersFrom(seed: number): (limit: number) => number {
  let state = seed | 0
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t ^= t + Math.imul(t ^ (t >>> 7), 61 | t)
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

interface LeafValue {
  readonly node: Node
  readonly data: HostArray
}

interface Pool {
  readonly values: readonly Bounded[]
  readonly leaves: readonly LeafValue[]
  readonly nat: Draw['nat']
}

/** Every value that the steps make; floats of `floats` if given. */
function buildPool(recipe: Recipe, elementLimit: number, floats?: DType): Pool {
  const nat = numbersFrom(recipe.seed)
  const leaves: LeafValue[] = []
  const values: Bounded[] = []
  const leaf = (shape: Shape, wanted: DType): Bounded => {
    const dtype = isFloat(wanted) ? (floats ?? wanted) : wanted
    const node = buffer({ storage: --storages, version: 0 }, shape, dtype)
    leaves.push({ node, data: randomValues(dtype, shape, nat) })
    return isFloat(dtype) ? exactly(node, 4, 0.25) : exactly(node, dtype === 'bool' ? 1 : 9, 1)
  }
  for (const shape of recipe.shapes) values.push(leaf(shape, leafDTypes[nat(leafDTypes.length)]))
  for (const { name, seed } of recipe.steps) {
    const result = stepTable[name](drawFrom(values, leaf, numbersFrom(seed)))
    if (result && elementsOf(result.node) <= elementLimit && result.node.shape.length <= 6) values.push(result)
  }
  return { values, leaves, nat }
}

export function buildGraph(recipe: Recipe, elementLimit: number): RandomGraph {
  const { values, leaves, nat } = buildPool(recipe, elementLimit)
  return chooseOutputs(values, leaves, nat)
}

/** Steps whose gradient jumps where values that should be equal differ by rounding. */
const jumpy: ReadonlySet<string> = new Set([
  'max',
  'min',
  'amax',
  'amin',
  'prod',
  'maxPool2d',
  'scatter',
  'relu',
  'abs',
])

/** The gradients of the mean of the last value to every leaf that it depends on, in float64; undefined where there are none. */
export function buildGradientGraph(recipe: Recipe, elementLimit: number): RandomGraph | undefined {
  const smooth = { ...recipe, steps: recipe.steps.filter(({ name }) => !jumpy.has(name)) }
  const { values, leaves } = buildPool(smooth, elementLimit, 'float64')
  const last = values.findLast(({ node }) => node.dtype === 'float64' && elementsOf(node) > 0)
  if (!last) return undefined
  const loss = mean(last.node)
  const wanted = leaves.map(({ node }) => node).filter(({ dtype }) => dtype === 'float64')
  const grads = backward([{ root: loss, grad: onesLike(loss) }], new Set(wanted))
  const roots = [loss, ...wanted.flatMap((leaf) => grads.get(leaf) ?? [])]
  return {
    graph: { leaves: leaves.map(({ node }) => node), outputs: roots.map((node) => ({ node, persistent: false })) },
    values: leaves.map(({ data }) => data),
    tolerances: roots.map(() => 1e-7),
    isRelative: true,
  }
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
function chooseOutputs(pool: readonly Bounded[], leaves: readonly LeafValue[], nat: Draw['nat']): RandomGraph {
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
  const targets = graph.outputs.map(
    ({ target, persistent }, i) =>
      `output ${i}${target === undefined ? '' : ` in place of leaf${target}`}${persistent ? ', persistent' : ''}`,
  )
  return [...slots, formatGraph(graph.outputs.map(({ node }) => node)), ...targets].join('\n')
}
