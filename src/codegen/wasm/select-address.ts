// Addresses of elements as sums of a base and a scaled index, and how far apart lanes lie in memory.
import { bytesOf } from '../../base/dtype.ts'
import type { Expression, Memory } from '../../kernel/kernel-node.ts'
import { threadContext } from './layout.ts'
import { type Atom, addScaled, affineOf, atomAffine, emitIndex, emitTerms, hoistedAtom } from './select-index.ts'
import { kernelParameters, type Selection } from './selection.ts'

function baseAtom(s: Selection, memory: Memory): Atom {
  if (memory.op === 'param') {
    const emit = (): void => {
      s.code.get(kernelParameters.bindings)
      s.emit('i32.load', 4 * memory.slot)
    }
    return hoistedAtom(s, `p${memory.slot}`, 0, 'i32', true, false, emit)
  }
  const offset = s.scratchOffsets.get(memory)!
  const emit = (): void => {
    s.code.get(kernelParameters.context)
    s.emit('i32.load', threadContext.scratch)
    s.code.i32(offset)
    s.emit('i32.add')
  }
  return hoistedAtom(s, `s${offset}`, 0, 'i32', true, false, emit)
}

/** Leaves the address of an element and gives the offset that its access must add. */
export function address(s: Selection, memory: Memory, index: Expression): number {
  if (!s.options.checked) return plainAddress(s, memory, index)
  s.code.get(kernelParameters.context)
  emitIndex(s, index, 'i64')
  s.code.i64(memory.size)
  baseAtom(s, memory).emit()
  s.code.i32(bytesOf(memory.dtype))
  s.code.call(s.library.get('bounded'))
  return 0
}

function plainAddress(s: Selection, memory: Memory, index: Expression): number {
  const bytes = bytesOf(memory.dtype)
  const sum = addScaled(atomAffine(baseAtom(s, memory)), affineOf(s, index), bytes)
  const terms = [...sum.terms.values()]
  emitTerms(s, terms, 'i32')
  const { constant } = sum
  // an offset is added without wrapping: what it is added to must itself be an address
  const fits = constant >= 0 && constant < 2 ** 31
  if (fits && terms.every(({ atom, coefficient }) => atom.isNatural && coefficient >= 0)) return constant
  if (constant !== 0) {
    s.code.i32(Number(BigInt.asIntN(32, BigInt(constant))))
    s.emit('i32.add')
  }
  return 0
}

/** Elements from one lane to the next, where that is one number for all lanes. */
export function strideOf(s: Selection, e: Expression): number | undefined {
  let stride = 0
  for (const { atom, coefficient } of affineOf(s, e).terms.values()) {
    if (!atom.isVarying) continue
    if (!isLaneVariable(s, atom)) return undefined
    stride = coefficient
  }
  return stride + constantStride(s, e)
}

/** In a loop of one group the variable is a number; its coefficient shows in the constant of the next lane. */
function constantStride(s: Selection, e: Expression): number {
  const variable = s.variables.get(s.vectorLoop!.variable)!
  if (!('constant' in variable)) return 0
  const first = affineOf(s, e).constant
  const { lane } = s
  s.lane = 1
  const second = affineOf(s, e).constant
  s.lane = lane
  return second - first
}

function isLaneVariable(s: Selection, atom: Atom): boolean {
  const variable = s.variables.get(s.vectorLoop!.variable)!
  return 'local' in variable && atom.key === `v${variable.local}`
}
