// Methods whose result's shape depends on values: they read how long it is, and so give a promise. All else happens on the device, and
// gradients flow.

import { ArgumentError, DTypeError, ShapeError } from '../../base/errors.ts'
import { broadcastShapes, formatShape, normalizeAxis, type Shape, sameShape, sizeOf } from '../../base/shape.ts'
import * as build from '../../graph/builders.ts'
import { detach } from '../../graph/composites/basics.ts'
import { positionsAlong } from '../../graph/composites/positions.ts'
import { cumsum } from '../../graph/composites/running.ts'
import { sumsByPlace } from '../../graph/composites/tables.ts'
import type { Node } from '../../graph/node.ts'
import { expectInteger } from '../arguments.ts'
import { makeTensor } from '../core.ts'
import { picked, readNumbers } from '../counted.ts'
import { type Groups, groupRows } from '../groups.ts'
import type { Index } from '../indexing.ts'
import type { Tensor } from '../tensor.ts'
import { InPlaceTensor } from './in-place.ts'

export interface UniqueOptions {
  /** they always come sorted */
  readonly sorted?: boolean
  /** also, for each element, which of the unique ones it is */
  readonly returnInverse?: boolean
  /** also how often each appears */
  readonly returnCounts?: boolean
  /** compares slices along this axis; elements if left out */
  readonly dim?: number | null
}

export type PlainUnique = UniqueOptions & { readonly returnInverse?: false; readonly returnCounts?: false }

export abstract class CountingTensor extends InPlaceTensor {
  /** Positions of the elements that are not 0, one row each; with asTuple one tensor for each axis. */
  nonzero(options?: { readonly asTuple?: false }): Promise<Tensor>
  nonzero(options: { readonly asTuple: true }): Promise<Tensor[]>
  async nonzero({ asTuple = false }: { readonly asTuple?: boolean } = {}): Promise<Tensor | Tensor[]> {
    const shape = asTuple && this.ndim === 0 ? [1] : this.shape
    const mask = build.flatten(build.toBool(this.node))
    if (shape.length === 0) {
      const [count] = await readNumbers(this.session, [build.sum(mask)])
      return makeTensor(this.session, build.full([Number(count), 0], 0, 'int64'))
    }
    const digits = digitsOf(shape)
    const wanted = asTuple ? digits : [build.stack(digits, 1)]
    const found = await picked(this.session, mask, wanted, (node) => build.cast(node, 'int64'))
    const places = found.map((node) => makeTensor(this.session, node))
    return asTuple ? places : places[0]
  }

  argwhere(): Promise<Tensor> {
    return this.nonzero()
  }

  /** The elements where the mask is true, in a row. */
  async maskedSelect(mask: Tensor): Promise<Tensor> {
    const condition = this.nodeOf('maskedSelect', mask)
    if (condition.dtype !== 'bool')
      throw new DTypeError(`maskedSelect: expected a bool mask, got ${condition.dtype}.`, { op: 'maskedSelect' })
    const shape = broadcastShapes('maskedSelect', this.shape, condition.shape)
    const wide = build.flatten(build.broadcastTo(this.node, shape))
    const [values] = await picked(this.session, build.flatten(build.broadcastTo(condition, shape)), [wide])
    return this.result(values)
  }

  /** `index` with boolean masks among the indices: each stands for as many axes as it has, and picks where it is true. */
  async indexMasked(...indices: readonly Index[]): Promise<Tensor> {
    const self = this.clone()
    const known = await Promise.all(
      indices.map(async (index) => {
        const mask = this.maskOf(index)
        return mask === undefined ? [index] : mask.nonzero({ asTuple: true })
      }),
    )
    return self.index(...known.flat())
  }

  /** The elements or slices that appear, in ascending order. */
  unique(options?: PlainUnique): Promise<Tensor>
  unique(options: UniqueOptions): Promise<Tensor | Tensor[]>
  async unique(options: UniqueOptions = {}): Promise<Tensor | Tensor[]> {
    return this.#grouped('unique', options, true)
  }

  /** The same, but only neighbours count as equal, and the order stays. */
  uniqueConsecutive(options?: PlainUnique): Promise<Tensor>
  uniqueConsecutive(options: UniqueOptions): Promise<Tensor | Tensor[]>
  async uniqueConsecutive(options: UniqueOptions = {}): Promise<Tensor | Tensor[]> {
    return this.#grouped('uniqueConsecutive', options, false)
  }

