// What a step of a loop does, in order: nodes that take a loop of their own (products, reductions), and between them what is computed
// element by element and stored: next carries, stacked outputs, operands of products. Tells too whether rows of the carries go their own
// ways, so that a participant may take some of them through all steps.
import { isOp, type Node, type ScanBody, topologicalOrder } from '../../../graph/node.ts'
import { zeroOf } from '../../../kernel/builders.ts'
import { computeDType, Evaluation, type Hook } from '../evaluate.ts'
import { type Affine, axisIndex, indicesKey, makeAxis } from '../index-algebra.ts'
import { isElementwise, isMovement } from '../index-map.ts'
import { KernelBuilder } from '../kernel-builder.ts'
import { type Piece, pieceIndices, piecesOf, wholeOf } from './pieces.ts'
import { isAggregate, recipeOf, valueRecipe } from './recipe.ts'

/** `aggregate` computes a contract or reduce; `map` computes pieces of one shape, all before the first is stored. */
export type Stage =
  | { readonly kind: 'aggregate'; readonly node: Node<'contract' | 'reduce'> }
  | { readonly kind: 'map'; readonly pieces: readonly Piece[] }

export interface StepPlan {
  readonly stages: readonly Stage[]
  /** contractions with a right side that stays, in tiles */
  readonly products: readonly Node<'contract'>[]
  /** values that are kept because contractions read them over and over */
  readonly operands: ReadonlySet<Node>
  /** carries that are read after their next value is known: they get it at the end of the step */
  readonly late: ReadonlySet<Node>
  /** the extent of axis 0 of all that is stored, if no row reads another one */
  readonly rows: number | undefined
}

/** `results` are the outputs that somebody wants; `suitsTile` tells which contractions do, if their right side stays the same. */
export function planStep(
  body: ScanBody,
  results: readonly Node[],
  suitsTile: (node: Node<'contract'>) => boolean,
): StepPlan {
  const plan = planWith(body, results, suitsTile)
  return plan.rows === undefined ? planWith(body, results, () => false) : plan
}

function planWith(body: ScanBody, results: readonly Node[], suitsTile: (node: Node<'contract'>) => boolean): StepPlan {
  const next = body.outputs.slice(0, body.carries)
  const order = topologicalOrder([...next, ...results])
  const carries = new Set(body.placeholders.slice(0, body.carries))
  const perStep = new Set(body.placeholders.slice(0, body.carries + body.sequences))
  for (const node of order) if (node.inputs.some((input) => perStep.has(input))) perStep.add(node)
  const contracts = order.filter((node) => isOp(node, 'contract')) as Node<'contract'>[]
  const products = contracts.filter(
    ({ inputs: [a, b] }, i) => perStep.has(a) && !perStep.has(b) && suitsTile(contracts[i]),
  )
  const isInMemory = (node: Node): boolean => !perStep.has(node) || carries.has(node) || isAggregate(node)
  const operands = new Set(
    contracts.flatMap((node) => operandsOf(node, products.includes(node))).filter((node) => !isInMemory(node)),
  )
  const stages = stagesOf(order, [...new Set([...next, ...results, ...operands])], operands)
  const reads = new ReadTracer(body, operands).readsOf(stages)
  const rows = separateRows(body, stages, reads)
  return { stages, products, operands, late: lateCarries(body, stages, reads), rows }
}

/** A product reads its left operand as it lies; loops read what is computed behind movement. */
const operandsOf = ({ inputs }: Node<'contract'>, isProduct: boolean): Node[] =>
  isProduct ? [inputs[0]] : inputs.map(originOf).filter(isElementwise)

/** What lies behind movement with one source. */
function originOf(node: Node): Node {
  return isMovement(node) && node.inputs.length === 1 ? originOf(node.inputs[0]) : node
}

/** Aggregates by depth, and after those of one depth what they lead to. Bare placeholders join the last pieces of their shape. */
function stagesOf(order: readonly Node[], stored: readonly Node[], operands: ReadonlySet<Node>): Stage[] {
  const depths = new Map<Node, number>()
  for (const node of order) {
    const below = Math.max(0, ...node.inputs.map((input) => depths.get(input)!))
    depths.set(node, below + (isAggregate(node) ? 1 : 0))
  }
  const levels: Map<string, Piece[]>[] = Array.from({ length: Math.max(0, ...depths.values()) + 1 }, () => new Map())
  const put = (piece: Piece, level: number): void => {
    const key = piece.shape.join()
    levels[level].set(key, [...(levels[level].get(key) ?? []), piece])
  }
  const isBare = (node: Node): boolean => node.op === 'buffer' && !operands.has(node)
  for (const node of stored.filter((one) => !isBare(one)))
    for (const piece of piecesOf(node)) put(piece, depths.get(node)!)
  for (const node of stored.filter(isBare)) {
    const last = levels.findLastIndex((level) => level.has(node.shape.join()))
    put(wholeOf(node), Math.max(0, last))
  }
  return levels.flatMap((level, depth) => [
    ...order
      .filter(isAggregate)
      .filter((node) => depths.get(node) === depth)
      .map((node) => ({ kind: 'aggregate', node }) as const),
    ...[...level.values()].map((pieces) => ({ kind: 'map', pieces }) as const),
  ])
}

