// Loads of lanes a few elements apart: whole vectors and a shuffle, where lane by lane would take a load and an insertion each.
// They may read beyond what they need, which the slack at memory's end allows.
import type { DType } from '../../base/dtype.ts'
import type { Expression, Memory } from '../../kernel/kernel-node.ts'
import { words } from './forms.ts'
import { address } from './select-address.ts'
import type { Selection } from './selection.ts'

const isWord = (dtype: DType): boolean => dtype === 'float32' || dtype === 'int32'
const isByte = (dtype: DType): boolean => dtype === 'bool' || dtype === 'uint8'

export const isStrided = (s: Selection, dtype: DType, stride: number): boolean =>
  s.group.lanes === 4 &&
  ((isWord(dtype) && (stride === 2 || stride === 3)) || (isByte(dtype) && stride > 1 && stride <= 4))

export function loadStrided(s: Selection, memory: Memory, index: Expression, stride: number): void {
  if (isWord(memory.dtype)) wordsApart(s, memory, index, stride)
  else bytesApart(s, memory, index, stride)
}

/** Elements 0 and `stride` of one vector, and the same two of another that begins twice as far on. */
function wordsApart(s: Selection, memory: Memory, index: Expression, stride: number): void {
  for (const start of [0, 2 * stride]) s.emit('v128.load', address(s, memory, index) + 4 * start)
  s.emit('i8x16.shuffle', words(0, stride, 4, 4 + stride))
}

/** Bytes at multiples of the stride, each extended to 32 bits. */
function bytesApart(s: Selection, memory: Memory, index: Expression, stride: number): void {
  s.emit('v128.load', address(s, memory, index))
  if (stride === 4) {
    s.vector([0xff], 'i32')
    s.emit('v128.and')
    return
  }
  const beyond = 0xff
  s.constant(Uint8Array.from({ length: 16 }, (_, i) => (i % 4 === 0 ? (i / 4) * stride : beyond)))
  s.emit('i8x16.swizzle')
}
