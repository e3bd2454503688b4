// Groups of equal elements, or rows, of a node: neighbours in an order are compared, and the first ones of each group are picked. Whole numbers
// of a short range are looked up in a table of the range instead. NaN equals nothing, not even itself, and comes last.
import { isFloat } from '../base/dtype.ts'
import { sizeOf } from '../base/shape.ts'
import * as build from '../graph/builders.ts'
import { groupNumbers } from '../graph/composites/compact.ts'
import { positionsAlong } from '../graph/composites/positions.ts'
import { argsort } from '../graph/composites/sort.ts'
import { sumsByPlace } from '../graph/composites/tables.ts'
import { elementsOf, type Node } from '../graph/node.ts'
import type { Session } from '../runtime/session.ts'
import { makeTensor, tensorOf } from './core.ts'
import { picked, readNumbers } from './counted.ts'
import { bytesOfValues, type TypedArray } from './host-values.ts'
import { storeBytes } from './store.ts'

export interface Groups {
  /** the rows, or elements, of which there are equal ones, in the groups' order */
  readonly found: Node
  /** of each row its group; int64 */
  readonly groupOf: Node
  /** rows of each group, int64, if they are wanted */
  readonly counts?: Node
}

/** Groups of the rows of x [rows, …]: in ascending order with `sorts`, else only neighbours and in their order. */
export async function groupRows(session: Session, x: Node, sorts: boolean, withCounts: boolean): Promise<Groups> {
  const isFlat = x.shape.length === 1
  if (sorts && isFlat && !isFloat(x.dtype)) {
    const groups = await groupsInRange(session, x, withCounts)
    if (groups) return groups
  }
  const order = sorts ? (isFlat ? argsort(x) : await orderOfRows(session, x)) : undefined
  return groupsInOrder(session, x, order, withCounts)
}

/** Groups of neighbours, when rows are taken in an order. */
async function groupsInOrder(session: Session, x: Node, order: Node | undefined, withCounts: boolean): Promise<Groups> {
  const [count] = x.shape
  const arranged = order ? build.indexSelect(x, 0, order, 'unique') : x
  const starts = startsOf(arranged)
  const places = positionsAlong([count], 0)
  const isFlat = x.shape.length === 1
  const firsts = isFlat ? arranged : (order ?? places)
  const [first, begins] = await picked(session, starts, withCounts ? [firsts, places] : [firsts])
  const number = groupNumbers(starts)
  const groupOf = order ? build.scatter(build.full([count], 0, 'int32'), 0, order, number) : number
  return {
    found: isFlat ? first : build.indexSelect(x, 0, first, 'unique'),
    groupOf: build.cast(groupOf, 'int64'),
    counts: begins && build.cast(build.sub(endsOf(begins, count), begins), 'int64'),
  }
}

/** Where groups end that begin at the given places: the next begins there. */
const endsOf = (begins: Node, count: number): Node =>
  build.concat([build.narrow(begins, 0, 1, begins.shape[0] - 1), build.full([1], count, begins.dtype)])

/** Whether each row differs from the one before it. */
function startsOf(rows: Node): Node {
  const [count, ...shape] = rows.shape
  const [before, own] = [0, 1].map((start) => build.narrow(rows, 0, start, count - 1))
  const differs = build.notEqual(own, before)
  const ofRow = shape.length === 0 ? differs : build.any(build.reshape(differs, [count - 1, sizeOf(shape)]), 1)
  return build.pad(ofRow, [[1, 0]], true)
}

/** Tables are at most this many times as long as what is looked up, unless they are short. */
const widestTable = 2
const shortTable = 4096

/** Groups of whole numbers, if these lie close together. */
async function groupsInRange(session: Session, x: Node, withCounts: boolean): Promise<Groups | undefined> {
  const wide = build.cast(x, 'int64')
  const [least, most] = (await readNumbers(session, [build.amin(wide), build.amax(wide)])) as bigint[]
  const range = most - least + 1n
  if (range > Math.max(shortTable, widestTable * elementsOf(x))) return undefined
  // a power of two: ranges that are nearly alike share programs
  const size = 2 ** Math.ceil(Math.log2(Number(range)))
  const place = build.sub(wide, least)
  const table = sumsByPlace(build.full(x.shape, 1, 'int32'), place, size, 'unique')
  const appears = build.less(0, table)
  const values = build.cast(build.add(build.cast(positionsAlong([size], 0), 'int64'), least), x.dtype)
  const [found, counts] = await picked(session, appears, withCounts ? [values, table] : [values])
  return {
    found,
    groupOf: build.cast(build.gather(groupNumbers(appears), 0, place, 'unique'), 'int64'),
    counts: counts && build.cast(counts, 'int64'),
  }
}

const isMissing = (value: number | bigint): boolean => typeof value === 'number' && Number.isNaN(value)

function compare(a: number | bigint, b: number | bigint): number {
  if (a < b) return -1
  if (a > b) return 1
  return Number(isMissing(a)) - Number(isMissing(b))
}

/** Rows in lexicographic order, which the host finds: it compares no more of two rows than it needs. */
async function orderOfRows(session: Session, x: Node): Promise<Node> {
  const [rows] = x.shape
  const width = elementsOf(x) / rows
  const values: TypedArray = await makeTensor(session, x).data()
  const order = Int32Array.from({ length: rows }, (_, row) => row).sort((a, b) => {
    for (let i = 0; i < width; i++) {
      const difference = compare(values[a * width + i], values[b * width + i])
      if (difference !== 0) return difference
    }
    return a - b
  })
  return tensorOf(storeBytes(session, bytesOfValues(order, 'int32'), [rows], 'int32')).node
}
