// Trains, in everyone's loop, on whatever device this process chooses by itself; prints a line of JSON: the device, why others refused, and losses by case.
import { closeDevices, device } from '../../src/index.ts'
import { lossesOf, prepareTraining, stepOf, type TrainingName } from './training-cases.ts'

const [steps, ...names] = process.argv.slice(2)
const losses: Record<string, readonly number[]> = {}
for (const name of names)
  losses[name] = await lossesOf(stepOf(prepareTraining(name as TrainingName), false), Number(steps))
const { name, refused } = device()
console.log(JSON.stringify({ device: name, refused, losses }))
closeDevices()
