// All composites by name: what functions over nodes call besides the builders, and what loads every row of the composite table.
export * from './composites/activations.ts'
export { adaptiveAvgPool2d } from './composites/adaptive-pooling.ts'
export { argmax, argmin, maxWithIndex, minWithIndex } from './composites/arg-extremum.ts'
export { attentionProbabilities, scaledDotProductAttention } from './composites/attention.ts'
export { abs, detach, relu } from './composites/basics.ts'
export { batchNormInference, batchNormTraining } from './composites/batch-norm.ts'
export { conv1d, conv2d, conv3d, convTranspose1d, convTranspose2d } from './composites/conv.ts'
export { crossEntropy, nllLoss } from './composites/cross-entropy.ts'
export { embedding, oneHot } from './composites/embedding.ts'
export { erf } from './composites/error-function.ts'
export { groupNorm, layerNorm, rmsNorm } from './composites/layer-norm.ts'
export { binaryCrossEntropyWithLogits, huberLoss, l1Loss, mseLoss, smoothL1Loss } from './composites/losses.ts'
export { norm2, std, variance } from './composites/moments.ts'
export { avgPool2d, maxPool2d, maxPool2dIndices } from './composites/pooling.ts'
export {
  dropout,
  randomBernoulli,
  randomBits,
  randomIntegers,
  randomNormal,
  randomUniform,
} from './composites/random.ts'
export { recurrent, recurrentCell } from './composites/recurrent.ts'
export { cumsum } from './composites/running.ts'
export { logSoftmax, logsumexp, softmax } from './composites/softmax.ts'
export { expm1, log1p, sigmoid, tanh } from './composites/special.ts'
export { tril, triu } from './composites/triangle.ts'
export { windowGrad } from './composites/window-grad.ts'
