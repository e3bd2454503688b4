// The GEMM microkernel: a tile of c in registers (mr rows of nr columns), one fused multiply-add per lane and step of k.
// b is a packed panel and a one or rows of their own; each step loads nr of b and broadcasts mr of a. k is unrolled four times.
// With AVX-512 registers are wide, except for tiles of few columns. The last register of a row may be partial: its lanes are masked.
import { bytesOf } from '../../base/dtype.ts'
import type { Memory, TileMultiply } from '../../kernel/kernel-node.ts'
import { type MemoryOperand, memoryOperand, type VirtualRegister } from '../machine/machine-op.ts'
import {
  addAffine,
  addressOf,
  affineOf,
  constantAffine,
  copyGeneral,
  indexRegister,
  multiplyAffine,
} from './select-index.ts'
import { boundsTest } from './select-memory.ts'
import type { Affine, Selection } from './select-state.ts'

/** steps of k per turn of the loop */
const unrolled = 4
/** how many steps of k ahead of its use b is fetched into the cache */
const stepsAhead = 8
const lineBytes = 64
const avx2 = { file: 'vector', bytes: 32, count: 16 } as const
const avx512 = { file: 'wide', bytes: 64, count: 32 } as const

interface Tile {
  readonly registers: typeof avx2 | typeof avx512
  readonly mr: number
  readonly aRow: number
  readonly aStride: number
  readonly bStride: number
  /** registers per row */
  readonly width: number
  /** lanes of a row's last register, if not all, and on AVX2 their mask */
  readonly partial: number
  readonly mask: VirtualRegister | undefined
  readonly size: 4 | 8
  readonly suffix: 'ps' | 'pd'
  readonly sums: readonly VirtualRegister[]
}

export function tileMultiply(s: Selection, node: TileMultiply): void {
  const size = bytesOf(node.dtype) as 4 | 8
  const registers = chooseRegisters(s, node, size)
  const skip = s.label()
  const depth = sumOf(s, node.depth)
  if (s.options.checked) testBounds(s, node, depth, skip)
  const { mr, nr, aRow, aStride, bStride } = node
  const width = Math.ceil((nr * size) / registers.bytes)
  const partial = nr % (registers.bytes / size)
  const mask = partial > 0 ? maskOf(s, registers, partial, size) : undefined
  const sums = Array.from({ length: mr * width }, () => s.register(registers.file))
  const suffix = size === 8 ? 'pd' : 'ps'
  const tile: Tile = { registers, mr, aRow, aStride, bStride, width, partial, mask, size, suffix, sums }
  const [a, b, c] = [node.a, node.b, node.c].map(({ memory, index }) => pointer(s, memory, sumOf(s, index)))
  const stride = copyGeneral(s, indexRegister(s, sumOf(s, node.c.stride)))
  s.update('shl', stride.view(8), Math.log2(size))
  const rows = rowPointers(s, tile, c, stride)
  for (const row of rows)
    for (let disp = 0; disp < node.nr * size; disp += lineBytes) s.read('prefetcht0', { ...row, disp, bytes: 1 })
  // clears wide registers whole: writing a part of a register zeroes the rest
  for (const sum of sums) s.writeConstant('vmovaps', sum.view(32), { ...s.i32(0), bytes: 32 })
  const steps = indexRegister(s, depth)
  const constant = depth.terms.length === 0 ? depth.constant : undefined
  multiplyLoop(s, tile, a, b, steps, constant)
  remainingSteps(s, tile, a, b, steps, constant)
  storeTile(s, tile, rows, sumOf(s, node.accumulate))
  s.markEnd(skip)
}

function chooseRegisters(s: Selection, { mr, nr, dtype }: TileMultiply, size: number): Tile['registers'] {
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

function sumOf(s: Selection, e: TileMultiply['depth']): Affine {
  const sum = affineOf(s, e)
  if (sum === undefined) throw s.fail('tileMultiply stands inside a vector loop')
  return sum
}

function pointer(s: Selection, memory: Memory, index: Affine): VirtualRegister {
  const register = s.general()
  s.write('lea', register.view(8), addressOf(s, memory, index))
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

/** One step of k, at `step` steps behind the pointers. */
function multiplyStep(s: Selection, tile: Tile, a: VirtualRegister, b: VirtualRegister, step: number): void {
  const { registers, mr, aRow, aStride, bStride, width, size, suffix, sums } = tile
  const { file, bytes } = registers
  const columns = Array.from({ length: width }, (_, column) =>
    loadColumns(s, tile, column, memoryOperand({ base: b, disp: step * bStride * size + column * bytes, bytes })),
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

function multiplyLoop(
  s: Selection,
  tile: Tile,
  a: VirtualRegister,
  b: VirtualRegister,
  steps: VirtualRegister,
  constant: number | undefined,
): void {
  if (constant !== undefined && constant < unrolled) return
  const turns = copyGeneral(s, steps)
  s.update('sar', turns.view(8), Math.log2(unrolled))
  const [again, done] = [s.label(), s.label()]
  if (constant === undefined) {
    s.read('test', turns.view(8), turns.view(8))
    s.branch('jle', done)
  }
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

/** The steps that do not fill a turn. */
function remainingSteps(
  s: Selection,
  tile: Tile,
  a: VirtualRegister,
  b: VirtualRegister,
  steps: VirtualRegister,
  constant: number | undefined,
): void {
  if (constant !== undefined) {
    for (let step = 0; step < constant % unrolled; step++) multiplyStep(s, tile, a, b, step)
    return
  }
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

function storeTile(s: Selection, tile: Tile, rows: ReturnType<typeof rowPointers>, accumulate: Affine): void {
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
  if (accumulate.terms.length > 0) {
    const overwrite = s.label()
    const flag = indexRegister(s, accumulate)
    s.read('test', flag.view(8), flag.view(8))
    s.branch('je', overwrite)
    addOld()
    s.mark(overwrite)
  } else if (accumulate.constant !== 0) addOld()
  sums.forEach((sum, i) => {
    if (!isPartial(tile, i % width)) s.read('vmovups', at(i), sum.view(bytes))
    else if (mask) s.read(`vmaskmov${suffix}`, at(i), mask.view(bytes), sum.view(bytes))
    else s.sequence(`storePartial${suffix}`, 'read', 0, at(i), sum.view(bytes))
  })
}

function testBounds(s: Selection, node: TileMultiply, depth: Affine, skip: number): void {
  const { mr, nr, aRow, aStride, bStride, a, b, c } = node
  const last = addAffine(depth, constantAffine(1), -1)
  const stride = sumOf(s, c.stride)
  const spans: readonly [TileMultiply['a'], Affine][] = [
    [a, addAffine(multiplyAffine(last, aStride), constantAffine((mr - 1) * aRow + 1))],
    [b, addAffine(multiplyAffine(last, bStride), constantAffine(nr))],
    [c, addAffine(multiplyAffine(stride, mr - 1), constantAffine(nr))],
  ]
  for (const [{ memory, index }, span] of spans) {
    const first = sumOf(s, index)
    boundsTest(s, memory, first, skip)
    boundsTest(s, memory, addAffine(addAffine(first, span), constantAffine(1), -1), skip)
  }
}
