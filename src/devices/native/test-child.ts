// What this folder's tests run in a child process or a Worker: argv[2], or workerData, names the program.

import { readFileSync } from 'node:fs'
import { isMainThread, parentPort, workerData } from 'node:worker_threads'
import { commandFlags } from '../../codegen/x64/calling-convention.ts'
import { openNativeHost } from './native-host.ts'
import { programBuilder } from './test-kernels.ts'

const { host, refused } = openNativeHost()
if (host === undefined) throw new Error(refused)
const { program, table, words } = programBuilder(host)
const print = (line: string) => process.stdout.write(`${line}\n`)
const longBurn = Array.from({ length: 400 }, () => ({ kernel: 'burn' as const, sizes: [100_000_000] }))

const programs: Record<string, () => unknown> = {
  /** Prints the times of a barrier-heavy program with one and with four threads, in ms. */
  crowded: () => {
    const calls = Array.from({ length: 1000 }, () => ({
      kernel: 'burn' as const,
      sizes: [20_000],
      flags: commandFlags.barrier,
    }))
    const { address, count } = program(calls)
    const times = [1, 4].map((threads) => {
      const pool = host.createPool({ threads })
      const runs = Array.from({ length: 3 }, () => {
        const start = performance.now()
        pool.runInPlace(address, count)
        return performance.now() - start
      })
      return Math.min(...runs)
    })
    print(JSON.stringify(times))
  },
  /** Starts a program and lets go: the process must live until it is done, and end by itself then. */
  async: () => {
    const { address, count } = program([{ kernel: 'burn', sizes: [200_000_000] }])
    const start = performance.now()
    void host
      .createPool({ threads: 2 })
      .run(address, count)
      .then(({ kind }) => print(`${kind} ${Math.round(performance.now() - start)}`))
    setImmediate(() => print('loop'))
  },
  /** Runs for minutes unless it is interrupted. */
  long: () => {
    const { address, count } = program(longBurn)
    print('started')
    return host.createPool({ threads: 2 }).run(address, count)
  },
  /** The same under a handler of the user's that ends the process through `exit`. */
  handled: () => {
    process.on('SIGINT', () => process.exit(7))
    return programs.long()
  },
  /** Loads 8 bytes at an offset into a guarded block of 100. */
  guarded: () => {
    const { address, count } = program([
      { kernel: 'load', bindings: [host.memory.allocateGuarded(100)], sizes: [Number(process.argv[3])] },
    ])
    host.createPool({ threads: 1 }).runInPlace(address, count)
    print('survived')
  },
  /** Prints every mapping that is writable and executable, after code and threads have been used. */
  mappings: async () => {
    const { address, count } = program([{ kernel: 'burn', sizes: [1000] }])
    const pool = host.createPool({ threads: 2 })
    pool.runInPlace(address, count)
    await pool.run(address, count)
    const maps = readFileSync('/proc/self/maps', 'utf8').split('\n')
    print(JSON.stringify({ all: maps.length, shared: maps.filter((line) => / rwx/.test(line)) }))
  },
  /** As a Worker: runs a program over and over and reports the participants counted; ends at a message. */
  worker: () => {
    const pool = host.createPool(workerData.threads ? { threads: workerData.threads } : {})
    const [slots, counter] = [host.memory.allocate(8 * 64), table([0])]
    const { address, count } = program([{ kernel: 'count', bindings: [slots, counter] }])
    for (let i = 0; i < 1000; i++) pool.runInPlace(address, count)
    parentPort!.postMessage({ threads: pool.threads, counted: words(counter, 1)[0] })
    parentPort!.once('message', () => {
      if (workerData.busy) void pool.run(program(longBurn).address, longBurn.length)
      setTimeout(() => (workerData.busy ? process.exit(0) : undefined), 50)
    })
  },
}

void programs[isMainThread ? process.argv[2] : workerData.program]()
