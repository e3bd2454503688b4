// What a node costs: weighted flops of one element and bytes in memory, for the fusing rules.
import type { Node, OpName } from '../../graph/node.ts'

/** Weights of an element's work against one addition; everything not named moves data and weighs nothing. */
const weights: Partial<Record<OpName, number>> = {
  add: 1,
  mul: 1,
  multiplyAdd: 1,
  max: 1,
  less: 1,
  equal: 1,
  and: 1,
  or: 1,
  xor: 1,
  shiftLeft: 1,
  shiftRight: 1,
  where: 1,
  cast: 1,
  floor: 1,
  div: 4,
  sqrt: 4,
  mod: 6,
  exp: 10,
  log: 10,
  sin: 12,
  cos: 12,
  pow: 25,
  gather: 4,
}

export const weightOf = (node: Node): number => weights[node.op] ?? 0

/** Flops a byte of memory traffic is worth: to DRAM, and within the last cache. */
export const balanceToMemory = 8
export const balanceInCache = 2

export const balanceFor = (bytes: number, l3: number): number => (bytes > l3 / 4 ? balanceToMemory : balanceInCache)
