// Loads and stores: scalars, contiguous lanes, broadcast elements, and lanes one by one, with predicates and bounds tests.
import { bytesOf, type DType, isFloat } from '../../base/dtype.ts'
import type { Expression, Load, Memory, Store } from '../../kernel/kernel-node.ts'
import { type MemoryOperand, resized, type VirtualRegister } from '../machine/machine-op.ts'
import type { Mnemonic } from './instruction-table.ts'
import { raiseError } from './select-check.ts'
import { affineAtLane, branchUnless, prepareLanes } from './select-condition.ts'
import { fromStored, requireHalves, storedLanes, zero } from './select-convert.ts'
import { gatherLanes } from './select-gather.ts'
import { storeGeneral } from './select-general.ts'
import { addressOf, affineOf, constantRegister, indexRegister } from './select-index.ts'
import { broadcast, forEachLane, LaneBuilder, maskBits, upperHalf, widen } from './select-lanes.ts'
import { storePacked } from './select-packed.ts'
import { type Affine, formOf, isWide, type LaneValue, operandOf, type Part, type Selection } from './select-state.ts'
import { stridedLoad } from './select-strided.ts'
import { isVarying } from './select-varying.ts'

const shifted = (address: MemoryOperand, by: number): MemoryOperand => ({ ...address, disp: address.disp + by })

/** The error code of a bounds test that failed in checked mode; position is the param's slot, or -1 for scratch. */
export const boundsErrorCode = 0x7fffffff

// --- loads ----------------------------------------------------------------------------------------------------------------

export function loadValue(s: Selection, e: Load): LaneValue {
  const { guard } = e
  if (guard && !(s.group.lanes > 1 && isVarying(s, guard))) return branchedLoad(s, e, guard)
  if (guard === undefined) {
    const checked = s.options.checked && !provedInside(s, e.memory, e.index)
    if (checked || (s.group.predicate && s.group.lanes > 1)) return conditionalLoad(s, e, s.group.predicate)
    return { form: formOf(e.dtype), parts: plainLoad(s, e) }
  }
  const mask = s.load(s.value(guard).parts[0], s.partBytes('mask'))
  const { predicate } = s.group
  const both = predicate ? s.vector3('vandps', s.partBytes('mask'), predicate, mask) : mask
  const loaded = conditionalLoad(s, e, both)
  // lanes that are not loaded are 0 already
  if (isVarying(s, e.index) && isZero(e.otherwise)) return loaded
  const other = e.otherwise ? s.value(e.otherwise) : zero(s, formOf(e.dtype))
  return blendLanes(s, mask, loaded, other)
}

const isZero = (e: Expression | undefined): boolean =>
  e === undefined || (e.op === 'literal' && (e.value === false || e.value === 0n || Object.is(e.value, 0)))

/** A load under a guard that all lanes share: the result starts as `otherwise` and is replaced where the guard holds. */
function branchedLoad(s: Selection, e: Load, guard: Expression): LaneValue {
  const form = formOf(e.dtype)
  const bytes = s.partBytes(form)
  const other = e.otherwise ? s.value(e.otherwise) : zero(s, form)
  const result = Array.from({ length: s.partCount(form) }, (_, i) => s.copyOf(other.parts[i], bytes))
  const skip = s.label()
  s.conditional(() => {
    branchUnless(s, guard, skip)
    const loaded = loadValue(s, { ...e, guard: undefined, otherwise: undefined })
    assign(s, result, loaded.parts, bytes)
  })
  s.markEnd(skip)
  return { form, parts: result }
}

function assign(s: Selection, targets: readonly VirtualRegister[], parts: readonly Part[], bytes: number): void {
  targets.forEach((target, i) => {
    s.write('vmovaps', target.view(bytes), operandOf(parts[i], bytes))
  })
}

const provedInside = (s: Selection, memory: Memory, index: Expression): boolean => {
  if (s.group.lanes > 1 && isVarying(s, index)) return false
  const sum = affineOf(s, index)
  return (
    sum !== undefined && sum.terms.length === 0 && sum.lane === 0 && sum.constant >= 0 && sum.constant < memory.size
  )
}