/** A value in memory that a stage reads, while it computes the element of its own at `at`. */
interface Read {
  readonly node: Node
  readonly indices: readonly Affine[]
}

interface StageReads {
  /** the stage's own axes, one for each dimension */
  readonly axes: readonly Affine[]
  readonly reads: readonly Read[]
}

/** Follows what each stage reads of carries and of values that earlier stages stored. */
class ReadTracer {
  readonly #body: ScanBody
  readonly #operands: ReadonlySet<Node>
  readonly #carries: ReadonlySet<Node>
  readonly #inMemory: Set<Node>

  constructor(body: ScanBody, operands: ReadonlySet<Node>) {
    this.#body = body
    this.#operands = operands
    this.#carries = new Set(body.placeholders.slice(0, body.carries))
    this.#inMemory = new Set(this.#carries)
  }

  readsOf(stages: readonly Stage[]): StageReads[] {
    return stages.map((stage) => {
      const reads = this.#readsOfStage(stage)
      for (const node of stage.kind === 'map' ? stage.pieces.map((piece) => piece.node) : [stage.node])
        if (isHeld(this.#body, this.#operands, node)) this.#inMemory.add(node)
      return reads
    })
  }

  #readsOfStage(stage: Stage): StageReads {
    const shape = stage.kind === 'map' ? stage.pieces[0].shape : stage.node.shape
    const axes = shape.map((extent, i) => axisIndex(makeAxis(`x${i}`, extent)))
    const reads: Read[] = []
    const hook: Hook = (node, indices) => {
      if (this.#inMemory.has(node)) reads.push({ node, indices })
      else if (!this.#body.placeholders.includes(node)) return undefined
      return zeroOf(computeDType(node.dtype))
    }
    const builder = new KernelBuilder()
    const variable = builder.variable('traced')
    const materialize = () => ({ op: 'index', dtype: 'index', variable }) as const
    const evaluation = new Evaluation({ builder, memory: new Map(), materialize, uses: new Map(), hook })
    const roots = stage.kind === 'map' ? stage.pieces : [wholeOf(stage.node)]
    for (const piece of roots) {
      const recipe = stage.kind === 'map' ? valueRecipe(piece.node) : recipeOf(stage.node)
      const step = axisIndex(makeAxis('k', recipe.steps))
      for (const factor of recipe.factors(pieceIndices(piece, axes), step))
        evaluation.evaluate(factor.node, factor.indices)
    }
    return { axes, reads }
  }
}

/** Values that are read back from memory once their stage is done. */
export const isHeld = (body: ScanBody, operands: ReadonlySet<Node>, node: Node): boolean =>
  isAggregate(node) ||
  operands.has(node) ||
  (node.op !== 'buffer' && body.outputs.slice(0, body.carries).includes(node))

/** Carries whose old value is read after the stage that knows the next, or in it at other places. */
function lateCarries(body: ScanBody, stages: readonly Stage[], reads: readonly StageReads[]): Set<Node> {
  const late = new Set<Node>()
  for (let i = 0; i < body.carries; i++) {
    const holder = body.placeholders[i]
    const isNext = ({ node }: Piece): boolean => node === body.outputs[i]
    const at = stages.findIndex((stage) => stage.kind === 'map' && stage.pieces.some(isNext))
    const stage = stages[at]
    const pieces = stage.kind === 'map' ? stage.pieces.filter(isNext) : []
    const own = indicesKey(pieceIndices(pieces[0], reads[at].axes))
    const isSafe = (read: Read): boolean => read.node !== holder || indicesKey(read.indices) === own
    const isWhole = pieces[0].shape.every((extent, axis) => extent === holder.shape[axis])
    const isReadLater = reads.slice(at + 1).some((one) => one.reads.some(({ node }) => node === holder))
    if (!isWhole || isReadLater || !reads[at].reads.every(isSafe)) late.add(holder)
  }
  return late
}

/** The extent of axis 0, where every stage has it whole and reads all that is in memory in its own row. */
function separateRows(body: ScanBody, stages: readonly Stage[], reads: readonly StageReads[]): number | undefined {
  const rows = body.carries > 0 ? body.placeholders[0].shape[0] : undefined
  const hasRows = (shape: readonly number[]): boolean => shape.length > 0 && shape[0] === rows
  if (!rows || !body.placeholders.slice(0, body.carries).every(({ shape }) => hasRows(shape))) return undefined
  const isOwn = stages.every((stage, at) => {
    const shapes = stage.kind === 'map' ? stage.pieces.map((piece) => piece.shape) : [stage.node.shape]
    const [row] = reads[at].axes
    return shapes.every(hasRows) && reads[at].reads.every(({ indices }) => indices[0]?.key === row.key)
  })
  return isOwn ? rows : undefined
}
