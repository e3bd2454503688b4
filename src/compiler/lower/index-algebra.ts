// Integer index expressions as sums coefficient·atom + constant over loop axes of known extent. Division and remainder by constants
// simplify by divisibility and by range, and digits recombine, so that movement nodes cost nothing where their shapes regroup.
import type { Expression } from '../../kernel/kernel-node.ts'

/** An iteration axis: takes 0..extent-1. Abstract until a scope binds it to loops. */
export interface Axis {
  readonly id: number
  readonly name: string
  readonly extent: number
}

interface AtomFields {
  /** equal for equal atoms */
  readonly key: string
  readonly min: number
  readonly max: number
}
export interface AxisAtom extends AtomFields {
  readonly kind: 'axis'
  readonly axis: Axis
}
export interface QuotientAtom extends AtomFields {
  readonly kind: 'div' | 'mod'
  readonly of: Affine
  readonly by: number
}
/** A data-dependent value, clamped into its range; `depends` are the indices it was computed from. */
export interface OpaqueAtom extends AtomFields {
  readonly kind: 'opaque'
  readonly expression: Expression
  readonly depends: readonly Affine[]
}
export type Atom = AxisAtom | QuotientAtom | OpaqueAtom

export interface Term {
  readonly coefficient: number
  readonly atom: Atom
}

/** Terms have distinct atoms and nonzero coefficients; `min` and `max` bound the value. */
export class Affine {
  readonly terms: readonly Term[]
  readonly constant: number
  readonly min: number
  readonly max: number
  #key: string | undefined

  constructor(terms: readonly Term[], constant: number) {
    this.terms = terms
    this.constant = constant
    let [min, max] = [constant, constant]
    for (const { coefficient, atom } of terms) {
      min += coefficient * (coefficient > 0 ? atom.min : atom.max)
      max += coefficient * (coefficient > 0 ? atom.max : atom.min)
    }
    this.min = min
    this.max = max
  }

  /** Equal for equal sums; terms keep the order they were added in, which is the same for structurally equal graphs. */
  get key(): string {
    if (this.#key === undefined) {
      const parts = this.terms.map((term) => `${term.coefficient}${term.atom.key}`)
      if (parts.length > 1) parts.sort()
      this.#key = `${parts.join('+')}+${this.constant}`
    }
    return this.#key
  }

  get isConstant(): boolean {
    return this.terms.length === 0
  }
}

let nextAxis = 0
export const makeAxis = (name: string, extent: number): Axis => ({ id: nextAxis++, name, extent })

/** Elements of the axes' product. */
export const extentOf = (axes: readonly Axis[]): number => axes.reduce((product, { extent }) => product * extent, 1)

export const zero = new Affine([], 0)
export const constantIndex = (value: number): Affine => (value === 0 ? zero : new Affine([], value))

const single = (atom: Atom): Affine =>
  atom.min === atom.max ? constantIndex(atom.min) : new Affine([{ coefficient: 1, atom }], 0)

export const axisIndex = (axis: Axis): Affine =>
  single({ kind: 'axis', axis, key: `a${axis.id}`, min: 0, max: Math.max(0, axis.extent - 1) })

export const opaqueIndex = (expression: Expression, key: string, limit: number, depends: readonly Affine[]): Affine =>
  single({ kind: 'opaque', expression, depends, key, min: 0, max: Math.max(0, limit - 1) })

export const sameIndex = (a: Affine, b: Affine): boolean => a === b || a.key === b.key
export const indicesKey = (indices: readonly Affine[]): string => indices.map((index) => index.key).join(',')

/** a + factor·b */
export function addScaled(a: Affine, b: Affine, factor: number): Affine {
  if (factor === 0 || (b.isConstant && b.constant === 0)) return a
  const terms = [...a.terms]
  for (const { coefficient, atom } of b.terms) {
    const at = terms.findIndex((term) => term.atom.key === atom.key)
    if (at < 0) terms.push({ coefficient: coefficient * factor, atom })
    else {
      const sum = terms[at].coefficient + coefficient * factor
      if (sum === 0) terms.splice(at, 1)
      else terms[at] = { coefficient: sum, atom }
    }
  }
  return recombine(terms, a.constant + b.constant * factor)
}

