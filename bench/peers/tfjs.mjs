// Peer only: no part of the package. TensorFlow.js on its wasm backend: products, and training steps of the MLPs.
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { mlps, startOf } from './mlp-cases.mjs'
import { serve, threads } from './sampling.mjs'

let tf

async function open() {
  // its ES modules name files without their endings, which Node does not find
  const require = createRequire(import.meta.url)
  tf = require('@tensorflow/tfjs')
  const wasm = require('@tensorflow/tfjs-backend-wasm')
  wasm.setWasmPaths(`${join(dirname(require.resolve('@tensorflow/tfjs-backend-wasm')))}/`)
  wasm.setThreadsCount(threads)
  await tf.setBackend('wasm')
  await tf.ready()
  return `TensorFlow.js ${tf.version.tfjs}, ${tf.getBackend()}, ${wasm.getThreadsCount()} threads`
}

async function gemm({ n, transposeA, transposeB }) {
  const [a, b] = [tf.randomNormal([n, n]), tf.randomNormal([n, n])]
  return () => {
    // the wasm backend computes at the call
    tf.matMul(a, b, transposeA, transposeB).dispose()
  }
}

async function train(work) {
  const recipe = mlps[work.case]
  if (!recipe) return undefined
  const { layers, images, labels } = startOf(recipe)
  const params = layers.map(({ shape, weight, bias }) => [
    tf.variable(tf.tensor(weight, shape)),
    tf.variable(tf.tensor(bias, [shape[1]])),
  ])
  const x = tf.tensor(images, [recipe.batch, recipe.widths[0]])
  const y = tf.oneHot(tf.tensor1d(labels, 'int32'), 10)
  const optimizer = tf.train[recipe.optimizer](recipe.rate)
  const loss = () => {
    const last = params.length - 1
    const logits = params.reduce((input, [weight, bias], i) => {
      const output = tf.add(tf.matMul(input, weight), bias)
      return i < last ? tf.relu(output) : output
    }, x)
    return tf.losses.softmaxCrossEntropy(y, logits)
  }
  return () => tf.tidy(() => optimizer.minimize(loss))
}

const suites = { gemm, train }
await serve(open, (suite, work) => suites[suite]?.(work))
