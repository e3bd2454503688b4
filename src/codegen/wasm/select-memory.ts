// Loads and stores: whole vectors where lanes are neighbours, lane by lane elsewhere, nothing where a guard or predicate forbids it.
// A vector load may read past what it needs: memory has slack at its end. In checked mode every access goes alone, behind a bounds test.
import { bytesOf, type DType } from '../../base/dtype.ts'
import type { Expression, Load, Memory, Store } from '../../kernel/kernel-node.ts'
import { formOf, isWide, packLanes } from './forms.ts'
import { elementAddress, emitAddress, strideOf } from './select-address.ts'
import { fromStored, toStored, wrapInteger } from './select-convert.ts'
import { emitIndex, prepareLanes } from './select-index.ts'
import { evaluate } from './select-value.ts'
import { isVarying } from './select-varying.ts'
import { kernelParameters, type Selection } from './selection.ts'

/** Leaves an address and gives the offset to add to it. */
export function address(s: Selection, memory: Memory, index: Expression): number {
  if (!s.options.checked) return emitAddress(s, memory, index)
  s.code.get(kernelParameters.context)
  emitIndex(s, index, 'i64')
  s.code.i64(memory.size)
  elementAddress(s, memory)
  s.code.i32(bytesOf(memory.dtype))
  s.code.call(s.library.get('bounded'))
  return 0
}

// --- loads -----------------------------------------------------------------------------------------------------------------------

const loads: Record<DType, string> = {
  bool: 'i32.load8_u',
  uint8: 'i32.load8_u',
  int8: 'i32.load8_s',
  int16: 'i32.load16_s',
  int32: 'i32.load',
  int64: 'i64.load',
  float16: 'i32.load16_u',
  bfloat16: 'i32.load16_u',
  float32: 'f32.load',
  float64: 'f64.load',
}

export function load(s: Selection, e: Load): void {
  const { guard, otherwise, dtype } = e
  if (guard === undefined || otherwise === undefined) {
    loadLanes(s, e, s.group.predicate)
    return
  }
  if (s.group.lanes === 1 || !isVarying(s, guard)) {
    s.alone(() => evaluate(s, guard))
    conditional(s, dtype, () => loadLanes(s, e, s.group.predicate), otherwise)
    return
  }
  evaluate(s, guard)
  const mask = maskUnderPredicate(s)
  prepareLanes(s, e.index)
  s.code.get(mask)
  s.emit('v128.any_true')
  const loaded = (): void => {
    loadLanes(s, e, mask)
    evaluate(s, otherwise)
    s.code.get(mask)
    const form = formOf(dtype)
    s.fromMask(form === 'mask' || isWide(form))
    s.emit('v128.bitselect')
  }
  conditional(s, dtype, loaded, otherwise)
}

/** Takes a condition off the stack. */
function conditional(s: Selection, dtype: DType, load: () => void, otherwise: Expression): void {
  s.code.ifElse(
    () => s.conditionally(load),
    () => s.conditionally(() => evaluate(s, otherwise)),
    s.valueType(formOf(dtype)),
  )
}

/** Takes a mask off the stack and keeps those of its lanes that count. */
export function maskUnderPredicate(s: Selection): number {
  if (s.group.predicate !== undefined) {
    s.code.get(s.group.predicate)
    s.emit('v128.and')
  }
  return s.code.keep('v128')
}

function loadLanes(s: Selection, e: Load, mask: number | undefined): void {
  const { dtype, memory, index } = e
  if (s.group.lanes === 1) {
    s.emit(loads[dtype], address(s, memory, index))
    fromStored(s, dtype)
    return
  }
  if (!isVarying(s, index)) {
    s.alone(() => {
      s.emit(loads[dtype], address(s, memory, index))
      fromStored(s, dtype)
    })
    s.splat(formOf(dtype))
    s.toMask(formOf(dtype) !== 'mask')
    return
  }
  if (!s.options.checked && strideOf(s, index) === 1) loadNeighbours(s, memory, index)
  else gather(s, memory, index, mask)
  fromStored(s, dtype)
}

