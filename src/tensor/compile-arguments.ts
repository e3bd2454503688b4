// Arguments of a compiled function: whatever was passed goes in, tensors whose values are in memory under leaves of their own come out.
import { DeviceError, GradientError } from '../base/errors.ts'
import type { Node } from '../graph/node.ts'
import type { Session } from '../runtime/session.ts'
import { Storage } from '../runtime/storage.ts'
import { tensorOf } from './core.ts'
import { currentSession } from './sessions.ts'
import { putTogether, type Skeleton, sameSkeleton, takeApart } from './structure.ts'
import type { Tensor } from './tensor.ts'

export interface Arguments {
  readonly session: Session
  readonly skeleton: Skeleton
  /** as passed by the caller */
  readonly given: readonly Tensor[]
  /** a view comes as a copy of its values, which has a storage of its own */
  readonly tensors: readonly Tensor[]
  readonly storages: readonly Storage[]
}

export function prepareArguments(args: readonly unknown[]): Arguments {
  const { skeleton, tensors: given } = takeApart(args)
  const session = given.length > 0 ? given[0].session : currentSession()
  for (const tensor of given) checkArgument(session, tensor)
  session.submit()
  const tensors = given.map((tensor) =>
    tensor.viewSteps.length === 0 ? tensor : tensorOf(new Storage(session, tensor.node)),
  )
  const storages = tensors.map(({ storage }) => storage)
  settleLeaves(session, storages)
  return { session, skeleton, given, tensors, storages }
}

function checkArgument(session: Session, tensor: Tensor): void {
  if (tensor.session !== session)
    throw new DeviceError(
      `compile: expected arguments on one device, got ${session.device.name} and ${tensor.device}. Move one with to('${session.device.name}').`,
    )
  if (tensor.requiresGrad && !tensor.isLeaf)
    throw new GradientError(
      'compile: expected arguments that are leaves or do not require grad, got the result of a differentiable operation. ' +
        'Compute it inside the compiled function, or detach() it.',
    )
}

/** Computes what is pending of storages that a program is going to read. */
export function settleLeaves(session: Session, storages: Iterable<Storage>): void {
  const pending: Node[] = []
  for (const storage of storages) {
    const leaf = storage.becomeLeaf()
    if (!leaf.isReady && leaf.pending) pending.push(leaf.node)
  }
  if (pending.length > 0) session.submit(pending)
}

export const argumentsFor = ({ skeleton, tensors }: Arguments): unknown[] => putTogether(skeleton, tensors) as unknown[]

/** What a trace holds its arguments to. */
export interface ArgumentPattern {
  readonly skeleton: Skeleton
  readonly types: readonly string[]
}

export const argumentPattern = ({ skeleton, given, storages }: Arguments): ArgumentPattern => ({
  skeleton,
  types: storages.map((storage, i) => typeOf(storage, storages, i) + (given[i].viewSteps.length > 0 ? ' view' : '')),
})

/** Dtype, shape, which parameter it is, and which earlier argument it is the same storage as. */
function typeOf(storage: Storage, storages: readonly Storage[], index: number): string {
  const first = storages.indexOf(storage)
  const parameter = storage.leafTensor ? ` parameter ${storage.id}` : ''
  return `${storage.dtype}[${storage.shape}]${parameter}${first < index ? ` = ${first}` : ''}`
}

export const matchesArguments = (pattern: ArgumentPattern, now: ArgumentPattern): boolean =>
  sameSkeleton(pattern.skeleton, now.skeleton) && pattern.types.every((type, i) => type === now.types[i])
