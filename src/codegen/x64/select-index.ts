// Index arithmetic: expressions of dtype 'index' become affine sums over registers, and sums become addresses.
// What does not change in a loop is added up before it, so that an access in an inner loop is one [base + index * scale + disp].
import { bytesOf } from '../../base/dtype.ts'
import type { Alu, Expression, Memory } from '../../kernel/kernel-node.ts'
import { type MemoryOperand, memoryOperand, type VirtualRegister } from '../machine/machine-op.ts'
import { threadContext } from './calling-convention.ts'
import { divisionClobbers, multiplyHighClobbers } from './emit-sequences.ts'
import { clampedSum } from './select-check.ts'
import { branchUnless } from './select-condition.ts'
import { generalValue } from './select-general.ts'
import { extractLane } from './select-lanes.ts'
import type { Affine, Selection, Term } from './select-state.ts'
import { isVarying } from './select-varying.ts'

export const constantAffine = (constant: number): Affine => ({ constant, terms: [], lane: 0 })
export const registerAffine = (register: VirtualRegister, level: number): Affine => ({
  ...constantAffine(0),
  terms: [{ register, level, coefficient: 1 }],
})
const isConstant = ({ terms, lane }: Affine): boolean => terms.length === 0 && lane === 0

export const multiplyAffine = (a: Affine, by: number): Affine =>
  by === 0
    ? constantAffine(0)
    : {
        constant: a.constant * by,
        terms: a.terms.map((term) => ({ ...term, coefficient: term.coefficient * by })),
        lane: a.lane * by,
      }

/** Terms are kept in order of level, then register, so that equal sums have equal keys. */
export function addAffine(a: Affine, b: Affine, sign = 1): Affine {
  const terms = [...a.terms]
  for (const term of b.terms) {
    const coefficient = term.coefficient * sign
    const at = terms.findIndex(({ register }) => register === term.register)
    if (at < 0) terms.push({ ...term, coefficient })
    else if (terms[at].coefficient + coefficient === 0) terms.splice(at, 1)
    else terms[at] = { ...term, coefficient: terms[at].coefficient + coefficient }
  }
  terms.sort((x, y) => x.level - y.level || x.register.id - y.register.id)
  return { constant: a.constant + b.constant * sign, terms, lane: a.lane + b.lane * sign }
}

const keyOf = (terms: readonly Term[]): string =>
  terms.map(({ register, coefficient }) => `${coefficient}r${register.id}`).join('+')
const affineKey = ({ constant, terms }: Affine): string => `${constant}+${keyOf(terms)}`
const levelOf = (...sums: readonly Affine[]): number =>
  Math.max(0, ...sums.flatMap(({ terms }) => terms.map(({ level }) => level)))

/** The sum that an index expression is, or undefined if it differs between lanes in another way. */
export function affineOf(s: Selection, e: Expression): Affine | undefined {
  switch (e.op) {
    case 'literal':
      return constantAffine(Number(e.value))
    case 'index': {
      const sum = s.variables.get(e.variable.id)
      if (sum === undefined) throw s.fail(`loop variable ${e.variable.name} is used outside its loop`)
      if (sum.lane === 0) return sum
      return s.lane === undefined
        ? { ...sum, constant: sum.constant + s.group.offset }
        : { ...sum, constant: sum.constant + s.lane, lane: 0 }
    }
    case 'size':
      return registerAffine(sizeRegister(s, e.slot), 0)
    case 'reference':
      return referenceAffine(s, e.binding.id, e.binding.name)
    case 'alu':
      return clampedSum(s, e) ?? aluAffine(s, e)
    default:
      throw s.fail(`${e.op} cannot be of dtype index`)
  }
}

function referenceAffine(s: Selection, id: number, name: string): Affine | undefined {
  const bound = s.bindings.get(id)
  if (bound === undefined) throw s.fail(`${name} is used before its let`)
  const { affine } = bound
  if (affine) {
    if (affine.lane === 0) return affine
    return s.lane === undefined
      ? { ...affine, constant: affine.constant + affine.lane * s.group.offset }
      : { ...affine, constant: affine.constant + affine.lane * s.lane, lane: 0 }
  }
  if (s.lane === undefined) return undefined
  const lanes = bound.values[s.group.index]
  return registerAffine(extractLane(s, lanes, s.lane - s.group.offset), s.depth)
}

