// Peer only: no part of the package. jax-js on its wasm backend: products, and training steps of the MLPs as one jitted function.
import { mlps, startOf } from './mlp-cases.mjs'
import { serve } from './sampling.mjs'

let jax

async function open() {
  jax = await import('@jax-js/jax')
  await jax.init('wasm')
  jax.defaultDevice('wasm')
  return 'jax-js 0.1.25, wasm'
}

const arrayOf = (values, shape, dtype = 'float32') => jax.numpy.array(values, { shape, dtype })

async function gemm({ n, transposeA, transposeB }) {
  const { numpy: np, random } = jax
  const [a, b] = [1, 2].map((seed) => random.normal(random.key(seed), [n, n]))
  const multiply = jax.jit((x, y) => np.matmul(transposeA ? x.transpose() : x, transposeB ? y.transpose() : y))
  return async () => {
    const product = await multiply(a.ref, b.ref).blockUntilReady()
    product.dispose()
  }
}

/** Mean cross-entropy of layers with ReLU between them. */
function lossOf(params, images, targets) {
  const { numpy: np, nn } = jax
  const last = params.length - 1
  const logits = params.reduce((x, [weight, bias], i) => {
    const y = np.matmul(x, weight).add(bias)
    return i < last ? nn.relu(y) : y
  }, images)
  return nn
    .logSoftmax(logits)
    .mul(targets)
    .sum()
    .mul(-1 / targets.shape[0])
}

/** New parameters and moments from old ones and gradients. Every use of an array but the last takes a reference. */
const updates = {
  sgd: (rate) => (param, gradient, moments) => [param.sub(gradient.mul(rate)), moments],
  adam:
    (rate) =>
    (param, gradient, [first, second, step]) => {
      const { numpy: np } = jax
      const m = first.mul(0.9).add(gradient.ref.mul(0.1))
      const v = second.mul(0.999).add(np.square(gradient).mul(0.001))
      const next = step.add(1)
      const correct = (beta, moment) => moment.div(np.power(beta, next.ref).mul(-1).add(1))
      const direction = correct(0.9, m.ref).div(np.sqrt(correct(0.999, v.ref)).add(1e-8))
      return [param.sub(direction.mul(rate)), [m, v, next]]
    },
}

async function train(work) {
  const recipe = mlps[work.case]
  if (!recipe) return undefined
  const { numpy: np, nn, tree } = jax
  const { layers, images, labels } = startOf(recipe)
  let params = layers.map(({ shape, weight, bias }) => [arrayOf(weight, shape), arrayOf(bias, [shape[1]])])
  const zeros = (shape) => [np.zeros(shape), np.zeros(shape), np.zeros([])]
  let moments = params.map((pair) => pair.map((param) => (recipe.optimizer === 'adam' ? zeros(param.shape) : [])))
  const x = arrayOf(images, [recipe.batch, recipe.widths[0]])
  const y = nn.oneHot(arrayOf(labels, [recipe.batch], 'int32'), 10)
  const update = updates[recipe.optimizer](recipe.rate)
  const step = jax.jit((before, momentsBefore, batch, targets) => {
    const [loss, gradients] = jax.valueAndGrad(lossOf)(tree.ref(before), batch, targets)
    const pairs = before.map((pair, i) => pair.map((param, j) => update(param, gradients[i][j], momentsBefore[i][j])))
    return [loss, pairs.map((pair) => pair.map(([param]) => param)), pairs.map((pair) => pair.map(([, kept]) => kept))]
  })
  return async () => {
    const [loss, nextParams, nextMoments] = step(params, moments, x.ref, y.ref)
    params = nextParams
    moments = nextMoments
    await jax.blockUntilReady(tree.ref(params))
    loss.dispose()
  }
}

const suites = { gemm, train }
await serve(open, (suite, work) => suites[suite]?.(work))
