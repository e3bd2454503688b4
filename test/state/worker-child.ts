// A Worker of process.test.ts: trains one weight towards its seed and posts it.
import { parentPort, workerData } from 'node:worker_threads'
import { closeDevices, setDevice, tensor } from '../../src/index.ts'
import { descend, endStep } from './matrix.ts'

const { device, seed } = workerData as { device: string; seed: number }
setDevice(device)
const w = tensor([0], { dtype: 'float64', requiresGrad: true })
for (let i = 0; i < 50; i++) {
  w.grad = null
  w.sub(seed).square().sum().backward()
  descend([w], 0.1)
  await endStep()
}
const weights = [...((await w.data()) as Float64Array)]
closeDevices()
parentPort!.postMessage(weights)