export const add = (a: Affine, b: Affine): Affine => addScaled(a, b, 1)
export const subtract = (a: Affine, b: Affine): Affine => addScaled(a, b, -1)
export const scale = (a: Affine, factor: number): Affine => (factor === 1 ? a : addScaled(zero, a, factor))
export const offset = (a: Affine, by: number): Affine => (by === 0 ? a : new Affine(a.terms, a.constant + by))

/** k·(x mod c) + k·c·(x div c) is k·x, and with (x div c) mod d it is k·(x mod c·d): digits of a mixed-radix number find each other again. */
function recombine(terms: readonly Term[], constant: number): Affine {
  for (const low of terms) {
    if (low.atom.kind !== 'mod') continue
    const { of, by } = low.atom
    const high = floorDivide(of, by)
    const wanted = onlyAtom(high)?.key
    const isHigh = ({ key }: Atom): boolean => key === wanted
    const isDigit = (atom: Atom): boolean => atom.kind === 'mod' && atom.of.key === high.key
    const match = terms.find(
      ({ atom, coefficient }) => coefficient === low.coefficient * by && (isHigh(atom) || isDigit(atom)),
    )
    if (match === undefined) continue
    const rest = terms.filter((term) => term !== low && term !== match)
    const joined = isHigh(match.atom) ? of : modulo(of, by * (match.atom as QuotientAtom).by)
    return addScaled(new Affine(rest, constant), joined, low.coefficient)
  }
  return new Affine(terms, constant)
}

const gcd = (a: number, b: number): number => (b === 0 ? Math.abs(a) : gcd(b, a % b))

interface Parted {
  /** the sum of what `unit` divides, over `unit` */
  readonly quotient: Affine
  readonly rest: Affine
}

/** value = unit·quotient + rest, where rest holds the terms that `unit` does not divide and a constant in 0..unit-1. */
function part(value: Affine, unit: number): Parted {
  const divisible: Term[] = []
  const others: Term[] = []
  for (const term of value.terms)
    if (term.coefficient % unit === 0) divisible.push({ coefficient: term.coefficient / unit, atom: term.atom })
    else others.push(term)
  const whole = Math.floor(value.constant / unit)
  return {
    quotient: new Affine(divisible, whole),
    rest: new Affine(others, value.constant - whole * unit),
  }
}

/** A unit that divides `by` and under which the value's remainder stays below the unit: floor and mod see only the quotient. */
function regroup(value: Affine, by: number): (Parted & { readonly unit: number }) | undefined {
  const units = new Set<number>()
  let common = by
  for (const { coefficient } of value.terms) {
    common = gcd(common, coefficient)
    const unit = gcd(by, coefficient)
    if (unit > 1 && unit < by) units.add(unit)
  }
  if (common > 1) units.add(common)
  for (const unit of [...units].sort((a, b) => b - a)) {
    const parted = part(value, unit)
    if (parted.rest.min >= 0 && parted.rest.max < unit) return { ...parted, unit }
  }
  return undefined
}

function quotientAtom(kind: 'div' | 'mod', of: Affine, by: number): Affine {
  const [min, max] = kind === 'div' ? [Math.floor(of.min / by), Math.floor(of.max / by)] : [0, by - 1]
  return single({ kind, of, by, key: `(${of.key})${kind === 'div' ? '/' : '%'}${by}`, min, max })
}

const onlyAtom = (value: Affine): Atom | undefined =>
  value.constant === 0 && value.terms.length === 1 && value.terms[0].coefficient === 1 ? value.terms[0].atom : undefined

/** floor(value / by) for a positive constant. */
export function floorDivide(value: Affine, by: number): Affine {
  if (by === 1) return value
  const { quotient, rest } = part(value, by)
  const low = Math.floor(rest.min / by)
  if (Math.floor(rest.max / by) === low) return offset(quotient, low)
  const grouped = regroup(rest, by)
  if (grouped) return add(quotient, floorDivide(grouped.quotient, by / grouped.unit))
  const atom = onlyAtom(rest)
  if (atom?.kind === 'div') return add(quotient, floorDivide(atom.of, atom.by * by))
  if (atom?.kind === 'mod' && atom.by % by === 0) return add(quotient, modulo(floorDivide(atom.of, by), atom.by / by))
  return add(quotient, quotientAtom('div', rest, by))
}

