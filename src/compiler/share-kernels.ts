// Groups in, classes of groups that one kernel serves out: twelve layers, one body. Members may differ in the holes of the kernel: values
// of constants, and which element of a vector of numbers is read. A hole becomes one more input, which each call binds to its own value.
import { hashSeed, mix } from '../base/hash.ts'
import { sameShape, sizeOf } from '../base/shape.ts'
import * as build from '../graph/builders.ts'
import { isOp, type Node } from '../graph/node.ts'
import { withInputs } from '../graph/substitute.ts'
import type { KernelGroup } from './schedule-types.ts'
import { sameData } from './simplify/intern.ts'

export interface KernelClass {
  /** what is lowered: the first member, with one more input for each hole */
  readonly group: KernelGroup
  /** positions in `inner` of the nodes that holes replace */
  readonly holes: readonly number[]
}

export interface SharedGroups {
  readonly classes: readonly KernelClass[]
  /** class by group */
  readonly classOf: readonly number[]
}

export function shareKernels(groups: readonly KernelGroup[]): SharedGroups {
  const byHash = new Map<number, OpenClass[]>()
  const open: OpenClass[] = []
  const classOf = groups.map((group) => {
    const numbered = numberNodes(group)
    const bucket = byHash.get(numbered.hash) ?? []
    byHash.set(numbered.hash, bucket)
    const known = bucket.find((one) => one.takes(numbered))
    if (known) return known.index
    const made = new OpenClass(open.length, numbered)
    bucket.push(made)
    open.push(made)
    return made.index
  })
  return { classes: open.map((one) => one.close()), classOf }
}

interface NumberedGroup {
  readonly group: KernelGroup
  /** inputs, then inner nodes */
  readonly numbers: ReadonlyMap<Node, number>
  /** equal for groups that may share a kernel */
  readonly hash: number
}

function numberNodes(group: KernelGroup): NumberedGroup {
  const numbers = new Map<Node, number>()
  let hash = mix(hashSeed, group.anchor.charCodeAt(1))
  const number = (node: Node) => numbers.set(node, numbers.size)
  for (const node of group.inputs) {
    hash = mix(hash, node.dtype.length)
    for (const extent of node.shape) hash = mix(hash, extent)
    number(node)
  }
  for (const node of group.inner) {
    // what may become a hole must not tell groups apart
    hash = mix(hash, isOp(node, 'constant') || isElementOfInput(node, numbers, group) ? 1 : node.ownHash)
    for (const input of node.inputs) hash = mix(hash, numbers.get(input)!)
    number(node)
  }
  return { group, numbers, hash }
}

/** A slice that takes one element of one of the group's inputs. */
function isElementOfInput(node: Node, numbers: ReadonlyMap<Node, number>, { inputs }: KernelGroup): boolean {
  return isOp(node, 'slice') && sizeOf(node.shape) === 1 && numbers.get(node.inputs[0])! < inputs.length
}

/** Operations that are as fast, and as exact, on a value that is loaded as on one that is known. */
const takesValues: ReadonlySet<string> = new Set(['add', 'mul', 'div', 'max', 'less', 'equal', 'where'])
const passesOn: ReadonlySet<string> = new Set(['expand', 'reshape', 'permute'])

/** A class that still takes members. */
class OpenClass {
  readonly index: number
  readonly #first: NumberedGroup
  readonly #holes = new Set<number>()

  constructor(index: number, first: NumberedGroup) {
    this.index = index
    this.#first = first
  }

  /** Takes a group if one kernel can serve it and all members so far. */
  takes(other: NumberedGroup): boolean {
    const [a, b] = [this.#first.group, other.group]
    const position = (node: Node | undefined, of: NumberedGroup): number => (node ? of.numbers.get(node)! : -1)
    const sameLists = (x: readonly Node[], y: readonly Node[]): boolean =>
      x.length === y.length && x.every((node, i) => position(node, this.#first) === position(y[i], other))
    if (a.anchor !== b.anchor || a.inputs.length !== b.inputs.length || a.inner.length !== b.inner.length) return false
    if (position(a.anchorNode, this.#first) !== position(b.anchorNode, other)) return false
    if (a.test?.op !== b.test?.op || a.test?.limit !== b.test?.limit) return false
    if (!a.inputs.every((node, i) => sameType(node, b.inputs[i])) || !sameLists(a.outputs, b.outputs)) return false
    if (!sameLists(a.streamed ?? [], b.streamed ?? [])) return false
    const holes: number[] = []
    for (let i = 0; i < a.inner.length; i++) {
      const [x, y] = [a.inner[i], b.inner[i]]
      if (x.op !== y.op || !sameType(x, y) || !sameLists(x.inputs, y.inputs)) return false
      if (x.attrs === y.attrs || sameData(x.attrs, y.attrs)) continue
      if (!this.#mayVary(x)) return false
      holes.push(i)
    }
    for (const hole of holes) this.#holes.add(hole)
    return true
  }

  #mayVary(node: Node): boolean {
    const { group, numbers } = this.#first
    if (isElementOfInput(node, numbers, group)) return true
    return isOp(node, 'constant') && node.dtype !== 'bool' && this.#feedsArithmetic(node)
  }

  #feedsArithmetic(node: Node): boolean {
    const { inner, outputs } = this.#first.group
    if (outputs.includes(node)) return false
    return inner.every(
      (user) =>
        !user.inputs.includes(node) ||
        takesValues.has(user.op) ||
        (passesOn.has(user.op) && this.#feedsArithmetic(user)),
    )
  }

  close(): KernelClass {
    const { group } = this.#first
    const holes = [...this.#holes].sort((a, b) => a - b)
    if (holes.length === 0) return { group, holes }
    const result = new Map<Node, Node>(group.inputs.map((node) => [node, node]))
    const added: Node[] = []
    group.inner.forEach((node, i) => {
      if (this.#holes.has(i)) added.push(build.placeholder(node.shape, node.dtype))
      const inputs = node.inputs.map((input) => result.get(input)!)
      result.set(node, this.#holes.has(i) ? added[added.length - 1] : withInputs(node, inputs))
    })
    const replaced = (node: Node): Node => result.get(node)!
    return {
      holes,
      group: {
        anchor: group.anchor,
        anchorNode: group.anchorNode && replaced(group.anchorNode),
        test: group.test,
        inputs: [...group.inputs, ...added],
        inner: group.inner.filter((_, i) => !this.#holes.has(i)).map(replaced),
        outputs: group.outputs.map(replaced),
        streamed: group.streamed?.map(replaced),
      },
    }
  }
}

const sameType = (a: Node, b: Node): boolean => a.dtype === b.dtype && sameShape(a.shape, b.shape)
