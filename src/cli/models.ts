// The networks of the main job, for each data set, with the numbers they train well with.
import * as nn from '../nn/index.ts'
import type { Tensor } from '../tensor/index.ts'
import type { DatasetName, ModelName } from './arguments.ts'

/** Two convolutions and two linear layers: images [batch, 1, 8, 8] to logits [batch, 10]. */
export class DigitsCNN extends nn.Module {
  features = new nn.Sequential(
    new nn.Conv2d(1, 32, 3, { padding: 1 }),
    new nn.BatchNorm2d(32),
    new nn.ReLU(),
    new nn.Conv2d(32, 64, 3, { padding: 1 }),
    new nn.BatchNorm2d(64),
    new nn.ReLU(),
    new nn.MaxPool2d(2),
    new nn.Flatten(),
  )
  head = new nn.Sequential(new nn.Linear(64 * 4 * 4, 128), new nn.ReLU(), new nn.Dropout(0.3), new nn.Linear(128, 10))

  forward(images: Tensor): Tensor {
    return this.head(this.features(images))
  }
}

/** The same for images [batch, 1, 28, 28], which leave room for a pool after each convolution. */
export class ImageCNN extends nn.Module {
  features = new nn.Sequential(
    new nn.Conv2d(1, 32, 3, { padding: 1 }),
    new nn.BatchNorm2d(32),
    new nn.ReLU(),
    new nn.MaxPool2d(2),
    new nn.Conv2d(32, 64, 3, { padding: 1 }),
    new nn.BatchNorm2d(64),
    new nn.ReLU(),
    new nn.MaxPool2d(2),
    new nn.Flatten(),
  )
  head = new nn.Sequential(new nn.Linear(64 * 7 * 7, 128), new nn.ReLU(), new nn.Dropout(0.3), new nn.Linear(128, 10))

  forward(images: Tensor): Tensor {
    return this.head(this.features(images))
  }
}

/** One hidden layer over images of `pixels` pixels. */
export class ImageMLP extends nn.Module {
  layers: nn.Sequential

  constructor(pixels: number) {
    super()
    const hidden = [new nn.Linear(pixels, 512), new nn.BatchNorm1d(512), new nn.ReLU(), new nn.Dropout(0.3)]
    this.layers = new nn.Sequential(new nn.Flatten(), ...hidden, new nn.Linear(512, 10))
  }

  forward(images: Tensor): Tensor {
    return this.layers(images)
  }
}

export interface Recipe {
  readonly create: () => nn.Module & ((images: Tensor) => Tensor)
  readonly epochs: number
  readonly lr: number
  readonly weightDecay: number
}

const forSmallDigits: Record<ModelName, Recipe> = {
  cnn: { create: () => new DigitsCNN(), epochs: 20, lr: 3e-3, weightDecay: 0.05 },
  mlp: { create: () => new ImageMLP(8 * 8), epochs: 60, lr: 3e-3, weightDecay: 0.01 },
}
const forImages: Record<ModelName, Recipe> = {
  cnn: { create: () => new ImageCNN(), epochs: 3, lr: 3e-3, weightDecay: 0.05 },
  mlp: { create: () => new ImageMLP(28 * 28), epochs: 3, lr: 3e-3, weightDecay: 0.01 },
}

export const recipes: Record<DatasetName, Record<ModelName, Recipe>> = {
  digits: forSmallDigits,
  mnist: forImages,
  'fashion-mnist': forImages,
}
