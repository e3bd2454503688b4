// A case, a device and a number of threads in; out, the milliseconds of the first compiled step of this process: tracing, compiling,
// running, and reading the loss. Importing and making the model and its batch come before.
import { closeDevices, setDevice } from '../src/index.ts'
import { compileTraining, prepareTraining, trainingNames } from '../test/models/training-cases.ts'
import { round } from './timing.ts'

const [wanted, deviceName, threads] = process.argv.slice(2)
const name = trainingNames.find((candidate) => candidate === wanted)
if (!name) throw new Error(`first-step: expected one of ${trainingNames.join(', ')}, got '${wanted}'.`)

setDevice(deviceName, { threads: Number(threads) })
const training = prepareTraining(name)
await training.x.session.synchronize()
const step = compileTraining(training)
const start = performance.now()
await step(training.x, training.y).item()
console.log(round(performance.now() - start))
closeDevices()
