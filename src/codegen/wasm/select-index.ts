import type { Alu, Expression } from '../../kernel/kernel-node.ts'
import { formOf, shapeOf } from './forms.ts'
import { evaluate } from './select-value.ts'
import { isVarying } from './select-varying.ts'
import { kernelParameters, type Selection } from './selection.ts'

type IndexType = 'i32' | 'i64'

export interface Atom {
  readonly key: string
  /** the scope at whose start it is known; Infinity if it cannot be moved */
  readonly level: number
  readonly type: IndexType
  readonly isNatural: boolean
  readonly isVarying: boolean
  emit(): void
}

interface Term {
  readonly atom: Atom
  readonly coefficient: number
}

export interface Affine {
  readonly constant: number
  readonly terms: ReadonlyMap<string, Term>
}

const constantAffine = (constant: number): Affine => ({ constant, terms: new Map() })
export const atomAffine = (atom: Atom, constant = 0): Affine => ({
  constant,
  terms: new Map([[atom.key, { atom, coefficient: 1 }]]),
})

export function addScaled(a: Affine, b: Affine, scale: number): Affine {
  const terms = new Map(a.terms)
  for (const [key, { atom, coefficient }] of b.terms) {
    const sum = (terms.get(key)?.coefficient ?? 0) + coefficient * scale
    if (sum === 0) terms.delete(key)
    else terms.set(key, { atom, coefficient: sum })
  }
  return { constant: a.constant + b.constant * scale, terms }
}

const keyOf = ({ constant, terms }: Affine): string =>
  [...terms.values()]
    .map(({ atom, coefficient }) => `${coefficient}*${atom.key}`)
    .sort()
    .join('+') + `+${constant}`

/** The value of an index that is a number, if it is one. */
export function constantOf(s: Selection, e: Expression): number | undefined {
  const { constant, terms } = affineOf(s, e)
  return terms.size === 0 ? constant : undefined
}

// --- from expressions -----------------------------------------------------------------------------------------------------

export function affineOf(s: Selection, e: Expression): Affine {
  switch (e.op) {
    case 'literal':
      return constantAffine(Number(e.value))
    case 'index':
      return variableAffine(s, e.variable.id)
    case 'size':
      return atomAffine(sizeAtom(s, e.slot))
    case 'reference': {
      const bound = s.bindings.get(e.binding.id)
      if (bound === undefined) throw s.fail(`${e.binding.name} is used before it is bound`)
      return bound.kind === 'index' ? affineOf(s, bound.value) : atomAffine(keptAtom(s, e))
    }
    case 'alu':
      return affineAlu(s, e)
    default:
      throw s.fail(`${e.op} cannot be an index`)
  }
}

function variableAffine(s: Selection, id: number): Affine {
  const variable = s.variables.get(id)
  if (variable === undefined) throw s.fail(`loop variable ${id} is used outside its loop`)
  const own = variable.isLane ? s.group.offset + (s.lane ?? 0) : 0
  if ('constant' in variable) return constantAffine(variable.constant + own)
  const { local, type, level, isLane } = variable
  return atomAffine(
    { key: `v${local}`, level, type, isNatural: true, isVarying: isLane, emit: () => s.code.get(local) },
    own,
  )
}

function sizeAtom(s: Selection, slot: number): Atom {
  const emit = (): void => {
    s.code.get(kernelParameters.sizes)
    s.emit('i64.load', 8 * slot)
  }
  return hoistedAtom(s, `size${slot}`, 0, 'i64', true, false, emit)
}

/** A value that is computed once at the start of the scope at `level`, where it has one. */
export function hoistedAtom(
  s: Selection,
  key: string,
  level: number,
  type: IndexType,
  isNatural: boolean,
  varies: boolean,
  compute: () => void,
): Atom {
  const emit = (): void => {
    if (level > s.depth) {
      compute()
      return
    }
    const { known, header } = s.scopes[level]
    const before = known.get(key)
    if (before !== undefined) {
      s.code.get(before)
      return
    }
    const local = s.code.local(type)
    s.code.into(header, () => {
      compute()
      s.code.set(local)
    })
    known.set(key, local)
    s.code.get(local)
  }
  return { key, level, type, isNatural, isVarying: varies, emit }
}

function keptAtom(s: Selection, e: Extract<Expression, { op: 'reference' }>): Atom {
  const bound = s.bindings.get(e.binding.id)!
  if (bound.kind !== 'kept') throw s.fail(`${e.binding.name} is no value in locals`)
  const { varying, locals, type } = bound
  const local = varying ? locals[s.group.index][s.lane ?? 0] : locals[0][0]
  const level = bound.level + 1 <= s.depth ? bound.level + 1 : Number.POSITIVE_INFINITY
  const emit = (): void => s.code.get(local)
  return { key: `b${local}`, level, type: type as IndexType, isNatural: false, isVarying: varying, emit }
}

