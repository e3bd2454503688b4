// Integer operations on lanes of 32 and 64 bits, and logic on masks. Integers wrap; a divisor of 0 gives 0.

import type { DType } from '../../base/dtype.ts'
import type { AluKind, KernelDType } from '../../kernel/kernel-node.ts'
import type { VirtualRegister } from '../machine/machine-op.ts'
import { divisionClobbers } from './emit-sequences.ts'
import type { Mnemonic } from './instruction-table.ts'
import { fromWide, wrapInteger } from './select-convert.ts'
import { extractLane, LaneBuilder, narrow, widen } from './select-lanes.ts'
import type { LaneValue, Part, Selection } from './select-state.ts'

const both: Partial<Record<AluKind, Mnemonic>> = { and: 'vpand', or: 'vpor', xor: 'vpxor' }
const narrowRows: Partial<Record<AluKind, Mnemonic>> = {
  ...both,
  add: 'vpaddd',
  mul: 'vpmulld',
  max: 'vpmaxsd',
  min: 'vpminsd',
}
const wideRows: Partial<Record<AluKind, Mnemonic>> = { ...both, add: 'vpaddq' }
const ordered: Partial<Record<AluKind, Mnemonic>> = { sub: 'vpsubd', shiftLeft: 'vpsllvd', shiftRight: 'vpsravd' }
const wideOrdered: Partial<Record<AluKind, Mnemonic>> = { sub: 'vpsubq', shiftLeft: 'vpsllvq' }

const invert = (s: Selection, bytes: number, part: Part): VirtualRegister =>
  s.commutative('vpxor', bytes, part, s.i32(-1))

/** Masks of a comparison, as wide as the operands; undefined for other operations. */
function compareParts(s: Selection, kind: AluKind, wide: boolean, bytes: number, a: Part, b: Part) {
  const equal = wide ? 'vpcmpeqq' : 'vpcmpeqd'
  const greater = wide ? 'vpcmpgtq' : 'vpcmpgtd'
  switch (kind) {
    case 'equal':
      return s.commutative(equal, bytes, a, b)
    case 'notEqual':
      return invert(s, bytes, s.commutative(equal, bytes, a, b))
    case 'less':
      return s.vector3(greater, bytes, b, a)
    case 'lessEqual':
      return invert(s, bytes, s.vector3(greater, bytes, a, b))
    default:
      return undefined
  }
}

/** On int32 and narrower dtypes. */
export function integerOperation(
  s: Selection,
  kind: AluKind,
  dtype: KernelDType,
  inputs: readonly LaneValue[],
): LaneValue {
  const bytes = s.partBytes('i32')
  const a = inputs[0].parts[0]
  const b = inputs[1]?.parts[0]
  const mask = b && compareParts(s, kind, false, bytes, a, b)
  if (mask) return { form: 'mask', parts: [mask] }
  return { form: 'i32', parts: [wrapInteger(s, dtype as DType, narrowResult(s, kind, bytes, a, b))] }
}

function narrowResult(s: Selection, kind: AluKind, bytes: number, a: Part, b: Part): Part {
  const commuting = narrowRows[kind]
  if (commuting) return s.commutative(commuting, bytes, a, b)
  const row = ordered[kind]
  if (row) return s.vector3(row, bytes, a, b)
  switch (kind) {
    case 'floor':
      return a
    case 'not':
      return invert(s, bytes, a)
    case 'neg':
      return s.vector3('vpsubd', bytes, s.i32(0), a)
    case 'abs':
      return s.vector2('vpabsd', bytes, a)
    case 'div':
    case 'mod':
      return divideNarrow(s, kind, bytes, a, b)
    case 'pow':
      return laneSequence(s, 'power', 'i32', a, b)
    default:
      throw s.fail(`${kind} is not defined for integers`)
  }
}

/** Through float64, whose quotient of two int32 truncates (for div) or floors (for mod) to the exact one. */
function divideNarrow(s: Selection, kind: 'div' | 'mod', bytes: number, a: Part, b: Part): Part {
  const wideBytes = s.partBytes('f64')
  const numerators = widen(s, a, 'vcvtdq2pd')
  const divisors = widen(s, b, 'vcvtdq2pd')
  const rounding = kind === 'div' ? 11 : 9
  const quotients = numerators.map((numerator, i) =>
    s.vector2('vroundpd', wideBytes, s.vector3('vdivpd', wideBytes, numerator, divisors[i]), rounding),
  )
  const quotient = fromWide(s, { form: 'f64', parts: quotients }, 'vcvttpd2dq')
  const result = kind === 'div' ? quotient : s.vector3('vpsubd', bytes, a, s.commutative('vpmulld', bytes, quotient, b))
  const noDivisor = s.vector3('vpcmpeqd', bytes, b, s.i32(0))
  return s.vector3('vpandn', bytes, noDivisor, result)
}