/** A load of the lanes that a predicate allows, all if there is none, after bounds tests in checked mode; 0 where none happens. */
function conditionalLoad(s: Selection, e: Load, predicate: VirtualRegister | undefined): LaneValue {
  const form = formOf(e.dtype)
  const bytes = s.partBytes(form)
  const { checked } = s.options
  const varying = s.group.lanes > 1 && isVarying(s, e.index)
  if (predicate && varying && !checked && bytesOf(e.dtype) >= 4 && affineOf(s, e.index)?.lane === 1)
    return { form, parts: maskedLoad(s, e, predicate) }
  const { prefix } = s.group
  const short = varying && !checked && prefix && predicate === prefix.mask ? nearLoad(s, e, prefix.count) : undefined
  if (varying) return { form, parts: short ?? gather(s, e, predicate) }
  const none = zero(s, form)
  const result = none.parts.map((part) => s.copyOf(part, bytes))
  const skip = s.label()
  s.conditional(() => {
    if (predicate) skipUnlessAny(s, predicate, skip)
    if (checked) boundsTest(s, e.memory, indexSum(s, e.index), skip)
    assign(s, result, plainLoad(s, e), bytes)
  })
  s.markEnd(skip)
  return { form, parts: result }
}

const indexSum = (s: Selection, index: Expression): Affine => {
  const sum = affineOf(s, index)
  if (sum === undefined) throw s.fail('an index that differs between lanes is used for one element')
  return sum
}

function skipUnlessAny(s: Selection, predicate: VirtualRegister, skip: number): void {
  const bits = maskBits(s, predicate)
  s.read('test', bits.view(4), bits.view(4))
  s.branch('je', skip)
}

/** A load of all lanes of the group. */
function plainLoad(s: Selection, e: Load): readonly Part[] {
  if (s.group.lanes === 1) return [scalarLoad(s, e.dtype, addressOf(s, e.memory, indexSum(s, e.index)))]
  const sum = affineOf(s, e.index)
  if (sum === undefined) return gather(s, e, undefined)
  if (sum.lane === 0) return broadcastLoad(s, e.dtype, addressOf(s, e.memory, sum))
  if (sum.lane === 1) return contiguousLoad(s, e.dtype, addressOf(s, e.memory, sum))
  return nearLoad(s, e, s.group.lanes) ?? gather(s, e, undefined)
}

/** The first `count` lanes where they lie a few elements apart. */
function nearLoad(s: Selection, e: Load, count: number): Part[] | undefined {
  const sum = affineOf(s, e.index)
  return sum && stridedLoad(s, e, () => addressOf(s, e.memory, sum), sum.lane, count)
}

const narrowLoads: Partial<Record<DType, Mnemonic>> = { int8: 'movsx', int16: 'movsx' }

/** An element of fewer than 32 bits in a general register, as its lanes hold it before `fromStored`. */
function narrowElement(s: Selection, dtype: DType, address: MemoryOperand): VirtualRegister {
  const register = s.general()
  s.write(narrowLoads[dtype] ?? 'movzx', register.view(4), resized(address, bytesOf(dtype)))
  return register
}

function scalarLoad(s: Selection, dtype: DType, address: MemoryOperand): Part {
  const target = s.vector()
  const bytes = bytesOf(dtype)
  if (bytes === 8) s.write('vmovsd', target.view(16), resized(address, 8))
  else if (bytes === 4) s.write('vmovss', target.view(16), resized(address, 4))
  else {
    s.write('vmovd', target.view(16), narrowElement(s, dtype, address).view(4))
    return fromStored(s, dtype, target)
  }
  return target
}

function broadcastLoad(s: Selection, dtype: DType, address: MemoryOperand): readonly Part[] {
  const form = formOf(dtype)
  const size = bytesOf(dtype)
  if (size < 4) {
    const scalar = s.asScalar(() => scalarLoad(s, dtype, address))
    return broadcast(s, { form, parts: [scalar] }).parts
  }
  const target = s.vector()
  s.write(size === 8 ? 'vbroadcastsd' : 'vbroadcastss', target.view(s.partBytes(form)), resized(address, size))
  return new Array<Part>(s.partCount(form)).fill(target)
}

const extendingLoads: Partial<Record<DType, Mnemonic>> = {
  bool: 'vpmovzxbd',
  uint8: 'vpmovzxbd',
  int8: 'vpmovsxbd',
  int16: 'vpmovsxwd',
  float16: 'vpmovzxwd',
  bfloat16: 'vpmovzxwd',
}

function contiguousLoad(s: Selection, dtype: DType, address: MemoryOperand): readonly Part[] {
  const form = formOf(dtype)
  const bytes = s.partBytes(form)
  const extend = extendingLoads[dtype]
  if (extend === undefined)
    return Array.from({ length: s.partCount(form) }, (_, i) => {
      const target = s.vector()
      s.write('vmovups', target.view(bytes), resized(shifted(address, i * bytes), bytes))
      return target
    })
  const target = s.vector()
  if (dtype === 'float16') {
    requireHalves(s)
    s.write('vcvtph2ps', target.view(bytes), resized(address, 2 * s.group.lanes))
    return [target]
  }
  s.write(extend, target.view(bytes), resized(address, bytesOf(dtype) * s.group.lanes))
  return [fromStored(s, dtype, target)]
}

