// The networks of the main job, for 8x8 digits, with the numbers they train well with.
import * as nn from '../nn/index.ts'
import type { Tensor } from '../tensor/index.ts'
import type { ModelName } from './arguments.ts'

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

export class DigitsMLP extends nn.Module {
  layers = new nn.Sequential(
    new nn.Flatten(),
    new nn.Linear(64, 512),
    new nn.BatchNorm1d(512),
    new nn.ReLU(),
    new nn.Dropout(0.3),
    new nn.Linear(512, 10),
  )

  forward(images: Tensor): Tensor {
    return this.layers(images)
  }
}

export interface Recipe {
  readonly create: () => DigitsCNN | DigitsMLP
  readonly epochs: number
  readonly lr: number
  readonly weightDecay: number
}

export const recipes = {
  cnn: { create: () => new DigitsCNN(), epochs: 20, lr: 3e-3, weightDecay: 0.05 },
  mlp: { create: () => new DigitsMLP(), epochs: 60, lr: 3e-3, weightDecay: 0.01 },
} as const satisfies Record<ModelName, Recipe>
