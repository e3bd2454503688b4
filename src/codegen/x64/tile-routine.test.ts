// Routines of tiles: their allocations hold, equal shapes share one, and callers keep nothing in vector registers across a call.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { allocateRegisters } from '../machine/allocate.ts'
import { memoryOperand } from '../machine/machine-op.ts'
import { verifyAllocation } from '../machine/verify-allocation.ts'
import { allocationTarget } from './emit-code.ts'
import { flatten } from './flatten.ts'
import { callRoutine, routineOf } from './routines.ts'
import { Selection } from './select-state.ts'
import { selectTile, type TileShape, tileRoutine } from './tile-routine.ts'

const options = { checked: false, f16c: true, avx512: true }
const selection = (wanted = options) => {
  const kernel = { name: 'caller', params: [], scratch: [], body: [] }
  return new Selection(kernel, wanted, () => {
    throw new Error('no expressions')
  })
}

const shapes: readonly (TileShape & { readonly avx512: boolean })[] = [
  { dtype: 'float32', mr: 14, nr: 32, aRow: 1, aStride: 14, bStride: 32, avx512: true },
  { dtype: 'float32', mr: 14, nr: 27, aRow: 300, aStride: 1, bStride: 1000, avx512: true },
  { dtype: 'float32', mr: 6, nr: 16, aRow: 1, aStride: 6, bStride: 16, avx512: false },
  { dtype: 'float32', mr: 4, nr: 13, aRow: 1, aStride: 4, bStride: 13, avx512: false },
  { dtype: 'float64', mr: 6, nr: 8, aRow: 77, aStride: 1, bStride: 8, avx512: false },
]

test('the allocation of every microkernel holds', () => {
  for (const { avx512, ...shape } of shapes) {
    const s = selectTile('tile', { ...options, avx512 }, shape)
    verifyAllocation(
      allocateRegisters({ name: 'tile', ops: flatten(s.root), registers: s.registers }, allocationTarget),
    )
  }
})

test('a shape has one routine, and the processor decides which', () => {
  const [{ avx512: _, ...shape }] = shapes
  const small = { ...shape, mr: 6, nr: 16 }
  const [wide, narrow] = [selection(), selection({ ...options, avx512: false })]
  assert.equal(tileRoutine(wide, shape), tileRoutine(selection(), { ...shape }))
  assert.notEqual(tileRoutine(wide, small), tileRoutine(narrow, small))
})

test('a vector that is needed after a call is in the frame meanwhile', () => {
  const s = selection()
  const pointer = s.general()
  s.argument('bindings', pointer)
  const [kept, loaded] = [s.vector(), memoryOperand({ base: pointer, bytes: 32 })]
  s.write('vmovups', kept.view(32), loaded)
  callRoutine(
    s,
    routineOf('nothing', () => Uint8Array.of(0xc3)),
  )
  s.read('vmovups', loaded, kept.view(32))
  const allocation = allocateRegisters(
    { name: 'caller', ops: flatten(s.root), registers: s.registers },
    allocationTarget,
  )
  verifyAllocation(allocation)
  assert.equal(allocation.frameBytes, 32)
})
