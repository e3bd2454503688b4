// Conversions between dtypes: what `cast` and `bitcast` mean, and how elements of fewer than 32 bits are held.
// Floats beyond an integer's range give its minimum, as in the reference.
import { type DType, isFloat } from '../../base/dtype.ts'
import { type Form, formOf, isWide, type NumberForm } from './forms.ts'
import { operation } from './select-value.ts'
import type { Selection } from './selection.ts'

const isAlone = (s: Selection): boolean => s.group.lanes === 1

/** Brings an i32 back into the range of a narrower integer dtype, by its low bits. */
export function wrapInteger(s: Selection, dtype: DType): void {
  if (dtype === 'uint8') {
    if (isAlone(s)) s.code.i32(255)
    else s.vector([255], 'i32')
    s.emit(isAlone(s) ? 'i32.and' : 'v128.and')
    return
  }
  const unused = dtype === 'int8' ? 24 : dtype === 'int16' ? 16 : 0
  if (unused === 0) return
  if (isAlone(s)) {
    s.emit(dtype === 'int8' ? 'i32.extend8_s' : 'i32.extend16_s')
    return
  }
  s.code.i32(unused)
  s.emit('i32x4.shl')
  s.code.i32(unused)
  s.emit('i32x4.shr_s')
}

/** A function of the library from lanes to lanes, also for one value alone. */
function callLanes(s: Selection, name: string, from: NumberForm, to: NumberForm): void {
  if (isAlone(s)) s.splat(from)
  s.code.call(s.library.get(name))
  if (isAlone(s)) s.emit(`${to === 'f32' ? 'f32x4' : 'i32x4'}.extract_lane`, 0)
}

/** Memory's bits, zero- or sign-extended to an i32, as the form of their dtype. */
export function fromStored(s: Selection, dtype: DType): void {
  switch (dtype) {
    case 'bool':
      if (isAlone(s)) s.code.i32(0)
      else s.vector([0], 'i32')
      operation(s, 'i32', 'ne')
      if (!isAlone(s)) s.toMask(false)
      break
    case 'bfloat16':
      s.code.i32(16)
      operation(s, 'i32', 'shl')
      if (isAlone(s)) s.emit('f32.reinterpret_i32')
      break
    case 'float16':
      callLanes(s, 'fromHalf', 'i32', 'f32')
  }
}

/** The reverse: lanes whose low bits are what memory gets. */
export function toStored(s: Selection, dtype: DType): void {
  switch (dtype) {
    case 'bool':
      if (isAlone(s)) break
      s.fromMask(false)
      s.vector([1], 'i32')
      s.emit('v128.and')
      break
    case 'bfloat16':
      callLanes(s, 'toBrain', 'f32', 'i32')
      break
    case 'float16':
      callLanes(s, 'toHalf', 'f32', 'i32')
  }
}

// --- casts ---------------------------------------------------------------------------------------------------------------------

/** Turns the value on the stack from one dtype into another. */
export function convert(s: Selection, from: DType, to: DType): void {
  if (from === to) return
  const [source, target] = [formOf(from), formOf(to)]
  if (target === 'mask') toBool(s, source as NumberForm)
  else if (source === 'mask') fromBool(s, target)
  else {
    if (isAlone(s)) convertAlone(s, source, target)
    else convertLanes(s, source, target)
    if (target === 'i32') wrapInteger(s, to)
    if (to === 'float16' || to === 'bfloat16') {
      toStored(s, to)
      fromStored(s, to)
    }
  }
}

function toBool(s: Selection, source: NumberForm): void {
  if (!isAlone(s)) s.vector([0], source === 'i64' ? 'i32' : source)
  else if (source === 'i64') s.code.i64(0)
  else if (source === 'i32') s.code.i32(0)
  else s.emit(`${source}.const`, 0)
  operation(s, source, 'ne')
  if (!isAlone(s)) s.toMask(isWide(source))
}

function fromBool(s: Selection, target: NumberForm): void {
  if (!isAlone(s)) {
    s.fromMask(isWide(target))
    s.vector(target === 'i64' ? [1n] : [1], target)
    s.emit('v128.and')
  } else if (target === 'i64') s.emit('i64.extend_i32_s')
  else if (target !== 'i32') s.emit(`${target}.convert_i32_s`)
}

const aloneInstructions: Record<string, string> = {
  'f32 f64': 'f64.promote_f32',
  'f64 f32': 'f32.demote_f64',
  'i32 f32': 'f32.convert_i32_s',
  'i32 f64': 'f64.convert_i32_s',
  'i64 f32': 'f32.convert_i64_s',
  'i64 f64': 'f64.convert_i64_s',
  'i32 i64': 'i64.extend_i32_s',
  'i64 i32': 'i32.wrap_i64',
}

function convertAlone(s: Selection, from: Form, to: Form): void {
  if (from === to) return
  const known = aloneInstructions[`${from} ${to}`]
  if (known) {
    s.emit(known)
    return
  }
  if (from === 'f32') s.emit('f64.promote_f32')
  s.code.call(s.library.get(to === 'i32' ? 'toInt32' : 'toInt64'))
}

const laneInstructions: Record<string, string> = {
  'f32 f64': 'f64x2.promote_low_f32x4',
  'f64 f32': 'f32x4.demote_f64x2_zero',
  'i32 f32': 'f32x4.convert_i32x4_s',
  'i32 f64': 'f64x2.convert_low_i32x4_s',
  'i32 i64': 'i64x2.extend_low_i32x4_s',
}

/** Between lanes of 32 and of 64 bits there are two, the lower ones of four. */
function convertLanes(s: Selection, from: NumberForm, to: NumberForm): void {
  if (from === to) return
  const known = laneInstructions[`${from} ${to}`]
  if (known) s.emit(known)
  else if (from === 'i64' && to === 'i32') s.shuffleOne('evenWords')
  else if (from === 'f32' && to === 'i32') s.code.call(s.library.get('truncateFloat32'))
  else oneByOne(s, from, to)
}

function oneByOne(s: Selection, from: NumberForm, to: NumberForm): void {
  const value = s.code.keep('v128')
  const shapes = { i32: 'i32x4', i64: 'i64x2', f32: 'f32x4', f64: 'f64x2' }
  for (let lane = 0; lane < s.group.lanes; lane++) {
    s.code.get(value)
    s.emit(`${shapes[from]}.extract_lane`, lane)
    s.alone(() => convertAlone(s, from, to))
    s.emit(`${shapes[to]}.${lane === 0 ? 'splat' : 'replace_lane'}`, lane === 0 ? undefined : lane)
  }
}

/** The same bytes as another dtype of the same size. */
export function reinterpret(s: Selection, from: DType, to: DType): void {
  const [source, target] = [formOf(from), formOf(to)]
  if (source === 'mask' || target === 'mask') {
    convert(s, from, to)
    return
  }
  if ([from, to].some((dtype) => dtype === 'float16' || dtype === 'bfloat16')) {
    toStored(s, from)
    if (isAlone(s)) s.code.i32(0xffff)
    else s.vector([0xffff], 'i32')
    s.emit(isAlone(s) ? 'i32.and' : 'v128.and')
    if (isFloat(to)) fromStored(s, to)
    else wrapInteger(s, to)
    return
  }
  if (source === target) wrapInteger(s, to)
  else if (isAlone(s)) s.emit(`${target}.reinterpret_${source}`)
}
