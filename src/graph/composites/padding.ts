// Padding by what is there: mirrored, repeated from the edge, or wrapped around; each side is a piece of the tensor, joined on.
// https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.pad.html
import { ArgumentError, ShapeError } from '../../base/errors.ts'
import { formatShape } from '../../base/shape.ts'
import { broadcastTo, concat, flip, narrow } from '../builders.ts'
import type { Node } from '../node.ts'
import type { Amounts } from './sliding-windows.ts'

export type PadMode = 'constant' | 'reflect' | 'replicate' | 'circular'

/** What lies `amount` elements beyond an edge of the axis. */
type Side = (x: Node, axis: number, amount: number) => Node

const edge = (x: Node, axis: number, position: number, amount: number): Node =>
  broadcastTo(
    narrow(x, axis, position, 1),
    x.shape.map((extent, i) => (i === axis ? amount : extent)),
  )

const sides: Readonly<Record<Exclude<PadMode, 'constant'>, readonly [before: Side, after: Side]>> = {
  reflect: [
    (x, axis, amount) => flip(narrow(x, axis, 1, amount), [axis]),
    (x, axis, amount) => flip(narrow(x, axis, x.shape[axis] - 1 - amount, amount), [axis]),
  ],
  replicate: [
    (x, axis, amount) => edge(x, axis, 0, amount),
    (x, axis, amount) => edge(x, axis, x.shape[axis] - 1, amount),
  ],
  circular: [
    (x, axis, amount) => narrow(x, axis, x.shape[axis] - amount, amount),
    (x, axis, amount) => narrow(x, axis, 0, amount),
  ],
}

function expectRoom(x: Node, axis: number, [before, after]: Amounts, mode: Exclude<PadMode, 'constant'>): void {
  const extent = x.shape[axis]
  const most = { reflect: extent - 1, replicate: extent > 0 ? Number.POSITIVE_INFINITY : -1, circular: extent }[mode]
  if (Math.max(before, after) > most)
    throw new ShapeError(
      `pad: expected at most ${Math.max(most, 0)} elements on a side of axis ${axis} with mode '${mode}', got ${before} and ${after} ` +
        `for ${formatShape(x.shape)}.`,
      { op: 'pad', mode, axis, shape: x.shape },
    )
  if (extent + before + after < (mode === 'circular' ? 0 : 1))
    throw new ShapeError(
      `pad: expected something to be left of axis ${axis} of ${formatShape(x.shape)}, got amounts ${before} and ${after}.`,
      { op: 'pad', mode, axis, shape: x.shape },
    )
}

function padAxis(given: Node, axis: number, amounts: Amounts, mode: Exclude<PadMode, 'constant'>): Node {
  expectRoom(given, axis, amounts, mode)
  const [cutBefore, cutAfter] = amounts.map((amount) => Math.max(-amount, 0))
  const cut = (x: Node): Node => narrow(x, axis, cutBefore, x.shape[axis] - cutBefore - cutAfter)
  // what is wrapped around is what the cut left; the other modes look at the whole axis
  const x = mode === 'circular' ? cut(given) : given
  const [before, after] = amounts
  const [ahead, behind] = sides[mode]
  const parts = [...(before > 0 ? [ahead(x, axis, before)] : []), x, ...(after > 0 ? [behind(x, axis, after)] : [])]
  const joined = concat(parts, axis)
  return mode === 'circular' ? joined : cut(joined)
}

/** Pads the last axes, one pair of amounts each from the last on; the axes before them are batch and channels. */
export function padBy(x: Node, pairs: readonly Amounts[], mode: Exclude<PadMode, 'constant'>): Node {
  if (sides[mode] === undefined)
    throw new ArgumentError(
      `pad: expected mode 'constant', 'reflect', 'replicate' or 'circular', got '${String(mode)}'.`,
      { op: 'pad', mode },
    )
  const rank = x.shape.length
  const leading = rank - pairs.length
  if (
    pairs.length < 1 ||
    pairs.length > 3 ||
    leading < 1 ||
    leading > 2 ||
    x.shape.slice(-pairs.length - (leading > 1 ? 1 : 0)).includes(0)
  )
    throw new ShapeError(
      `pad: expected one or two axes before those that mode '${mode}' pads (1 to 3, none of them empty), got ${formatShape(x.shape)} ` +
        `and ${pairs.length} pairs.`,
      { op: 'pad', mode, shape: x.shape },
    )
  return pairs.reduce((node, amounts, i) => padAxis(node, rank - 1 - i, amounts, mode), x)
}
