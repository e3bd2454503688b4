// The microkernel: mr x nr results in vectors, one rank-1 update per k, in order. m n k: rows, columns, depth; b is a packed panel, a one or rows of their own.
// It is a function of its own, (a, b, depth, c, row bytes of c, accumulate): engines optimise what is called often, not what runs long.
import { bytesOf } from '../../base/dtype.ts'
import { alu, indexLiteral } from '../../kernel/builders.ts'
import type { Expression, TileMultiply } from '../../kernel/kernel-node.ts'
import type { FunctionCode } from './function-code.ts'
import { address } from './select-address.ts'
import { emitIndex } from './select-index.ts'
import type { Selection } from './selection.ts'

/** Updates in a row before the loop turns. */
const unrolled = 4

export function tileMultiply(s: Selection, tile: TileMultiply): void {
  const { mr, nr, aRow, aStride, bStride, dtype, c } = tile
  const bytes = bytesOf(dtype)
  const columns = (nr * bytes) / 16
  if (!Number.isInteger(columns)) throw s.fail(`a tile of ${nr} columns is no whole number of vectors`)
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
  const shape: Microkernel = { dtype, mr, columns, bytes, ...strides, relaxed }
  const name = `tile ${dtype} ${mr}x${nr} strides ${aRow} ${aStride} ${bStride}`
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
  /** vectors in a row of results */
  readonly columns: number
  readonly bytes: number
  /** from one row of a to the next */
  readonly aRowBytes: number
  /** from one k to the next */
  readonly aBytes: number
  readonly bBytes: number
  readonly relaxed: boolean
}

function writeMicrokernel(code: FunctionCode, kernel: Microkernel): void {
  const { mr, columns, aBytes, bBytes } = kernel
  const sums = Array.from({ length: mr * columns }, () => code.local('v128'))
  const updates = (count: number): void => {
    for (let k = 0; k < count; k++) update(code, kernel, k, sums)
    advance(code, parameters.a, count * aBytes)
    advance(code, parameters.b, count * bBytes)
    advance(code, parameters.depth, -count)
  }
  loopWhile(code, unrolled, () => updates(unrolled))
  loopWhile(code, 1, () => updates(1))
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

function update(code: FunctionCode, kernel: Microkernel, k: number, sums: readonly number[]): void {
  const { dtype, mr, columns, bytes, aRowBytes, aBytes, bBytes, relaxed } = kernel
  const shape = shapes[dtype]
  const right = Array.from({ length: columns }, (_, j) => {
    code.get(parameters.b)
    code.emit('v128.load', k * bBytes + 16 * j)
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

/** Stores the sums, on top of what is there where the last parameter says so. */
function finish(code: FunctionCode, { dtype, mr, columns }: Microkernel, sums: readonly number[]): void {
  const rows = (write: (sum: number, offset: number) => void): void => {
    const row = code.local('i32')
    code.get(parameters.c)
    code.set(row)
    for (let i = 0; i < mr; i++) {
      for (let j = 0; j < columns; j++) {
        code.get(row)
        write(sums[i * columns + j], 16 * j)
      }
      code.get(row)
      code.get(parameters.rowBytes)
      code.emit('i32.add')
      code.set(row)
    }
  }
  code.get(parameters.accumulate)
  code.block('if', () =>
    rows((sum, offset) => {
      code.emit('v128.load', offset)
      code.get(sum)
      code.emit(`${shapes[dtype]}.add`)
      code.set(sum)
    }),
  )
  rows((sum, offset) => {
    code.get(sum)
    code.emit('v128.store', offset)
  })
}

// --- checked mode --------------------------------------------------------------------------------------------------------------------

/** Raises an error where the last element of a panel is outside its memory. */
function checkEnds(s: Selection, { a, b, c, mr, nr, aRow, aStride, bStride, depth }: TileMultiply): void {
  const add = (x: Expression, y: Expression): Expression => alu('add', 'index', x, y)
  const last = (start: Expression, steps: Expression, stride: Expression, width: number): Expression =>
    add(start, add(alu('mul', 'index', alu('sub', 'index', steps, indexLiteral(1)), stride), indexLiteral(width - 1)))
  const ends = [
    { memory: a.memory, index: last(a.index, depth, indexLiteral(aStride), (mr - 1) * aRow + 1) },
    { memory: b.memory, index: last(b.index, depth, indexLiteral(bStride), nr) },
    { memory: c.memory, index: last(c.index, indexLiteral(mr), c.stride, nr) },
  ]
  for (const { memory, index } of ends) {
    address(s, memory, index)
    s.emit('drop')
  }
}
