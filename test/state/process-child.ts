// One scenario of process.test.ts. Arguments: scenario, device, path.
import { save } from '../../src/formats/safetensors/index.ts'
import { full, randn, setDevice } from '../../src/index.ts'
import { descend, endStep } from './matrix.ts'

const [scenario, device, path] = process.argv.slice(2)
setDevice(device)
const size = device === 'reference' ? 16 : 256
const w = randn([size, size]).requiresGrad_()

async function train(steps: number): Promise<void> {
  for (let i = 0; i < steps; i++) {
    w.grad = null
    w.matmul(w).mean().backward()
    descend([w], 1e-3)
    await endStep()
    if (i === 20) console.log('training')
  }
}

async function saveForEver(): Promise<void> {
  for (let i = 0; ; i++) {
    await save({ weight: full([2 ** 18], i) }, path)
    if (i === 2) console.log('saving')
  }
}

if (scenario === 'handles') process.on('SIGINT', () => process.exit(7))
if (scenario === 'saves') await saveForEver()
else await train(scenario === 'ends' ? 40 : Number.POSITIVE_INFINITY)
