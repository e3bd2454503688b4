// One scenario of process.test.ts. Arguments: scenario, device, path.
import { writeFile } from '../../src/formats/safetensors/index.ts'
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

async function save(): Promise<void> {
  for (let i = 0; ; i++) {
    const weight = full([2 ** 18], i)
    const bytes = new Uint8Array(((await weight.data()) as Float32Array).buffer)
    await writeFile(path, new Map([['weight', { dtype: 'float32', shape: [2 ** 18], bytes }]]))
    if (i === 2) console.log('saving')
  }
}

if (scenario === 'handles') process.on('SIGINT', () => process.exit(7))
if (scenario === 'saves') await save()
else await train(scenario === 'ends' ? 40 : Number.POSITIVE_INFINITY)
