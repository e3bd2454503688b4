// Conversions between dtypes, lane by lane: what `cast` and `bitcast` mean, and how elements of fewer than 32 bits are held.
import { categoryOf, type DType } from '../../base/dtype.ts'
import type { VirtualRegister } from '../machine/machine-op.ts'
import { extractLane, joinNarrow, LaneBuilder, narrow, narrowed, scalarOf, widen } from './select-lanes.ts'
import { type Form, formOf, isWide, type LaneValue, type Part, type Selection } from './select-state.ts'

export function zero(s: Selection, form: Form): LaneValue {
  return { form, parts: new Array<Part>(s.partCount(form)).fill(s.i32(0)) }
}

const mapParts = (
  s: Selection,
  form: Form,
  { parts }: LaneValue,
  map: (part: Part, bytes: number) => Part,
): LaneValue => {
  const bytes = s.partBytes(form)
  return { form, parts: parts.map((part) => map(part, bytes)) }
}

const shift = (s: Selection, mnemonic: 'vpslld' | 'vpsrld' | 'vpsrad', part: Part, by: number): VirtualRegister => {
  const bytes = s.partBytes('i32')
  return s.vector2(mnemonic, bytes, s.load(part, bytes), by)
}

// --- elements of fewer than 32 bits --------------------------------------------------------------------------------------

/** Bytes and words that were extended to 32-bit lanes, as the form of their dtype. */
export function fromStored(s: Selection, dtype: DType, part: Part): Part {
  const bytes = s.partBytes('i32')
  switch (dtype) {
    case 'bool':
      return s.vector3('vpsubd', bytes, s.i32(0), part)
    case 'bfloat16':
      return shift(s, 'vpslld', part, 16)
    case 'float16': {
      requireHalves(s)
      const words = s.vector3('vpackusdw', bytes, part, part)
      const packed = s.group.lanes === 8 ? s.vector2('vpermq', 32, words, 0x08) : words
      const target = s.vector()
      s.write('vcvtph2ps', target.view(bytes), packed.view(16))
      return target
    }
    default:
      return part
  }
}

/** The reverse: lanes whose low bits are what memory gets; for 32 and 64-bit dtypes the part itself. */
export function storedLanes(s: Selection, dtype: DType, part: Part): VirtualRegister {
  const bytes = s.partBytes(formOf(dtype))
  switch (dtype) {
    case 'bool':
      return shift(s, 'vpsrld', part, 31)
    case 'bfloat16':
      return brainBits(s, part)
    case 'float16':
      return halfBits(s, part)
    default:
      return s.load(part, bytes)
  }
}

export function requireHalves(s: Selection): void {
  if (!s.options.f16c) throw s.fail('float16 needs F16C, which this processor lacks')
}

function halfBits(s: Selection, part: Part): VirtualRegister {
  requireHalves(s)
  const bytes = s.partBytes('f32')
  const words = s.vector()
  s.write('vcvtps2ph', words.view(16), s.load(part, bytes).view(bytes), 0)
  const lanes = s.vector()
  s.write('vpmovzxwd', lanes.view(bytes), words.view(16))
  return lanes
}

/** Rounds to the nearest even of 8 significant bits; NaN stays NaN. */
function brainBits(s: Selection, part: Part): VirtualRegister {
  const bytes = s.partBytes('f32')
  const value = s.load(part, bytes)
  const odd = s.vector3('vpand', bytes, shift(s, 'vpsrld', value, 16), s.i32(1))
  const biased = s.vector3('vpaddd', bytes, s.vector3('vpaddd', bytes, odd, s.i32(0x7fff)), value)
  const rounded = shift(s, 'vpsrld', biased, 16)
  const unordered = s.vector3('vcmpps', bytes, value, value, 3)
  return s.blend(bytes, false, unordered, s.i32(0x7fc0), rounded)
}

function roundFloat32(s: Selection, to: DType, value: LaneValue): LaneValue {
  if (to === 'float16')
    return mapParts(s, 'f32', value, (part, bytes) => {
      requireHalves(s)
      const words = s.vector()
      s.write('vcvtps2ph', words.view(Math.max(16, bytes / 2)), s.load(part, bytes).view(bytes), 0)
      const target = s.vector()
      s.write('vcvtph2ps', target.view(bytes), words.view(Math.max(16, bytes / 2)))
      return target
    })
  if (to === 'bfloat16') return mapParts(s, 'f32', value, (part) => shift(s, 'vpslld', brainBits(s, part), 16))
  return value
}

/** Brings 32-bit lanes back into the range of a narrower integer dtype, by its low bits. */
export function wrapInteger(s: Selection, dtype: DType, part: Part): Part {
  if (dtype === 'uint8') return s.vector3('vpand', s.partBytes('i32'), part, s.i32(255))
  const unused = dtype === 'int8' ? 24 : dtype === 'int16' ? 16 : 0
  return unused === 0 ? part : shift(s, 'vpsrad', shift(s, 'vpslld', part, unused), unused)
}

// --- casts ------------------------------------------------------------------------------------------------------------------

export function convert(s: Selection, value: LaneValue, from: DType, to: DType): LaneValue {
  if (from === to) return value
  if (to === 'bool') return toBool(s, value)
  const target = formOf(to)
  if (from === 'bool') return fromBool(s, value, target)
  const converted = convertForm(s, value, target)
  if (target === 'i32') return mapParts(s, 'i32', converted, (part) => wrapInteger(s, to, part))
  return categoryOf(to) === 'float' && target === 'f32' ? roundFloat32(s, to, converted) : converted
}

