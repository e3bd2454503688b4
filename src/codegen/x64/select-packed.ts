// Stores of lanes as elements of fewer than 32 bits, next to each other.
import { bytesOf, type DType } from '../../base/dtype.ts'
import { type MemoryOperand, resized, type VirtualRegister } from '../machine/machine-op.ts'
import { requireHalves, storedLanes } from './select-convert.ts'
import { upperHalf } from './select-lanes.ts'
import type { Part, Selection } from './select-state.ts'

/** The low byte or word of each 32-bit lane, next to each other. */
export function storePacked(s: Selection, dtype: DType, address: MemoryOperand, part: Part): void {
  const size = bytesOf(dtype)
  const { lanes } = s.group
  if (dtype === 'float16') {
    requireHalves(s)
    const bytes = s.partBytes('f32')
    s.read('vcvtps2ph', resized(address, bytes / 2), s.load(part, bytes).view(bytes), 0)
    return
  }
  const lane = storedLanes(s, dtype, part)
  if (lanes === 16) {
    s.read('vmovups', resized(address, 32), wordsOf(s, lane).view(32))
    return
  }
  const order = s.pool(`low ${size} bytes of each`, () => packingOrder(size))
  const packed = s.vector3('vpshufb', lanes === 8 ? 32 : 16, lane, order)
  let whole = packed
  if (lanes === 8) whole = s.vector3(size === 1 ? 'vpunpckldq' : 'vpunpcklqdq', 16, packed, upperHalf(s, packed))
  const bytes = size * lanes
  s.read(bytes === 16 ? 'vmovups' : bytes === 8 ? 'vmovq' : 'vmovd', resized(address, bytes), whole.view(16))
}

/** The low words of sixteen lanes that hold no more. */
function wordsOf(s: Selection, lanes: VirtualRegister): VirtualRegister {
  const upper = s.vector()
  s.write('vextractf64x4', upper.view(32), lanes.view(64), 1)
  return s.vector2('vpermq', 32, s.vector3('vpackusdw', 32, lanes, upper), 0xd8)
}

function packingOrder(size: number): Uint8Array {
  const order = new Uint8Array(32).fill(0x80)
  for (let half = 0; half < 2; half++)
    for (let lane = 0; lane < 4; lane++)
      for (let byte = 0; byte < size; byte++) order[half * 16 + lane * size + byte] = lane * 4 + byte
  return order
}
