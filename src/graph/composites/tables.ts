// Sums by place: many numbers added up in a table of few places. Runs of the numbers have tables of their own, as many as it takes to deal
// them out and never depending on who takes them, and these are added up.
import { add, full, narrow, reduce, reshape, scatter } from '../builders.ts'
import { elementsOf, type Node } from '../node.ts'

const tables = 8
/** Fewer numbers for a table are added to one. */
const shortestRun = 4096

/** For each of `size` places the sum of the numbers, of one axis, that go there. */
export function sumsByPlace(numbers: Node, places: Node, size: number, caller: string): Node {
  const run = Math.floor(elementsOf(numbers) / tables)
  const none = full([size], 0, numbers.dtype)
  if (run < Math.max(shortestRun, size)) return scatter(none, 0, places, numbers, 'sum', caller)
  const runsOf = (x: Node): Node => reshape(narrow(x, 0, 0, tables * run), [tables, run])
  const restOf = (x: Node): Node => narrow(x, 0, tables * run, elementsOf(x) - tables * run)
  const ofRuns = scatter(full([tables, size], 0, numbers.dtype), 1, runsOf(places), runsOf(numbers), 'sum', caller)
  const ofRest = scatter(none, 0, restOf(places), restOf(numbers), 'sum', caller)
  return add(reshape(reduce('sum', ofRuns, [0]), [size]), ofRest)
}