/** Masks for each part of a form. */
function partMasks(s: Selection, form: LaneValue['form'], predicate: VirtualRegister): VirtualRegister[] {
  return isWide(form) && !s.group.doubled ? widen(s, predicate, 'vpmovsxdq') : [predicate]
}

function maskedLoad(s: Selection, e: Load, predicate: VirtualRegister): Part[] {
  const form = formOf(e.dtype)
  const bytes = s.partBytes(form)
  const address = addressOf(s, e.memory, indexSum(s, e.index))
  const mnemonic = isWide(form) ? 'vmaskmovpd' : 'vmaskmovps'
  return partMasks(s, form, predicate).map((mask, i) => {
    const target = s.vector()
    s.write(mnemonic, target.view(bytes), mask.view(bytes), resized(shifted(address, i * bytes), bytes))
    return target
  })
}

function gather(s: Selection, e: Load, predicate: VirtualRegister | undefined): Part[] {
  return gatherLanes(s, e, predicate) ?? gatherOneByOne(s, e, predicate)
}

function gatherOneByOne(s: Selection, e: Load, predicate: VirtualRegister | undefined): Part[] {
  const size = bytesOf(e.dtype)
  prepareLanes(s, e.index)
  const builder = new LaneBuilder(s, size === 8)
  forEachLane(s, predicate, (lane) => {
    const sum = affineAtLane(s, e.index, lane)
    const skip = s.label()
    if (s.options.checked) boundsTest(s, e.memory, sum, skip)
    const address = resized(addressOf(s, e.memory, sum), size)
    builder.insert(lane, size < 4 ? narrowElement(s, e.dtype, address).view(4) : address)
    s.markEnd(skip)
  })
  const parts = builder.parts()
  return size < 4 ? parts.map((part) => fromStored(s, e.dtype, part)) : parts
}

/** a where the mask is set, else b; the mask is of 32-bit lanes. */
export function blendLanes(s: Selection, mask: VirtualRegister, a: LaneValue, b: LaneValue): LaneValue {
  const bytes = s.partBytes(a.form)
  const masks = partMasks(s, a.form, mask)
  return { form: a.form, parts: masks.map((m, i) => s.blend(bytes, isWide(a.form), m, a.parts[i], b.parts[i])) }
}

/** 0 where the mask is set. */
export function clearLanes(s: Selection, mask: VirtualRegister, { form, parts }: LaneValue): LaneValue {
  const bytes = s.partBytes(form)
  return { form, parts: partMasks(s, form, mask).map((m, i) => s.vector3('vandnps', bytes, m, parts[i])) }
}

// --- stores ---------------------------------------------------------------------------------------------------------------

export function storeValue(s: Selection, store: Store): void {
  if (storeGeneral(s, store)) return
  const { memory, index, value, guard } = store
  const skip = s.label()
  let { predicate } = s.group
  const perLane = guard && s.group.lanes > 1 && isVarying(s, guard)
  const stored = s.value(unrounded(value, memory.dtype))
  if (perLane) {
    const mask = s.load(s.value(guard).parts[0], s.partBytes('mask'))
    predicate = predicate ? s.vector3('vandps', s.partBytes('mask'), predicate, mask) : mask
  }
  s.conditional(() => {
    if (guard && !perLane) branchUnless(s, guard, skip)
    const sum = affineOf(s, index)
    if (s.group.lanes > 1 && sum?.lane === 1 && !s.options.checked && (!predicate || bytesOf(memory.dtype) >= 4))
      storeContiguous(s, memory, sum, stored, predicate)
    else storeLanes(s, memory, index, stored, predicate)
  })
  s.markEnd(skip)
}

/** Storing rounds: a value that was rounded for it need not be. */
function unrounded(value: Expression, dtype: DType): Expression {
  const isRounded = value.op === 'alu' && value.kind === 'cast' && value.dtype === dtype
  return isRounded && bytesOf(dtype) === 2 && value.inputs[0].dtype === 'float32' && isFloat(dtype)
    ? value.inputs[0]
    : value
}

