// Verifiers of the stages between graph and kernels: a schedule and a memory plan go in, a CompileError comes out where they are wrong.
import { CompileError } from '../base/errors.ts'
import { isOp, type Node } from '../graph/node.ts'
import type { MemoryPlan } from './plan-memory.ts'
import type { KernelGroup, Schedule } from './schedule-types.ts'
import type { SimpleGraph } from './simplify/simplify.ts'

/** Every kernel reads leaves and earlier results only; every root, and no value twice, is written. */
export function verifySchedule({ groups }: Schedule, { leaves, roots }: SimpleGraph): void {
  const written = new Set<Node>(leaves)
  groups.forEach((group, at) => {
    const kernel = `kernel ${at + 1} (${group.anchor})`
    for (const input of group.inputs)
      if (!written.has(input))
        throw fault(`${kernel} to read what is in memory by then, got ${input.op} #${input.id}, which is not`)
    for (const output of group.outputs) {
      if (written.has(output)) throw fault(`each value to be written once, got ${output.op} #${output.id} twice`)
      if (!group.inner.includes(output))
        throw fault(`${kernel} to compute what it writes, got ${output.op} #${output.id}`)
    }
    for (const output of group.outputs) written.add(output)
    verifyInner(kernel, group)
  })
  for (const root of roots)
    if (!written.has(root)) throw fault(`every output to be written, got none that writes ${root.op} #${root.id}`)
}

/** What is computed inside a kernel comes after what it is computed from. */
function verifyInner(kernel: string, { anchor, inputs, inner, outputs }: KernelGroup): void {
  const known = new Set<Node>(inputs)
  for (const node of inner) {
    if (isOp(node, 'composite') && !(anchor === 'composite' && outputs.includes(node)))
      throw fault(`${kernel} to be in primitives, got composite ${node.attrs.name}`)
    for (const input of node.inputs)
      if (!known.has(input))
        throw fault(`${kernel} to know the inputs of ${node.op} #${node.id}, got ${input.op} #${input.id}`)
    known.add(node)
  }
}

const fault = (rest: string): CompileError => new CompileError(`schedule: expected ${rest}.`)

/** No two blocks that live at once overlap, and every block lies within the arena. */
export function verifyMemory({ blocks, arenaBytes }: MemoryPlan): void {
  blocks.forEach((block, i) => {
    if (block.offset + block.bytes > arenaBytes)
      throw new CompileError(
        `memory: expected blocks within ${arenaBytes} bytes, got one that ends at ${block.offset + block.bytes}.`,
      )
    for (const other of blocks.slice(0, i)) {
      const atOnce = block.first <= other.last && other.first <= block.last
      const sameBytes = block.offset < other.offset + other.bytes && other.offset < block.offset + block.bytes
      if (atOnce && sameBytes)
        throw new CompileError(
          `memory: expected live blocks to lie apart, got two at ${block.offset} and ${other.offset} during calls ` +
            `${Math.max(block.first, other.first)} to ${Math.min(block.last, other.last)}.`,
        )
    }
  })
}
