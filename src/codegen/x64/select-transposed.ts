// Copies across lanes: a vector loop that loads neighbours and stores them far apart, repeated for eight neighbours in what is stored. Eight by
// eight elements (eight by four of 8 bytes) are loaded, transposed in registers and stored as rows; element by element a shuffle and a store each would be the limit.
import { bytesOf } from '../../base/dtype.ts'
import type { For, Load, Statement, Store } from '../../kernel/kernel-node.ts'
import { type MemoryOperand, resized, type VirtualRegister } from '../machine/machine-op.ts'
import { addressOf, affineOf, constantAffine } from './select-index.ts'
import { countedRuns } from './select-loop.ts'
import { type Affine, type Selection, scalarGroup } from './select-state.ts'
import { selectStatements } from './select-statement.ts'

const side = 8
const registerBytes = 32

interface TransposedCopy {
  readonly outer: For
  /** names of index sums */
  readonly lets: readonly Statement[]
  readonly inner: For
  readonly store: Store
  readonly load: Load
}

function copyIn(outer: For): TransposedCopy | undefined {
  const { kind, extent, body } = outer
  if (kind !== 'unroll' || extent.op !== 'literal' || extent.value !== side) return undefined
  const inner = body[body.length - 1]
  if (inner?.op !== 'for' || inner.kind !== 'vector' || inner.body.length !== 1) return undefined
  const lets = body.slice(0, -1)
  const [store] = inner.body
  if (store.op !== 'store' || store.guard || store.value.op !== 'load' || store.value.guard) return undefined
  if (store.memory === store.value.memory) return undefined
  if (bytesOf(store.memory.dtype) < 4 || store.value.memory.dtype !== store.memory.dtype) return undefined
  if (!lets.every((one) => one.op === 'let' && one.binding.dtype === 'index')) return undefined
  return { outer, lets, inner, store, load: store.value }
}

interface Row {
  readonly from: Affine | undefined
  readonly to: Affine | undefined
}

/** Where the eight rows are read and written when the vector loop stands at `base`. */
function rowsAt(s: Selection, { outer, lets, inner, store, load }: TransposedCopy, base: Affine): Row[] {
  return Array.from({ length: side }, (_, row) => {
    s.variables.set(outer.variable.id, constantAffine(row))
    selectStatements(s, lets, [scalarGroup])
    s.variables.set(inner.variable.id, { ...base, lane: 1 })
    s.scalarMemo = new Map()
    s.laneMemo = new Map()
    s.vectorLoop = { fillsLines: false, variable: inner.variable.id, owned: new Set(), varying: new Map() }
    s.group = { index: 0, offset: 0, lanes: side, predicate: undefined }
    const places = { from: affineOf(s, load.index), to: affineOf(s, store.index) }
    s.vectorLoop = undefined
    s.group = scalarGroup
    return places
  })
}

const sameTerms = (a: Affine, b: Affine): boolean =>
  a.terms.length === b.terms.length &&
  a.terms.every(({ register, coefficient }) =>
    b.terms.some((term) => term.register === register && term.coefficient === coefficient),
  )

/** Whether loads are of neighbours, and the rows are neighbours in what is stored. */
function isTransposed(rows: readonly Row[]): boolean {
  const first = rows[0].to
  return rows.every(
    ({ from, to }, row) =>
      from?.lane === 1 &&
      first !== undefined &&
      to !== undefined &&
      Math.abs(to.lane) >= side &&
      to.lane === first.lane &&
      to.constant === first.constant + row &&
      sameTerms(to, first),
  )
}

/** Selects the loop if it is such a copy; says whether it was. */
export function transposedCopy(s: Selection, loop: For): boolean {
  const copy = s.options.checked ? undefined : copyIn(loop)
  if (!copy || !isTransposed(rowsAt(s, copy, constantAffine(0)))) return false
  const bytes = bytesOf(copy.store.memory.dtype)
  countedRuns(
    s,
    copy.inner,
    registerBytes / bytes,
    (base) => {
      const rows = rowsAt(s, copy, base)
      const sources = rows.map(({ from }) => addressOf(s, copy.load.memory, from!))
      const target = addressOf(s, copy.store.memory, rows[0].to!)
      const columns = bytes === 4 ? transpose(s, sources) : transposeWide(s, sources)
      columns.forEach((parts, i) => {
        const disp = target.disp + i * rows[0].to!.lane * bytes
        parts.forEach((part, at) => {
          s.read('vmovups', resized({ ...target, disp: disp + at * registerBytes }, registerBytes), part.view(32))
        })
      })
    },
    (base) => {
      s.variables.set(copy.inner.variable.id, base)
      for (let row = 0; row < side; row++) {
        s.variables.set(loop.variable.id, constantAffine(row))
        selectStatements(s, [...copy.lets, copy.store], [scalarGroup])
      }
    },
  )
  return true
}

/** Two rows as the halves of a register: 16 bytes at an offset from each. */
function halvesOf(s: Selection, rows: readonly [MemoryOperand, MemoryOperand], offset: number): VirtualRegister {
  const [first, second] = rows.map((one) => resized({ ...one, disp: one.disp + offset }, 16))
  const [low, both] = [s.vector(), s.vector()]
  s.write('vmovups', low.view(16), first)
  s.write('vinsertf128', both.view(32), low.view(32), second, 1)
  return both
}

/** The columns, of one register each, of eight rows of eight elements of 4 bytes in memory. */
function transpose(s: Selection, rows: readonly MemoryOperand[]): VirtualRegister[][] {
  const halves = [0, 16].map((offset) => [0, 1, 2, 3].map((row) => halvesOf(s, [rows[row], rows[row + 4]], offset)))
  return halves.flatMap(([a, b, c, d]) => {
    const [ab, cd] = [s.vector3('vunpcklps', 32, a, b), s.vector3('vunpcklps', 32, c, d)]
    const [abHigh, cdHigh] = [s.vector3('vunpckhps', 32, a, b), s.vector3('vunpckhps', 32, c, d)]
    return [
      [s.vector3('vshufps', 32, ab, cd, 0x44)],
      [s.vector3('vshufps', 32, ab, cd, 0xee)],
      [s.vector3('vshufps', 32, abHigh, cdHigh, 0x44)],
      [s.vector3('vshufps', 32, abHigh, cdHigh, 0xee)],
    ]
  })
}

/** The columns, of two registers each, of eight rows of four elements of 8 bytes in memory. */
function transposeWide(s: Selection, rows: readonly MemoryOperand[]): VirtualRegister[][] {
  return [0, 16].flatMap((offset) => {
    const quarters = [0, 4].map((row) =>
      [0, 1].map((odd) => halvesOf(s, [rows[row + odd], rows[row + 2 + odd]], offset)),
    )
    return (['vunpcklpd', 'vunpckhpd'] as const).map((mnemonic) =>
      quarters.map(([even, odd]) => s.vector3(mnemonic, 32, even, odd)),
    )
  })
}