function storeContiguous(
  s: Selection,
  memory: Memory,
  sum: Affine,
  { form, parts }: LaneValue,
  predicate: VirtualRegister | undefined,
): void {
  const address = addressOf(s, memory, sum)
  const size = bytesOf(memory.dtype)
  const bytes = s.partBytes(form)
  if (size < 4) {
    storePacked(s, memory.dtype, address, parts[0])
    return
  }
  const masks = predicate && partMasks(s, form, predicate)
  const streamed = masks === undefined ? streamedWidth(s, memory, sum) : 0
  parts.forEach((part, i) => {
    const target = resized(shifted(address, i * bytes), bytes)
    const source = s.load(part, bytes)
    if (masks === undefined) storePart(s, target, source, streamed)
    else s.read(isWide(form) ? 'vmaskmovpd' : 'vmaskmovps', target, masks[i].view(bytes), source.view(bytes))
  })
}

const lineBytes = 64

/**
 * Bytes that a store may send past the caches at once, or 0: a cache line or half of one, where addresses begin whole ones and the loop
 * fills the line.
 */
function streamedWidth(s: Selection, memory: Memory, { constant, terms }: Affine): number {
  if (memory.op !== 'param' || !memory.isStreamed || !s.vectorLoop?.fillsLines) return 0
  const multiples = [constant, ...terms.map(({ coefficient, divisor = 1 }) => coefficient * divisor)]
  const isWhole = (bytes: number): boolean => multiples.every((one) => (one * bytesOf(memory.dtype)) % bytes === 0)
  return isWhole(lineBytes) ? lineBytes : isWhole(lineBytes / 2) ? lineBytes / 2 : 0
}

function storePart(s: Selection, target: MemoryOperand, source: VirtualRegister, streamed: number): void {
  const { bytes } = target
  if (streamed > 0) s.streams = true
  if (streamed === 0 || streamed >= bytes) {
    s.read(streamed > 0 ? 'vmovntps' : 'vmovups', target, source.view(bytes))
    return
  }
  const upper = s.vector()
  s.write('vextractf64x4', upper.view(32), source.view(64), 1)
  s.read('vmovntps', resized(target, 32), source.view(32))
  s.read('vmovntps', resized(shifted(target, 32), 32), upper.view(32))
}

function storeLanes(
  s: Selection,
  memory: Memory,
  index: Expression,
  { form, parts }: LaneValue,
  predicate: VirtualRegister | undefined,
): void {
  const lanes = parts.map((part) => storedLanes(s, memory.dtype, part))
  const halves = lanes.flatMap((part) => (s.partBytes(form) === 32 ? [part, upperHalf(s, part)] : [part]))
  prepareLanes(s, index)
  const perHalf = isWide(form) ? 2 : 4
  forEachLane(s, predicate, (lane) => {
    const sum = s.group.lanes === 1 ? indexSum(s, index) : affineAtLane(s, index, lane)
    const skip = s.label()
    if (s.options.checked) boundsTest(s, memory, sum, skip)
    storeElement(
      s,
      bytesOf(memory.dtype),
      addressOf(s, memory, sum),
      halves[Math.floor(lane / perHalf)],
      lane % perHalf,
    )
    s.markEnd(skip)
  })
}

function storeElement(s: Selection, size: number, address: MemoryOperand, half: VirtualRegister, at: number): void {
  const target = resized(address, size)
  if (size === 1) s.read('vpextrb', target, half.view(16), at * 4)
  else if (size === 2) s.read('vpextrw', target, half.view(16), at * 2)
  else if (at === 0) s.read(size === 8 ? 'vmovsd' : 'vmovss', target, half.view(16))
  else if (size === 8) s.read('vpextrq', target, half.view(16), at)
  // a shuffle and a plain store: two ports take shuffles of 32-bit lanes, one takes extraction
  else s.read('vmovss', target, s.vector3('vshufps', 16, half, half, at).view(16))
}

// --- bounds -----------------------------------------------------------------------------------------------------------------

/** Raises an error and jumps to `skip` unless 0 <= sum < size. */
export function boundsTest(s: Selection, memory: Memory, sum: Affine, skip: number): void {
  if (sum.terms.length === 0 && sum.constant >= 0 && sum.constant < memory.size) return
  const index = indexRegister(s, sum)
  const inside = s.label()
  if (memory.size < 2 ** 31) s.read('cmp', index.view(8), memory.size)
  else s.read('cmp', index.view(8), constantRegister(s, memory.size).view(8))
  s.branch('jb', inside)
  const position = constantRegister(s, memory.op === 'param' ? memory.slot : -1)
  raiseError(s, boundsErrorCode, position, index)
  s.branch('jmp', skip)
  s.mark(inside)
}