const sizeRegister = (s: Selection, slot: number): VirtualRegister =>
  s.hoist(0, `size${slot}`, () => {
    const register = s.general()
    s.write('mov', register.view(8), memoryOperand({ base: s.sizesPointer, disp: slot * 8, bytes: 8 }))
    return register
  })

function aluAffine(s: Selection, e: Alu): Affine | undefined {
  if (e.kind === 'cast') return castAffine(s, e.inputs[0])
  if (e.kind === 'where') return whereAffine(s, e)
  const a = affineOf(s, e.inputs[0])
  const b = e.inputs.length > 1 ? affineOf(s, e.inputs[1]) : constantAffine(0)
  if (a === undefined || b === undefined) return undefined
  if (e.kind === 'add') return addAffine(a, b)
  if (e.kind === 'sub') return addAffine(a, b, -1)
  if (e.kind === 'neg') return multiplyAffine(a, -1)
  if (e.kind === 'mul' && isConstant(b)) return multiplyAffine(a, b.constant)
  if (e.kind === 'mul' && isConstant(a)) return multiplyAffine(b, a.constant)
  if ((e.kind === 'div' || e.kind === 'mod') && isConstant(b)) {
    if (b.constant === 1) return e.kind === 'div' ? a : constantAffine(0)
    if (isConstant(a)) return constantAffine(foldDivision(e.kind, a.constant, b.constant))
  }
  if (a.lane !== 0 || b.lane !== 0) return undefined
  const level = levelOf(a, b)
  const register = s.hoist(level, `${e.kind}(${affineKey(a)},${affineKey(b)})`, () => opaque(s, e.kind, a, b))
  return registerAffine(register, Math.min(level, s.depth))
}

function foldDivision(kind: 'div' | 'mod', a: number, b: number): number {
  if (b === 0) return 0
  const quotient = Math.floor(a / b)
  return kind === 'div' ? quotient : a - quotient * b
}

/** A data value as an index: at one lane only. */
function castAffine(s: Selection, input: Expression): Affine | undefined {
  if (input.dtype === 'index') return affineOf(s, input)
  if (s.group.lanes === 1 || !isVarying(s, input)) {
    const register = s.asScalar(() => withoutLane(s, () => generalValue(s, input)))
    return registerAffine(register, s.depth)
  }
  if (s.lane === undefined) return undefined
  const at = s.lane - s.group.offset
  return registerAffine(
    extractLane(
      s,
      withoutLane(s, () => s.value(input)),
      at,
    ),
    s.depth,
  )
}

export function withoutLane<T>(s: Selection, body: () => T): T {
  const { lane } = s
  s.lane = undefined
  const result = body()
  s.lane = lane
  return result
}

function whereAffine(s: Selection, e: Alu): Affine | undefined {
  const [condition, then, otherwise] = e.inputs
  if (s.group.lanes > 1 && s.lane === undefined && isVarying(s, condition)) return undefined
  const a = affineOf(s, then)
  const b = affineOf(s, otherwise)
  if (a === undefined || b === undefined || a.lane !== 0 || b.lane !== 0) return undefined
  const register = copyGeneral(s, indexRegister(s, b))
  const chosen = indexRegister(s, a)
  const end = s.label()
  s.conditional(() => {
    branchUnless(s, condition, end)
    s.write('mov', register.view(8), chosen.view(8))
  })
  s.mark(end)
  return registerAffine(register, s.depth)
}

/** An operation that is no sum, in a register. */
function opaque(s: Selection, kind: Alu['kind'], a: Affine, b: Affine): VirtualRegister {
  switch (kind) {
    case 'mul': {
      const product = copyGeneral(s, indexRegister(s, a))
      s.update('imul', product.view(8), indexRegister(s, b).view(8))
      return product
    }
    case 'max':
    case 'min': {
      const result = copyGeneral(s, indexRegister(s, a))
      const other = indexRegister(s, b)
      s.read('cmp', result.view(8), other.view(8))
      s.update(kind === 'max' ? 'cmovl' : 'cmovg', result.view(8), other.view(8))
      return result
    }
    case 'abs': {
      const value = indexRegister(s, a)
      const result = copyGeneral(s, value)
      s.update('neg', result.view(8))
      s.update('cmovs', result.view(8), value.view(8))
      return result
    }
    case 'div':
    case 'mod':
      return isConstant(b) && b.constant > 1 && b.constant < 2 ** 31
        ? divideByConstant(s, kind, a, b.constant)
        : divide(s, kind, indexRegister(s, a), indexRegister(s, b))
    default:
      throw s.fail(`${kind} is not defined for dtype index`)
  }
}