/** On int64. */
export function wideIntegerOperation(s: Selection, kind: AluKind, inputs: readonly LaneValue[]): LaneValue {
  const bytes = s.partBytes('i64')
  const [a, b] = inputs
  const masks = b && a.parts.map((part, i) => compareParts(s, kind, true, bytes, part, b.parts[i]))
  if (masks?.[0]) return { form: 'mask', parts: [narrow(s, masks as VirtualRegister[])] }
  const parts = laneKinds[kind]
    ? wideSequence(s, laneKinds[kind], a, b)
    : a.parts.map((part, i) => wideResult(s, kind, bytes, part, b?.parts[i]))
  return { form: 'i64', parts }
}

const laneKinds: Partial<Record<AluKind, string>> = { div: 'divide', mod: 'floorModulo', pow: 'power' }

function wideResult(s: Selection, kind: AluKind, bytes: number, a: Part, b: Part): Part {
  const commuting = wideRows[kind]
  if (commuting) return s.commutative(commuting, bytes, a, b)
  const row = wideOrdered[kind]
  if (row) return s.vector3(row, bytes, a, b)
  switch (kind) {
    case 'floor':
      return a
    case 'not':
      return invert(s, bytes, a)
    case 'neg':
      return s.vector3('vpsubq', bytes, s.i64(0n), a)
    case 'abs':
      return wideResult(s, 'max', bytes, a, s.vector3('vpsubq', bytes, s.i64(0n), a))
    case 'max':
      return s.blend(bytes, true, s.vector3('vpcmpgtq', bytes, a, b), a, b)
    case 'min':
      return s.blend(bytes, true, s.vector3('vpcmpgtq', bytes, a, b), b, a)
    case 'mul':
      return multiplyWide(s, bytes, a, b)
    case 'shiftRight': {
      const sign = s.vector3('vpcmpgtq', bytes, s.i64(0n), a)
      const shifted = s.vector3('vpsrlvq', bytes, s.commutative('vpxor', bytes, sign, a), b)
      return s.commutative('vpxor', bytes, shifted, sign)
    }
    default:
      throw s.fail(`${kind} is not defined for int64`)
  }
}

/** The low 64 bits of a product from three products of 32-bit halves. */
function multiplyWide(s: Selection, bytes: number, a: Part, b: Part): VirtualRegister {
  const [x, y] = [s.load(a, bytes), s.load(b, bytes)]
  const low = s.vector3('vpmuludq', bytes, x, y)
  const xHigh = s.vector2('vpsrlq', bytes, x, 32)
  const yHigh = s.vector2('vpsrlq', bytes, y, 32)
  const cross = s.vector3(
    'vpaddq',
    bytes,
    s.vector3('vpmuludq', bytes, xHigh, y),
    s.vector3('vpmuludq', bytes, x, yHigh),
  )
  return s.vector3('vpaddq', bytes, low, s.vector2('vpsllq', bytes, cross, 32))
}

function wideSequence(s: Selection, name: string, a: LaneValue, b: LaneValue): Part[] {
  const builder = new LaneBuilder(s, true)
  for (let lane = 0; lane < s.group.lanes; lane++) {
    const result = s.general()
    const operands = [result, extractLane(s, a, lane), extractLane(s, b, lane)].map((register) => register.view(8))
    s.sequence(name, 'write', divisionClobbers, ...operands)
    builder.insert(lane, result.view(8))
  }
  return builder.parts()
}

function laneSequence(s: Selection, name: string, form: 'i32', a: Part, b: Part): Part {
  const builder = new LaneBuilder(s, false)
  for (let lane = 0; lane < s.group.lanes; lane++) {
    const result = s.general()
    const sources = [a, b].map((part) => extractLane(s, { form, parts: [part] }, lane).view(8))
    s.sequence(name, 'write', divisionClobbers, result.view(8), ...sources)
    builder.insert(lane, result.view(4))
  }
  return builder.parts()[0]
}

/** On bool, as its values 0 and 1 would do, true unless the result is 0. */
export function maskOperation(s: Selection, kind: AluKind, inputs: readonly LaneValue[]): LaneValue {
  const bytes = s.partBytes('mask')
  const a = inputs[0].parts[0]
  const b = inputs[1]?.parts[0]
  return { form: 'mask', parts: [maskResult(s, kind, bytes, a, b)] }
}

function maskResult(s: Selection, kind: AluKind, bytes: number, a: Part, b: Part): Part {
  switch (kind) {
    case 'and':
    case 'mul':
    case 'min':
    case 'div':
      return s.commutative('vpand', bytes, a, b)
    case 'or':
    case 'add':
    case 'max':
      return s.commutative('vpor', bytes, a, b)
    case 'xor':
    case 'sub':
    case 'notEqual':
      return s.commutative('vpxor', bytes, a, b)
    case 'equal':
      return invert(s, bytes, s.commutative('vpxor', bytes, a, b))
    case 'less':
      return s.vector3('vpandn', bytes, a, b)
    case 'lessEqual':
    case 'pow':
      return s.commutative('vpor', bytes, kind === 'pow' ? a : b, invert(s, bytes, kind === 'pow' ? b : a))
    case 'mod':
      return s.i32(0)
    case 'not':
      return invert(s, bytes, a)
    case 'neg':
    case 'abs':
    case 'floor':
      return a
    default:
      throw s.fail(`${kind} is not defined for bool`)
  }
}
