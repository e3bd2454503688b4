// Equal rows of a host array: values in, the groups of rows that are equal out. NaN equals nothing, not even itself, and comes last.
import type { TypedArray } from './host-values.ts'

export interface RowGroups {
  /** a row of each group, in the groups' order */
  readonly firsts: readonly number[]
  /** of each row */
  readonly groupOf: readonly number[]
  readonly counts: readonly number[]
}

const isMissing = (value: number | bigint): boolean => typeof value === 'number' && Number.isNaN(value)

function compare(a: number | bigint, b: number | bigint): number {
  if (a < b) return -1
  if (a > b) return 1
  return Number(isMissing(a)) - Number(isMissing(b))
}

/** Groups equal rows of `width` values; with `sorts` in ascending order, else only neighbours and in their order. */
export function groupRows(values: TypedArray, rows: number, width: number, sorts: boolean): RowGroups {
  const compareRows = (a: number, b: number): number => {
    for (let i = 0; i < width; i++) {
      const order = compare(values[a * width + i], values[b * width + i])
      if (order !== 0) return order
    }
    return 0
  }
  const areEqual = (a: number, b: number): boolean => {
    for (let i = 0; i < width; i++) if (values[a * width + i] !== values[b * width + i]) return false
    return true
  }
  const order = Array.from({ length: rows }, (_, row) => row)
  if (sorts) order.sort(compareRows)
  const firsts: number[] = []
  const counts: number[] = []
  const groupOf = new Array<number>(rows)
  order.forEach((row, i) => {
    if (i > 0 && areEqual(order[i - 1], row)) counts[counts.length - 1]++
    else {
      firsts.push(row)
      counts.push(1)
    }
    groupOf[row] = counts.length - 1
  })
  return { firsts, groupOf, counts }
}
