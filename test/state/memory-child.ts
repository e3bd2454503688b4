// One scenario of memory.test.ts: prints resident bytes early and late in the run. Arguments: scenario, device, steps.
import { currentSession, fromHost, manualSeed, setDevice, type Tensor } from '../../src/index.ts'
import { nn, optim } from './modules.ts'

const [scenario, device, count] = process.argv.slice(2)
setDevice(device)
manualSeed(1)

class Net extends nn.Module {
  first = new nn.Linear(16, 32)
  second = new nn.Linear(32, 4)
  forward(x: Tensor): Tensor {
    return this.second(this.first(x).relu())
  }
}

const model = new Net()
const optimizer = new optim.Adam(model.parameters(), { lr: 1e-3 })
const host = Float32Array.from({ length: 8 * 16 }, (_, i) => Math.sin(i))
const batch = (): Tensor => fromHost(host, [8, 16])

async function trainingStep(): Promise<void> {
  const loss = model(batch()).square().mean()
  optimizer.zeroGrad()
  loss.backward()
  await optimizer.step()
}

const input = batch()

/** Scaled, summed, and dropped. */
async function unread(step: number): Promise<void> {
  model(input).mul(step).sum()
  if (step % 100 === 0) await currentSession().step()
}

/** The highest of several readings: one alone may fall just after a collection. */
class Peak {
  bytes = 0
  note(): void {
    this.bytes = Math.max(this.bytes, process.memoryUsage.rss())
  }
}

const steps = Number(count)
const [early, late] = [new Peak(), new Peak()]
for (let i = 0; i < steps; i++) {
  await (scenario === 'steps' ? trainingStep() : unread(i))
  if (i >= 200 && i < steps / 2 && i % 20 === 0) early.note()
  if (i >= steps / 2 && i % 20 === 0) late.note()
}
console.log(JSON.stringify([early.bytes, late.bytes]))
