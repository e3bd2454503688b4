// The product of two blocks, as a call of the tile's routine: addresses and counts are computed here, once a tile.
import { bytesOf } from '../../base/dtype.ts'
import { indexAlu, indexLiteral } from '../../kernel/builders.ts'
import type { Memory, TileMultiply } from '../../kernel/kernel-node.ts'
import type { VirtualRegister } from '../machine/machine-op.ts'
import { callRoutine } from './routines.ts'
import {
  addAffine,
  addressOf,
  affineOf,
  constantAffine,
  copyGeneral,
  indexRegister,
  multiplyAffine,
} from './select-index.ts'
import { boundsTest } from './select-memory.ts'
import type { Affine, Selection } from './select-state.ts'
import { tileRoutine } from './tile-routine.ts'

export function tileMultiply(s: Selection, node: TileMultiply): void {
  const skip = s.label()
  const depth = sumOf(s, node.depth)
  if (s.options.checked) testBounds(s, node, depth, skip)
  const pointers = [node.a, node.b, node.c].map(({ memory, index }) => pointer(s, memory, sumOf(s, index)))
  const stride = copyGeneral(s, indexRegister(s, sumOf(s, node.c.stride)))
  s.update('shl', stride.view(8), Math.log2(bytesOf(node.dtype)))
  const [steps, accumulate] = [depth, sumOf(s, node.accumulate)].map((sum) => indexRegister(s, sum))
  const args = [...pointers, stride, steps, accumulate]
  callRoutine(s, tileRoutine(s, node), ...args.map((register) => register.view(8)))
  s.markEnd(skip)
}

function sumOf(s: Selection, e: TileMultiply['depth']): Affine {
  const sum = affineOf(s, e)
  if (sum === undefined) throw s.fail('tileMultiply stands inside a vector loop')
  return sum
}

function pointer(s: Selection, memory: Memory, index: Affine): VirtualRegister {
  const register = s.general()
  s.write('lea', register.view(8), addressOf(s, memory, index))
  return register
}

function testBounds(s: Selection, node: TileMultiply, depth: Affine, skip: number): void {
  const { mr, nr, aRow, aStride, bStride, bTaps = [0], a, b, c } = node
  const runs = sumOf(s, indexAlu('div', node.depth, indexLiteral(bTaps.length)))
  const [last, lastRun] = [depth, runs].map((count) => addAffine(count, constantAffine(1), -1))
  const stride = sumOf(s, c.stride)
  const spans: readonly [TileMultiply['a'], Affine][] = [
    [a, addAffine(multiplyAffine(last, aStride), constantAffine((mr - 1) * aRow + 1))],
    [b, addAffine(multiplyAffine(lastRun, bStride), constantAffine(Math.max(...bTaps) + nr))],
    [c, addAffine(multiplyAffine(stride, mr - 1), constantAffine(nr))],
  ]
  for (const [{ memory, index }, span] of spans) {
    const first = sumOf(s, index)
    boundsTest(s, memory, first, skip)
    boundsTest(s, memory, addAffine(addAffine(first, span), constantAffine(1), -1), skip)
  }
}
