// The GEMM microkernel: a tile of c in registers (mr rows of nr columns), one fused multiply-add per lane and step of k.
// b is a packed panel and a one or rows of their own; each step loads nr of b and broadcasts mr of a. k is unrolled four times.
// With AVX-512 registers are wide, except for tiles of few columns. The last register of a row may be partial: its lanes are masked.
// Rows of b may also be taps: several at known places in each step of its stride. It is a routine, since a program has many products and few shapes of tiles.
import { bytesOf } from '../../base/dtype.ts'
import { CompileError } from '../../base/errors.ts'
import type { TileMultiply } from '../../kernel/kernel-node.ts'
import { allocateRegisters } from '../machine/allocate.ts'
import { type MemoryOperand, memoryOperand, type PoolConstant, type VirtualRegister } from '../machine/machine-op.ts'
import { allocationTarget, writeRoutine } from './emit-code.ts'
import { flatten } from './flatten.ts'
import { routineOf, takeArguments } from './routines.ts'
import { copyGeneral } from './select-index.ts'
import { Selection } from './select-state.ts'

/** steps of k per turn of the loop */
const unrolled = 4
/** how many steps of k ahead of its use b is fetched into the cache */
const stepsAhead = 8
const lineBytes = 64
const avx2 = { file: 'vector', bytes: 32, count: 16 } as const
const avx512 = { file: 'wide', bytes: 64, count: 32 } as const

export type TileShape = Pick<TileMultiply, 'dtype' | 'mr' | 'nr' | 'aRow' | 'aStride' | 'bStride' | 'bTaps'>

interface Tile {
  readonly registers: typeof avx2 | typeof avx512
  readonly mr: number
  readonly aRow: number
  readonly aStride: number
  readonly bStride: number
  readonly bTaps: readonly number[] | undefined
  /** registers per row */
  readonly width: number
  /** lanes of a row's last register, if not all, and on AVX2 their mask */
  readonly partial: number
  readonly mask: VirtualRegister | undefined
  readonly size: 4 | 8
  readonly suffix: 'ps' | 'pd'
  readonly sums: readonly VirtualRegister[]
}

/** The routine `(a, b, c, bytes between rows of c, steps of k, whether to add to c)` for tiles of a shape. */
export function tileRoutine({ options }: Selection, shape: TileShape): PoolConstant {
  const { dtype, mr, nr, aRow, aStride, bStride, bTaps = [] } = shape
  const strides = [aRow, aStride, bStride, ...bTaps].join(' ')
  const name = `tile ${mr}x${nr} ${dtype} ${strides} ${options.avx512 ? 'wide' : 'narrow'}`
  return routineOf(name, () => {
    const s = selectTile(name, options, shape)
    const selected = { name, ops: flatten(s.root), registers: s.registers }
    return writeRoutine(allocateRegisters(selected, allocationTarget))
  })
}

/** The microkernel over virtual registers. */
export function selectTile(name: string, options: Selection['options'], shape: TileShape): Selection {
  const s = new Selection({ name, params: [], scratch: [], body: [] }, options, () => {
    throw new CompileError(`x64: ${name} has no expressions`)
  })
  const [a, b, c, stride, steps, accumulate] = takeArguments(s, 6)
  const { dtype, mr, nr, aRow, aStride, bStride, bTaps } = shape
  const size = bytesOf(dtype) as 4 | 8
  const registers = chooseRegisters(s, shape, size)
  const width = Math.ceil((nr * size) / registers.bytes)
  const partial = nr % (registers.bytes / size)
  const mask = partial > 0 ? maskOf(s, registers, partial, size) : undefined
  const sums = Array.from({ length: mr * width }, () => s.register(registers.file))
  const suffix = size === 8 ? 'pd' : 'ps'
  const tile: Tile = { registers, mr, aRow, aStride, bStride, bTaps, width, partial, mask, size, suffix, sums }
  const rows = rowPointers(s, tile, c, stride)
  for (const row of rows)
    for (let disp = 0; disp < nr * size; disp += lineBytes) s.read('prefetcht0', { ...row, disp, bytes: 1 })
  // clears wide registers whole: writing a part of a register zeroes the rest
  for (const sum of sums) s.writeConstant('vmovaps', sum.view(32), { ...s.i32(0), bytes: 32 })
  if (bTaps) multiplyTaps(s, tile, a, b, steps)
  else {
    multiplyLoop(s, tile, a, b, steps)
    remainingSteps(s, tile, a, b, steps)
  }
  storeTile(s, tile, rows, accumulate)
  return s
}