const extensions: Partial<Record<DType, readonly string[]>> = {
  bool: ['i16x8.extend_low_i8x16_u', 'i32x4.extend_low_i16x8_u'],
  uint8: ['i16x8.extend_low_i8x16_u', 'i32x4.extend_low_i16x8_u'],
  int8: ['i16x8.extend_low_i8x16_s', 'i32x4.extend_low_i16x8_s'],
  int16: ['i32x4.extend_low_i16x8_s'],
  float16: ['i32x4.extend_low_i16x8_u'],
  bfloat16: ['i32x4.extend_low_i16x8_u'],
}
const vectorLoads: Record<number, string> = {
  2: 'v128.load16_splat',
  4: 'v128.load32_zero',
  8: 'v128.load64_zero',
  16: 'v128.load',
}

function loadNeighbours(s: Selection, memory: Memory, index: Expression): void {
  s.emit(vectorLoads[s.group.lanes * bytesOf(memory.dtype)], address(s, memory, index))
  for (const extension of extensions[memory.dtype] ?? []) s.emit(extension)
}

/** Number of the lane of `bytes` bytes that begins lane `lane` of the group. */
const laneNumber = (lane: number, bytes: number): number => (bytes >= 4 ? lane : (4 / bytes) * lane)

function gather(s: Selection, memory: Memory, index: Expression, mask: number | undefined): void {
  prepareLanes(s, index)
  const bytes = bytesOf(memory.dtype)
  const lanes = s.code.local('v128')
  s.vector([0], 'i32')
  s.code.set(lanes)
  eachActiveLane(s, mask, (lane) => {
    const offset = address(s, memory, index)
    s.code.get(lanes)
    s.emit(`v128.load${8 * bytes}_lane`, offset, laneNumber(lane, bytes))
    s.code.set(lanes)
  })
  s.code.get(lanes)
  if (memory.dtype === 'int8' || memory.dtype === 'int16') wrapInteger(s, memory.dtype)
}

/** For every lane of the group, or those of `mask`, with that lane's indices. */
export function eachActiveLane(s: Selection, mask: number | undefined, write: (lane: number) => void): void {
  for (let lane = 0; lane < s.group.lanes; lane++) {
    const one = (): void => s.atLane(lane, () => write(lane))
    if (mask === undefined) {
      one()
      continue
    }
    s.maskLane(mask, lane)
    s.code.block('if', () => s.conditionally(one))
  }
}

// --- stores ----------------------------------------------------------------------------------------------------------------------

const stores: Record<DType, string> = {
  bool: 'i32.store8',
  uint8: 'i32.store8',
  int8: 'i32.store8',
  int16: 'i32.store16',
  int32: 'i32.store',
  int64: 'i64.store',
  float16: 'i32.store16',
  bfloat16: 'i32.store16',
  float32: 'f32.store',
  float64: 'f64.store',
}

export function store(s: Selection, e: Store): void {
  const { guard } = e
  if (guard !== undefined && (s.group.lanes === 1 || !isVarying(s, guard))) {
    s.alone(() => evaluate(s, guard))
    s.code.block('if', () => s.conditionally(() => storeLanes(s, e, s.group.predicate)))
    return
  }
  if (guard === undefined) {
    storeLanes(s, e, s.group.predicate)
    return
  }
  evaluate(s, guard)
  storeLanes(s, e, maskUnderPredicate(s))
}

function storeLanes(s: Selection, { memory, index, value }: Store, mask: number | undefined): void {
  const { dtype } = memory
  if (s.group.lanes === 1) {
    const offset = address(s, memory, index)
    evaluate(s, value)
    toStored(s, dtype)
    s.emit(stores[dtype], offset)
    return
  }
  prepareLanes(s, index)
  const bytes = bytesOf(dtype)
  if (mask === undefined && !s.options.checked && isVarying(s, index) && strideOf(s, index) === 1) {
    const offset = address(s, memory, index)
    evaluate(s, value)
    toStored(s, dtype)
    storeNeighbours(s, bytes, offset)
    return
  }
  evaluate(s, value)
  toStored(s, dtype)
  const lanes = s.code.keep('v128')
  eachActiveLane(s, mask, (lane) => {
    const offset = address(s, memory, index)
    s.code.get(lanes)
    s.emit(`v128.store${8 * bytes}_lane`, offset, laneNumber(lane, bytes))
  })
}

function storeNeighbours(s: Selection, bytes: number, offset: number): void {
  const total = bytes * s.group.lanes
  if (bytes < 4) {
    const lanes = s.code.local('v128')
    s.code.tee(lanes)
    s.code.get(lanes)
    s.emit('i8x16.shuffle', packLanes(bytes as 1 | 2))
  }
  if (total === 16) s.emit('v128.store', offset)
  else s.emit(`v128.store${8 * total}_lane`, offset, 0)
}
