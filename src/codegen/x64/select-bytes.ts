// Loops over elements of one byte, above all bool: 32 lanes a register, by operations on bytes, where no other kind of value takes part.
// A bool is 0 or 1 in registers as it is in memory.
import { bytesOf } from '../../base/dtype.ts'
import type { Alu, AluKind, Expression, For, KernelDType, Statement } from '../../kernel/kernel-node.ts'
import { resized } from '../machine/machine-op.ts'
import type { Mnemonic } from './instruction-table.ts'
import { addressOf, affineOf } from './select-index.ts'
import { countedRuns } from './select-loop.ts'
import { type Part, type Selection, scalarGroup } from './select-state.ts'
import { selectStatements } from './select-statement.ts'
import { strideOf } from './select-wide.ts'

const width = 32

const logic: Partial<Record<AluKind, Mnemonic>> = { and: 'vpand', or: 'vpor', xor: 'vpxor' }
const onIntegers: Partial<Record<AluKind, Mnemonic>> = { ...logic, add: 'vpaddb', sub: 'vpsubb' }
const extrema: Partial<Record<KernelDType, Partial<Record<AluKind, Mnemonic>>>> = {
  uint8: { max: 'vpmaxub', min: 'vpminub' },
  int8: { max: 'vpmaxsb', min: 'vpminsb' },
}
const others: ReadonlySet<AluKind> = new Set(['not', 'equal', 'notEqual', 'where', 'cast'])

const isByte = ({ dtype }: Expression): boolean => dtype === 'bool' || dtype === 'uint8' || dtype === 'int8'

/** The instruction that is the operation, if one is. */
const namedFor = ({ kind, inputs: [{ dtype }] }: Alu): Mnemonic | undefined =>
  dtype === 'bool' ? logic[kind] : (onIntegers[kind] ?? extrema[dtype]?.[kind])

/** Whether a value is made of bytes that lie in a row; `known` are the names bound so far. */
function isByteValue(s: Selection, e: Expression, lane: number, known: ReadonlySet<number>): boolean {
  if (!isByte(e)) return false
  switch (e.op) {
    case 'literal':
      return true
    case 'reference':
      return known.has(e.binding.id)
    case 'load':
      return e.guard === undefined && strideOf(s, e.index, lane) === 1
    case 'alu': {
      const isKnown = namedFor(e) !== undefined || others.has(e.kind)
      return isKnown && e.inputs.every((input) => isByteValue(s, input, lane, known))
    }
    default:
      return false
  }
}

function isByteLoop(s: Selection, loop: For): boolean {
  const { extent, body, variable } = loop
  if (s.options.checked || loop.lanes % width !== 0) return false
  if (extent.op === 'literal' && Number(extent.value) < width) return false
  s.variables.set(variable.id, { constant: 0, terms: [], lane: 1 })
  const known = new Set<number>()
  return body.every((statement) => {
    if (statement.op === 'let') {
      known.add(statement.binding.id)
      return isByteValue(s, statement.value, variable.id, known)
    }
    if (statement.op !== 'store' || statement.guard || bytesOf(statement.memory.dtype) !== 1) return false
    return strideOf(s, statement.index, variable.id) === 1 && isByteValue(s, statement.value, variable.id, known)
  })
}

/** Selects the loop if it is one of bytes; says whether it was. */
export function byteLoop(s: Selection, loop: For): boolean {
  if (!isByteLoop(s, loop)) return false
  const { variable, body, lanes } = loop
  countedRuns(
    s,
    loop,
    lanes,
    (base) => {
      s.variables.set(variable.id, { ...base, lane: 1 })
      for (let offset = 0; offset < lanes; offset += width) new ByteGroup(s, loop, offset).write()
    },
    (base) => {
      s.variables.set(variable.id, base)
      selectStatements(s, body, [scalarGroup])
    },
  )
  return true
}

/** The statements of a loop for one register of lanes. */
class ByteGroup {
  readonly #s: Selection
  readonly #loop: For
  readonly #offset: number
  readonly #values = new Map<Expression, Part>()
  readonly #bound = new Map<number, Part>()

  constructor(s: Selection, loop: For, offset: number) {
    this.#s = s
    this.#loop = loop
    this.#offset = offset
  }

  write(): void {
    const s = this.#s
    s.scalarMemo = new Map()
    s.laneMemo = new Map()
    s.vectorLoop = { variable: this.#loop.variable.id, fillsLines: false, owned: new Set(), varying: new Map() }
    s.group = { ...scalarGroup, lanes: 8 }
    for (const statement of this.#loop.body) this.#statement(statement)
    s.vectorLoop = undefined
    s.group = scalarGroup
  }

  #statement(statement: Statement): void {
    if (statement.op === 'let') this.#bound.set(statement.binding.id, this.#value(statement.value))
    if (statement.op !== 'store') return
    const value = this.#s.load(this.#value(statement.value), width)
    this.#s.read('vmovups', this.#place(statement), value.view(width))
  }

  #place({ memory, index }: Pick<Extract<Statement, { op: 'store' }>, 'memory' | 'index'>) {
    const address = addressOf(this.#s, memory, affineOf(this.#s, index)!)
    return resized({ ...address, disp: address.disp + this.#offset }, width)
  }

  #value(e: Expression): Part {
    let value = this.#values.get(e)
    if (value === undefined) this.#values.set(e, (value = this.#compute(e)))
    return value
  }

  #compute(e: Expression): Part {
    if (e.op === 'literal') return this.#constant(Number(e.value))
    if (e.op === 'reference') return this.#bound.get(e.binding.id)!
    if (e.op === 'alu') return this.#operation(e)
    if (e.op !== 'load') throw this.#s.fail(`${e.op} has no bytes`)
    const target = this.#s.vector()
    this.#s.write('vmovups', target.view(width), this.#place(e))
    return target
  }

  #constant(value: number): Part {
    return this.#s.pool(`bytes ${value & 255}`, () => new Uint8Array(width).fill(value))
  }

  #operation(e: Alu): Part {
    const { kind, dtype, inputs } = e
    const s = this.#s
    const ofBool = inputs[0].dtype === 'bool'
    const [a, b, c] = inputs.map((input) => this.#value(input))
    const one = this.#constant(1)
    const named = namedFor(e)
    if (named) return kind === 'sub' ? s.vector3(named, width, a, b) : s.commutative(named, width, a, b)
    switch (kind) {
      case 'not':
        return s.commutative('vpxor', width, a, ofBool ? one : this.#constant(255))
      case 'equal':
        return s.commutative('vpand', width, s.commutative('vpcmpeqb', width, a, b), one)
      case 'notEqual':
        return s.vector3('vpandn', width, s.commutative('vpcmpeqb', width, a, b), one)
      case 'where': {
        const mask = s.vector3('vpsubb', width, this.#constant(0), a)
        return s.commutative('vpor', width, s.commutative('vpand', width, mask, b), s.vector3('vpandn', width, mask, c))
      }
      default:
        // a cast: only whether a number is 0 changes its bits
        return dtype === 'bool' && !ofBool
          ? s.vector3('vpandn', width, s.commutative('vpcmpeqb', width, a, this.#constant(0)), one)
          : a
    }
  }
}
