// Options that users give once for all spatial axes or once for each, as checked lists.
import { ArgumentError } from '../../base/errors.ts'

/** One number for all spatial axes, or one for each. */
export type PerAxis = number | readonly number[]

/** One whole number from `least` for each of `rank` axes. */
export function perAxis(op: string, name: string, value: PerAxis, rank: number, least: number): readonly number[] {
  const list = typeof value === 'number' ? [value] : value
  const spread = list.length === 1 ? new Array<number>(rank).fill(list[0]) : list
  if (spread.length !== rank || !spread.every((each) => Number.isInteger(each) && each >= least))
    throw new ArgumentError(
      `${op}: expected ${name} to be a whole number from ${least}, or ${rank} of them, got ${JSON.stringify(value)}.`,
      { op, [name]: value },
    )
  return spread
}

const axisNames = ['depth', 'height', 'width']

/** What sentences call the last `rank` axes. */
export const spatialAxes = (rank: number): readonly string[] => (rank === 1 ? ['length'] : axisNames.slice(-rank))
