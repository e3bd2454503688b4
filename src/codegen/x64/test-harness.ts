// Runs kernels as machine code and in the interpreter on the same data, for the code generator's tests.
import assert from 'node:assert/strict'
import { bytesOf, type DType } from '../../base/dtype.ts'
import { openNativeHost } from '../../devices/native/native-host.ts'
import { encodeCommands, type ProgramOutcome } from '../../devices/native/thread-pool.ts'
import { type DeviceData, deviceArrays, formatOf, poisoned } from '../../kernel/device-data.ts'
import { interpretKernel } from '../../kernel/interpret.ts'
import type { Expression, Kernel, Param, Statement } from '../../kernel/kernel-node.ts'
import { allocateRegisters } from '../machine/allocate.ts'
import { verifyAllocation } from '../machine/verify-allocation.ts'
import { allocationTarget } from './emit-code.ts'
import { emitKernel, selectKernel } from './emit-kernel.ts'

const answer = openNativeHost()
export const host = answer.host
export const refusal = answer.refused

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
  /** off: none of its instructions, even where the processor has them */
  readonly avx512?: boolean
  readonly sizes?: readonly bigint[]
  readonly threads?: number
  readonly checked?: boolean
}

/** Runs the machine code on copies of `data` and gives them back changed. */
export function runNative(kernel: Kernel, data: readonly DeviceData[], options: RunOptions = {}): DeviceData[] {
  return runForOutcome(kernel, data, options).data
}

export function runForOutcome(kernel: Kernel, data: readonly DeviceData[], options: RunOptions = {}) {
  const features = { ...host!.cpu, avx512: host!.cpu.avx512 && options.avx512 !== false }
  const emitOptions = { checked: options.checked ?? false, features }
  verifyAllocation(allocateRegisters(selectKernel(kernel, emitOptions).selected, allocationTarget))
  const emitted = emitKernel(kernel, emitOptions)
  const installed = host!.installCode([emitted.code])
  const pool = host!.createPool({ threads: options.threads ?? 1, scratchBytes: Math.max(64, emitted.scratchBytes) })
  const buffers = data.map((array) => copyIn(new Uint8Array(array.buffer)))
  const bindings = copyIn(new Uint8Array(BigUint64Array.from(buffers, BigInt).buffer))
  const sizes = copyIn(new Uint8Array(BigInt64Array.from(options.sizes ?? [0n]).buffer))
  const command = { kernel: installed.addresses[0], bindings, sizes, flags: 0, kernelId: 0 }
  const commands = copyIn(encodeCommands([command]))
  const outcome: ProgramOutcome = pool.runInPlace(commands, 1)
  const results = data.map((array, i) => {
    const bytes = host!.memory.read(buffers[i], array.byteLength)
    return new (array.constructor as new (b: ArrayBuffer) => DeviceData)(bytes.buffer as ArrayBuffer)
  })
  for (const address of [...buffers, bindings, sizes, commands]) host!.memory.release(address)
  pool.closeIdle()
  host!.releaseCode(installed)
  return { data: results, outcome }
}

/** Guarded: a byte read or written behind the block ends the process. */
function copyIn(bytes: Uint8Array): number {
  const address = host!.memory.allocateGuarded(Math.max(bytes.byteLength, 8))
  host!.memory.write(address, bytes)
  return address
}

export interface Tolerance {
  readonly relative: number
  readonly absolute: number
}

/** Asserts that machine code and interpreter leave the same data; by default the same bits, zeros of either sign and all NaNs alike. */
export function assertSame(
  kernel: Kernel,
  data: readonly DeviceData[],
  options: RunOptions & { tolerance?: Tolerance } = {},
): DeviceData[] {
  const expected = data.map((array) => array.slice() as DeviceData)
  interpretKernel(kernel, expected, options.sizes ?? [], options.threads ?? 1)
  const got = runNative(kernel, data, options)
  for (const { slot, dtype, name } of kernel.params)
    compareData(dtype, got[slot], expected[slot], name, options.tolerance ?? { relative: 0, absolute: 0 })
  return got
}

export function compareData(
  dtype: DType,
  got: DeviceData,
  expected: DeviceData,
  name: string,
  tolerance: Tolerance,
): void {
  const { load } = formatOf(dtype)
  for (let i = 0; i < expected.length; i++) {
    const [a, b] = [load(got, i), load(expected, i)]
    if (a === b || (Number.isNaN(a) && Number.isNaN(b))) continue
    const difference = Math.abs(Number(a) - Number(b))
    if (difference <= tolerance.absolute + tolerance.relative * Math.abs(Number(b))) continue
    assert.fail(`${name}[${i}]: machine code gives ${a}, the interpreter ${b} (${dtype})`)
  }
}

/** Data that sits at the end of its own buffer. */
export function dataOf(dtype: DType, values: readonly (number | bigint)[]): DeviceData {
  const data = new deviceArrays[dtype](values.length)
  const { store } = formatOf(dtype)
  values.forEach((value, i) => {
    store(data, i, dtype === 'int64' ? BigInt(value) : Number(value))
  })
  return data
}

export const empty = (dtype: DType, size: number): DeviceData => poisoned(dtype, size)
export const sizeBytes = (dtype: DType, size: number): number => bytesOf(dtype) * size
