// Peer only: no part of the package. onnxruntime-node: products, convolutions and forward passes, as ONNX models written here.
import { models } from './onnx-networks.mjs'
import { serve, threads } from './sampling.mjs'

let ort
let session

const open = async () => {
  ort = (await import('onnxruntime-node')).default
  return `onnxruntime-node ${ort.env.versions.node}`
}

const typedArrays = { float32: Float32Array, int64: BigInt64Array }

async function build(suite, work) {
  const built = models[suite]?.(work)
  if (!built) return undefined
  await session?.release()
  session = await ort.InferenceSession.create(built.model, {
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    graphOptimizationLevel: 'all',
    // an idle pool that spins would take the cores from whoever is measured next
    extra: { session: { force_spinning_stop: '1' } },
  })
  const feeds = Object.fromEntries(
    built.inputs.map(({ name, shape, dtype }) => {
      const count = shape.reduce((product, extent) => product * extent, 1)
      const values = typedArrays[dtype].from(
        { length: count },
        dtype === 'int64' ? () => 1n : () => Math.random() - 0.5,
      )
      return [name, new ort.Tensor(dtype, values, shape)]
    }),
  )
  return () => session.run(feeds)
}

await serve(open, build)
