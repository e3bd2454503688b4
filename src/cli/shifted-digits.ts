// Digits that half of the time are moved by at most one pixel: the test digits are by other writers, who place them differently.
import type { Dataset } from '../data/dataset.ts'
import type { DigitsDataset } from '../data/digits.ts'
import { seededRandom } from '../data/random.ts'
import { fromHost, type Tensor } from '../tensor/index.ts'

const side = 8

export class ShiftedDigits implements Dataset<[Tensor, Tensor]> {
  readonly length: number
  readonly #images: Float32Array
  readonly #labels: BigInt64Array
  readonly #random: () => number

  private constructor(images: Float32Array, labels: BigInt64Array, seed: number) {
    this.length = labels.length
    this.#images = images
    this.#labels = labels
    this.#random = seededRandom(seed)
  }

  static async of({ tensors: [images, labels] }: DigitsDataset, seed: number): Promise<ShiftedDigits> {
    return new ShiftedDigits((await images.data()) as Float32Array, (await labels.data()) as BigInt64Array, seed)
  }

  async get(index: number): Promise<[Tensor, Tensor]> {
    const [image, label] = await this.getBatch([index])
    return [image.reshape([1, side, side]), label.reshape([])]
  }

  async getBatch(indices: ArrayLike<number>): Promise<[Tensor, Tensor]> {
    const images = new Float32Array(indices.length * side * side)
    const labels = new BigInt64Array(indices.length)
    for (let i = 0; i < indices.length; i++) {
      labels[i] = this.#labels[indices[i]]
      this.#shift(indices[i], images.subarray(i * side * side, (i + 1) * side * side))
    }
    return [fromHost(images, [indices.length, 1, side, side]), fromHost(labels, [indices.length])]
  }

  /** Writes image `index` into `target`, perhaps moved; what comes in from outside is black. */
  #shift(index: number, target: Float32Array): void {
    const moves = this.#random() < 0.5
    const offset = () => (moves ? Math.floor(this.#random() * 3) - 1 : 0)
    const [down, right] = [offset(), offset()]
    const source = this.#images.subarray(index * side * side, (index + 1) * side * side)
    for (let y = 0; y < side; y++)
      for (let x = 0; x < side; x++) {
        const [fromY, fromX] = [y - down, x - right]
        const isInside = fromY >= 0 && fromY < side && fromX >= 0 && fromX < side
        target[y * side + x] = isInside ? source[fromY * side + fromX] : 0
      }
  }
}
