// Methods that copy or convert: dtypes, devices, clones. A conversion that changes nothing gives the tensor itself, as in PyTorch.
import { type DType, dtypes } from '../../base/dtype.ts'
import { ArgumentError, DeviceError, GradientError } from '../../base/errors.ts'
import * as build from '../../graph/builders.ts'
import type { Session } from '../../runtime/session.ts'
import { tensorOf } from '../core.ts'
import { deviceNames, sessionNamed } from '../sessions.ts'
import { storeBytes } from '../store.ts'
import type { Tensor } from '../tensor.ts'
import { LinearTensor } from './linear.ts'

export interface ToOptions {
  readonly dtype?: DType
  readonly device?: string
}

const isDType = (name: string): name is DType => (dtypes as readonly string[]).includes(name)

export abstract class ConversionTensor extends LinearTensor {
  /** This tensor in another dtype, on another device (by name), or like another tensor. */
  to(target: string | Tensor | ToOptions): Tensor {
    const { dtype, device } = typeof target === 'string' ? namedTarget(target) : target
    const converted =
      dtype === undefined || dtype === this.dtype ? this.#self : this.result(build.cast(this.node, dtype))
    return device === undefined || device === this.device ? converted : moved(converted, sessionNamed(device))
  }

  get #self(): Tensor {
    return this as unknown as Tensor
  }

  float(): Tensor {
    return this.to('float32')
  }
  double(): Tensor {
    return this.to('float64')
  }
  half(): Tensor {
    return this.to('float16')
  }
  bfloat16(): Tensor {
    return this.to('bfloat16')
  }
  int(): Tensor {
    return this.to('int32')
  }
  long(): Tensor {
    return this.to('int64')
  }
  bool(): Tensor {
    return this.to('bool')
  }
  typeAs(other: Tensor): Tensor {
    return this.to(other.dtype)
  }

  /** A copy with a storage of its own: later writes to this tensor do not change it. Gradients flow through it. */
  clone(): Tensor {
    const copy = this.result(build.copy(this.node))
    // its value is computed before the storage moves on, even if nobody asks in time
    this.session.keep(copy.node)
    return copy
  }

  /** The tensor itself: there are no layouts to tell apart. */
  contiguous(): Tensor {
    return this.#self
  }

  isContiguous(): boolean {
    return true
  }

  /** Starts computing this tensor (and everything pending) without waiting; later graphs build on the value. */
  realize(): this {
    if (!this.session.isTracing) this.session.submit([this.node])
    return this
  }
}

function namedTarget(name: string): ToOptions {
  if (isDType(name)) return { dtype: name }
  if (deviceNames().includes(name)) return { device: name }
  throw new ArgumentError(
    `to: expected a dtype (${dtypes.join(', ')}) or a device (${deviceNames().join(', ')}), got '${name}'.`,
    { op: 'to', target: name },
  )
}

/** Copies the value over by way of the host; a leaf on the other device. */
function moved(tensor: Tensor, session: Session): Tensor {
  if (tensor.requiresGrad)
    throw new GradientError(
      `to: expected a tensor that does not require grad, got one that does. Gradients do not cross devices: detach() it first.`,
      { from: tensor.device, to: session.device.name },
    )
  const bytes = tensor.session.readNow(tensor.node)
  if (!bytes)
    throw new DeviceError(
      `to: ${tensor.device} cannot be read in place. Copy through the host: fromHost(await x.data(), x.shape, { device: '${session.device.name}' }).`,
      { from: tensor.device, to: session.device.name },
    )
  return tensorOf(storeBytes(session, bytes, tensor.shape, tensor.dtype))
}