function affineAlu(s: Selection, e: Alu): Affine {
  const { kind, inputs } = e
  if (kind === 'cast') return inputs[0].dtype === 'index' ? affineOf(s, inputs[0]) : atomAffine(dataAtom(s, e))
  if (kind === 'add' || kind === 'sub')
    return addScaled(affineOf(s, inputs[0]), affineOf(s, inputs[1]), kind === 'add' ? 1 : -1)
  if (kind === 'where') return atomAffine(whereAtom(s, e))
  const [a, b] = inputs.map((input) => affineOf(s, input))
  if (kind === 'mul') {
    if (b.terms.size === 0) return addScaled(constantAffine(0), a, b.constant)
    if (a.terms.size === 0) return addScaled(constantAffine(0), b, a.constant)
  }
  const level = Math.max(levelOf(s, a), levelOf(s, b))
  const type = s.indexType(e)
  const key = level === Number.POSITIVE_INFINITY ? `x${nextUnique++}` : `${kind}(${keyOf(a)},${keyOf(b)})${type}`
  const isNatural = s.interval(e)[0] >= 0
  return atomAffine(hoistedAtom(s, key, level, type, isNatural, isVarying(s, e), () => emitArithmetic(s, e, type)))
}

let nextUnique = 0

const levelOf = (s: Selection, { terms }: Affine): number => {
  let level = 0
  for (const { atom } of terms.values())
    level = Math.max(level, atom.level > s.depth ? Number.POSITIVE_INFINITY : atom.level)
  return level
}

/** An index read from data: the value at the lane at hand. */
function dataAtom(s: Selection, e: Alu): Atom {
  const [source] = e.inputs
  const type = s.indexType(e)
  const emit = (): void => {
    const form = formOf(source.dtype as Exclude<typeof source.dtype, 'index'>)
    dataLane(s, source)
    const native = form === 'mask' ? 'i32' : form
    if (native === type) return
    if (native === 'i32') s.emit('i64.extend_i32_s')
    else if (native === 'i64') s.emit('i32.wrap_i64')
    else {
      if (native === 'f32') s.emit('f64.promote_f32')
      s.code.call(s.library.get('toInt64'))
      if (type === 'i32') s.emit('i32.wrap_i64')
    }
  }
  return {
    key: `x${nextUnique++}`,
    level: Number.POSITIVE_INFINITY,
    type,
    isNatural: false,
    isVarying: isVarying(s, source),
    emit,
  }
}

/** Leaves one lane's value of data on the stack, where a lane is computed alone. */
export function dataLane(s: Selection, e: Expression): void {
  const vectorGroup = s.inLane
  if (vectorGroup === undefined || !isVarying(s, e)) {
    s.alone(() => evaluate(s, e))
    return
  }
  const form = formOf(e.dtype as Exclude<typeof e.dtype, 'index'>)
  const { lane } = s
  const local = vectorOf(s, e)
  if (form === 'mask') {
    const { group } = s
    s.group = vectorGroup
    s.maskLane(local, lane!)
    s.group = group
    s.code.i32(1)
    s.emit('i32.and')
  } else {
    s.code.get(local)
    s.emit(`${shapeOf[form]}.extract_lane`, lane)
  }
}

/** The local that holds all lanes of a value. */
function vectorOf(s: Selection, e: Expression): number {
  const known = s.laneMemo.get(e)
  if (known !== undefined) return known
  const { group, lane, inLane } = s
  if (inLane !== undefined) s.group = inLane
  s.lane = undefined
  s.inLane = undefined
  evaluate(s, e)
  const local = s.code.keep('v128')
  s.laneMemo.set(e, local)
  Object.assign(s, { group, lane, inLane })
  return local
}

/** Computes what an index takes from data for all lanes, before lanes are told apart under conditions. */
export function prepareLanes(s: Selection, e: Expression | undefined): void {
  if (e === undefined || s.group.lanes === 1 || e.op !== 'alu' || !isVarying(s, e)) return
  for (const input of e.inputs)
    if (input.dtype === 'index') prepareLanes(s, input)
    else if (isVarying(s, input)) vectorOf(s, input)
}

function whereAtom(s: Selection, e: Alu): Atom {
  const type = s.indexType(e)
  const emit = (): void => {
    emitIndex(s, e.inputs[1], type)
    emitIndex(s, e.inputs[2], type)
    dataLane(s, e.inputs[0])
    s.emit('select')
  }
  return {
    key: `x${nextUnique++}`,
    level: Number.POSITIVE_INFINITY,
    type,
    isNatural: s.interval(e)[0] >= 0,
    isVarying: isVarying(s, e),
    emit,
  }
}

