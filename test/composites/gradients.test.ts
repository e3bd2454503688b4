// Gradients of composites against differences in float64, once and twice, where PyTorch's samples do not reach.
import { test } from 'node:test'
import { gradcheck } from '../../src/autograd/gradcheck.ts'
import type { Shape } from '../../src/base/shape.ts'
import { exp, mul, sum } from '../../src/graph/builders.ts'
import * as activations from '../../src/graph/composites/activations.ts'
import { maxWithIndex, minWithIndex } from '../../src/graph/composites/arg-extremum.ts'
import { attentionProbabilities, scaledDotProductAttention } from '../../src/graph/composites/attention.ts'
import { batchNormTraining } from '../../src/graph/composites/batch-norm.ts'
import { conv1d, conv2d, conv3d, convTranspose1d, convTranspose2d } from '../../src/graph/composites/conv.ts'
import { crossEntropy, nllLoss } from '../../src/graph/composites/cross-entropy.ts'
import { cdist } from '../../src/graph/composites/distances.ts'
import { groupNorm, layerNorm, rmsNorm } from '../../src/graph/composites/layer-norm.ts'
import * as losses from '../../src/graph/composites/losses.ts'
import { norm2, std, variance } from '../../src/graph/composites/moments.ts'
import { avgPool2d, maxPool2d } from '../../src/graph/composites/pooling.ts'
import { recurrent } from '../../src/graph/composites/recurrent.ts'
import { cumsum } from '../../src/graph/composites/running.ts'
import { logSoftmax, logsumexp, softmax } from '../../src/graph/composites/softmax.ts'
import { belowDiagonal } from '../../src/graph/composites/triangle.ts'
import { evaluateNodes } from '../../src/graph/evaluate.ts'
import { type HostArray, hostZeros } from '../../src/graph/host-array.ts'
import type { Node } from '../../src/graph/node.ts'
import { verifyGraph } from '../../src/graph/verify.ts'

const evaluate = (nodes: readonly Node[], values: ReadonlyMap<Node, HostArray>): HostArray[] => {
  verifyGraph(nodes)
  return evaluateNodes(nodes, values)
}

/** Distinct values of both signs, none near 0. */
function sample(shape: Shape, seed = 1): HostArray {
  const array = hostZeros('float64', shape)
  for (let i = 0; i < array.data.length; i++) {
    const noise = ((i + 1) * 7919 * (seed + 12) * 104729) % 1009
    array.data[i] = ((i * 5 + seed) % 3 === 0 ? -1 : 1) * (0.2 + noise / 1009 + i * 1e-3)
  }
  return array
}

const indices = (list: readonly number[]): HostArray => {
  const array = hostZeros('int64', [list.length])
  list.forEach((value, i) => {
    array.data[i] = BigInt(value)
  })
  return array
}

type Case = readonly [program: (...inputs: readonly Node[]) => Node | readonly Node[], ...values: HostArray[]]

const [rows, image, targets] = [sample([3, 4]), sample([2, 2, 5, 4]), indices([2, 0, 3])]
const uneven = (x: Node): Node => mul(x, exp(x))
const affine = (weight: Node, bias: Node) => ({ weight, bias })
const convCase = (x: Shape, weight: Shape, options: Parameters<typeof conv2d>[3]): Case => [
  (...inputs) => conv2d(inputs[0], inputs[1], undefined, options),
  sample(x),
  sample(weight, 2),
]

