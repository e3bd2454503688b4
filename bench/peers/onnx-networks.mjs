// Peer only: no part of the package. The models of `torch_cases.py` as ONNX graphs, in evaluation mode; weights are arbitrary.
import { Graph } from './onnx-model.mjs'

const linear = (g, x, inputs, outputs) =>
  g.add('Gemm', [x, g.weight([outputs, inputs]), g.weight([outputs])], { transB: 1 })
/** The same for [batch, time, inputs]. */
const timeLinear = (g, x, inputs, outputs, bias = true) => {
  const product = g.add('MatMul', [x, g.weight([inputs, outputs])])
  return bias ? g.add('Add', [product, g.weight([outputs])]) : product
}

function conv(g, x, inputs, outputs, kernel, stride = 1, bias = false) {
  const padding = kernel >> 1
  const weights = [g.weight([outputs, inputs, kernel, kernel]), ...(bias ? [g.weight([outputs])] : [])]
  return g.add('Conv', [x, ...weights], { pads: [padding, padding, padding, padding], strides: [stride, stride] })
}

function mlp(...widths) {
  return (g, x) =>
    widths.slice(1).reduce((y, width, i) => linear(g, i === 0 ? y : g.add('Relu', [y]), widths[i], width), x)
}

function cnn(g, x) {
  const stage = (y, inputs, outputs) =>
    g.add('MaxPool', [g.add('Relu', [conv(g, y, inputs, outputs, 3, 1, true)])], {
      kernel_shape: [2, 2],
      strides: [2, 2],
    })
  const flat = g.add('Flatten', [stage(stage(x, 1, 32), 32, 64)])
  return mlp(3136, 128, 10)(g, flat)
}

function resnet18(g, x) {
  const norm = (y, width) => {
    const ones = () => g.weight([width], new Float32Array(width).fill(1))
    const zeros = () => g.weight([width], new Float32Array(width))
    return g.add('BatchNormalization', [y, ones(), zeros(), zeros(), ones()], { epsilon: 1e-5 })
  }
  const block = (y, inputs, outputs, stride) => {
    const first = g.add('Relu', [norm(conv(g, y, inputs, outputs, 3, stride), outputs)])
    const second = norm(conv(g, first, outputs, outputs, 3), outputs)
    const isSame = stride === 1 && inputs === outputs
    const shortcut = isSame ? y : norm(conv(g, y, inputs, outputs, 1, stride), outputs)
    return g.add('Relu', [g.add('Add', [second, shortcut])])
  }
  let y = g.add('Relu', [norm(conv(g, x, 3, 64, 3), 64)])
  for (const [inputs, outputs, stride] of [
    [64, 64, 1],
    [64, 128, 2],
    [128, 256, 2],
    [256, 512, 2],
  ])
    y = block(block(y, inputs, outputs, stride), outputs, outputs, 1)
  return linear(g, g.add('Flatten', [g.add('GlobalAveragePool', [y])]), 512, 10)
}

const [batch, time, width, heads] = [12, 64, 128, 4]

function charGpt(g, ids) {
  const integers = (...values) => g.weight([values.length], BigInt64Array.from(values, BigInt))
  const split = integers(batch, time, heads, width / heads)
  const joined = integers(batch, time, width)
  const mask = g.weight(
    [time, time],
    Float32Array.from({ length: time * time }, (_, i) =>
      i % time > Math.floor(i / time) ? Number.NEGATIVE_INFINITY : 0,
    ),
  )
  const norm = (x) =>
    g.add('LayerNormalization', [x, g.weight([width]), g.weight([width])], { axis: -1, epsilon: 1e-5 })
  const headsOf = (x, perm) => g.add('Transpose', [g.add('Reshape', [timeLinear(g, x, width, width), split])], { perm })
  const block = (x) => {
    const y = norm(x)
    const [q, k, v] = [
      [0, 2, 1, 3],
      [0, 2, 3, 1],
      [0, 2, 1, 3],
    ].map((perm) => headsOf(y, perm))
    const scale = g.weight([], Float32Array.of((width / heads) ** -0.5))
    const scores = g.add('Add', [g.add('Mul', [g.add('MatMul', [q, k]), scale]), mask])
    const mixed = g.add('MatMul', [g.add('Softmax', [scores], { axis: -1 }), v])
    const together = g.add('Reshape', [g.add('Transpose', [mixed], { perm: [0, 2, 1, 3] }), joined])
    const attended = g.add('Add', [x, timeLinear(g, together, width, width)])
    const up = g.add('Gelu', [timeLinear(g, norm(attended), width, 4 * width)])
    return g.add('Add', [attended, timeLinear(g, up, 4 * width, width)])
  }
  const tokens = g.add('Gather', [g.weight([65, width]), ids])
  let x = g.add('Add', [tokens, g.weight([time, width])])
  for (let layer = 0; layer < 4; layer++) x = block(x)
  return timeLinear(g, norm(x), width, 65, false)
}

function lstm(g, x) {
  const hidden = 128
  const layer = (y, inputs) =>
    g.addAll(
      'LSTM',
      [y, g.weight([1, 4 * hidden, inputs]), g.weight([1, 4 * hidden, hidden]), g.weight([1, 8 * hidden])],
      { hidden_size: hidden },
      [true, true],
    )
  const [all] = layer(g.add('Transpose', [x], { perm: [1, 0, 2] }), 64)
  const axis = (index) => g.weight([1], BigInt64Array.of(BigInt(index)))
  const [, last] = layer(g.add('Squeeze', [all, axis(1)]), hidden)
  return linear(g, g.add('Squeeze', [last, axis(0)]), hidden, 10)
}

const networks = {
  'mlp-784-128-10-b64-sgd': { shape: [64, 784], build: mlp(784, 128, 10) },
  'mlp-784-512-512-10-b128-adam': { shape: [128, 784], build: mlp(784, 512, 512, 10) },
  'cnn-28-b64-adam': { shape: [64, 1, 28, 28], build: cnn },
  'chargpt-4x128-t64-b12-adamw': { shape: [batch, time], build: charGpt, dtype: 'int64' },
  'lstm-2x128-t50-b32-adam': { shape: [32, 50, 64], build: lstm },
  'resnet18-32-b32-sgdm': { shape: [32, 3, 32, 32], build: resnet18 },
}

function infer(work) {
  const { shape, build, dtype } = networks[work.case]
  const g = new Graph()
  return g.finish(build(g, g.input(shape, dtype)))
}

function gemm({ n, transposeA, transposeB }) {
  const g = new Graph()
  const operands = [g.input([n, n]), g.input([n, n])]
  return g.finish(g.add('Gemm', operands, { transA: Number(transposeA), transB: Number(transposeB) }))
}

function convolution({ x, weight, stride, padding, groups, mode }) {
  if (mode !== 'forward') return undefined
  const g = new Graph()
  const pads = [padding, padding, padding, padding]
  return g.finish(g.add('Conv', [g.input(x), g.weight(weight)], { pads, strides: [stride, stride], group: groups }))
}

/** A suite's work in; its model and inputs out, or undefined where ONNX has no operator for it. */
export const models = { gemm, conv: convolution, infer }
