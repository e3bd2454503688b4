// Reduces an angle to [-π/4, π/4] and a count of quarter turns. Up to 2^40 by multiples of π/2 held to 160 bits, all lanes at once;
// beyond, one lane at a time, by an integer product with the bits of 2/π that matter (Payne and Hanek, 1983).
import { double } from '../machine/function-numbers.ts'
import { exponentBias, fractionBits, inverseBits, windowBits } from '../machine/inverse-pi.ts'
import { memoryOperand, type VirtualRegister } from '../machine/machine-op.ts'
import { multiplyHighClobbers } from './emit-sequences.ts'
import { MathBuilder } from './math-builder.ts'
import { extractLane, LaneBuilder } from './select-lanes.ts'
import { type Selection, scalarGroup } from './select-state.ts'

export interface Angle {
  readonly rest: VirtualRegister
  /** quarter turns, in the low bits of 64-bit lanes */
  readonly quarters: VirtualRegister
}

/** π/2 as a sum. */
const quarterTurn = [1.5707963267948966, 6.123233995736766e-17, -1.4973849048591833e-33]
const largest = 2 ** 40

export function reduceAngle(s: Selection, x: VirtualRegister, bytes: number): Angle {
  const m = new MathBuilder(s, bytes, true)
  const count = m.round(m.mul(x, 2 / Math.PI))
  let rest = x
  for (const piece of quarterTurn) rest = m.fnma(count, piece, rest)
  const angle: Angle = { rest: s.copyOf(rest, bytes), quarters: m.add(count, double.wholeInLowBits) }
  const magnitude = m.and(x, s.i64(2n ** 63n - 1n))
  const bits = m.bitsWhere(magnitude, 'greaterEqual', largest)
  const end = s.label()
  s.read('test', bits.view(4), bits.view(4))
  s.branch('je', end)
  const isLarge = m.and(
    m.compare(magnitude, 'greaterEqual', largest),
    m.compare(magnitude, 'less', Number.POSITIVE_INFINITY),
  )
  if (bytes === 64) reduceHalves(s, x, isLarge, angle)
  else reduceLanes(s, x, bytes, isLarge, angle)
  s.mark(end)
  return angle
}

/** Eight lanes as two groups of four. */
function reduceHalves(s: Selection, x: VirtualRegister, mask: VirtualRegister, { rest, quarters }: Angle): void {
  const { group } = s
  s.group = { ...scalarGroup, lanes: 4 }
  const halves = [0, 1].map((at) => {
    const [half, isLarge, halfRest, halfQuarters] = [x, mask, rest, quarters].map((whole) => {
      const part = s.vector()
      s.write('vextractf64x4', part.view(32), whole.view(64), at)
      return part
    })
    const angle: Angle = { rest: halfRest, quarters: halfQuarters }
    reduceLanes(s, half, 32, isLarge, angle)
    return angle
  })
  s.group = group
  for (const [whole, key] of [
    [rest, 'rest'],
    [quarters, 'quarters'],
  ] as const)
    s.write('vinsertf64x4', whole.view(64), halves[0][key].view(64), halves[1][key].view(32), 1)
}

/** Replaces the lanes of `angle` that are set in `mask`. */
function reduceLanes(
  s: Selection,
  x: VirtualRegister,
  bytes: number,
  mask: VirtualRegister,
  { rest, quarters }: Angle,
): void {
  const { group } = s
  s.group = { ...scalarGroup, lanes: bytes === 16 ? 1 : 4 }
  const bits = s.general()
  s.write('vmovmskpd', bits.view(4), mask.view(bytes))
  const [rests, counts] = [new LaneBuilder(s, true), new LaneBuilder(s, true)]
  for (let lane = 0; lane < s.group.lanes; lane++) {
    const skip = s.label()
    s.read('test', bits.view(4), 1 << lane)
    s.branch('je', skip)
    const reduced = reduceLane(s, extractLane(s, { form: 'f64', parts: [x] }, lane))
    rests.insert(lane, reduced.rest.view(8))
    counts.insert(lane, reduced.quarters.view(8))
    s.mark(skip)
  }
  const [newRest] = rests.parts()
  const [newQuarters] = counts.parts()
  s.write('vmovaps', rest.view(bytes), s.blend(bytes, true, mask, newRest, rest).view(bytes))
  s.write('vmovaps', quarters.view(bytes), s.blend(bytes, true, mask, newQuarters, quarters).view(bytes))
  s.group = group
}

