// Makes tensors: from host values (copied to the device at once) and from shapes (graph, so that they fuse into what uses them).
import { checkDType, type DType, isFloat } from '../base/dtype.ts'
import { ArgumentError, ShapeError } from '../base/errors.ts'
import type { Scalar } from '../base/scalar.ts'
import { checkShape, formatShape, type Shape, sizeOf } from '../base/shape.ts'
import * as build from '../graph/builders.ts'
import type { Node } from '../graph/node.ts'
import type { Session } from '../runtime/session.ts'
import { type SizedArguments, splitSizes } from './arguments.ts'
import { makeTensor, tensorOf } from './core.ts'
import { bytesOfValues, dtypeOfTypedArray, type TypedArray } from './host-values.ts'
import { type ArrayElement, flattenNested, type NestedArray } from './nested-array.ts'
import { currentSession, sessionNamed } from './sessions.ts'
import { storeBytes } from './store.ts'
import type { Tensor } from './tensor.ts'

export interface CreationOptions {
  readonly dtype?: DType
  /** name of a device; the default one if left out */
  readonly device?: string
  readonly requiresGrad?: boolean
}

export const sessionFor = (device: string | undefined): Session =>
  device === undefined ? currentSession() : sessionNamed(device)

const finish = (tensor: Tensor, { requiresGrad = false }: CreationOptions): Tensor => tensor.requiresGrad_(requiresGrad)

/** A tensor of a graph node on the device that the options name. */
export const ofNode = (node: Node, options: CreationOptions): Tensor =>
  finish(makeTensor(sessionFor(options.device), node), options)

/**
 * A tensor of nested arrays, a number or a typed array. Numbers give float32, booleans bool, BigInts int64; typed arrays keep their
 * type; all are copied.
 * @throws ShapeError when nested arrays are ragged
 */
export function tensor(data: NestedArray | TypedArray | Uint8ClampedArray, options: CreationOptions = {}): Tensor {
  const typed = dtypeOfTypedArray(data)
  if (typed !== undefined) {
    const values = data as TypedArray
    return fromHost(values, [values.length], { dtype: typed, ...options })
  }
  const { shape, values } = flattenNested('tensor', data as NestedArray)
  return fromHost(values, shape, { dtype: defaultDType(values), ...options })
}

function defaultDType(values: readonly ArrayElement[]): DType {
  const wrong = values.find(
    (value) => typeof value !== 'number' && typeof value !== 'bigint' && typeof value !== 'boolean',
  )
  if (wrong !== undefined || values.includes(undefined as unknown as ArrayElement))
    throw new ArgumentError(
      `tensor: expected numbers, booleans or BigInts, got ${wrong === null ? 'null' : typeof wrong}.`,
    )
  if (values.length > 0 && values.every((value) => typeof value === 'boolean')) return 'bool'
  return values.length > 0 && values.every((value) => typeof value === 'bigint') ? 'int64' : 'float32'
}

/** A tensor of row-major values in a shape. */
export function fromHost(values: ArrayLike<ArrayElement>, shape: Shape, options: CreationOptions = {}): Tensor {
  checkShape('fromHost', shape)
  if (values.length !== sizeOf(shape))
    throw new ShapeError(
      `fromHost: expected ${sizeOf(shape)} values for shape ${formatShape(shape)}, got ${values.length}.`,
      { shape, values: values.length },
    )
  const dtype = checkDType('fromHost', options.dtype ?? dtypeOfTypedArray(values) ?? 'float32')
  return fromBytes(bytesOfValues(values, dtype), shape, { ...options, dtype })
}

/** A tensor of bytes as devices store them: little-endian, row-major; 2 bytes per float16 or bfloat16, 1 per bool. */
export function fromBytes(
  bytes: Uint8Array,
  shape: Shape,
  options: CreationOptions & { readonly dtype: DType },
): Tensor {
  return finish(tensorOf(storeBytes(sessionFor(options.device), bytes, shape, options.dtype)), options)
}

// --- constant values --------------------------------------------------------------------------------------------------------

export const full = (shape: Shape, value: Scalar, options: CreationOptions = {}): Tensor =>
  filled('full', shape, value, options)

function filled(op: string, shape: Shape, value: Scalar, options: CreationOptions): Tensor {
  const natural = typeof value === 'boolean' ? 'bool' : typeof value === 'bigint' ? 'int64' : 'float32'
  const dtype = checkDType(op, options.dtype ?? natural)
  return ofNode(build.full(checkShape(op, shape), value, dtype), options)
}