/** Floored quotient or remainder; 0 for a divisor of 0. */
function divide(s: Selection, kind: 'div' | 'mod', a: VirtualRegister, b: VirtualRegister): VirtualRegister {
  const result = s.general()
  s.sequence(
    kind === 'div' ? 'floorDivide' : 'floorModulo',
    'write',
    divisionClobbers,
    ...[result, a, b].map((r) => r.view(8)),
  )
  return result
}

function divideByConstant(s: Selection, kind: 'div' | 'mod', a: Affine, divisor: number): VirtualRegister {
  const value = indexRegister(s, a)
  const shift = Math.log2(divisor)
  if (Number.isInteger(shift)) {
    const result = copyGeneral(s, value)
    if (kind === 'div') s.update('sar', result.view(8), shift)
    else s.update('and', result.view(8), divisor - 1)
    return result
  }
  const quotient = reciprocalQuotient(s, value, divisor)
  if (kind === 'div') return quotient
  const remainder = copyGeneral(s, value)
  s.update('sub', remainder.view(8), timesConstant(s, quotient, divisor).view(8))
  return remainder
}

/**
 * floor(x / d) for |x| < 2^62, as the high word of y * m with m = floor(2^(63 + k) / d) + 1 and 2^k the power of two below d. For a
 * negative x, y is ~x, and the quotient is complemented again (Warren, Hacker's Delight, chapter 10).
 */
function reciprocalQuotient(s: Selection, x: VirtualRegister, divisor: number): VirtualRegister {
  const power = Math.floor(Math.log2(divisor))
  const magic = 2n ** BigInt(63 + power) / BigInt(divisor) + 1n
  const factor = s.general()
  s.writeConstant('mov', factor.view(8), magic)
  const sign = copyGeneral(s, x)
  s.update('sar', sign.view(8), 63)
  const magnitude = copyGeneral(s, x)
  s.update('xor', magnitude.view(8), sign.view(8))
  const quotient = s.general()
  s.sequence('multiplyHigh', 'write', multiplyHighClobbers, ...[quotient, magnitude, factor].map((r) => r.view(8)))
  if (power > 1) s.update('sar', quotient.view(8), power - 1)
  s.update('xor', quotient.view(8), sign.view(8))
  return quotient
}

export function copyGeneral(s: Selection, source: VirtualRegister): VirtualRegister {
  const copy = s.general()
  s.write('mov', copy.view(8), source.view(8))
  return copy
}

const fitsInt32 = (value: number): boolean => (value | 0) === value

export function constantRegister(s: Selection, value: number): VirtualRegister {
  const register = s.general()
  if (value >= 0 && fitsInt32(value)) s.writeConstant('mov', register.view(4), value)
  else s.writeConstant('mov', register.view(8), fitsInt32(value) ? value : BigInt(value))
  return register
}

function timesConstant(s: Selection, register: VirtualRegister, factor: number): VirtualRegister {
  if (factor === 1) return register
  const shift = Math.log2(factor)
  if (Number.isInteger(shift) && factor > 0) {
    const result = copyGeneral(s, register)
    s.update('shl', result.view(8), shift)
    return result
  }
  if (fitsInt32(factor)) {
    const result = s.general()
    s.write('imul', result.view(8), register.view(8), factor)
    return result
  }
  const result = constantRegister(s, factor)
  s.update('imul', result.view(8), register.view(8))
  return result
}

const isScale = (value: number): value is 1 | 2 | 4 | 8 => value === 1 || value === 2 || value === 4 || value === 8

/** base + the sum of terms * size, in bytes. */
function addTerms(
  s: Selection,
  base: VirtualRegister | undefined,
  terms: readonly Term[],
  size: number,
): VirtualRegister {
  let sum = base
  for (const { register, coefficient } of terms) {
    const factor = coefficient * size
    if (sum === undefined) {
      sum = timesConstant(s, register, factor)
      continue
    }
    const index = isScale(factor) ? register : timesConstant(s, register, factor)
    const result = s.general()
    const scaleOfIndex = isScale(factor) ? factor : 1
    s.write('lea', result.view(8), memoryOperand({ base: sum, index, scale: scaleOfIndex }))
    sum = result
  }
  return sum!
}

