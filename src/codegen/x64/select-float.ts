// Float operations on lanes of 32 and 64 bits. Maximum and minimum propagate NaN; only multiplyAdd is fused.
import type { AluKind } from '../../kernel/kernel-node.ts'
import { VirtualRegister } from '../machine/machine-op.ts'
import type { Mnemonic } from './instruction-table.ts'
import { cosFloat32, sinFloat32 } from './math-angle32.ts'
import { multiplyAdd } from './math-builder.ts'
import { expFloat32, logFloat32 } from './math-float32.ts'
import { expFloat64, logFloat64 } from './math-float64.ts'
import { powFloat32, powFloat64 } from './math-pow.ts'
import { cosFloat64, sinFloat64 } from './math-trigonometry.ts'
import { fromWide } from './select-convert.ts'
import { narrow, widen } from './select-lanes.ts'
import { isWide, type LaneValue, type Part, type Selection } from './select-state.ts'

type FloatForm = 'f32' | 'f64'

const arithmetic: Partial<Record<AluKind, readonly [Mnemonic, Mnemonic]>> = {
  add: ['vaddps', 'vaddpd'],
  sub: ['vsubps', 'vsubpd'],
  mul: ['vmulps', 'vmulpd'],
  div: ['vdivps', 'vdivpd'],
}

/** Predicates of vcmpps: ordered and quiet, but unequal holds for NaN. */
const comparisons: Partial<Record<AluKind, number>> = { less: 0x11, lessEqual: 0x12, equal: 0, notEqual: 4 }
const unordered = 3
const roundDown = 9

type Unary = (s: Selection, x: VirtualRegister, bytes: number) => VirtualRegister
/** A function of float32 with a polynomial of its own. */
const float32Functions: Partial<Record<AluKind, Unary>> = {
  exp: expFloat32,
  log: logFloat32,
  sin: sinFloat32,
  cos: cosFloat32,
}
const float64Functions: Partial<Record<AluKind, Unary>> = {
  exp: expFloat64,
  log: logFloat64,
  sin: sinFloat64,
  cos: cosFloat64,
}

export function floatOperation(s: Selection, kind: AluKind, inputs: readonly LaneValue[]): LaneValue {
  const form = inputs[0].form as FloatForm
  const wide = form === 'f64' ? 1 : 0
  const bytes = s.partBytes(form)
  const parts = (map: (i: number) => Part): LaneValue => ({ form, parts: inputs[0].parts.map((_, i) => map(i)) })
  const at = (input: number, i: number) => inputs[input].parts[i]
  const row = arithmetic[kind]
  if (row) {
    const commutes = kind === 'add' || kind === 'mul'
    return parts((i) =>
      commutes ? s.commutative(row[wide], bytes, at(0, i), at(1, i)) : s.vector3(row[wide], bytes, at(0, i), at(1, i)),
    )
  }
  const predicate = comparisons[kind]
  if (predicate !== undefined) return compare(s, form, inputs, predicate)
  switch (kind) {
    case 'max':
    case 'min':
      return parts((i) => extremum(s, kind, form, at(0, i), at(1, i)))
    case 'multiplyAdd':
      return parts((i) => multiplyAdd(s, bytes, 'vfmadd', form === 'f64' ? 'pd' : 'ps', at(0, i), at(1, i), at(2, i)))
    case 'sqrt':
      return parts((i) => s.vector2(wide ? 'vsqrtpd' : 'vsqrtps', bytes, at(0, i)))
    case 'floor':
      return parts((i) => s.vector2(wide ? 'vroundpd' : 'vroundps', bytes, at(0, i), roundDown))
    case 'neg':
      return parts((i) => s.commutative('vxorps', bytes, at(0, i), wide ? s.i64(-(2n ** 63n)) : s.i32(-(2 ** 31))))
    case 'abs':
      return parts((i) => s.commutative('vandps', bytes, at(0, i), wide ? s.i64(2n ** 63n - 1n) : s.i32(2 ** 31 - 1)))
    default:
      return mathFunction(s, kind, form, inputs)
  }
}

function compare(s: Selection, form: FloatForm, [a, b]: readonly LaneValue[], predicate: number): LaneValue {
  const bytes = s.partBytes(form)
  const mnemonic = form === 'f64' ? 'vcmppd' : 'vcmpps'
  const masks = a.parts.map((part, i) => s.vector3(mnemonic, bytes, part, b.parts[i], predicate))
  return { form: 'mask', parts: [isWide(form) && !s.group.doubled ? narrow(s, masks) : masks[0]] }
}

export const comparesFloats = (kind: AluKind): boolean => comparisons[kind] !== undefined

