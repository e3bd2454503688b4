// The data sets of the main job: what is trained on, augmented where it is small, and what is tested on.
import { type Dataset, digits, fashionMnist, type LocateOptions, mnist } from '../data/index.ts'
import type { Tensor } from '../tensor/index.ts'
import type { DatasetName } from './arguments.ts'
import { ShiftedDigits } from './shifted-digits.ts'

type LabelledImages = Dataset<readonly [images: Tensor, labels: Tensor]>

export interface Splits {
  readonly train: LabelledImages
  readonly test: LabelledImages
}

const opened: Record<DatasetName, (seed: number, options: LocateOptions) => Promise<Splits>> = {
  digits: async (seed) => {
    const { train, test } = await digits()
    return { train: await ShiftedDigits.of(train, seed), test }
  },
  mnist: (_, options) => mnist(options),
  'fashion-mnist': (_, options) => fashionMnist(options),
}

export const openDataset = (name: DatasetName, seed: number, options: LocateOptions): Promise<Splits> =>
  opened[name](seed, options)