function chooseRegisters(s: Selection, { mr, nr, dtype }: TileShape, size: number): Tile['registers'] {
  const fits = ({ bytes, count, file }: Tile['registers']): boolean => {
    const width = Math.ceil((nr * size) / bytes)
    const masks = file === 'vector' && (nr * size) % bytes > 0 ? 1 : 0
    return mr * width + width + masks + 1 <= count
  }
  const { avx512: hasWide } = s.options
  if (fits(avx2) && !(hasWide && nr * size > avx2.bytes)) return avx2
  if (!fits(avx512)) throw s.fail(`a ${mr}x${nr} tile of ${dtype} does not fit the vector registers`)
  if (!hasWide) throw s.fail(`a ${mr}x${nr} tile of ${dtype} needs AVX-512, which is absent or switched off`)
  return avx512
}

/** Chooses the first `lanes` of a register: in a vector register on AVX2, in the opmask of the `partial` sequences on AVX-512. */
function maskOf(s: Selection, { file }: Tile['registers'], lanes: number, size: number): VirtualRegister | undefined {
  if (file === 'vector') {
    const words = (lanes * size) / 4
    const mask = s.pool(`first ${words} of 8`, () => Int32Array.from({ length: 8 }, (_, i) => (i < words ? -1 : 0)))
    return s.load(mask, 32)
  }
  const bits = s.general()
  s.write('mov', bits.view(4), 2 ** lanes - 1)
  s.sequence('setPartial', 'read', 0, bits.view(4))
  return undefined
}

/** The last register of a row, when it is partial. */
const isPartial = ({ width, partial }: Tile, column: number): boolean => partial > 0 && column === width - 1

function loadColumns(s: Selection, tile: Tile, column: number, source: MemoryOperand): VirtualRegister {
  const { registers, suffix, mask } = tile
  const register = s.register(registers.file)
  const target = register.view(registers.bytes)
  if (!isPartial(tile, column)) s.write('vmovups', target, source)
  else if (mask) s.write(`vmaskmov${suffix}`, target, mask.view(registers.bytes), source)
  else s.sequence(`loadPartial${suffix}`, 'write', 0, target, source)
  return register
}

/** Memory operands of the rows of c: three rows share a base register. */
function rowPointers(s: Selection, { mr }: Tile, c: VirtualRegister, stride: VirtualRegister) {
  const rows = []
  let base = c
  for (let row = 0; row < mr; row++) {
    const within = row % 3
    if (row > 0 && within === 0) {
      const last = s.general()
      s.write('lea', last.view(8), memoryOperand({ base, index: stride, scale: 2 }))
      base = s.general()
      s.write('lea', base.view(8), memoryOperand({ base: last, index: stride }))
    }
    rows.push(memoryOperand(within === 0 ? { base } : { base, index: stride, scale: within === 1 ? 1 : 2 }))
  }
  return rows
}

/** One step of k, at `step` steps behind the pointer to a and `place` elements behind that to b. */
function multiplyStep(
  s: Selection,
  tile: Tile,
  a: VirtualRegister,
  b: VirtualRegister,
  step: number,
  place = step * tile.bStride,
): void {
  const { registers, mr, aRow, aStride, width, size, suffix, sums } = tile
  const { file, bytes } = registers
  const columns = Array.from({ length: width }, (_, column) =>
    loadColumns(s, tile, column, memoryOperand({ base: b, disp: place * size + column * bytes, bytes })),
  )
  for (let row = 0; row < mr; row++) {
    const factor = s.register(file)
    const source = memoryOperand({ base: a, disp: (step * aStride + row * aRow) * size, bytes: size })
    s.write(size === 8 ? 'vbroadcastsd' : 'vbroadcastss', factor.view(bytes), source)
    columns.forEach((column, i) => {
      s.update(`vfmadd231${suffix}`, sums[row * width + i].view(bytes), factor.view(bytes), column.view(bytes))
    })
  }
}

