// MNIST and Fashion-MNIST: 60,000 images for training and 10,000 for testing, 28x28 grey, ten classes.
// http://yann.lecun.com/exdb/mnist/, https://github.com/zalandoresearch/fashion-mnist (MIT)
import { FormatError } from '../base/errors.ts'
import { type IdxArray, parseIdx } from './idx.ts'
import { ImageDataset } from './image-dataset.ts'
import { type DataSource, type LocateOptions, readData } from './locate.ts'

export interface ImageSplits {
  readonly train: ImageDataset
  readonly test: ImageDataset
  /** names of the classes, by label */
  readonly classes: readonly string[]
}

interface Family extends DataSource {
  readonly classes: readonly string[]
  /** SHA-256 of the contents */
  readonly hashes: Readonly<Record<'trainImages' | 'trainLabels' | 'testImages' | 'testLabels', string>>
}

const mnistFamily: Family = {
  name: 'mnist',
  aliases: ['MNIST/raw'],
  mirrors: ['https://ossci-datasets.s3.amazonaws.com/mnist', 'https://storage.googleapis.com/cvdf-datasets/mnist'],
  classes: Array.from({ length: 10 }, (_, digit) => String(digit)),
  hashes: {
    trainImages: 'ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db',
    trainLabels: '65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5',
    testImages: '0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7',
    testLabels: 'ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2',
  },
}

const fashionFamily: Family = {
  name: 'fashion-mnist',
  aliases: ['FashionMNIST/raw'],
  mirrors: ['http://fashion-mnist.s3-website.eu-central-1.amazonaws.com'],
  classes: [
    ...['T-shirt/top', 'Trouser', 'Pullover', 'Dress', 'Coat'],
    ...['Sandal', 'Shirt', 'Sneaker', 'Bag', 'Ankle boot'],
  ],
  hashes: {
    trainImages: 'c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888',
    trainLabels: 'bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9',
    testImages: '5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b',
    testLabels: '0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34',
  },
}

/** Handwritten digits. @throws DataError when the files are in none of the places and cannot be downloaded */
export const mnist = (options?: LocateOptions): Promise<ImageSplits> => open(mnistFamily, options)

/** Articles of clothing. @throws DataError when the files are in none of the places and cannot be downloaded */
export const fashionMnist = (options?: LocateOptions): Promise<ImageSplits> => open(fashionFamily, options)

async function open(family: Family, options: LocateOptions = {}): Promise<ImageSplits> {
  const { trainImages, trainLabels, testImages, testLabels } = family.hashes
  const read = async (name: string, sha256: string) => parseIdx(await readData(family, { name, sha256 }, options), name)
  // one after the other: a bar for each file
  const train = toDataset(
    await read('train-images-idx3-ubyte.gz', trainImages),
    await read('train-labels-idx1-ubyte.gz', trainLabels),
  )
  const test = toDataset(
    await read('t10k-images-idx3-ubyte.gz', testImages),
    await read('t10k-labels-idx1-ubyte.gz', testLabels),
  )
  return { train, test, classes: family.classes }
}

function toDataset(images: IdxArray, labels: IdxArray): ImageDataset {
  const [count, height, width] = images.shape
  const isRight = images.values instanceof Uint8Array && images.shape.length === 3 && labels.shape.length === 1
  if (!isRight || !(labels.values instanceof Uint8Array) || labels.shape[0] !== count)
    throw new FormatError(
      `mnist: expected byte images [count, height, width] and as many labels, got [${images.shape.join(', ')}] and [${labels.shape.join(', ')}].`,
    )
  return new ImageDataset(images.values as Uint8Array, labels.values, [height, width])
}