function reduceLane(s: Selection, x: VirtualRegister): { rest: VirtualRegister; quarters: VirtualRegister } {
  const copy = (source: VirtualRegister) => {
    const target = s.general()
    s.write('mov', target.view(8), source.view(8))
    return target
  }
  const sign = copy(x)
  s.update('sar', sign.view(8), 63)
  const exponent = copy(x)
  s.update('shl', exponent.view(8), 1)
  s.update('shr', exponent.view(8), 53)
  s.update('sub', exponent.view(8), exponentBias)
  const factor = alignedMantissa(s, x, exponent)
  const { high, low } = windowProduct(s, factor, exponent)
  const quarters = copy(high)
  const half = s.general()
  s.writeConstant('mov', half.view(8), 2n ** 61n)
  s.update('add', quarters.view(8), half.view(8))
  s.update('shr', quarters.view(8), 62)
  for (const mnemonic of ['xor', 'sub'] as const) s.update(mnemonic, quarters.view(8), sign.view(8))
  return { rest: signedFraction(s, high, low, sign), quarters }
}

/** x = factor * 2^exponent with `exponent` made a multiple of 8. */
function alignedMantissa(s: Selection, x: VirtualRegister, exponent: VirtualRegister): VirtualRegister {
  const shift = s.general()
  s.write('mov', shift.view(8), exponent.view(8))
  s.update('and', shift.view(8), 7)
  s.update('sub', exponent.view(8), shift.view(8))
  const vectors = [x, shift].map((register) => {
    const vector = s.vector()
    s.write('vmovq', vector.view(16), register.view(8))
    return vector
  })
  const fraction = s.commutative('vpand', 16, vectors[0], s.i64(2n ** 52n - 1n))
  const whole = s.commutative('vpor', 16, fraction, s.i64(2n ** 52n))
  const factor = s.general()
  s.write('vmovq', factor.view(8), s.vector3('vpsllvq', 16, whole, vectors[1]).view(16))
  return factor
}

/** The upper 128 bits of factor * 2^exponent * 2/π modulo 4, of which the topmost counts 2. */
function windowProduct(s: Selection, factor: VirtualRegister, exponent: VirtualRegister) {
  const offset = s.general()
  s.write('mov', offset.view(8), exponent.view(8))
  s.update('sar', offset.view(8), 3)
  s.update('neg', offset.view(8))
  const table = s.general()
  s.write('lea', table.view(8), s.pool('bits of 2/π', inverseBits))
  const first = (fractionBits - (windowBits - 2)) / 8
  const [w2, w1, w0] = [0, 8, 16].map((disp) => {
    const word = s.general()
    s.write('mov', word.view(8), memoryOperand({ base: table, index: offset, disp: first + disp, bytes: 8 }))
    return word
  })
  const upper = (word: VirtualRegister) => {
    const product = s.general()
    const operands = [product, factor, word].map((register) => register.view(8))
    s.sequence('multiplyHighUnsigned', 'write', multiplyHighClobbers, ...operands)
    return product
  }
  const [carried, high] = [upper(w2), upper(w1)]
  for (const word of [w1, w0]) s.update('imul', word.view(8), factor.view(8))
  s.update('add', w1.view(8), carried.view(8))
  s.update('adc', high.view(8), w0.view(8))
  return { high, low: w1 }
}

/** The fraction below the quarter turns, from -1/2 to 1/2, in radians, with the angle's sign; its bits in a general register. */
function signedFraction(
  s: Selection,
  high: VirtualRegister,
  low: VirtualRegister,
  sign: VirtualRegister,
): VirtualRegister {
  const top = s.general()
  s.write('mov', top.view(8), low.view(8))
  s.update('shr', top.view(8), 62)
  s.update('shl', high.view(8), 2)
  s.update('or', high.view(8), top.view(8))
  // bit 0 of the low word is beyond float64, and without the sign bit the word converts as a positive number
  s.update('shl', low.view(8), 2)
  s.update('shr', low.view(8), 1)
  const m = new MathBuilder(s, 16, true)
  const [upper, lower] = [high, low].map((word) => {
    const value = s.load(s.f64(0), 16)
    const converted = s.vector()
    s.write('vcvtsi2sd', converted.view(16), value.view(16), word.view(8))
    return converted
  })
  const turn = m.mul(m.fma(lower, 2 ** -127, m.mul(upper, 2 ** -64)), Math.PI / 2)
  const result = s.general()
  s.write('vmovq', result.view(8), turn.view(16))
  const signBit = s.general()
  s.write('mov', signBit.view(8), sign.view(8))
  s.update('shl', signBit.view(8), 63)
  s.update('xor', result.view(8), signBit.view(8))
  return result
}