function multiplyLoop(s: Selection, tile: Tile, a: VirtualRegister, b: VirtualRegister, steps: VirtualRegister): void {
  const turns = copyGeneral(s, steps)
  s.update('sar', turns.view(8), Math.log2(unrolled))
  const [again, done] = [s.label(), s.label()]
  s.branch('je', done)
  s.block.push({ op: 'loop' })
  s.mark(again)
  for (let step = 0; step < unrolled; step++) {
    const ahead = (stepsAhead + step) * tile.bStride * tile.size
    for (let line = 0; line < tile.width * tile.registers.bytes; line += lineBytes)
      s.read('prefetcht0', memoryOperand({ base: b, disp: ahead + line, bytes: 1 }))
    multiplyStep(s, tile, a, b, step)
  }
  s.update('add', a.view(8), unrolled * tile.aStride * tile.size)
  s.update('add', b.view(8), unrolled * tile.bStride * tile.size)
  s.update('sub', turns.view(8), 1)
  s.branch('jne', again)
  s.block.push({ op: 'endLoop' })
  s.markEnd(done)
}

/** One turn for each stride of b, a step for each tap in it. */
function multiplyTaps(s: Selection, tile: Tile, a: VirtualRegister, b: VirtualRegister, steps: VirtualRegister): void {
  const taps = tile.bTaps!
  const left = copyGeneral(s, steps)
  const [again, done] = [s.label(), s.label()]
  s.read('test', left.view(8), left.view(8))
  s.branch('jle', done)
  s.block.push({ op: 'loop' })
  s.mark(again)
  taps.forEach((place, step) => {
    multiplyStep(s, tile, a, b, step, place)
  })
  s.update('add', a.view(8), taps.length * tile.aStride * tile.size)
  s.update('add', b.view(8), tile.bStride * tile.size)
  s.update('sub', left.view(8), taps.length)
  s.branch('jg', again)
  s.block.push({ op: 'endLoop' })
  s.markEnd(done)
}

/** The steps that do not fill a turn. */
function remainingSteps(
  s: Selection,
  tile: Tile,
  a: VirtualRegister,
  b: VirtualRegister,
  steps: VirtualRegister,
): void {
  const left = copyGeneral(s, steps)
  s.update('and', left.view(8), unrolled - 1)
  const [again, done] = [s.label(), s.label()]
  s.branch('je', done)
  s.block.push({ op: 'loop' })
  s.mark(again)
  multiplyStep(s, tile, a, b, 0)
  s.update('add', a.view(8), tile.aStride * tile.size)
  s.update('add', b.view(8), tile.bStride * tile.size)
  s.update('sub', left.view(8), 1)
  s.branch('jne', again)
  s.block.push({ op: 'endLoop' })
  s.markEnd(done)
}

function storeTile(s: Selection, tile: Tile, rows: ReturnType<typeof rowPointers>, accumulate: VirtualRegister): void {
  const { width, suffix, sums, mask } = tile
  const { bytes } = tile.registers
  const at = (i: number) => ({ ...rows[Math.floor(i / width)], disp: (i % width) * bytes, bytes })
  const addOld = () => {
    sums.forEach((sum, i) => {
      const column = i % width
      if (!isPartial(tile, column)) s.write(`vadd${suffix}`, sum.view(bytes), sum.view(bytes), at(i))
      else if (mask) {
        const old = loadColumns(s, tile, column, at(i))
        s.write(`vadd${suffix}`, sum.view(bytes), sum.view(bytes), old.view(bytes))
      } else s.sequence(`addPartial${suffix}`, 'update', 0, sum.view(bytes), at(i))
    })
  }
  const overwrite = s.label()
  s.read('test', accumulate.view(8), accumulate.view(8))
  s.branch('je', overwrite)
  addOld()
  s.mark(overwrite)
  sums.forEach((sum, i) => {
    if (!isPartial(tile, i % width)) s.read('vmovups', at(i), sum.view(bytes))
    else if (mask) s.read(`vmaskmov${suffix}`, at(i), mask.view(bytes), sum.view(bytes))
    else s.sequence(`storePartial${suffix}`, 'read', 0, at(i), sum.view(bytes))
  })
}
