// Methods whose result's shape depends on values: they read the tensor and so give a promise. Positions and groups are found on the
// host; elements are gathered on the device, so that gradients flow.

import { ArgumentError, DTypeError, ShapeError } from '../../base/errors.ts'
import {
  broadcastShapes,
  formatShape,
  normalizeAxis,
  type Shape,
  sameShape,
  sizeOf,
  stridesOf,
} from '../../base/shape.ts'
import * as build from '../../graph/builders.ts'
import type { Node } from '../../graph/node.ts'
import { expectInteger } from '../arguments.ts'
import { makeTensor, tensorOf } from '../core.ts'
import { groupRows, type RowGroups } from '../groups.ts'
import { bytesOfValues, type TypedArray } from '../host-values.ts'
import type { Index } from '../indexing.ts'
import type { ArrayElement } from '../nested-array.ts'
import { storeBytes } from '../store.ts'
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
  /** Values on this tensor's device. */
  #stored(values: ArrayLike<ArrayElement>, shape: Shape, dtype: Tensor['dtype'] = 'int64'): Tensor {
    return tensorOf(storeBytes(this.session, bytesOfValues(values, dtype), shape, dtype))
  }

  #values(node: Node): Promise<TypedArray> {
    return makeTensor(this.session, node).data()
  }

  /** Positions in the flat tensor of elements that are not 0. */
  async #places(node: Node): Promise<number[]> {
    const mask = (await this.#values(build.toBool(node))) as Uint8Array
    const places: number[] = []
    mask.forEach((value, i) => {
      if (value !== 0) places.push(i)
    })
    return places
  }

  /** Positions of the elements that are not 0, one row each; with asTuple one tensor for each axis. */
  nonzero(options?: { readonly asTuple?: false }): Promise<Tensor>
  nonzero(options: { readonly asTuple: true }): Promise<Tensor[]>
  async nonzero({ asTuple = false }: { readonly asTuple?: boolean } = {}): Promise<Tensor | Tensor[]> {
    const shape = asTuple && this.ndim === 0 ? [1] : this.shape
    const places = await this.#places(this.node)
    const strides = stridesOf(shape)
    const along = (axis: number) => (place: number) => Math.floor(place / strides[axis]) % shape[axis]
    if (asTuple) return shape.map((_, axis) => this.#stored(places.map(along(axis)), [places.length]))
    const rows = places.flatMap((place) => shape.map((_, axis) => along(axis)(place)))
    return this.#stored(rows, [places.length, shape.length])
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
    const wide = this.expand(shape).ravel()
    const places = await this.#places(build.broadcastTo(condition, shape))
    return wide.indexSelect(0, this.#stored(places, [places.length]))
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
    const width = sizeOf(rows.shape.slice(1))
    const values = await this.#values(rows.node)
    const groups: RowGroups = groupRows(values, rows.shape[0], width, sorts)
    const firsts = rows.detach().indexSelect(0, this.#stored(groups.firsts, [groups.firsts.length]))
    const found = isFlat ? firsts : this.ndim === 0 ? firsts.reshape([]) : firsts.movedim(0, axis)
    if (!returnInverse && !returnCounts) return found
    const inverse = this.#stored(groups.groupOf, isFlat ? this.shape : [rows.shape[0]])
    const counts = this.#stored(groups.counts, [groups.counts.length])
    return [found, ...(returnInverse ? [inverse] : []), ...(returnCounts ? [counts] : [])]
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
    const [own, factors] = await Promise.all([this.#values(this.node), weights?.data()])
    const bins = Array.from(own, Number)
    const least = bins.reduce((a, b) => Math.min(a, b), 0)
    if (least < 0) throw new ArgumentError(`bincount: expected numbers from 0, got ${least}.`, { op: 'bincount' })
    const size = bins.reduce((a, b) => Math.max(a, b + 1), minlength)
    const dtype = weights ? (weights.dtype === 'float32' ? 'float32' : 'float64') : 'int64'
    const totals = dtype === 'float32' ? new Float32Array(size) : new Float64Array(size)
    bins.forEach((bin, i) => {
      totals[bin] += factors ? Number(factors[i]) : 1
    })
    return this.#stored(totals, [size], dtype)
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
    const counts = Array.from(await repeats.data(), Number)
    if (counts.some((count) => count < 0))
      throw new ArgumentError(`${op}: expected repeats from 0, got ${Math.min(...counts)}.`, { op })
    const places: number[] = []
    for (let i = 0; i < extent; i++)
      for (let k = 0; k < (counts.length === 1 ? counts[0] : counts[i]); k++) places.push(i)
    return x.indexSelect(axis, this.#stored(places, [places.length]))
  }
}
