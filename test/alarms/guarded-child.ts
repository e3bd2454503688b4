// Run by guarded.test.ts in a process of its own: `guarded` runs graphs of odd sizes on buffers that end at an unreadable page, so that a
// load or store past the end kills the process; `mappings` uses the library, then prints the mappings that are writable and executable.
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { bytesOf } from '../../src/base/dtype.ts'
import type { Target } from '../../src/compiler/target.ts'
import { nativeTiles } from '../../src/devices/native/native-device.ts'
import { type NativeHost, openNativeHost } from '../../src/devices/native/native-host.ts'
import { NativeProgram } from '../../src/devices/native/native-program.ts'
import { encodeHost } from '../../src/graph/host-bytes.ts'
import { elementsOf } from '../../src/graph/node.ts'
import { closeDevices, nn, optim, randn } from '../../src/index.ts'
import { recipes } from '../fuzz/arbitrary.ts'
import { smallTarget } from '../fuzz/check-graph.ts'
import { buildGraph, formatRandomGraph, type RandomGraph } from '../fuzz/random-graph.ts'
import { steps } from './graphs.ts'

const print = (line: string): boolean => process.stdout.write(`${line}\n`)

function runGuarded(
  host: NativeHost,
  pool: ReturnType<NativeHost['createPool']>,
  random: Pick<RandomGraph, 'graph' | 'values'>,
): void {
  const { graph, values } = random
  const target: Target = { ...smallTarget, threads: pool.threads, tiles: nativeTiles(host.cpu.avx512) }
  const program = new NativeProgram(host, graph, target, { checked: false, features: host.cpu, compile: {} })
  const { memory } = host
  const guarded = (bytes: number): number => memory.allocateGuarded(Math.max(1, bytes))
  const leaves = values.map((value) => {
    const bytes = encodeHost(value)
    const address = guarded(bytes.byteLength)
    memory.write(address, bytes)
    return address
  })
  const outputs = graph.outputs.map(({ node, target: slot }) =>
    slot === undefined ? guarded(elementsOf(node) * bytesOf(node.dtype)) : 0,
  )
  const arena = guarded(program.arenaBytes)
  pool.ensureScratch(program.scratchBytes)
  const addressed = (addresses: readonly number[]) => addresses.map((address) => ({ address }))
  program.bind({ leaves: addressed(leaves), outputs: addressed(outputs), arena })
  pool.runInPlace(program.commands, program.commandCount)
  for (const address of [...leaves, ...outputs, arena]) if (address !== 0) memory.release(address)
  program.release()
}

const programs: Record<string, () => void | Promise<void>> = {
  guarded: () => {
    const { host, refused } = openNativeHost()
    if (!host) throw new Error(refused)
    const pool = host.createPool({ threads: 2 })
    const run = (name: string, random: Pick<RandomGraph, 'graph' | 'values'>): void => {
      // the last line tells which graph the process died of
      print(name)
      runGuarded(host, pool, random)
    }
    for (const [name, makeStep] of Object.entries(steps)) run(name, makeStep())
    const sizes = ['small', 'large'] as const
    for (const size of sizes)
      for (const recipe of fc.sample(recipes(8, size), { numRuns: 60, seed: 5 })) {
        const random = buildGraph(recipe, 20_000)
        run(formatRandomGraph(random), random)
      }
    print('survived')
  },
  mappings: async () => {
    const model = new nn.Sequential(new nn.Linear(20, 30), new nn.ReLU(), new nn.Linear(30, 1))
    const optimizer = new optim.Adam(model.parameters(), { lr: 1e-3 })
    for (let i = 0; i < 3; i++) {
      optimizer.zeroGrad()
      const loss = model(randn([8, 20]))
        .square()
        .mean()
      loss.backward()
      await optimizer.step()
      await loss.item()
    }
    const maps = readFileSync('/proc/self/maps', 'utf8').split('\n')
    const executable = maps.filter((line) => / r-x/.test(line)).length
    print(JSON.stringify({ executable, both: maps.filter((line) => / .wx/.test(line)) }))
    await closeDevices()
  },
}

await programs[process.argv[2]]()
