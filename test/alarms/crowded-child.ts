// Prints the least time of a training step with one thread and with four, in milliseconds, on the device that argv[2] names.
import { closeDevices, device, setDevice } from '../../src/index.ts'
import { prepareTraining, stepOf } from '../models/training-cases.ts'

const [name] = process.argv.slice(2)
const times: number[] = []
for (const threads of [1, 4]) {
  setDevice(name, { threads })
  if (device().threads !== threads) throw new Error(`${name} gave ${device().threads} threads`)
  const step = stepOf(prepareTraining('mlp-784-128-10-b64-sgd'), true)
  let least = Number.POSITIVE_INFINITY
  for (let i = 0; i < 60; i++) {
    const start = performance.now()
    await (await step()).item()
    least = Math.min(least, performance.now() - start)
  }
  times.push(least)
  closeDevices()
}
console.log(JSON.stringify(times))
