// `npm run bench`: measures the machine first, then the suites asked for, with the peers in between that are installed.
import { closeDevices, device, setDevice } from '../src/index.ts'
import { helpText, type Options, readArguments } from './arguments.ts'
import { compare } from './compare.ts'
import { floorOf, type Machine, measureMachine } from './machine.ts'
import { Peers } from './peers.ts'
import { jsonReport, type Report, tableReport } from './report.ts'
import { suites } from './suites.ts'

function describe(machine: Machine | undefined): string {
  if (!machine) return 'machine: no native code runs here, so there are no floors'
  const copies = machine.copies.map(
    ({ level, footprint, gbs }) => `${gbs} GB/s copying ${Math.round(footprint / 2 ** 10)} KiB (${level}, warm)`,
  )
  const threads = machine.threads === 1 ? 'one thread' : `${machine.threads} threads`
  return `machine, ${threads}: ${machine.gflops} GFLOP/s float32 FMA (256-bit); ${copies.join('; ')}`
}

async function run(options: Options, report: Report): Promise<number> {
  setDevice(options.device, { threads: options.threads })
  const machine = await measureMachine(device().threads, Math.min(1, options.seconds))
  report.note(describe(machine))
  const complaints: string[] = []
  const peers = new Peers(options, report.note)
  const floor = (flops: number, bytes: number) => floorOf(machine, flops, bytes)
  for (const suite of options.suites) {
    const surroundings = { options, report, peers: await peers.of(suite), floorOf: floor }
    complaints.push(...(await compare(suite, suites[suite](options), surroundings)))
  }
  peers.close()
  for (const complaint of complaints) report.note(complaint)
  closeDevices()
  return complaints.length > 0 ? 1 : 0
}

async function main(words: readonly string[]): Promise<number> {
  let options: Options | undefined
  try {
    options = readArguments(words)
  } catch (error) {
    console.error(`${(error as Error).message}\nSee npm run bench -- --help.`)
    return 2
  }
  if (options) return run(options, options.json ? jsonReport : tableReport())
  process.stdout.write(helpText)
  return 0
}

process.exitCode = await main(process.argv.slice(2))