/** `then` where a comparison holds, else `otherwise`, in 512 bits: there it leaves a mask of bits, which one choice takes as it is. */
export function chooseByComparison(s: Selection, kind: AluKind, ...operands: readonly LaneValue[]): LaneValue {
  const { form, parts } = operands[0]
  const sequence = form === 'f64' ? 'choosepd' : 'chooseps'
  return {
    form,
    parts: parts.map((_, i) => {
      const sources = operands.map((operand) => s.load(operand.parts[i], 64).view(64))
      const target = s.vector()
      s.sequence(sequence, 'write', 0, target.view(64), ...sources, comparisons[kind]!)
      return target
    }),
  }
}

const isNumberConstant = (part: Part): boolean =>
  !(part instanceof VirtualRegister) && part.constant !== undefined && !part.constant.text.endsWith('NaN')

/** The instruction gives its second source where either is NaN: a constant may therefore go first, else a NaN in `a` is put back. */
export function extremum(s: Selection, kind: 'max' | 'min', form: FloatForm, a: Part, b: Part): VirtualRegister {
  const wide = form === 'f64'
  const bytes = s.partBytes(form)
  const mnemonic = kind === 'max' ? (wide ? 'vmaxpd' : 'vmaxps') : wide ? 'vminpd' : 'vminps'
  if (isNumberConstant(a)) return s.vector3(mnemonic, bytes, a, b)
  if (isNumberConstant(b)) return s.vector3(mnemonic, bytes, b, a)
  const first = s.load(a, bytes)
  const larger = s.vector3(mnemonic, bytes, first, b)
  const isUnordered = s.vector3(wide ? 'vcmppd' : 'vcmpps', bytes, first, first, unordered)
  return s.blend(bytes, wide, isUnordered, first, larger)
}

function mathFunction(s: Selection, kind: AluKind, form: FloatForm, inputs: readonly LaneValue[]): LaneValue {
  const bytes = s.partBytes(form)
  const [a, b] = inputs.map(({ parts }) => parts.map((part) => s.load(part, bytes)))
  const unary = form === 'f64' ? float64Functions[kind] : float32Functions[kind]
  if (unary) return { form, parts: a.map((part) => unary(s, part, bytes)) }
  if (kind === 'pow') {
    const pow = form === 'f64' ? powFloat64 : powFloat32
    return { form, parts: a.map((part, i) => pow(s, part, b[i], bytes)) }
  }
  if (kind !== 'mod') throw s.fail(`${kind} is not defined for floats`)
  if (form === 'f64') return { form, parts: a.map((part, i) => modulo(s, part, b[i], bytes)) }
  const wide = inputs.map(({ parts }): LaneValue => ({ form: 'f64', parts: widen(s, parts[0], 'vcvtps2pd') }))
  return { form, parts: [fromWide(s, mathFunction(s, kind, 'f64', wide), 'vcvtpd2ps')] }
}

/**
 * Remainder with the divisor's sign. Each round takes the truncated quotient's multiple away without error, which is 52 bits of the
 * quotient; lanes already below the divisor stay. A quotient beyond 2^1023 overflows to NaN.
 */
function modulo(s: Selection, a: VirtualRegister, b: VirtualRegister, bytes: number): VirtualRegister {
  const magnitude = s.i64(2n ** 63n - 1n)
  const limit = s.commutative('vandpd', bytes, b, magnitude)
  const rest = s.copyOf(a, bytes)
  s.block.push({ op: 'loop' })
  const [again, done] = [s.label(), s.label()]
  s.mark(again)
  const size = s.commutative('vandpd', bytes, rest, magnitude)
  const active = s.vector3('vcmppd', bytes, size, limit, 0x1d)
  const bits = s.general()
  s.write('vmovmskpd', bits.view(4), active.view(bytes))
  s.read('test', bits.view(4), bits.view(4))
  s.branch('je', done)
  const quotient = s.vector2('vroundpd', bytes, s.vector3('vdivpd', bytes, rest, b), 11)
  const reduced = s.copyOf(rest, bytes)
  s.update('vfnmadd231pd', reduced.view(bytes), quotient.view(bytes), b.view(bytes))
  s.write('vblendvpd', rest.view(bytes), rest.view(bytes), reduced.view(bytes), active.view(bytes))
  s.branch('jmp', again)
  s.block.push({ op: 'endLoop' })
  s.mark(done)
  const moved = s.vector3('vaddpd', bytes, rest, b)
  const notZero = s.vector3('vcmppd', bytes, rest, s.f64(0), 4)
  const signs = s.vector3('vxorpd', bytes, rest, b)
  const wrong = s.vector3('vandpd', bytes, notZero, signs)
  const isUnordered = s.vector3('vcmppd', bytes, b, b, unordered)
  return s.blend(bytes, true, s.vector3('vorpd', bytes, wrong, isUnordered), moved, rest)
}
