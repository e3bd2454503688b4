// Moves between the lanes of vector registers and scalars: extract, insert, broadcast, widen to 64-bit lanes and narrow back.
import type { MachineOperand, VirtualRegister } from '../machine/machine-op.ts'
import { type Form, isWide, type LaneValue, operandOf, type Part, type Selection } from './select-state.ts'

/** One lane in a general register, integers extended by their sign; of a mask all ones or 0. */
export function extractLane(s: Selection, { form, parts }: LaneValue, lane: number): VirtualRegister {
  const result = s.general()
  const wide = isWide(form)
  const part = s.load(parts[wide ? lane >> 2 : 0], 32)
  const perHalf = wide ? 2 : 4
  const inPart = wide ? lane & 3 : lane
  let half = part
  if (inPart >= perHalf) {
    half = s.vector()
    s.write('vextracti128', half.view(16), part.view(32), 1)
  }
  const at = inPart % perHalf
  if (wide) {
    if (at === 0) s.write('vmovq', result.view(8), half.view(16))
    else s.write('vpextrq', result.view(8), half.view(16), at)
    return result
  }
  if (at === 0) s.write('vmovd', result.view(4), half.view(16))
  else s.write('vpextrd', result.view(4), half.view(16), at)
  s.write('movsxd', result.view(8), result.view(4))
  return result
}

/** Lanes put together one by one, from general registers or memory, in halves of 16 bytes. */
export class LaneBuilder {
  readonly #s: Selection
  readonly #wide: boolean
  readonly #halves: VirtualRegister[]

  constructor(s: Selection, wide: boolean) {
    this.#s = s
    this.#wide = wide
    const count = Math.max(1, (s.group.lanes * (wide ? 8 : 4)) / 16)
    this.#halves = Array.from({ length: count }, () => {
      const half = s.vector()
      s.writeConstant('vmovaps', half.view(16), operandOf(s.i32(0), 16))
      return half
    })
  }

  insert(lane: number, source: MachineOperand): void {
    const perHalf = this.#wide ? 2 : 4
    const half = this.#halves[Math.floor(lane / perHalf)]
    const mnemonic = this.#wide ? 'vpinsrq' : 'vpinsrd'
    this.#s.write(mnemonic, half.view(16), half.view(16), source, lane % perHalf)
  }

  parts(): Part[] {
    const halves = this.#halves
    if (halves.length === 1) return [halves[0]]
    const parts: Part[] = []
    for (let i = 0; i < halves.length; i += 2) parts.push(joinHalves(this.#s, halves[i], halves[i + 1]))
    return parts
  }
}

export function joinHalves(s: Selection, low: VirtualRegister, high: Part): VirtualRegister {
  const joined = s.vector()
  s.write('vinserti128', joined.view(32), low.view(32), operandOf(high, 16), 1)
  return joined
}

export function upperHalf(s: Selection, part: Part): VirtualRegister {
  const half = s.vector()
  if (s.group.lanes === 16) s.write('vextractf64x4', half.view(32), s.load(part, 64).view(64), 1)
  else s.write('vextracti128', half.view(16), s.load(part, 32).view(32), 1)
  return half
}

type Widening = 'vpmovsxdq' | 'vpmovzxdq' | 'vcvtps2pd' | 'vcvtdq2pd' | 'vcvttps2qq'

/** 32-bit lanes to 64-bit ones, by the given instruction. */
export function widen(s: Selection, part: Part, mnemonic: Widening): VirtualRegister[] {
  const { lanes } = s.group
  const convert = (half: Part) => {
    const target = s.vector()
    const bytes = lanes === 16 ? 64 : lanes === 1 ? 16 : 32
    s.write(mnemonic, target.view(bytes), s.load(half, 16).view(lanes === 16 ? 32 : 16))
    return target
  }
  const source = s.load(part, lanes === 16 ? 64 : lanes === 8 ? 32 : 16)
  return lanes >= 8 ? [convert(source), convert(upperHalf(s, source))] : [convert(source)]
}

/** The lower 32 bits of 64-bit lanes. */
export function narrow(s: Selection, parts: readonly Part[]): VirtualRegister {
  const { lanes } = s.group
  if (lanes === 1) return s.load(parts[0], 16)
  if (lanes === 4) return s.vector3('vshufps', 16, s.load(parts[0], 32), upperHalf(s, parts[0]), 0x88)
  const mixed = s.vector3('vshufps', 32, parts[0], parts[1], 0x88)
  return s.vector2('vpermq', 32, mixed, 0xd8)
}

/** A part of 64-bit lanes in half as many bits, by the given instruction. */
export function narrowed(
  s: Selection,
  mnemonic: 'vcvtpd2ps' | 'vcvttpd2dq' | 'vcvtqq2ps',
  part: Part,
): VirtualRegister {
  const bytes = s.partBytes('f64')
  const target = s.vector()
  s.write(mnemonic, target.view(bytes === 64 ? 32 : 16), s.load(part, bytes).view(bytes))
  return target
}

/** What parts of 64-bit lanes were narrowed to, in one register. */
export function joinNarrow(s: Selection, halves: readonly VirtualRegister[]): VirtualRegister {
  if (halves.length === 1) return halves[0]
  if (s.group.lanes < 16) return joinHalves(s, halves[0], halves[1])
  const joined = s.vector()
  s.write('vinsertf64x4', joined.view(64), halves[0].view(64), halves[1].view(32), 1)
  return joined
}

/** The scalar in all lanes of the current group. */
export function broadcast(s: Selection, { form, parts }: LaneValue): LaneValue {
  if (s.group.lanes === 1) return { form, parts }
  const bytes = s.partBytes(form)
  const source = s.load(parts[0], 16)
  const target = s.vector()
  s.write(isWide(form) ? 'vbroadcastsd' : 'vbroadcastss', target.view(bytes), source.view(16))
  return { form, parts: new Array<Part>(s.partCount(form)).fill(target) }
}

/** A general register as a scalar of 64-bit lanes, or its lower half as one of 32-bit lanes. */
export function scalarOf(s: Selection, register: VirtualRegister, form: Form): LaneValue {
  const target = s.vector()
  if (isWide(form)) s.write('vmovq', target.view(16), register.view(8))
  else s.write('vmovd', target.view(16), register.view(4))
  return { form, parts: [target] }
}

/** One bit a lane of a mask, in a general register. */
export function maskBits(s: Selection, mask: VirtualRegister): VirtualRegister {
  const bits = s.general()
  s.write('vmovmskps', bits.view(4), mask.view(s.partBytes('mask')))
  return bits
}

/** Runs `body` for each lane that the predicate allows. */
export function forEachLane(s: Selection, predicate: VirtualRegister | undefined, body: (lane: number) => void): void {
  const { lanes, prefix } = s.group
  const bits = predicate && predicate !== prefix?.mask ? maskBits(s, predicate) : undefined
  for (let lane = 0; lane < (prefix?.count ?? lanes); lane++) {
    if (bits === undefined) {
      body(lane)
      continue
    }
    const skip = s.label()
    s.read('test', bits.view(4), 1 << lane)
    s.branch('je', skip)
    s.conditional(() => body(lane))
    s.mark(skip)
  }
}