// --- arithmetic that is not a sum ------------------------------------------------------------------------------------------

function emitArithmetic(s: Selection, { kind, inputs }: Alu, type: IndexType): void {
  const [a, b] = inputs
  const wide = type === 'i64' || inputs.some((input) => s.indexType(input) === 'i64')
  const own: IndexType = wide ? 'i64' : 'i32'
  if (kind === 'div' || kind === 'mod') emitDivision(s, kind, a, b, own)
  else {
    emitIndex(s, a, own)
    emitIndex(s, b, own)
    if (kind === 'mul') s.emit(`${own}.mul`)
    else if (kind === 'min' || kind === 'max') {
      const [right, left] = [s.code.keep(own), s.code.keep(own)]
      for (const local of [left, right, left, right]) s.code.get(local)
      s.emit(`${own}.${kind === 'min' ? 'lt_s' : 'gt_s'}`)
      s.emit('select')
    } else throw s.fail(`${kind} is not defined for an index`)
  }
  if (own !== type) s.emit('i32.wrap_i64')
}

/** Rounds down. A constant divisor of a number from 0 is one instruction; the rest goes through a function that never traps. */
function emitDivision(s: Selection, kind: 'div' | 'mod', a: Expression, b: Expression, own: IndexType): void {
  emitIndex(s, a, own)
  emitIndex(s, b, own)
  const divisor = constantOf(s, b)
  if (divisor !== undefined && divisor > 0 && s.interval(a)[0] >= 0)
    s.emit(`${own}.${kind === 'div' ? 'div_u' : 'rem_u'}`)
  else s.code.call(s.library.get(`${kind === 'div' ? 'floorDivide' : 'floorModulo'}${own === 'i32' ? 32 : 64}`))
}

// --- onto the stack ----------------------------------------------------------------------------------------------------------

/** Leaves an index on the stack; as i32 its low bits. */
export function emitIndex(s: Selection, e: Expression, type: IndexType): void {
  emitAffine(s, affineOf(s, e), type)
}

export function emitAffine(s: Selection, { constant, terms }: Affine, type: IndexType): void {
  const number = (value: number): void =>
    type === 'i32' ? s.code.i32(Number(BigInt.asIntN(32, BigInt(value)))) : s.code.i64(value)
  if (terms.size === 0) {
    number(constant)
    return
  }
  emitTerms(s, [...terms.values()], type)
  if (constant !== 0) {
    number(constant)
    s.emit(`${type}.add`)
  }
}

export function emitTerms(s: Selection, terms: readonly Term[], type: IndexType): void {
  const movable = terms.filter(({ atom }) => atom.level <= s.depth)
  const rest = terms.filter(({ atom }) => atom.level > s.depth)
  let count = 0
  if (movable.length > 0) {
    s.code.get(hoistedSum(s, movable, type))
    count++
  }
  for (const term of rest) {
    emitTerm(s, term, type)
    if (count++ > 0) s.emit(`${type}.add`)
  }
}

function emitTerm(s: Selection, { atom, coefficient }: Term, type: IndexType): void {
  atom.emit()
  if (atom.type !== type) s.emit(type === 'i32' ? 'i32.wrap_i64' : 'i64.extend_i32_s')
  if (coefficient === 1) return
  const shift = Math.log2(coefficient)
  const amount = Number.isInteger(shift) ? shift : coefficient
  if (type === 'i32') s.code.i32(amount)
  else s.code.i64(amount)
  s.emit(`${type}.${Number.isInteger(shift) ? 'shl' : 'mul'}`)
}

/** The local with a sum of movable terms. */
function hoistedSum(s: Selection, terms: readonly Term[], type: IndexType): number {
  const level = Math.max(...terms.map(({ atom }) => atom.level))
  const key = `${type} ${terms
    .map(({ atom, coefficient }) => `${coefficient}*${atom.key}`)
    .sort()
    .join('+')}`
  const { known, header } = s.scopes[level]
  const before = known.get(key)
  if (before !== undefined) return before
  const local = s.code.local(type)
  const outer = terms.filter(({ atom }) => atom.level < level)
  const own = terms.filter(({ atom }) => atom.level === level)
  s.code.into(header, () => {
    if (outer.length > 0) s.code.get(hoistedSum(s, outer, type))
    own.forEach((term, i) => {
      emitTerm(s, term, type)
      if (i > 0 || outer.length > 0) s.emit(`${type}.add`)
    })
    s.code.set(local)
  })
  known.set(key, local)
  return local
}
