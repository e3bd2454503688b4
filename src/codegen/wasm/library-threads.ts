// What participants share: the barrier they wait at, and the record of the first error.
import type { FunctionCode } from './function-code.ts'
import { barrierWords, errorRecord, threadContext, trashAddress } from './layout.ts'
import type { Library, LibraryFunctions } from './library.ts'

const { arrived, generation, sleepers } = barrierWords

function loadAtomic(c: FunctionCode, address: number): void {
  c.i32(address)
  c.emit('i32.atomic.load')
}

function addAtomic(c: FunctionCode, address: number, value: number): void {
  c.i32(address)
  c.i32(value)
  c.emit('i32.atomic.rmw.add')
}

/** All participants wait for each other: the last one opens the next generation; the others look for a while, then sleep. */
function barrier(c: FunctionCode, library: Library): void {
  if (!library.shared) return
  const count = c.local('i32')
  c.get(0)
  c.emit('i32.load', threadContext.count)
  c.tee(count)
  c.i32(1)
  c.emit('i32.le_u')
  c.block('if', () => c.emit('return'))
  loadAtomic(c, generation)
  const seen = c.keep('i32')
  addAtomic(c, arrived, 1)
  c.i32(1)
  c.emit('i32.add')
  c.get(count)
  c.emit('i32.eq')
  c.block('if', () => {
    open(c)
    c.emit('return')
  })
  spin(c, seen)
  sleep(c, seen)
}

function open(c: FunctionCode): void {
  c.i32(arrived)
  c.i32(0)
  c.emit('i32.atomic.store')
  addAtomic(c, generation, 1)
  c.emit('drop')
  loadAtomic(c, sleepers)
  c.block('if', () => {
    c.i32(generation)
    c.i32(-1)
    c.emit('memory.atomic.notify')
    c.emit('drop')
  })
}

/** Returns from the function once the generation is another. */
function returnIfOpen(c: FunctionCode, seen: number): void {
  loadAtomic(c, generation)
  c.get(seen)
  c.emit('i32.ne')
  c.block('if', () => c.emit('return'))
}

function spin(c: FunctionCode, seen: number): void {
  c.get(0)
  c.emit('i32.load', threadContext.spin)
  const left = c.keep('i32')
  c.block('loop', () => {
    returnIfOpen(c, seen)
    c.get(left)
    c.i32(1)
    c.emit('i32.sub')
    c.tee(left)
    c.i32(0)
    c.emit('i32.gt_s')
    c.emit('br_if', 0)
  })
}

function sleep(c: FunctionCode, seen: number): void {
  addAtomic(c, sleepers, 1)
  c.emit('drop')
  c.block('loop', () => {
    c.i32(generation)
    c.get(seen)
    c.i64(-1)
    c.emit('memory.atomic.wait32')
    c.emit('drop')
    loadAtomic(c, generation)
    c.get(seen)
    c.emit('i32.eq')
    c.emit('br_if', 0)
  })
  addAtomic(c, sleepers, -1)
  c.emit('drop')
}

/** (context, code, position, value): kept if it is the first. */
function raise(c: FunctionCode, library: Library): void {
  const field = (offset: number): number => errorRecord.address + offset
  c.i32(errorRecord.address)
  if (library.shared) {
    c.i32(0)
    c.i32(1)
    c.emit('i32.atomic.rmw.cmpxchg')
  } else c.emit('i32.load')
  c.block('if', () => c.emit('return'))
  if (!library.shared) {
    c.i32(errorRecord.address)
    c.i32(1)
    c.emit('i32.store')
  }
  c.i32(0)
  c.get(0)
  c.emit('i32.load', threadContext.call)
  c.emit('i32.store', field(errorRecord.call))
  for (const [local, type, offset] of [
    [1, 'i32', errorRecord.code],
    [2, 'i64', errorRecord.position],
    [3, 'i64', errorRecord.value],
  ] as const) {
    c.i32(0)
    c.get(local)
    c.emit(`${type}.store`, field(offset))
  }
}

export const boundsCode = -1

/** (context, index, size, base, bytes of an element): the element's address, or one where nothing matters, and an error. */
function bounded(c: FunctionCode, library: Library): void {
  c.get(1)
  c.get(2)
  c.emit('i64.ge_u')
  c.block('if', () => {
    c.get(0)
    c.i32(boundsCode)
    c.i64(0)
    c.get(1)
    c.call(library.get('raise'))
    c.i32(trashAddress)
    c.emit('return')
  })
  c.get(1)
  c.emit('i32.wrap_i64')
  c.get(4)
  c.emit('i32.mul')
  c.get(3)
  c.emit('i32.add')
}

export const threadFunctions: LibraryFunctions = {
  barrier: { type: 'i32 ->', write: barrier },
  raise: { type: 'i32 i32 i64 i64 ->', write: raise },
  bounded: { type: 'i32 i64 i64 i32 i32 -> i32', write: bounded },
}
