// Datasets: samples by index. TensorDataset keeps its values on the host and hands out whole batches, one upload each.
import { ArgumentError, ShapeError } from '../base/errors.ts'
import { formatShape, type Shape, sizeOf } from '../base/shape.ts'
import { fromHost, type Tensor } from '../tensor/index.ts'

/** Samples by index, 0 … length-1. */
export interface Dataset<Sample> {
  readonly length: number
  get(index: number): Sample | Promise<Sample>
  /** the samples of a batch already collated, where that is cheaper than one by one */
  getBatch?(indices: ArrayLike<number>): Promise<unknown>
}

type Values = Awaited<ReturnType<Tensor['data']>>

/** Rows of tensors: sample i is row i of each. */
export class TensorDataset<T extends readonly Tensor[]> implements Dataset<T> {
  readonly tensors: T
  #values: Promise<Values[]> | undefined

  constructor(...tensors: T) {
    if (tensors.length === 0) throw new ArgumentError('TensorDataset: expected at least one tensor, got none.')
    for (const { shape } of tensors)
      if (shape.length === 0 || shape[0] !== tensors[0].shape[0])
        throw new ShapeError(
          `TensorDataset: expected tensors with equally many rows, got ${tensors.map((x) => formatShape(x.shape)).join(' and ')}.`,
        )
    this.tensors = tensors
  }

  get length(): number {
    return this.tensors[0].shape[0]
  }

  async get(index: number): Promise<T> {
    const batch = await this.getBatch([index])
    return batch.map((x) => x.reshape(x.shape.slice(1))) as unknown as T
  }

  /** The rows `indices` of each tensor, as new tensors. */
  async getBatch(indices: ArrayLike<number>): Promise<T> {
    this.#values ??= Promise.all(this.tensors.map((x) => x.data()))
    const values = await this.#values
    return this.tensors.map(({ shape, dtype, device }, i) =>
      fromHost(gatherRows(values[i], shape, indices), [indices.length, ...shape.slice(1)], { dtype, device }),
    ) as unknown as T
  }
}

function gatherRows<V extends Values>(values: V, shape: Shape, indices: ArrayLike<number>): V {
  const size = sizeOf(shape.slice(1))
  const rows = new (values.constructor as new (length: number) => V)(indices.length * size)
  for (let i = 0; i < indices.length; i++) {
    const index = indices[i]
    if (!(index >= 0 && index < shape[0]))
      throw new ArgumentError(`TensorDataset: expected an index from 0 to ${shape[0] - 1}, got ${index}.`, { index })
    rows.set(values.subarray(index * size, (index + 1) * size) as never, i * size)
  }
  return rows
}
