// Runs a whole plan on the kernel interpreter: the oracle for schedule, memory plan and barriers, and for code generators.
import { bytesOf, type DType } from '../base/dtype.ts'
import { sizeOf } from '../base/shape.ts'
import type { HostArray } from '../graph/host-array.ts'
import { decodeHost, encodeHost } from '../graph/host-bytes.ts'
import { type DeviceData, deviceArrays } from '../kernel/device-data.ts'
import { interpretKernel } from '../kernel/interpret.ts'
import type { BufferReference, Plan } from './plan.ts'

/** Values of all outputs; leaves that outputs write in place are changed in `leaves`' bytes only here. The arena starts full of NaN. */
export function interpretPlan(plan: Plan, leaves: readonly HostArray[], participants = 1): HostArray[] {
  const { graph } = plan
  const arena = new Uint8Array(plan.arenaBytes).fill(0xff).buffer
  const leafBytes = leaves.map((leaf) => encodeHost(leaf).slice().buffer)
  const outputs = graph.outputs.map(
    ({ node }) => new Uint8Array(sizeOf(node.shape) * bytesOf(node.dtype)).fill(0xff).buffer,
  )
  const constants = plan.constants.slice().buffer
  const bufferOf = (reference: BufferReference): ArrayBufferLike => {
    if (reference.kind === 'leaf') return leafBytes[reference.slot]
    if (reference.kind === 'output') return outputs[reference.index]
    return reference.kind === 'arena' ? arena : constants
  }
  const memoryOf = (reference: BufferReference, dtype: DType, size: number): DeviceData =>
    new deviceArrays[dtype](bufferOf(reference) as ArrayBuffer, reference.offset, size) as DeviceData
  for (const call of plan.calls) {
    const { kernel } = plan.kernels[call.kernel]
    const bindings = call.bindings.map((reference, slot) =>
      memoryOf(reference, kernel.params[slot].dtype, kernel.params[slot].size),
    )
    const failure = interpretKernel(kernel, bindings, [], participants)
    if (failure) throw new Error(`${call.label}: index ${failure.index} at ${failure.position}`)
  }
  return graph.outputs.map(({ node, target }, i) =>
    decodeHost(node.dtype, node.shape, new Uint8Array(target === undefined ? outputs[i] : leafBytes[target])),
  )
}