  async #grouped(op: string, options: UniqueOptions, sorts: boolean): Promise<Tensor | Tensor[]> {
    const { returnInverse = false, returnCounts = false, dim } = options
    const isFlat = dim === undefined || dim === null
    const axis = isFlat ? 0 : normalizeAxis(op, dim, this.ndim)
    const rows = isFlat || this.ndim === 0 ? this.reshape(-1) : this.movedim(axis, 0)
    if (!isFlat && rows.shape[0] > 0 && rows.numel() === 0)
      throw new ShapeError(`${op}: expected slices that hold elements, got ${formatShape(this.shape)}.`, { op, dim })
    const { found, groupOf, counts } = await this.#groups(rows, sorts, returnCounts)
    const firsts = makeTensor(this.session, found)
    const shaped = isFlat ? firsts : this.ndim === 0 ? firsts.reshape([]) : firsts.movedim(0, axis)
    if (!returnInverse && !returnCounts) return shaped
    const inverse = makeTensor(this.session, groupOf).reshape(isFlat ? this.shape : [-1])
    return [
      shaped,
      ...(returnInverse ? [inverse] : []),
      ...(returnCounts && counts ? [makeTensor(this.session, counts)] : []),
    ]
  }

  async #groups({ node, shape }: Tensor, sorts: boolean, counts: boolean): Promise<Groups> {
    const none = build.full([0], 0, 'int64')
    if (shape[0] === 0) return { found: detach(node), groupOf: none, counts: none }
    return groupRows(this.session, detach(node), sorts, counts)
  }

  /** How often each whole number from 0 appears, or the sum of the weights of its appearances. */
  async bincount(weights?: Tensor | null, minlength = 0): Promise<Tensor> {
    expectInteger('bincount', 'values', this.dtype)
    if (this.ndim !== 1 || (weights && !sameShape(weights.shape, this.shape)))
      throw new ShapeError(`bincount: expected a vector, and weights of its shape, got ${formatShape(this.shape)}.`, {
        op: 'bincount',
        shape: this.shape,
      })
    if (!Number.isInteger(minlength) || minlength < 0)
      throw new ArgumentError(`bincount: expected a minlength from 0, got ${minlength}.`, { minlength })
    const { node } = this
    const dtype = weights ? (weights.dtype === 'float32' ? 'float32' : 'float64') : 'int64'
    const given = weights ? this.nodeOf('bincount', weights) : build.constant(1, 'int64')
    const added = build.broadcastTo(build.cast(given, dtype), node.shape)
    if (node.shape[0] === 0) return makeTensor(this.session, build.full([minlength], 0, dtype))
    const [least, most] = (await readNumbers(this.session, [build.amin(node), build.amax(node)])).map(Number)
    if (least < 0) throw new ArgumentError(`bincount: expected numbers from 0, got ${least}.`, { op: 'bincount' })
    const places = node.dtype === 'int32' ? node : build.cast(node, 'int64')
    const size = Math.max(minlength, most + 1)
    return makeTensor(this.session, sumsByPlace(added, places, size, 'bincount'))
  }

  /** Each element several times in a row: as often as one number says, or by element (which needs reading, so a promise). */
  repeatInterleave(repeats: number, dim?: number | null): Tensor
  repeatInterleave(repeats: Tensor, dim?: number | null): Promise<Tensor>
  repeatInterleave(repeats: number | Tensor, dim?: number | null): Tensor | Promise<Tensor> {
    return typeof repeats === 'number' ? this.repeatedEach(repeats, dim) : this.#repeatedBy(repeats, dim)
  }

  async #repeatedBy(repeats: Tensor, dim: number | null | undefined): Promise<Tensor> {
    const op = 'repeatInterleave'
    expectInteger(op, 'repeats', repeats.dtype)
    const x = dim === undefined || dim === null || this.ndim === 0 ? this.ravel() : this.clone()
    const axis = normalizeAxis(op, dim ?? 0, x.ndim)
    const extent = x.shape[axis]
    if (repeats.ndim > 1 || (repeats.numel() !== 1 && repeats.numel() !== extent))
      throw new ShapeError(
        `${op}: expected one number of repeats, or ${extent} of them, got ${formatShape(repeats.shape)}.`,
        { op, repeats: repeats.shape },
      )
    const counts = build.broadcastTo(build.cast(build.flatten(this.nodeOf(op, repeats)), 'int64'), [extent])
    if (extent === 0) return x
    const [least, total] = (await readNumbers(this.session, [build.amin(counts), build.sum(counts)])).map(Number)
    if (least < 0) throw new ArgumentError(`${op}: expected repeats from 0, got ${least}.`, { op })
    // each element begins where those before it end: what begins at or before a place says what stands there
    const begins = build.sub(cumsum(counts, 0), counts)
    const marks = build.scatter(build.full([total + 1], 0, 'int32'), 0, begins, build.full([extent], 1, 'int32'), 'sum')
    const places = build.narrow(build.sub(cumsum(marks, 0), 1), 0, 0, total)
    return x.indexSelect(axis, makeTensor(this.session, places))
  }
}

/** Of each element of a shape, in a row, its position along every axis; int32. */
function digitsOf(shape: Shape): Node[] {
  let rest: Node = positionsAlong([sizeOf(shape)], 0)
  return shape.map((_, axis) => {
    const stride = sizeOf(shape.slice(axis + 1))
    const digit = stride === 1 ? rest : build.flatten(positionsAlong([...shape.slice(0, axis + 1), stride], axis))
    rest = build.sub(rest, build.mul(digit, stride))
    return digit
  })
}