const cases: Readonly<Record<string, Case>> = {
  softmax: [(x) => softmax(x, 0), rows],
  logSoftmax: [(x) => logSoftmax(x, 1), rows],
  logsumexp: [(x) => logsumexp(x, [0, 1]), rows],
  var: [(x) => variance(x, [1]), rows],
  std: [(x) => std(x, [0], 0), rows],
  cdist: [(x, y) => cdist(x, y, 2, 'use_mm_for_euclid_dist'), rows, sample([5, 4], 3)],
  norm2: [(x) => [norm2(x), norm2(x, 1)], rows],
  maxWithIndex: [(x) => maxWithIndex(uneven(x), 1).values, rows],
  minWithIndex: [(x) => minWithIndex(uneven(x), 0).values, rows],
  layerNorm: [(x, w, b) => layerNorm(x, [4], affine(w, b)), rows, sample([4], 2), sample([4], 3)],
  rmsNorm: [(x, w) => rmsNorm(x, [4], w, 1e-3), rows, sample([4], 2)],
  groupNorm: [(x, w, b) => groupNorm(x, 2, affine(w, b)), sample([2, 4, 2]), sample([4], 2), sample([4], 3)],
  batchNorm: [
    (x, w, b) => batchNormTraining(x, affine(w, b)).output,
    sample([2, 3, 2]),
    sample([3], 2),
    sample([3], 3),
  ],
  'batchNorm without parameters': [(x) => batchNormTraining(x).output, sample([4, 3])],
  conv1d: [(x, w, b) => conv1d(x, w, b, { stride: 2, padding: 1 }), sample([2, 2, 5]), sample([3, 2, 3]), sample([3])],
  'conv2d, strides beyond the kernel': convCase([1, 1, 5, 5], [1, 1, 2, 1], { stride: [3, 2] }),
  'conv2d, stride and dilation with a divisor': convCase([1, 1, 6, 7], [1, 1, 2, 2], { stride: [2, 4], dilation: 2 }),
  'conv2d, padding and an uneven end': convCase([1, 2, 4, 5], [2, 2, 3, 2], { stride: [2, 3], padding: [2, 1] }),
  'conv2d, groups': convCase([1, 4, 3, 3], [4, 2, 2, 2], { groups: 2, padding: 1, stride: 2 }),
  'conv2d, padding beyond the kernel': convCase([1, 1, 2, 2], [1, 1, 1, 2], { padding: 3, stride: 2, dilation: 3 }),
  conv3d: [(x, w) => conv3d(x, w, undefined, { stride: [1, 2, 1] }), sample([1, 1, 2, 3, 2]), sample([1, 1, 1, 2, 2])],
  convTranspose1d: [
    (x, w, b) => convTranspose1d(x, w, b, { stride: 2, padding: 1, outputPadding: 1 }),
    sample([1, 2, 3]),
    sample([2, 1, 3]),
    sample([1]),
  ],
  convTranspose2d: [
    (x, w) => convTranspose2d(x, w, undefined, { stride: 2, groups: 2, dilation: 2 }),
    sample([1, 2, 2, 2]),
    sample([2, 1, 2, 1]),
  ],
  'maxPool2d, apart': [(x) => maxPool2d(uneven(x), 2), image],
  'maxPool2d, overlapping': [(x) => maxPool2d(uneven(x), 3, { stride: 2, padding: 1 }), image],
  'maxPool2d, dilated': [(x) => maxPool2d(uneven(x), 2, { stride: 1, dilation: 2, ceilMode: true }), image],
  'avgPool2d, counting elements only': [
    (x) => avgPool2d(uneven(x), 3, { stride: 2, padding: 1, countIncludePad: false, ceilMode: true }),
    image,
  ],
  crossEntropy: [(x, t) => crossEntropy(x, t), rows, targets],
  'crossEntropy of probabilities': [(x, p) => crossEntropy(x, p), rows, sample([3, 4], 4)],
  nllLoss: [(x, t) => nllLoss(uneven(x), t, { ignoreIndex: 0 }), rows, targets],
  'crossEntropy, smoothed': [(x, t) => crossEntropy(x, t, { labelSmoothing: 0.2, reduction: 'none' }), rows, targets],
  smoothL1Loss: [(x, y) => losses.smoothL1Loss(uneven(x), y, 'none', 0.5), rows, sample([3, 4], 5)],
  huberLoss: [(x, y) => losses.huberLoss(uneven(x), y, 'sum', 0.4), rows, sample([3, 4], 5)],
  'binaryCrossEntropyWithLogits, all inputs': [
    (x, y, w, p) => losses.binaryCrossEntropyWithLogits(x, y, { weight: w, posWeight: p }),
    rows,
    sample([3, 4], 5),
    sample([4], 6),
    sample([4], 7),
  ],
  attention: [
    (q, k, v) => scaledDotProductAttention(q, k, v, { isCausal: true }),
    sample([2, 3, 2]),
    sample([2, 3, 2], 2),
    sample([2, 3, 1], 3),
  ],
  'attention with masks': [
    (q, k, v, m) => [
      scaledDotProductAttention(q, k, v, { mask: m }),
      scaledDotProductAttention(q, k, v, { mask: belowDiagonal([2, 3]) }),
    ],
    sample([2, 2]),
    sample([3, 2], 2),
    sample([3, 1], 3),
    sample([3], 4),
  ],
  attentionProbabilities: [(q, k) => uneven(attentionProbabilities(q, k)), sample([2, 2]), sample([3, 2], 2)],
  cumsum: [(x) => cumsum(uneven(x), 1), sample([2, 5])],
  gelu: [(x) => activations.gelu(x), rows],
  silu: [activations.silu, rows],
  elu: [(x) => activations.elu(x), rows],
  selu: [activations.selu, rows],
  leakyRelu: [(x) => activations.leakyRelu(x), rows],
  softplus: [(x) => activations.softplus(x), rows],
  logSigmoid: [activations.logSigmoid, rows],
  hardtanh: [(x) => activations.hardtanh(x), rows],
  relu6: [activations.relu6, rows],
  hardsigmoid: [activations.hardsigmoid, rows],
  hardswish: [activations.hardswish, rows],
  mish: [activations.mish, rows],
  softsign: [activations.softsign, rows],
  'gelu by tanh': [(x) => activations.gelu(x, 'tanh'), rows],
  lstm: [
    (x, h, c, ih, hh, bias) => {
      const layer = { weightIh: ih, weightHh: hh, biasIh: bias }
      const { output, states } = recurrent('lstm', x, [h, c], [layer, layer], { bidirectional: true })
      return [output, states[0], sum(uneven(states[1]))]
    },
    sample([3, 1, 2]),
    sample([2, 1, 2], 2),
    sample([2, 1, 2], 3),
    sample([8, 2], 4),
    sample([8, 2], 5),
    sample([8], 6),
  ],
  gru: [
    (x, h, ih, hh, first, second) => {
      const layer = { weightIh: ih, weightHh: hh, biasIh: first, biasHh: second }
      const { output, states } = recurrent('gru', x, [h], [layer, layer])
      return [output, sum(uneven(states[0]))]
    },
    sample([3, 1, 2]),
    sample([2, 1, 2], 2),
    sample([6, 2], 3),
    sample([6, 2], 4),
    sample([6], 5),
    sample([6], 6),
  ],
  rnnTanh: [
    (x, h, ih, hh, bias) => {
      const { output, states } = recurrent('rnnTanh', x, [h], [{ weightIh: ih, weightHh: hh, biasHh: bias }])
      return [output, sum(uneven(states[0]))]
    },
    sample([3, 2, 2]),
    sample([1, 2, 2], 2),
    sample([2, 2], 3),
    sample([2, 2], 4),
    sample([2], 5),
  ],
}

for (const [name, [program, ...values]] of Object.entries(cases))
  test(`gradient of ${name}`, () => {
    gradcheck(program, values, evaluate, { secondOrder: name !== 'lstm' && name !== 'gru' })
  })
