// DataLoader: batches of a dataset in order or in a seeded random one, as an async iterable whose place can be saved and restored.
import { ArgumentError } from '../base/errors.ts'
import { type Collated, collate } from './collate.ts'
import type { Dataset } from './dataset.ts'
import { deriveSeed, permutation } from './random.ts'

export interface DataLoaderOptions<Sample, Batch> {
  readonly batchSize?: number
  /** a new random order each epoch, from `seed` and the epoch's number alone */
  readonly shuffle?: boolean
  readonly seed?: number
  /** leaves out a last batch that is smaller */
  readonly dropLast?: boolean
  readonly collate?: (samples: Sample[]) => Batch
}

/** Where a loader stands: after `batch` batches of epoch `epoch`. */
export interface DataLoaderState {
  readonly epoch: number
  readonly batch: number
  readonly seed: number
}

export class DataLoader<Sample, Batch = Collated<Sample>> implements AsyncIterable<Batch> {
  readonly dataset: Dataset<Sample>
  readonly batchSize: number
  readonly shuffle: boolean
  readonly dropLast: boolean
  readonly #collate: ((samples: Sample[]) => Batch) | undefined
  #seed: number
  #epoch = 0
  #batch = 0
  #resumes = false

  constructor(dataset: Dataset<Sample>, options: DataLoaderOptions<Sample, Batch> = {}) {
    const { batchSize = 1, shuffle = false, seed = 0, dropLast = false } = options
    if (!Number.isInteger(batchSize) || batchSize < 1)
      throw new ArgumentError(`DataLoader: expected a batchSize from 1, got ${batchSize}.`, { batchSize })
    this.dataset = dataset
    this.batchSize = batchSize
    this.shuffle = shuffle
    this.dropLast = dropLast
    this.#collate = options.collate
    this.#seed = seed
  }

  /** Batches in one epoch. */
  get length(): number {
    const batches = this.dataset.length / this.batchSize
    return this.dropLast ? Math.floor(batches) : Math.ceil(batches)
  }

  /** The place to go on from: after the batch handed out last. */
  state(): DataLoaderState {
    return { epoch: this.#epoch, batch: this.#batch, seed: this.#seed }
  }

  /** The next loop over this loader goes on from there. */
  load({ epoch, batch, seed }: DataLoaderState): void {
    for (const [name, value] of Object.entries({ epoch, batch, seed }))
      if (!Number.isInteger(value) || value < 0)
        throw new ArgumentError(`DataLoader: expected ${name} to be a whole number from 0, got ${String(value)}.`)
    const isOver = batch >= this.length
    this.#epoch = isOver ? epoch + 1 : epoch
    this.#batch = isOver ? 0 : batch
    this.#seed = seed
    this.#resumes = true
  }

  /** One epoch; the rest of one after `load`. Leaving a loop early ends its epoch. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Batch, void, undefined> {
    if (!this.#resumes && this.#batch > 0) this.#beginEpoch(this.#epoch + 1)
    this.#resumes = false
    const epoch = this.#epoch
    const order = this.#order(epoch)
    for (let batch = this.#batch; batch < this.length; batch++) {
      const indices = order.subarray(batch * this.batchSize, (batch + 1) * this.batchSize)
      const value = await this.#fetch(indices)
      this.#epoch = epoch
      this.#batch = batch + 1
      yield value
    }
    this.#beginEpoch(epoch + 1)
  }

  #beginEpoch(epoch: number): void {
    this.#epoch = epoch
    this.#batch = 0
  }

  #order(epoch: number): Uint32Array {
    const { length } = this.dataset
    if (this.shuffle) return permutation(length, deriveSeed(this.#seed, epoch))
    return Uint32Array.from({ length }, (_, index) => index)
  }

  async #fetch(indices: Uint32Array): Promise<Batch> {
    if (this.dataset.getBatch && !this.#collate) return (await this.dataset.getBatch(indices)) as Batch
    const samples = await Promise.all(Array.from(indices, (index) => this.dataset.get(index)))
    return (this.#collate ?? (collate as unknown as (samples: Sample[]) => Batch))(samples)
  }
}
