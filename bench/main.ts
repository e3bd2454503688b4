// `npm run bench`: measures the machine first, then the suites asked for, with PyTorch in between where it is installed.
import { closeDevices, device, setDevice } from '../src/index.ts'
import { helpText, type Options, readArguments, type SuiteName } from './arguments.ts'
import { runGemm } from './gemm.ts'
import { floorOf, type Machine, measureMachine } from './machine.ts'
import { openPeers } from './peers.ts'
import { jsonReport, type Report, tableReport } from './report.ts'
import type { Suite } from './suite.ts'
import { runTrain } from './train.ts'

const suites: Readonly<Record<SuiteName, Suite>> = { gemm: runGemm, train: runTrain }

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
  const machine = await measureMachine(device().threads)
  report.note(describe(machine))
  const complaints: string[] = []
  for (const suite of options.suites) {
    const peers = openPeers(suite, options, report.note)
    const floor = (flops: number, bytes: number) => floorOf(machine, flops, bytes)
    complaints.push(...(await suites[suite]({ options, report, peers, floorOf: floor })))
  }
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
