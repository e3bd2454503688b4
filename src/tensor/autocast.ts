// Mixed precision: inside `autocast`, products run in a narrow float and what is sensitive to rounding in float32. Parameters keep
// their dtype, and so do their gradients. https://docs.pytorch.org/docs/stable/amp.html
import { type DType, isFloat } from '../base/dtype.ts'
import { DTypeError } from '../base/errors.ts'
import * as build from '../graph/builders.ts'
import type { Node } from '../graph/node.ts'
import { refusePromise } from './grad-mode.ts'

export interface AutocastOptions {
  /** bfloat16 unless given */
  readonly dtype?: 'bfloat16' | 'float16'
  readonly enabled?: boolean
}

let narrow: DType | undefined

/** The dtype that products run in, or undefined outside `autocast`. */
export const autocastDType = (): DType | undefined => narrow

/** Runs `body` in mixed precision (torch.autocast). `body` must be synchronous: a Promise is refused. */
export function autocast<T>(body: () => T, { dtype = 'bfloat16', enabled = true }: AutocastOptions = {}): T {
  if (dtype !== 'bfloat16' && dtype !== 'float16')
    throw new DTypeError(`autocast: expected dtype to be 'bfloat16' or 'float16', got '${String(dtype)}'.`, { dtype })
  const before = narrow
  narrow = enabled ? dtype : undefined
  try {
    return refusePromise('autocast', body())
  } finally {
    narrow = before
  }
}

const narrowOps = new Set([
  ...['matmul', 'mm', 'bmm', 'mv', 'addmm', 'baddbmm', 'linear', 'scaledDotProductAttention'],
  ...['lstm', 'gru', 'rnnTanh', 'rnnRelu'],
  ...['conv1d', 'conv2d', 'conv3d', 'convTranspose1d', 'convTranspose2d', 'convTranspose3d'],
])
const wideOps = new Set([
  ...['batchNorm', 'layerNorm', 'groupNorm', 'instanceNorm', 'rmsNorm', 'cosineSimilarity', 'cdist', 'klDiv'],
  ...['crossEntropy', 'nllLoss', 'binaryCrossEntropy', 'binaryCrossEntropyWithLogits'],
  ...['mseLoss', 'l1Loss', 'smoothL1Loss', 'huberLoss'],
])

/** `node` as an operand of `op`: cast where autocast says so. float64 and what is no float stay as they are. */
export function castOperand(op: string, node: Node): Node {
  if (narrow === undefined || !isFloat(node.dtype) || node.dtype === 'float64') return node
  const wanted = narrowOps.has(op) ? narrow : wideOps.has(op) ? 'float32' : node.dtype
  return wanted === node.dtype ? node : build.cast(node, wanted)
}
