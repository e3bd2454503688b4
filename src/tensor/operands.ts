// Checks of tensors given as lists: at least one, all tensors, all on one device; their nodes come out.
import { ArgumentError, DeviceError } from '../base/errors.ts'
import type { Node } from '../graph/node.ts'
import { TensorCore } from './core.ts'
import type { Tensor } from './tensor.ts'

export function sameDevice(op: string, tensors: readonly Tensor[]): Node[] {
  if (tensors.length === 0) throw new ArgumentError(`${op}: expected at least one tensor, got none.`, { op })
  return tensors.map((each) => {
    if (!(each instanceof TensorCore)) throw new ArgumentError(`${op}: expected tensors, got ${typeof each}.`, { op })
    if (each.session !== tensors[0].session)
      throw new DeviceError(`${op}: expected tensors on one device, got ${tensors[0].device} and ${each.device}.`, {
        op,
      })
    return each.node
  })
}
