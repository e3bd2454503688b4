// Runs kernels as machine code, for the code generator's tests.
import { openNativeHost } from '../../devices/native/native-host.ts'
import { encodeCommands } from '../../devices/native/thread-pool.ts'
import type { DeviceData } from '../../kernel/device-data.ts'
import type { Kernel } from '../../kernel/kernel-node.ts'
import type { ProgramOutcome } from '../../runtime/queued-device.ts'
import { allocateRegisters } from '../machine/allocate.ts'
import { verifyAllocation } from '../machine/verify-allocation.ts'
import type { KernelRun, RunOptions, TestedGenerator } from '../test-generator.ts'
import { allocationTarget } from './emit-code.ts'
import { emitKernel, selectKernel } from './emit-kernel.ts'

const answer = openNativeHost()
export const host = answer.host
export const refusal = answer.refused

export interface NativeOptions {
  /** off: none of its instructions, even where the processor has them */
  readonly avx512?: boolean
}

function runKernel(kernel: Kernel, data: readonly DeviceData[], options: RunOptions & NativeOptions = {}): KernelRun {
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
  return { data: results, error: outcome.kind === 'raised' ? outcome.error : undefined }
}

/** Guarded: a byte read or written behind the block ends the process. */
function copyIn(bytes: Uint8Array): number {
  const address = host!.memory.allocateGuarded(Math.max(bytes.byteLength, 8))
  host!.memory.write(address, bytes)
  return address
}

export const machineCode: TestedGenerator<NativeOptions> = {
  codeName: 'machine code',
  refusal,
  threadCounts: [1, 2, 3],
  fusesMultiplyAdd: true,
  float32Errors: { angle: 3, pow: 0.75 },
  variants: [{ avx512: true }, { avx512: false }],
  run: runKernel,
}
