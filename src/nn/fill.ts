// What every initialisation ends in: new values for a tensor, in place and outside of gradients.
import { noGrad, type Tensor } from '../tensor/index.ts'

export const filled = (target: Tensor, make: () => Tensor): Tensor => noGrad(() => target.copy_(make()))
