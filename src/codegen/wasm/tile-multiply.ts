// The microkernel: mr x nr results in vectors, one rank-1 update per k, in order. m n k: rows, columns, depth; b is a packed panel, a one or rows of their own.
// It is a function of its own, (a, b, depth, c, row bytes of c, accumulate): engines optimise what is called often, not what runs long.
import { bytesOf } from '../../base/dtype.ts'
import { alu, indexAlu, indexLiteral } from '../../kernel/builders.ts'
import type { Expression, TileMultiply } from '../../kernel/kernel-node.ts'
import type { FunctionCode } from './function-code.ts'
import { address } from './select-address.ts'
import { emitIndex } from './select-index.ts'
import type { Selection } from './selection.ts'

/** Updates in a row before the loop turns. */
const unrolled = 4

export function tileMultiply(s: Selection, tile: TileMultiply): void {
  const { mr, nr, aRow, aStride, bStride, bTaps, dtype, c } = tile
  const bytes = bytesOf(dtype)
  if (s.options.checked) checkEnds(s, tile)
  pushPointer(s, tile.a)
  pushPointer(s, tile.b)
  emitIndex(s, tile.depth, 'i32')
  pushPointer(s, c)
  emitIndex(s, c.stride, 'i32')
  s.code.i32(bytes)
  s.emit('i32.mul')
  emitIndex(s, tile.accumulate, 'i32')
  const { relaxed } = s.options
  const strides = { aRowBytes: aRow * bytes, aBytes: aStride * bytes, bBytes: bStride * bytes }
  const taps = bTaps?.map((place) => place * bytes)
  const shape: Microkernel = { dtype, mr, nr, columns: Math.ceil((nr * bytes) / 16), bytes, taps, ...strides, relaxed }
  const name = `tile ${dtype} ${mr}x${nr} strides ${[aRow, aStride, bStride, ...(bTaps ?? [])].join(' ')}`
  s.code.call(
    s.library.made(name, { type: 'i32 i32 i32 i32 i32 i32 ->', write: (code) => writeMicrokernel(code, shape) }),
  )
}

function pushPointer(s: Selection, { memory, index }: TileMultiply['a']): void {
  const offset = address(s, memory, index)
  if (offset === 0) return
  s.code.i32(offset)
  s.emit('i32.add')
}

// --- the function ------------------------------------------------------------------------------------------------------------------

const parameters = { a: 0, b: 1, depth: 2, c: 3, rowBytes: 4, accumulate: 5 } as const

interface Microkernel {
  readonly dtype: 'float32' | 'float64'
  readonly mr: number
  readonly nr: number
  /** vectors in a row of results, of which the last may be partial */
  readonly columns: number
  readonly bytes: number
  /** from one row of a to the next */
  readonly aRowBytes: number
  /** from one k to the next */
  readonly aBytes: number
  readonly bBytes: number
  /** where b's rows lie in each of its strides, in bytes, if there are several */
  readonly taps: readonly number[] | undefined
  readonly relaxed: boolean
}

function writeMicrokernel(code: FunctionCode, kernel: Microkernel): void {
  const { mr, columns, aBytes, bBytes, taps } = kernel
  const sums = Array.from({ length: mr * columns }, () => code.local('v128'))
  const updates = (places: readonly number[], strides: number): void => {
    for (const [k, place] of places.entries()) update(code, kernel, k, place, sums)
    advance(code, parameters.a, places.length * aBytes)
    advance(code, parameters.b, strides * bBytes)
    advance(code, parameters.depth, -places.length)
  }
  const rows = (count: number) => Array.from({ length: count }, (_, k) => k * bBytes)
  if (taps) loopWhile(code, taps.length, () => updates(taps, 1))
  else for (const count of [unrolled, 1]) loopWhile(code, count, () => updates(rows(count), count))
  finish(code, kernel, sums)
}

function advance(code: FunctionCode, local: number, by: number): void {
  code.get(local)
  code.i32(by)
  code.emit('i32.add')
  code.set(local)
}

/** While the depth left is at least `least`. */
function loopWhile(code: FunctionCode, least: number, body: () => void): void {
  const enough = (): void => {
    code.get(parameters.depth)
    code.i32(least)
    code.emit('i32.ge_s')
  }
  enough()
  code.block('if', () =>
    code.block('loop', () => {
      body()
      enough()
      code.emit('br_if', 0)
    }),
  )
}

const shapes = { float32: 'f32x4', float64: 'f64x2' } as const

