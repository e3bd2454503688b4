// Distances, angles, and vectors brought to length 1.
// https://docs.pytorch.org/docs/stable/nn.functional.html#distance-functions
import * as distances from '../../graph/composites/distances.ts'
import type { Tensor } from '../tensor.ts'
import { applied } from './neural.ts'

/**
 * Distances of each row of x1 [..., n, width] to each row of x2 [..., m, width]: [..., n, m]. Euclidean ones of more than 25 rows come from a
 * product, as PyTorch's do, unless `computeMode` says otherwise.
 */
export const cdist = (x1: Tensor, x2: Tensor, p = 2, computeMode?: distances.CdistMode): Tensor =>
  applied('cdist', [x1, x2], (a, b) => distances.cdist(a, b, p, computeMode))

export interface PairwiseOptions {
  readonly p?: number
  /** added to every difference */
  readonly eps?: number
  readonly keepdim?: boolean
}

/** Distance of each row of x1 to the same row of x2. */
export const pairwiseDistance = (
  x1: Tensor,
  x2: Tensor,
  { p = 2, eps = 1e-6, keepdim = false }: PairwiseOptions = {},
): Tensor => applied('pairwiseDistance', [x1, x2], (a, b) => distances.pairwiseDistance(a, b, p, eps, keepdim))

export interface CosineOptions {
  readonly dim?: number
  /** the least length of a vector */
  readonly eps?: number
}

/** Cosine of the angle between vectors along an axis. */
export const cosineSimilarity = (x1: Tensor, x2: Tensor, { dim = 1, eps = 1e-8 }: CosineOptions = {}): Tensor =>
  applied('cosineSimilarity', [x1, x2], (a, b) => distances.cosineSimilarity(a, b, dim, eps))

export interface NormalizeOptions {
  readonly p?: number
  readonly dim?: number | readonly number[]
  /** the least norm that is divided by */
  readonly eps?: number
}

/** x over its norm along axes. */
export const normalize = (x: Tensor, { p = 2, dim = 1, eps = 1e-12 }: NormalizeOptions = {}): Tensor =>
  applied('normalize', [x], (node) => distances.normalize(node, p, dim, eps))