export const zeros = (...given: SizedArguments<CreationOptions>): Tensor => {
  const [shape, options] = splitSizes(given)
  return filled('zeros', shape, 0, options)
}
export const ones = (...given: SizedArguments<CreationOptions>): Tensor => {
  const [shape, options] = splitSizes(given)
  return filled('ones', shape, 1, options)
}
/** Memory is never shown uninitialised: these are zeros. */
export const empty = zeros

/** Ones on the diagonal. */
export function eye(rows: number, options?: CreationOptions): Tensor
export function eye(rows: number, columns: number, options?: CreationOptions): Tensor
export function eye(rows: number, second: number | CreationOptions = rows, third: CreationOptions = {}): Tensor {
  const [columns, options] = typeof second === 'number' ? [second, third] : [rows, second]
  const shape = checkShape('eye', [rows, columns])
  const at = (axis: number): Node => build.alongAxis(build.iota(shape[axis], 'int32'), axis, shape)
  return ofNode(build.cast(build.equal(at(0), at(1)), options.dtype ?? 'float32'), options)
}

// --- like another tensor --------------------------------------------------------------------------------------------------

const like = (other: Tensor, options: CreationOptions): CreationOptions => ({
  dtype: other.dtype,
  device: other.device,
  ...options,
})

export const fullLike = (other: Tensor, value: Scalar, options: CreationOptions = {}): Tensor =>
  full(other.shape, value, like(other, options))
export const zerosLike = (other: Tensor, options: CreationOptions = {}): Tensor => fullLike(other, 0, options)
export const onesLike = (other: Tensor, options: CreationOptions = {}): Tensor => fullLike(other, 1, options)
export const emptyLike = zerosLike

// --- ranges -----------------------------------------------------------------------------------------------------------------

/** Numbers from `start` to before `end`: int64 when all are whole, as in PyTorch. */
export function arange(end: number, options?: CreationOptions): Tensor
export function arange(start: number, end: number, options?: CreationOptions): Tensor
export function arange(start: number, end: number, step: number, options?: CreationOptions): Tensor
export function arange(...given: (number | CreationOptions | undefined)[]): Tensor {
  const given64 = given.filter((each): each is number => typeof each === 'number')
  const options = given.find((each): each is CreationOptions => typeof each === 'object') ?? {}
  const dtype = options.dtype ?? (given64.every(Number.isInteger) ? 'int64' : 'float32')
  // as PyTorch: int64 counts in whole numbers, other integers only step by them
  const [start, end, step] = rangeOf(dtype === 'int64' ? given64.map(Math.trunc) : given64)
  const count = Math.ceil((end - start) / step)
  if (!Number.isFinite(count) || (end - start) * step < 0)
    throw new ArgumentError(`arange: expected a step that leads from ${start} to ${end}, got ${step}.`, {
      start,
      end,
      step,
    })
  const whole = !isFloat(dtype)
  const size = checkShape('arange', [count])[0]
  const [first, distance] = whole ? [Math.trunc(start), Math.trunc(step)] : [start, step]
  // positions in float64, so that float32 rounds once
  const positions = build.iota(size, whole ? 'int64' : 'float64')
  return ofNode(build.cast(build.add(build.mul(positions, distance), first), dtype), options)
}

const rangeOf = (numbers: readonly number[]): readonly [start: number, end: number, step: number] =>
  numbers.length === 1 ? [0, numbers[0], 1] : [numbers[0], numbers[1], numbers[2] ?? 1]

/** `steps` numbers from `start` to `end`, both included. */
export function linspace(start: number, end: number, steps: number, options: CreationOptions = {}): Tensor {
  const dtype = options.dtype ?? 'float32'
  return ofNode(build.cast(evenly('linspace', start, end, steps, isFloat(dtype) ? dtype : 'float64'), dtype), options)
}

/** `base` to the powers that `linspace` gives. */
export function logspace(start: number, end: number, steps: number, base = 10, options: CreationOptions = {}): Tensor {
  const { dtype = 'float32' } = options
  const powers = build.pow(base, evenly('logspace', start, end, steps, 'float64'))
  return ofNode(build.cast(powers, dtype), options)
}

function evenly(op: string, start: number, end: number, steps: number, dtype: DType): Node {
  if (typeof start !== 'number' || typeof end !== 'number')
    throw new ArgumentError(`${op}: expected numbers for start and end, got ${typeof start} and ${typeof end}.`, { op })
  const size = checkShape(op, [steps])[0]
  const step = size > 1 ? (end - start) / (size - 1) : 0
  const positions = build.iota(size, dtype)
  // counted from the nearer end, so that both ends are exact
  const fromStart = build.add(build.mul(positions, step), start)
  const fromEnd = build.sub(end, build.mul(build.sub(size - 1, positions), step))
  return build.where(build.less(positions, size / 2), fromStart, fromEnd)
}
