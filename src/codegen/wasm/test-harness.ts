// Runs kernels as WebAssembly, for the code generator's tests.
import assert from 'node:assert/strict'
import type { DeviceData } from '../../kernel/device-data.ts'
import type { Kernel } from '../../kernel/kernel-node.ts'
import type { KernelRun, RunOptions, TestedGenerator } from '../test-generator.ts'
import { emitProgram } from './emit-program.ts'
import { type WasmMemory, wasmEngine } from './engine.ts'
import { engineFeatures } from './engine-features.ts'
import { contextAddress, errorRecord, heapStart, threadContext } from './layout.ts'

const engine = wasmEngine!

const pages = 64

/** Runs the code on copies of `data` and gives them back changed. */
function runKernel(kernel: Kernel, data: readonly DeviceData[], options: RunOptions = {}): KernelRun {
  const memory = new engine.Memory({ initial: pages, maximum: pages })
  const call = { kernel: 0, firstBinding: 0, barrier: false, persistent: false }
  const { bytes, scratchBytes, print } = emitProgram([kernel], [call], {
    memory: { shared: false, initial: pages, maximum: pages },
    checked: options.checked ?? false,
    relaxed: engineFeatures().relaxed,
  })
  if (!engine.validate(bytes)) {
    try {
      new engine.Module(bytes)
    } catch (error) {
      assert.fail(`${(error as Error).message}\n${print()}`)
    }
  }
  const instance = new engine.Instance(new engine.Module(bytes), { env: { memory, mark: () => {} } })
  const run = instance.exports.run as (context: number) => void
  const place = allocator(memory)
  const buffers = data.map((array) => place(new Uint8Array(array.buffer)))
  const table = place(new Uint8Array(Uint32Array.from(buffers).buffer))
  const scratch = place(new Uint8Array(scratchBytes).fill(0xff))
  const threads = options.threads ?? 1
  const view = new DataView(memory.buffer)
  for (let i = 0; i < threads; i++) {
    const context = contextAddress(i)
    view.setUint32(context + threadContext.index, i, true)
    view.setUint32(context + threadContext.count, threads, true)
    view.setUint32(context + threadContext.scratch, scratch, true)
    view.setUint32(context + threadContext.bindings, table, true)
  }
  // the driver passes no sizes: they are read from address 0 on
  options.sizes?.forEach((size, i) => {
    view.setBigInt64(8 * i, size, true)
  })
  for (let i = 0; i < threads; i++) run(contextAddress(i))
  const results = data.map((array, i) => {
    const copy = memory.buffer.slice(buffers[i], buffers[i] + array.byteLength)
    return new (array.constructor as new (b: ArrayBufferLike) => DeviceData)(copy)
  })
  return { data: results, error: readError(view), print }
}

function readError(view: DataView) {
  const at = errorRecord.address
  if (view.getUint32(at + errorRecord.set, true) === 0) return undefined
  return {
    code: view.getInt32(at + errorRecord.code, true),
    position: view.getBigInt64(at + errorRecord.position, true),
    value: view.getBigInt64(at + errorRecord.value, true),
  }
}

function allocator(memory: WasmMemory) {
  let next = heapStart
  return (bytes: Uint8Array): number => {
    const address = next
    new Uint8Array(memory.buffer).set(bytes, address)
    // a gap of other bits, so that what is written outside shows
    next += Math.ceil((bytes.length + 64) / 64) * 64
    return address
  }
}

export const webAssembly: TestedGenerator = {
  codeName: 'WebAssembly',
  // participants run one after the other here; the device's tests run them at once
  threadCounts: [1],
  fusesMultiplyAdd: false,
  float32Errors: { angle: 0.51, pow: 0.51 },
  variants: [{}],
  run: runKernel,
}
