// Runs kernels as WebAssembly and in the interpreter on the same data, for the code generator's tests.
import assert from 'node:assert/strict'
import type { DType } from '../../base/dtype.ts'
import { type DeviceData, deviceArrays, formatOf, poisoned } from '../../kernel/device-data.ts'
import { interpretKernel } from '../../kernel/interpret.ts'
import type { Expression, Kernel, Param, Statement } from '../../kernel/kernel-node.ts'
import { emitProgram } from './emit-program.ts'
import { type WasmMemory, wasmEngine } from './engine.ts'
import { engineFeatures } from './engine-features.ts'
import { contextAddress, errorRecord, heapStart, threadContext } from './layout.ts'

const engine = wasmEngine!

let nextId = 1
export const fresh = (name: string) => ({ name, id: nextId++ })
export const param = (slot: number, dtype: DType, size: number, access: Param['access'] = 'readwrite'): Param => ({
  op: 'param',
  slot,
  dtype,
  size,
  access,
  name: `p${slot}`,
})
export const kernelOf = (
  params: readonly Param[],
  body: readonly Statement[],
  scratch: Kernel['scratch'] = [],
): Kernel => ({
  name: 'test',
  params,
  scratch,
  body,
})

export const loopOver = (
  kind: 'serial' | 'unroll' | 'parallel' | 'vector',
  extent: Expression | number,
  lanes: number,
  body: (i: Expression) => readonly Statement[],
): Statement => {
  const variable = fresh('i')
  const count: Expression = typeof extent === 'number' ? { op: 'literal', dtype: 'index', value: extent } : extent
  return { op: 'for', variable, extent: count, kind, lanes, body: body({ op: 'index', dtype: 'index', variable }) }
}

export interface RunOptions {
  readonly sizes?: readonly bigint[]
  /** participants that run one after the other; with barriers in the kernel only one can */
  readonly threads?: number
  readonly checked?: boolean
  readonly relaxed?: boolean
}

const pages = 64

/** Runs the code on copies of `data` and gives them back changed. */
export function runForOutcome(kernel: Kernel, data: readonly DeviceData[], options: RunOptions = {}) {
  const memory = new engine.Memory({ initial: pages, maximum: pages })
  const call = { kernel: 0, firstBinding: 0, barrier: false, persistent: false }
  const { bytes, scratchBytes, print } = emitProgram([kernel], [call], {
    memory: { shared: false, initial: pages, maximum: pages },
    checked: options.checked ?? false,
    relaxed: options.relaxed ?? engineFeatures().relaxed,
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

export const runWasm = (kernel: Kernel, data: readonly DeviceData[], options: RunOptions = {}): DeviceData[] =>
  runForOutcome(kernel, data, options).data

export interface Tolerance {
  readonly relative: number
  readonly absolute: number
}

const exact: Tolerance = { relative: 0, absolute: 0 }

/** Asserts that code and interpreter leave the same data; by default the same bits, zeros of either sign and all NaNs alike. */
export function assertSame(
  kernel: Kernel,
  data: readonly DeviceData[],
  options: RunOptions & { tolerance?: Tolerance } = {},
): DeviceData[] {
  const expected = data.map((array) => array.slice() as DeviceData)
  interpretKernel(kernel, expected, options.sizes ?? [], options.threads ?? 1)
  for (const checked of [false, true]) {
    const { data: got, error, print } = runForOutcome(kernel, data, { checked, ...options })
    assert.equal(error, undefined)
    for (const { slot, dtype, name } of kernel.params)
      compareData(
        dtype,
        got[slot],
        expected[slot],
        `${name}${checked ? ' (checked)' : ''}`,
        options.tolerance ?? exact,
        print,
      )
    if (checked) return got
  }
  return expected
}

function compareData(
  dtype: DType,
  got: DeviceData,
  expected: DeviceData,
  name: string,
  tolerance: Tolerance,
  print: () => string,
): void {
  const { load } = formatOf(dtype)
  for (let i = 0; i < expected.length; i++) {
    const [a, b] = [load(got, i), load(expected, i)]
    if (a === b || (Number.isNaN(a) && Number.isNaN(b))) continue
    const difference = Math.abs(Number(a) - Number(b))
    if (difference <= tolerance.absolute + tolerance.relative * Math.abs(Number(b))) continue
    assert.fail(`${name}[${i}]: WebAssembly gives ${a}, the interpreter ${b} (${dtype})\n${print()}`)
  }
}

export function dataOf(dtype: DType, values: readonly (number | bigint)[]): DeviceData {
  const data = new deviceArrays[dtype](values.length)
  const { store } = formatOf(dtype)
  values.forEach((value, i) => {
    store(data, i, dtype === 'int64' ? BigInt(value) : Number(value))
  })
  return data
}

export const empty = (dtype: DType, size: number): DeviceData => poisoned(dtype, size)
