// Labelled grey images, kept as the bytes of their file and turned into floats batch by batch: a quarter of the memory.
import { ArgumentError } from '../base/errors.ts'
import { fromHost, type Tensor } from '../tensor/index.ts'
import type { Dataset } from './dataset.ts'

const brightest = 255
const brightness = Float32Array.from({ length: brightest + 1 }, (_, byte) => byte / brightest)

/** Samples [image, label]: float32 [1, height, width] from 0 to 1, and int64. */
export class ImageDataset implements Dataset<[image: Tensor, label: Tensor]> {
  readonly length: number
  readonly height: number
  readonly width: number
  readonly #pixels: Uint8Array
  readonly #labels: Uint8Array

  /** @param pixels [length, height, width] @param labels [length] */
  constructor(pixels: Uint8Array, labels: Uint8Array, [height, width]: readonly [number, number]) {
    if (pixels.length !== labels.length * height * width)
      throw new ArgumentError(
        `ImageDataset: expected ${labels.length} images of ${height}x${width} for as many labels, got ${pixels.length} pixels.`,
      )
    this.length = labels.length
    this.height = height
    this.width = width
    this.#pixels = pixels
    this.#labels = labels
  }

  async get(index: number): Promise<[Tensor, Tensor]> {
    const [images, labels] = await this.getBatch([index])
    return [images.reshape([1, this.height, this.width]), labels.reshape([])]
  }

  /** Images [batch, 1, height, width] and labels [batch]. */
  async getBatch(indices: ArrayLike<number>): Promise<[Tensor, Tensor]> {
    const size = this.height * this.width
    const images = new Float32Array(indices.length * size)
    const labels = new BigInt64Array(indices.length)
    for (let i = 0; i < indices.length; i++) {
      const index = indices[i]
      if (!(index >= 0 && index < this.length))
        throw new ArgumentError(`ImageDataset: expected an index from 0 to ${this.length - 1}, got ${index}.`)
      labels[i] = BigInt(this.#labels[index])
      for (let pixel = 0; pixel < size; pixel++)
        images[i * size + pixel] = brightness[this.#pixels[index * size + pixel]]
    }
    return [fromHost(images, [indices.length, 1, this.height, this.width]), fromHost(labels, [indices.length])]
  }
}
