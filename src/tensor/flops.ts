// Counts the flops between tensors without computing anything.
import { countFlops } from '../graph/flops.ts'
import type { Tensor } from './tensor.ts'

/**
 * Floating point operations that `outputs` take from `inputs`: two for each multiply-add of matrix products, convolutions and attention,
 * as torch.utils.flop_counter counts them.
 */
export const flopsOf = (outputs: readonly Tensor[], inputs: readonly Tensor[] = []): number =>
  countFlops(
    outputs.map(({ node }) => node),
    inputs.map(({ node }) => node),
  )
