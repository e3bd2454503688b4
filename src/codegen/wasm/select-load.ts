// Loads: whole vectors where lanes are neighbours, shuffles where they are a few elements apart, lane by lane elsewhere, nothing where a
// guard or predicate forbids it. A vector load may read past what it needs: memory has slack at its end. In checked mode every access
// goes alone, behind a bounds test.
import { bytesOf, type DType } from '../../base/dtype.ts'
import type { Expression, Load, Memory } from '../../kernel/kernel-node.ts'
import { formOf, isWide, type Mask } from './forms.ts'
import { address, strideOf } from './select-address.ts'
import { fromStored, wrapInteger } from './select-convert.ts'
import { eachActiveLane, guardOf, isImpossible, maskOf, pushShared } from './select-guard.ts'
import { prepareLanes } from './select-index.ts'
import { isStrided, loadStrided } from './select-strided.ts'
import { evaluate, isZero } from './select-value.ts'
import { isVarying } from './select-varying.ts'
import type { Selection } from './selection.ts'

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
  const parts = guardOf(s, guard)
  if (parts.shared.length === 0) {
    guarded(s, e, maskOf(s, parts), otherwise)
    return
  }
  pushShared(s, parts.shared)
  conditional(s, dtype, () => guarded(s, e, maskOf(s, parts), otherwise), otherwise)
}

/** The lanes of a mask from memory, the others from `otherwise`. */
function guarded(s: Selection, e: Load, mask: Mask | undefined, otherwise: Expression): void {
  const blended = (): void => {
    const isZeroed = loadLanes(s, e, mask)
    if (mask) blend(s, e.dtype, mask, isZeroed, otherwise)
  }
  if (isImpossible(mask)) evaluate(s, otherwise)
  else if (mask?.local === undefined) blended()
  else {
    prepareLanes(s, e.index)
    s.code.get(mask.local)
    s.emit('v128.any_true')
    conditional(s, e.dtype, blended, otherwise)
  }
}

/** Puts `otherwise` where the mask is not set; `isZeroed` says that 0 is there. */
function blend(s: Selection, dtype: DType, mask: Mask, isZeroed: boolean, otherwise: Expression): void {
  const clears = isZero(otherwise)
  if (clears && isZeroed) return
  if (!clears) evaluate(s, otherwise)
  const form = formOf(dtype)
  s.pushMask(mask)
  s.fromMask(form === 'mask' || isWide(form))
  s.emit(clears ? 'v128.and' : 'v128.bitselect')
}

/** Takes a condition off the stack. */
function conditional(s: Selection, dtype: DType, load: () => void, otherwise: Expression): void {
  s.code.ifElse(
    () => s.conditionally(load),
    () => s.conditionally(() => evaluate(s, otherwise)),
    s.valueType(formOf(dtype)),
  )
}

/** Gives whether lanes that do not count are 0. */
function loadLanes(s: Selection, e: Load, mask: Mask | undefined): boolean {
  const { dtype, memory, index } = e
  if (s.group.lanes === 1) {
    s.emit(loads[dtype], address(s, memory, index))
    fromStored(s, dtype)
    return false
  }
  if (!isVarying(s, index)) {
    s.alone(() => {
      s.emit(loads[dtype], address(s, memory, index))
      fromStored(s, dtype)
    })
    s.splat(formOf(dtype))
    s.toMask(formOf(dtype) !== 'mask')
    return false
  }
  const stride = s.options.checked ? undefined : strideOf(s, index)
  const isGathered = stride === undefined || (stride !== 1 && !isStrided(s, memory.dtype, stride))
  if (isGathered) gather(s, memory, index, mask)
  else if (stride === 1) loadNeighbours(s, memory, index)
  else loadStrided(s, memory, index, stride)
  fromStored(s, dtype)
  return isGathered
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
export const laneNumber = (lane: number, bytes: number): number => (bytes >= 4 ? lane : (4 / bytes) * lane)

function gather(s: Selection, memory: Memory, index: Expression, mask: Mask | undefined): void {
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
