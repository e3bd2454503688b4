// Vector loops in 512 bits, where the processor has them: sixteen lanes of float32 or eight of float64 at once. Only loops whose lanes do
// nothing but arithmetic on such numbers that lie in a row, and on their bits, qualify; what is left of a step, and all other loops, run in
// 256 bits.
import type { Accumulator, AluKind, Expression, For, KernelDType, Statement } from '../../kernel/kernel-node.ts'
import { type Selection, scalarGroup } from './select-state.ts'
import { isVarying } from './select-varying.ts'

const choices = ['less', 'lessEqual', 'equal', 'notEqual', 'where', 'cast'] as const
const logic = ['and', 'or', 'xor', 'not'] as const
const arithmetic = ['add', 'sub', 'mul', 'div', 'max', 'min', 'neg', 'abs', 'sqrt', 'floor', 'multiplyAdd'] as const
const functions = ['exp', 'log', 'sin', 'cos', 'pow'] as const
const bool: ReadonlySet<AluKind> = new Set([...choices, ...logic])

/** A kind of lanes in 512 bits. */
interface WideLanes {
  readonly group: { readonly lanes: 16 } | { readonly lanes: 8; readonly doubled: true }
  /** what they do, by the dtype of the operands (of a choice: of what is chosen) */
  readonly operations: Partial<Record<KernelDType, ReadonlySet<AluKind>>>
  /** what may lie in memory, the accumulators' first */
  readonly stored: readonly KernelDType[]
}

const single: WideLanes = {
  group: { lanes: 16 },
  operations: {
    float32: new Set([...arithmetic, ...functions, ...choices, 'bitcast']),
    int32: new Set([
      ...(['add', 'sub', 'mul', 'max', 'min', 'neg', 'abs', 'shiftLeft', 'shiftRight', 'bitcast'] as const),
      ...choices,
      ...logic,
    ]),
    bool,
    // held as float32
    float16: new Set(['cast'] as const),
    bfloat16: new Set(['cast'] as const),
  },
  stored: ['float32', 'float16', 'bfloat16'],
}
const double: WideLanes = {
  group: { lanes: 8, doubled: true },
  operations: {
    float64: new Set([...arithmetic, ...functions, ...choices, 'bitcast']),
    int64: new Set([...(['add', 'sub', 'shiftLeft', 'shiftRight', 'bitcast'] as const), ...logic]),
    bool,
  },
  stored: ['float64'],
}

/** The groups of 512 bits in which all whole steps of a loop can run, if they can. */
export function wideGroup(s: Selection, loop: For, step: number): WideLanes['group'] | undefined {
  if (!s.options.avx512 || s.options.checked) return undefined
  s.variables.set(loop.variable.id, { constant: 0, terms: [], lane: 1 })
  const isOf = (kind: WideLanes) =>
    step % kind.group.lanes === 0 &&
    loop.body.every((statement) => isPlainStatement(s, kind, statement, loop.variable.id))
  return [single, double].find(isOf)?.group
}

function isPlainStatement(s: Selection, kind: WideLanes, statement: Statement, lane: number): boolean {
  switch (statement.op) {
    case 'let':
      return isPlain(s, kind, statement.value, lane)
    case 'store': {
      const { memory, index, guard, value } = statement
      return (
        kind.stored.includes(memory.dtype) &&
        guard === undefined &&
        strideOf(s, index, lane) === 1 &&
        isPlain(s, kind, value, lane)
      )
    }
    case 'declare':
      return statement.accumulator.dtype === kind.stored[0] && isPlain(s, kind, statement.initial, lane)
    case 'accumulate':
      return statement.accumulator.dtype === kind.stored[0] && isPlain(s, kind, statement.value, lane)
    case 'for':
      return statement.kind === 'serial' && statement.body.every((inner) => isPlainStatement(s, kind, inner, lane))
    default:
      return false
  }
}

/** A value of the lanes' width in each, or a bool, from operands that are; scalars that all lanes share may come from anywhere. */
function isPlain(s: Selection, kind: WideLanes, e: Expression, lane: number): boolean {
  const { operations, stored } = kind
  if (!operations[e.dtype]) return false
  switch (e.op) {
    case 'literal':
      return true
    case 'read':
      return e.dtype === stored[0]
    case 'reference':
      return true
    case 'load': {
      const stride = e.guard === undefined && stored.includes(e.dtype) ? strideOf(s, e.index, lane) : undefined
      return stride === 0 || stride === 1
    }
    case 'alu':
      return (
        operations[e.inputs[e.inputs.length - 1].dtype]?.has(e.kind) === true &&
        e.inputs.every((input) => isPlain(s, kind, input, lane))
      )
    default:
      return false
  }
}

/** By how much an index grows from lane to lane; undefined where that is not known, or not the same. */
export function strideOf(s: Selection, e: Expression, lane: number): number | undefined {
  if (e.op === 'index') return e.variable.id === lane ? 1 : 0
  if (e.op === 'literal' || e.op === 'size') return 0
  if (e.op === 'alu' && (e.kind === 'add' || e.kind === 'sub')) {
    const [a, b] = e.inputs.map((input) => strideOf(s, input, lane))
    return a === undefined || b === undefined ? undefined : e.kind === 'add' ? a + b : a - b
  }
  if (e.op === 'alu' && e.inputs.every((input) => strideOf(s, input, lane) === 0)) return 0
  const bound = e.op === 'reference' ? s.bindings.get(e.binding.id) : undefined
  return bound && !isVarying(s, e) ? 0 : undefined
}

/** Runs `write` with the accumulators of a vector loop in registers of 512 bits. */
export function withWideAccumulators(s: Selection, owned: ReadonlySet<Accumulator>, write: () => void): void {
  s.group = scalarGroup
  const states = [...owned].map((accumulator) => s.accumulators.get(accumulator)!)
  const halves = states.map(({ parts }) => parts[0])
  states.forEach(({ parts }, at) => {
    parts[0] = Array.from({ length: halves[at].length / 2 }, (_, i) => {
      const joined = s.register('wide')
      s.write('vinsertf64x4', joined.view(64), halves[at][2 * i].view(64), halves[at][2 * i + 1].view(32), 1)
      s.mutable.add(joined)
      return joined
    })
  })
  write()
  states.forEach(({ parts }, at) => {
    halves[at].forEach((half, i) => {
      s.write('vextractf64x4', half.view(32), parts[0][i >> 1].view(64), i & 1)
    })
    parts[0] = halves[at]
  })
}
