// Cuts axes into digits where index maps divide them, so that every access becomes a plain sum: what `reshape` merged or split comes apart again.
import {
  type Affine,
  type Axis,
  axisIndex,
  floorDivide,
  linearIndex,
  makeAxis,
  modulo,
  type OpaqueAtom,
  type QuotientAtom,
  substitute,
} from './index-algebra.ts'

/** Positions at which each axis wants to be cut: divisors of its extent. */
export type Cuts = ReadonlyMap<Axis, ReadonlySet<number>>

/** The axis of which a quotient is a digit, with the divisor already taken: x/s gives (x, s). */
function digitOf(value: Affine): { readonly axis: Axis; readonly unit: number } | undefined {
  if (value.constant !== 0 || value.terms.length !== 1 || value.terms[0].coefficient !== 1) return undefined
  const { atom } = value.terms[0]
  if (atom.kind === 'axis') return { axis: atom.axis, unit: 1 }
  if (atom.kind !== 'div') return undefined
  const inner = digitOf(atom.of)
  return inner && { axis: inner.axis, unit: inner.unit * atom.by }
}

function collectFrom(value: Affine, cuts: Map<Axis, Set<number>>): void {
  for (const { atom } of value.terms) {
    if (atom.kind === 'opaque') for (const index of (atom as OpaqueAtom).depends) collectFrom(index, cuts)
    if (atom.kind !== 'div' && atom.kind !== 'mod') continue
    collectQuotient(atom, cuts)
    collectFrom(atom.of, cuts)
  }
}

function collectQuotient(atom: QuotientAtom, cuts: Map<Axis, Set<number>>): void {
  const digit = digitOf(atom.of)
  if (!digit) return
  const points = [digit.unit, digit.unit * atom.by].filter((point) => point > 1 && point < digit.axis.extent)
  if (points.length === 0 || points.some((point) => digit.axis.extent % point !== 0)) return
  const known = cuts.get(digit.axis) ?? new Set<number>()
  for (const point of points) known.add(point)
  cuts.set(digit.axis, known)
}

/** The cuts that would turn quotients in these indices into digits of their own. Empty when nothing can be gained. */
export function collectCuts(values: Iterable<Affine>): Cuts {
  const cuts = new Map<Axis, Set<number>>()
  for (const value of values) collectFrom(value, cuts)
  return cuts
}

export interface CutAxis {
  /** outermost first */
  readonly axes: readonly Axis[]
  /** the old axis over the new ones */
  readonly index: Affine
}

/** Cuts an axis at points of which each divides the next; points that do not fit wait for a later round. */
export function cutAxis(axis: Axis, points: ReadonlySet<number>): CutAxis {
  const sizes: number[] = []
  let unit = 1
  for (const point of [...points].sort((a, b) => a - b)) {
    if (point % unit !== 0 || point === unit) continue
    sizes.unshift(point / unit)
    unit = point
  }
  sizes.unshift(axis.extent / unit)
  const axes = sizes.map((extent, i) => makeAxis(`${axis.name}${i}`, extent))
  return { axes, index: linearIndex(axes.map(axisIndex), sizes) }
}

/** The digit of a mixed-radix number that weighs `unit` and counts to `extent`. */
export const digitIn = (value: Affine, unit: number, extent: number): Affine => modulo(floorDivide(value, unit), extent)

export interface Refined {
  /** the axes that each root was cut into, outermost first */
  readonly axes: readonly (readonly Axis[])[]
  /** each root over those axes */
  readonly roots: readonly Affine[]
  /** every index that the final trace asked for */
  readonly accesses: readonly Affine[]
}

/** More rounds than any chain of reshapes needs; what is still a quotient then stays one. */
const maximumRounds = 12

/** Cuts root axes until the indices that `trace` reports for them hold no digit that a cut could free. */
export function refine(roots: readonly Axis[], trace: (roots: readonly Affine[]) => readonly Affine[]): Refined {
  let axes = roots.map((axis): readonly Axis[] => (axis.extent === 1 ? [] : [axis]))
  let indices = roots.map(axisIndex)
  for (let round = 0; ; round++) {
    const accesses = trace(indices)
    const cuts = [...collectCuts(accesses)].filter(([axis]) => axes.some((list) => list.includes(axis)))
    if (cuts.length === 0 || round === maximumRounds) return { axes, roots: indices, accesses }
    const pieces = new Map(cuts.map(([axis, points]) => [axis, cutAxis(axis, points)]))
    axes = axes.map((list) => list.flatMap((axis) => pieces.get(axis)?.axes ?? [axis]))
    indices = indices.map((index) => substitute(index, (axis) => pieces.get(axis)?.index))
  }
}
