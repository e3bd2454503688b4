// Loads of lanes that lie a few elements apart, or backwards: two loads that reach from the first element to the last, and shuffles. Lane by lane would take
// a load and an insertion each. Nothing before the first or behind the last element is touched.
import { bytesOf } from '../../base/dtype.ts'
import type { Load } from '../../kernel/kernel-node.ts'
import { type MemoryOperand, resized } from '../machine/machine-op.ts'
import { fromStored } from './select-convert.ts'
import { joinHalves } from './select-lanes.ts'
import { formOf, isWide, type Part, type Selection } from './select-state.ts'

const moved = (address: MemoryOperand, by: number): MemoryOperand => ({ ...address, disp: address.disp + by })

/** The first `count` lanes of the group, `stride` elements apart; undefined where there is no short way. */
export function stridedLoad(
  s: Selection,
  e: Load,
  address: () => MemoryOperand,
  stride: number,
  count: number,
): Part[] | undefined {
  if (stride === -1 && count === s.group.lanes && bytesOf(e.dtype) >= 4) return reversed(s, e, address())
  if (stride === 2 && bytesOf(e.dtype) === 4) return [everySecond(s, address(), count)]
  const isByte = e.dtype === 'bool' || e.dtype === 'uint8'
  const width = stride === 2 ? 8 : 16
  if (!isByte || stride < 2 || stride > 4 || s.group.lanes !== 8 || (count - 1) * stride + 1 < width) return undefined
  return [fromStored(s, e.dtype, bytesApart(s, address(), stride, count, width))]
}

/** Elements 0, -1, -2, …: a load of them in order, turned around. */
function reversed(s: Selection, e: Load, address: MemoryOperand): Part[] {
  const form = formOf(e.dtype)
  const bytes = s.partBytes(form)
  const perPart = bytes / bytesOf(e.dtype)
  return Array.from({ length: s.partCount(form) }, (_, part) => {
    const loaded = s.vector()
    const last = (part + 1) * perPart - 1
    s.write('vmovups', loaded.view(bytes), resized(moved(address, -last * bytesOf(e.dtype)), bytes))
    if (perPart === 8) return s.vector3('vpermd', bytes, downwards(s), loaded)
    return s.vector2(isWide(form) ? 'vpermq' : 'vpshufd', bytes, loaded, 0x1b)
  })
}

const downwards = (s: Selection) => s.pool('lanes from 7 down', () => Int32Array.of(7, 6, 5, 4, 3, 2, 1, 0))

/** Elements 0, 2, 4, …: of two registers whose elements overlap by one, the even ones of the first and the odd ones of the second. */
function everySecond(s: Selection, address: MemoryOperand, count: number) {
  const { lanes } = s.group
  const bytes = lanes * 4
  const last = 2 * (count - 1)
  const low = firstElements(s, address, bytes, Math.min(lanes, last + 1))
  const high = firstElements(s, moved(address, (lanes - 1) * 4), bytes, last - lanes + 2)
  const mixed = s.vector3('vshufps', bytes, low, high, 0xd8)
  return lanes === 8 ? s.vector2('vpermq', 32, mixed, 0xd8) : mixed
}

/** The first `count` elements of 32 bits at an address, and 0 behind them. */
function firstElements(s: Selection, address: MemoryOperand, bytes: number, count: number): Part {
  if (count <= 0) return s.i32(0)
  const target = s.vector()
  if (count >= bytes / 4) s.write('vmovups', target.view(bytes), resized(address, bytes))
  else {
    const mask = s.pool(`first ${count} of 8`, () =>
      Int32Array.from({ length: 8 }, (_, lane) => (lane < count ? -1 : 0)),
    )
    s.write('vmaskmovps', target.view(bytes), s.load(mask, bytes).view(bytes), resized(address, bytes))
  }
  return target
}

/** Bytes at multiples of the stride, each extended to 32 bits: four from the front and the others from the back of what they span. */
function bytesApart(s: Selection, address: MemoryOperand, stride: number, count: number, width: 8 | 16) {
  const back = (count - 1) * stride + 1 - width
  const half = (first: number, start: number) => {
    const loaded = s.vector()
    s.write(width === 8 ? 'vmovq' : 'vmovups', loaded.view(16), resized(moved(address, start), width))
    const order = new Uint8Array(32).fill(0x80)
    for (let lane = first; lane < Math.min(first + 4, count); lane++) order[(lane - first) * 4] = lane * stride - start
    return s.vector3(
      'vpshufb',
      16,
      loaded,
      s.pool(`bytes ${order.join(' ')}`, () => order),
    )
  }
  return joinHalves(s, half(0, 0), half(4, back))
}
