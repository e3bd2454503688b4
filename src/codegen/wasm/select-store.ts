// Stores: whole vectors, or the beginning of one, where lanes are neighbours, lane by lane elsewhere, nothing where a guard or predicate
// forbids it. In checked mode every access goes alone, behind a bounds test.
import { bytesOf, type DType } from '../../base/dtype.ts'
import type { Store } from '../../kernel/kernel-node.ts'
import { type Mask, packLanes } from './forms.ts'
import { address, strideOf } from './select-address.ts'
import { toStored } from './select-convert.ts'
import { eachActiveLane, guardOf, isImpossible, maskOf, pushShared } from './select-guard.ts'
import { prepareLanes } from './select-index.ts'
import { laneNumber } from './select-load.ts'
import { evaluate } from './select-value.ts'
import { isVarying } from './select-varying.ts'
import type { Selection } from './selection.ts'

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
  if (guard === undefined) {
    storeLanes(s, e, s.group.predicate)
    return
  }
  if (s.group.lanes === 1 || !isVarying(s, guard)) {
    s.alone(() => evaluate(s, guard))
    s.code.block('if', () => s.conditionally(() => storeLanes(s, e, s.group.predicate)))
    return
  }
  const parts = guardOf(s, guard)
  const write = (): void => storeLanes(s, e, maskOf(s, parts))
  if (parts.shared.length === 0) {
    write()
    return
  }
  pushShared(s, parts.shared)
  s.code.block('if', () => s.conditionally(write))
}

function storeLanes(s: Selection, e: Store, mask: Mask | undefined): void {
  const { memory, index, value } = e
  const { dtype } = memory
  if (isImpossible(mask)) return
  if (s.group.lanes === 1) {
    const offset = address(s, memory, index)
    evaluate(s, value)
    toStored(s, dtype)
    s.emit(stores[dtype], offset)
    return
  }
  prepareLanes(s, index)
  const count = prefixOf(s, mask)
  if (count !== undefined && !s.options.checked && isVarying(s, index) && strideOf(s, index) === 1) {
    storeNeighbours(s, e, count)
    return
  }
  evaluate(s, value)
  toStored(s, dtype)
  const lanes = s.code.keep('v128')
  const bytes = bytesOf(dtype)
  eachActiveLane(s, mask, (lane) => {
    const offset = address(s, memory, index)
    s.code.get(lanes)
    s.emit(`v128.store${8 * bytes}_lane`, offset, laneNumber(lane, bytes))
  })
}

/** How many lanes count, if these are known and the first ones. */
function prefixOf(s: Selection, mask: Mask | undefined): number | undefined {
  if (mask === undefined) return s.group.lanes
  const count = mask.possible.filter(Boolean).length
  return mask.local === undefined && mask.possible.indexOf(false) === count ? count : undefined
}

/** Stores the first `count` lanes in as few pieces as there are bits in their bytes. */
function storeNeighbours(s: Selection, { memory, index, value }: Store, count: number): void {
  const bytes = bytesOf(memory.dtype)
  const packed = (): void => {
    evaluate(s, value)
    toStored(s, memory.dtype)
    if (bytes < 4) s.shuffleSelf(packLanes(bytes as 1 | 2))
  }
  if (bytes * count === 16) {
    const offset = address(s, memory, index)
    packed()
    s.emit('v128.store', offset)
    return
  }
  packed()
  const lanes = s.code.keep('v128')
  let done = 0
  for (const size of [8, 4, 2, 1]) {
    if (((bytes * count) & size) === 0) continue
    const offset = address(s, memory, index)
    s.code.get(lanes)
    s.emit(`v128.store${8 * size}_lane`, offset + done, done / size)
    done += size
  }
}