function toBool(s: Selection, value: LaneValue): LaneValue {
  const { form } = value
  const bytes = s.partBytes(form)
  const masks = value.parts.map((part) => {
    if (form === 'f32') return s.vector3('vcmpps', bytes, part, s.i32(0), 4)
    if (form === 'f64') return s.vector3('vcmppd', bytes, part, s.i32(0), 4)
    const none = s.vector3(form === 'i64' ? 'vpcmpeqq' : 'vpcmpeqd', bytes, part, s.i32(0))
    return s.vector3('vpxor', bytes, none, s.i32(-1))
  })
  return { form: 'mask', parts: [isWide(form) && !s.group.doubled ? narrow(s, masks) : masks[0]] }
}

function fromBool(s: Selection, { parts }: LaneValue, form: Form): LaneValue {
  const narrowBytes = s.partBytes('mask')
  switch (form) {
    case 'f32':
      return { form, parts: [s.commutative('vandps', narrowBytes, parts[0], s.f32(1))] }
    case 'i32':
      return { form, parts: [shift(s, 'vpsrld', parts[0], 31)] }
    default: {
      const one = form === 'f64' ? s.f64(1) : s.i64(1n)
      return {
        form,
        parts: (s.group.doubled ? parts : widen(s, parts[0], 'vpmovsxdq')).map((mask) =>
          s.commutative('vpand', s.partBytes(form), mask, one),
        ),
      }
    }
  }
}

function convertForm(s: Selection, value: LaneValue, form: Form): LaneValue {
  const [part] = value.parts
  switch (`${value.form} ${form}`) {
    case 'f32 f64':
      return { form, parts: widen(s, part, 'vcvtps2pd') }
    case 'f64 f32':
      return { form, parts: [fromWide(s, value, 'vcvtpd2ps')] }
    case 'i32 f32':
      return { form, parts: [s.vector2('vcvtdq2ps', s.partBytes(form), part)] }
    case 'i32 f64':
      return { form, parts: widen(s, part, 'vcvtdq2pd') }
    case 'i32 i64':
      return { form, parts: widen(s, part, 'vpmovsxdq') }
    case 'i64 i32':
      return { form, parts: [narrow(s, value.parts)] }
    case 'f32 i32':
      return { form, parts: [s.vector2('vcvttps2dq', s.partBytes(form), part)] }
    case 'f64 i32':
      return { form, parts: [fromWide(s, value, 'vcvttpd2dq')] }
    case 'i64 f32':
    case 'i64 f64':
    case 'f32 i64':
    case 'f64 i64':
      return s.options.avx512 ? betweenWide(s, value, form) : oneByOne(s, value, form)
    default:
      return value
  }
}

/** Lanes of 64 bits to 32-bit ones. */
export function fromWide(
  s: Selection,
  { parts }: LaneValue,
  mnemonic: 'vcvtpd2ps' | 'vcvttpd2dq' | 'vcvtqq2ps',
): VirtualRegister {
  return joinNarrow(
    s,
    parts.map((part) => narrowed(s, mnemonic, part)),
  )
}

/** Between int64 and floats by AVX-512's instructions. */
function betweenWide(s: Selection, value: LaneValue, form: Form): LaneValue {
  const bytes = s.partBytes('i64')
  const [part] = value.parts
  if (value.form === 'f32') return { form, parts: widen(s, part, 'vcvttps2qq') }
  if (form === 'f32') return { form, parts: [fromWide(s, value, 'vcvtqq2ps')] }
  const mnemonic = form === 'f64' ? 'vcvtqq2pd' : 'vcvttpd2qq'
  return { form, parts: value.parts.map((one) => s.vector2(mnemonic, bytes, s.load(one, bytes))) }
}

/** The same where there are none. */
function oneByOne(s: Selection, value: LaneValue, form: Form): LaneValue {
  const { lanes } = s.group
  const builder = new LaneBuilder(s, isWide(form))
  for (let lane = 0; lane < lanes; lane++) {
    if (value.form === 'i64') {
      const target = s.vector()
      const bits = s.general()
      s.writeConstant('vmovaps', target.view(16), { ...s.i32(0), bytes: 16 })
      const integer = extractLane(s, value, lane)
      s.write(form === 'f64' ? 'vcvtsi2sd' : 'vcvtsi2ss', target.view(16), target.view(16), integer.view(8))
      s.write(form === 'f64' ? 'vmovq' : 'vmovd', bits.view(form === 'f64' ? 8 : 4), target.view(16))
      builder.insert(lane, bits.view(form === 'f64' ? 8 : 4))
    } else {
      const integer = s.general()
      const scalar = scalarOf(s, extractLane(s, value, lane), value.form).parts[0] as VirtualRegister
      s.write(value.form === 'f64' ? 'vcvttsd2si' : 'vcvttss2si', integer.view(8), scalar.view(16))
      builder.insert(lane, integer.view(8))
    }
  }
  return { form, parts: builder.parts() }
}

/** The same bytes as another dtype of the same size. */
export function reinterpret(s: Selection, value: LaneValue, from: DType, to: DType): LaneValue {
  const form = formOf(to)
  const [part] = value.parts
  if (from === 'bool' || to === 'bool') return convert(s, value, from, to)
  if (from === 'float16' || from === 'bfloat16' || to === 'float16' || to === 'bfloat16') {
    const bits = s.vector3('vpand', s.partBytes('i32'), storedLanes(s, from, part), s.i32(0xffff))
    const lanes = form === 'f32' ? fromStored(s, to, bits) : wrapInteger(s, to, bits)
    return { form, parts: [lanes] }
  }
  if (form === 'i32') return { form, parts: [wrapInteger(s, to, part)] }
  return { form, parts: value.parts }
}