/** The k-th step, whose row of b lies at `place`. */
function update(code: FunctionCode, kernel: Microkernel, k: number, place: number, sums: readonly number[]): void {
  const { dtype, mr, columns, bytes, aRowBytes, aBytes, relaxed } = kernel
  const shape = shapes[dtype]
  const right = Array.from({ length: columns }, (_, j) => {
    loadVector(code, kernel, j, parameters.b, place + 16 * j)
    return code.keep('v128')
  })
  for (let i = 0; i < mr; i++) {
    code.get(parameters.a)
    code.emit(`v128.load${8 * bytes}_splat`, k * aBytes + i * aRowBytes)
    const left = code.keep('v128')
    for (let j = 0; j < columns; j++) {
      const sum = sums[i * columns + j]
      for (const local of relaxed ? [left, right[j], sum] : [sum, left, right[j]]) code.get(local)
      if (relaxed) code.emit(`${shape}.relaxed_madd`)
      else {
        code.emit(`${shape}.mul`)
        code.emit(`${shape}.add`)
      }
      code.set(sum)
    }
  }
}

/** Bytes that vector `j` of a row holds: 16, or fewer in the last one. */
const bytesIn = ({ nr, bytes }: Microkernel, j: number): number => Math.min(16, nr * bytes - 16 * j)

/** Loads vector `j` of a row from `offset` behind the address in a local, and nothing behind the row. */
function loadVector(code: FunctionCode, kernel: Microkernel, j: number, local: number, offset: number): void {
  const count = bytesIn(kernel, j)
  code.get(local)
  code.emit(count === 16 ? 'v128.load' : count === 4 ? 'v128.load32_zero' : 'v128.load64_zero', offset)
  if (count !== 12) return
  const low = code.keep('v128')
  code.get(local)
  code.get(low)
  code.emit('v128.load32_lane', offset + 8, 2)
}

/** Stores vector `j` of a row at `offset` behind the address in a local, and nothing behind the row. */
function storeVector(code: FunctionCode, kernel: Microkernel, j: number, local: number, value: number): void {
  const count = bytesIn(kernel, j)
  const store = (name: string, offset: number, lane?: number): void => {
    code.get(local)
    code.get(value)
    code.emit(name, offset, lane)
  }
  if (count === 16) store('v128.store', 16 * j)
  else if (count >= 8) store('v128.store64_lane', 16 * j, 0)
  if (count === 12) store('v128.store32_lane', 16 * j + 8, 2)
  if (count === 4) store('v128.store32_lane', 16 * j, 0)
}

/** Stores the sums, on top of what is there where the last parameter says so. */
function finish(code: FunctionCode, kernel: Microkernel, sums: readonly number[]): void {
  const { dtype, mr, columns } = kernel
  const rows = (write: (sum: number, j: number, row: number) => void): void => {
    const row = code.local('i32')
    code.get(parameters.c)
    code.set(row)
    for (let i = 0; i < mr; i++) {
      for (let j = 0; j < columns; j++) write(sums[i * columns + j], j, row)
      code.get(row)
      code.get(parameters.rowBytes)
      code.emit('i32.add')
      code.set(row)
    }
  }
  code.get(parameters.accumulate)
  code.block('if', () =>
    rows((sum, j, row) => {
      loadVector(code, kernel, j, row, 16 * j)
      code.get(sum)
      code.emit(`${shapes[dtype]}.add`)
      code.set(sum)
    }),
  )
  rows((sum, j, row) => storeVector(code, kernel, j, row, sum))
}

// --- checked mode --------------------------------------------------------------------------------------------------------------------

/** Raises an error where the last element of a panel is outside its memory. */
function checkEnds(s: Selection, tile: TileMultiply): void {
  const { a, b, c, mr, nr, aRow, aStride, bStride, bTaps = [0], depth } = tile
  const runs = indexAlu('div', depth, indexLiteral(bTaps.length))
  const add = (x: Expression, y: Expression): Expression => alu('add', 'index', x, y)
  const last = (start: Expression, steps: Expression, stride: Expression, width: number): Expression =>
    add(start, add(alu('mul', 'index', alu('sub', 'index', steps, indexLiteral(1)), stride), indexLiteral(width - 1)))
  const ends = [
    { memory: a.memory, index: last(a.index, depth, indexLiteral(aStride), (mr - 1) * aRow + 1) },
    { memory: b.memory, index: last(b.index, runs, indexLiteral(bStride), Math.max(...bTaps) + nr) },
    { memory: c.memory, index: last(c.index, indexLiteral(mr), c.stride, nr) },
  ]
  for (const { memory, index } of ends) {
    address(s, memory, index)
    s.emit('drop')
  }
}