/** base + terms up to `level`, each level's share added where it first is known. */
function partialSum(
  s: Selection,
  name: string,
  terms: readonly Term[],
  size: number,
  level: number,
  base: () => VirtualRegister,
): VirtualRegister {
  if (terms.length === 0) return base()
  const highest = Math.min(level, terms[terms.length - 1].level)
  return s.hoist(highest, `${name}:${keyOf(terms)}`, () => {
    const own = terms.filter((term) => term.level >= highest)
    const rest = terms.filter((term) => term.level < highest)
    const empty = rest.length === 0 && name === 'index'
    return addTerms(s, empty ? undefined : partialSum(s, name, rest, size, highest - 1, base), own, size)
  })
}

/** The value of an affine sum in a register that must not be changed. */
export function indexRegister(s: Selection, sum: Affine): VirtualRegister {
  if (sum.lane !== 0) throw s.fail('a value that differs between lanes is used as one index')
  if (sum.terms.length === 0) return constantRegister(s, sum.constant)
  const register = partialSum(s, 'index', sum.terms, 1, s.depth, () => constantRegister(s, 0))
  if (sum.constant === 0) return register
  const result = s.general()
  if (fitsInt32(sum.constant)) s.write('lea', result.view(8), memoryOperand({ base: register, disp: sum.constant }))
  else s.write('lea', result.view(8), memoryOperand({ base: register, index: constantRegister(s, sum.constant) }))
  return result
}

/** The address where a buffer begins. */
export function pointerTo(s: Selection, memory: Memory): VirtualRegister {
  const key = `pointer${memory.op}${memory.op === 'param' ? memory.slot : memory.name}`
  return s.hoist(0, key, () => {
    const register = s.general()
    if (memory.op === 'param') {
      s.write('mov', register.view(8), memoryOperand({ base: s.bindingsPointer, disp: memory.slot * 8, bytes: 8 }))
      return register
    }
    const offset = s.scratchOffsets.get(memory)
    if (offset === undefined) throw s.fail(`scratch ${memory.name} is not declared by the kernel`)
    s.write('mov', register.view(8), memoryOperand({ base: s.contextPointer, disp: threadContext.scratch, bytes: 8 }))
    if (offset > 0) s.update('add', register.view(8), offset)
    return register
  })
}

/** The memory operand of element `sum` of a buffer, of lane 0 of the group. */
export function addressOf(s: Selection, memory: Memory, sum: Affine): MemoryOperand {
  const size = bytesOf(memory.dtype)
  const name = `${memory.op}${memory.op === 'param' ? memory.slot : memory.name}`
  const outer = sum.terms.filter(({ level }) => level < s.depth)
  const inner = sum.terms.filter(({ level }) => level >= s.depth)
  const base = () => partialSum(s, name, outer, size, s.depth - 1, () => pointerTo(s, memory))
  let disp = sum.constant * size
  let far: VirtualRegister | undefined
  if (!fitsInt32(disp)) {
    far = constantRegister(s, disp)
    disp = 0
  }
  const place = (start: VirtualRegister, index?: VirtualRegister, by: 1 | 2 | 4 | 8 = 1) => {
    if (far === undefined) return memoryOperand({ base: start, index, scale: by, disp })
    const shifted = s.general()
    s.write('lea', shifted.view(8), memoryOperand({ base: start, index: far }))
    return memoryOperand({ base: shifted, index, scale: by })
  }
  if (inner.length === 0) return place(base())
  const factor = inner[0].coefficient * size
  if (inner.length === 1 && isScale(factor)) return place(base(), inner[0].register, factor)
  const scope = s.scopes[s.depth]
  if (inner.length === 1 && s.depth > 0 && inner[0].register === scope.counter && fitsInt32(factor * scope.step))
    return place(induction(s, name, inner[0], outer, size, base))
  return place(addTerms(s, base(), inner, size))
}

/** A pointer that advances with the loop variable. */
function induction(
  s: Selection,
  name: string,
  { register, coefficient }: Term,
  outer: readonly Term[],
  size: number,
  base: () => VirtualRegister,
): VirtualRegister {
  const scope = s.scopes[s.depth]
  const key = `${name}+${coefficient}i:${keyOf(outer)}`
  const known = scope.hoisted.get(key)
  if (known) return known
  const start = base()
  const pointer = s.hoist(s.depth - 1, key, () => addTerms(s, start, [{ register, level: s.depth, coefficient }], size))
  scope.inductions.push({ register: pointer, amount: coefficient * size * scope.step })
  return pointer
}
