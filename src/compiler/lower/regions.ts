// Where the iteration space of a map changes its nature: an axis goes in, ranges of it come out in each of which guards are constant, or digits
// come out even. Loops over the parts need no choice for each element, and no division.
import type { Affine, Axis, QuotientAtom } from './index-algebra.ts'
import type { Bound } from './index-map.ts'

export interface Range {
  readonly start: number
  readonly extent: number
}

/** Loops into which a kernel may be taken apart, and elements that a part needs on average to be worth its own. */
export const maximumRegions = 8
const partExtent = 32

/** value = coefficient * axis + constant, if it is that */
function along(value: Affine, axis: Axis): { readonly coefficient: number; readonly constant: number } | undefined {
  const [term] = value.terms
  if (value.terms.length !== 1 || term.atom.kind !== 'axis' || term.atom.axis !== axis) return undefined
  return { coefficient: term.coefficient, constant: value.constant }
}

/** The parts of an axis in which bounds on it hold throughout or nowhere; the whole axis where parts would be too short. */
export function piecesOf(axis: Axis, bounds: readonly Bound[]): readonly Range[] {
  const points = new Set<number>([0, axis.extent])
  for (const { index, limit } of bounds) {
    const sum = along(index, axis)
    if (sum === undefined) continue
    // the first position at which coefficient * position + constant has passed 0 or the limit
    for (const border of [0, limit]) {
      const { coefficient, constant } = sum
      const exact = (border - constant) / coefficient
      const point = coefficient > 0 ? Math.ceil(exact) : Math.floor(exact) + 1
      if (point > 0 && point < axis.extent) points.add(point)
    }
  }
  const sorted = [...points].sort((a, b) => a - b)
  const ranges = sorted.slice(1).map((end, i) => ({ start: sorted[i], extent: end - sorted[i] }))
  return ranges.length * partExtent > axis.extent ? [{ start: 0, extent: axis.extent }] : ranges
}

/** Digits of fewer values than this are divided out: their loop would be too short. */
const leastDigit = 16

/** An axis, and the part of it in which a digit that indices make of it, (axis + shift) mod by, goes through whole turns. */
export interface Turns {
  readonly axis: Axis
  readonly by: number
  readonly whole: Range
}

/** The first digit among the indices that does not come out even. */
export function wholeTurns(accesses: readonly Affine[], axes: readonly Axis[]): Turns | undefined {
  for (const { terms } of accesses)
    for (const { atom } of terms) {
      if (atom.kind !== 'div' && atom.kind !== 'mod') continue
      for (const axis of axes) {
        const whole = turnsOf(atom, axis)
        if (whole) return { axis, by: atom.by, whole }
      }
    }
  return undefined
}

function turnsOf({ of, by }: QuotientAtom, axis: Axis): Range | undefined {
  const sum = along(of, axis)
  if (sum?.coefficient !== 1 || by < leastDigit) return undefined
  const start = (by - (sum.constant % by)) % by
  const turns = Math.floor((axis.extent - start) / by)
  return turns > 1 && turns * by < axis.extent ? { start, extent: turns * by } : undefined
}