/** value - by·floor(value / by), in 0..by-1. */
export function modulo(value: Affine, by: number): Affine {
  if (by === 1) return zero
  const { rest } = part(value, by)
  const low = Math.floor(rest.min / by)
  if (Math.floor(rest.max / by) === low) return offset(rest, -low * by)
  const grouped = regroup(rest, by)
  if (grouped) return addScaled(grouped.rest, modulo(grouped.quotient, by / grouped.unit), grouped.unit)
  const atom = onlyAtom(rest)
  if (atom?.kind === 'mod' && atom.by % by === 0) return modulo(atom.of, by)
  return quotientAtom('mod', rest, by)
}

/** Row-major position of an index vector. */
export function linearIndex(indices: readonly Affine[], shape: readonly number[]): Affine {
  let position = zero
  for (let axis = shape.length - 1, stride = 1; axis >= 0; axis--) {
    position = addScaled(position, indices[axis], stride)
    stride *= shape[axis]
  }
  return position
}

/** Index vector of a row-major position. */
export function unravel(position: Affine, shape: readonly number[]): Affine[] {
  const indices = new Array<Affine>(shape.length)
  for (let axis = shape.length - 1, stride = 1; axis >= 0; axis--) {
    const extent = shape[axis]
    indices[axis] = extent <= 1 ? zero : modulo(floorDivide(position, stride), extent)
    stride *= Math.max(1, extent)
  }
  return indices
}

/** The same for a position known to be inside: nothing can carry beyond the first digit, so it needs no remainder. */
export function unravelInside(position: Affine, shape: readonly number[]): Affine[] {
  const first = shape.findIndex((extent) => extent > 1)
  const indices = unravel(position, shape)
  if (first >= 0)
    indices[first] = floorDivide(
      position,
      shape.slice(first + 1).reduce((size, extent) => size * extent, 1),
    )
  return indices
}

/** The same sum with axes replaced; quotients are formed anew, so that they simplify again. */
export function substitute(value: Affine, replace: (axis: Axis) => Affine | undefined): Affine {
  let result = constantIndex(value.constant)
  for (const { coefficient, atom } of value.terms)
    result = addScaled(result, substituteAtom(atom, replace), coefficient)
  return result
}

function substituteAtom(atom: Atom, replace: (axis: Axis) => Affine | undefined): Affine {
  switch (atom.kind) {
    case 'axis':
      return replace(atom.axis) ?? single(atom)
    case 'div':
      return floorDivide(substitute(atom.of, replace), atom.by)
    case 'mod':
      return modulo(substitute(atom.of, replace), atom.by)
    case 'opaque':
      return single(atom)
  }
}

/** Coefficient of an axis in the sum, or undefined when the axis also hides inside a quotient or an opaque value. */
export function strideAlong(value: Affine, axis: Axis): number | undefined {
  let stride = 0
  for (const { coefficient, atom } of value.terms)
    if (atom.kind === 'axis') {
      if (atom.axis === axis) stride = coefficient
    } else if (dependsOn(atom, axis)) return undefined
  return stride
}

function dependsOn(atom: Atom, axis: Axis): boolean {
  if (atom.kind === 'axis') return atom.axis === axis
  const parts = atom.kind === 'opaque' ? atom.depends : [atom.of]
  return parts.some((value) => value.terms.some((term) => dependsOn(term.atom, axis)))
}

/** Whether an axis shows in the sum as itself and through values from memory only. */
export const followsMemory = (value: Affine, axis: Axis): boolean =>
  value.terms.every(({ atom }) => atom.kind === 'axis' || atom.kind === 'opaque' || !dependsOn(atom, axis))

export const usesAxis = (value: Affine, axis: Axis): boolean => value.terms.some((term) => dependsOn(term.atom, axis))
