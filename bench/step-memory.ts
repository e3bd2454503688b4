// A case, how it runs, a device, threads and a number of steps in; out, milliseconds of the steps and the peak of this process's resident
// memory, as one JSON object.
import { readFileSync } from 'node:fs'
import { closeDevices, setDevice } from '../src/index.ts'
import { prepareTraining, stepOf, trainingNames } from '../test/models/training-cases.ts'
import { round } from './timing.ts'

const [wanted, mode, deviceName, threads, steps] = process.argv.slice(2)
const name = trainingNames.find((candidate) => candidate === wanted)
if (!name) throw new Error(`step-memory: expected one of ${trainingNames.join(', ')}, got '${wanted}'.`)

setDevice(deviceName, { threads: Number(threads) })
const step = stepOf(prepareTraining(name), mode === 'compiled')
const times: number[] = []
for (let i = 0; i < Number(steps); i++) {
  const start = performance.now()
  await (await step()).item()
  times.push(round(performance.now() - start))
}
closeDevices()

/** The kernel's own mark of this program: what `resourceUsage` tells includes the parent that started it. */
function peakMiB(): number {
  const [, kibibytes] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? []
  return round(Number(kibibytes ?? process.resourceUsage().maxRSS) / 1024)
}
console.log(JSON.stringify({ times, peakMiB: peakMiB() }))
