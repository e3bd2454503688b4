// gradcheck: gradients of a function of tensors against central differences, on whatever device the tensors are.
// https://docs.pytorch.org/docs/stable/generated/torch.autograd.gradcheck.gradcheck.html
import { isFloat } from '../base/dtype.ts'
import { ArgumentError, DTypeError, GradientError } from '../base/errors.ts'
import { formatShape, type Shape, sizeOf, stridesOf } from '../base/shape.ts'
import { grad } from './backward.ts'
import { fromHost } from './creation.ts'
import { enableGrad, refusePromise } from './grad-mode.ts'
import { sameDevice } from './operands.ts'
import type { Tensor } from './tensor.ts'

export interface GradcheckOptions {
  /** step of the differences */
  readonly eps?: number
  /** absolute and relative tolerance: a difference of atol + rtol × |expected| passes */
  readonly atol?: number
  readonly rtol?: number
  /** false: give false instead of throwing when a gradient is wrong */
  readonly raiseException?: boolean
}

type Function = (...inputs: Tensor[]) => Tensor | readonly Tensor[]

/**
 * Checks the gradients of `fn` with respect to the inputs that require grad; true when all agree with central differences.
 * `fn` must be smooth at the inputs and give the same values each time.
 * @throws GradientError that names the first output element and input element that disagree
 * @throws DTypeError for inputs that are not float64: differences need its digits
 */
export async function gradcheck(
  fn: Function,
  inputs: Tensor | readonly Tensor[],
  options: GradcheckOptions = {},
): Promise<boolean> {
  const given = Array.isArray(inputs) ? (inputs as readonly Tensor[]) : [inputs as Tensor]
  expectCheckable(given)
  try {
    await checkJacobians(fn, given, options)
    return true
  } catch (error) {
    if (options.raiseException === false && error instanceof GradientError) return false
    throw error
  }
}

/**
 * Checks the gradients of the gradients of `fn`: gradcheck of its vjp, as a function of the inputs and of the gradients of the outputs.
 * @param gradOutputs one for each differentiable output; uneven numbers if left out
 */
export async function gradgradcheck(
  fn: Function,
  inputs: Tensor | readonly Tensor[],
  gradOutputs?: Tensor | readonly Tensor[],
  options: GradcheckOptions = {},
): Promise<boolean> {
  const given = Array.isArray(inputs) ? (inputs as readonly Tensor[]) : [inputs as Tensor]
  expectCheckable(given)
  const seeds = gradOutputs ?? differentiable(outputsOf(fn, given)).map(unevenLike)
  const seedList = Array.isArray(seeds) ? (seeds as readonly Tensor[]) : [seeds as Tensor]
  const gradients = (...all: Tensor[]): Tensor[] => {
    const own = all.slice(0, given.length)
    const outputs = differentiable(outputsOf(fn, own))
    const wanted = own.filter(({ requiresGrad }) => requiresGrad)
    return grad(outputs, wanted, { gradOutputs: all.slice(given.length), createGraph: true, allowUnused: true })
  }
  return gradcheck(gradients, [...given, ...seedList], options)
}

function expectCheckable(inputs: readonly Tensor[]): void {
  sameDevice('gradcheck', inputs)
  const checked = inputs.filter(({ requiresGrad }) => requiresGrad)
  if (checked.length === 0)
    throw new ArgumentError(
      'gradcheck: expected at least one input that requires grad, got none. Call requiresGrad_() on it.',
    )
  for (const { dtype } of checked)
    if (dtype !== 'float64')
      throw new DTypeError(
        `gradcheck: expected float64 inputs, got ${dtype}. Differences need its digits: convert with x.double().`,
        { dtype },
      )
}

function outputsOf(fn: Function, inputs: readonly Tensor[]): readonly Tensor[] {
  const result = refusePromise('gradcheck', fn(...inputs))
  return Array.isArray(result) ? (result as readonly Tensor[]) : [result as Tensor]
}

const differentiable = (outputs: readonly Tensor[]): Tensor[] => outputs.filter(({ requiresGrad }) => requiresGrad)

/** Numbers without a pattern that a wrong gradient could hide behind. */
function unevenLike({ shape, dtype, device }: Tensor): Tensor {
  const values = Float64Array.from({ length: sizeOf(shape) }, (_, i) => Math.sin(i + 1))
  return fromHost(values, shape, { dtype, device, requiresGrad: true })
}

async function checkJacobians(fn: Function, inputs: readonly Tensor[], options: GradcheckOptions): Promise<void> {
  const outputs = enableGrad(() => outputsOf(fn, inputs))
  const tracked = outputs.some(({ requiresGrad }) => requiresGrad)
  // a function of which nothing requires grad must not depend on its inputs
  const checked = outputs.map(({ dtype, requiresGrad }) => (tracked ? requiresGrad : isFloat(dtype)))
  const positions = inputs.flatMap(({ requiresGrad }, position) => (requiresGrad ? [position] : []))
  const numeric: Float64Array[][][] = []
  for (const position of positions) numeric.push(await numericJacobians(fn, inputs, position, options.eps ?? 1e-6))
  for (const [at, output] of outputs.entries()) {
    if (!checked[at]) continue
    const wanted = positions.map((position) => inputs[position])
    const analytic = await analyticJacobian(output, wanted)
    for (const [i, position] of positions.entries()) {
      const place = { output: at, outputShape: output.shape, input: position, inputShape: inputs[position].shape }
      compare(analytic[i], numeric[i][at], place, options)
    }
  }
}

/** By input, then by output element: the gradient of that element. */
async function analyticJacobian(output: Tensor, wanted: readonly Tensor[]): Promise<Float64Array[][]> {
  const rows = wanted.map((): Float64Array[] => [])
  const count = output.numel()
  for (let element = 0; element < count; element++) {
    if (!output.requiresGrad) {
      for (const [i, input] of wanted.entries()) rows[i].push(new Float64Array(input.numel()))
      continue
    }
    const oneHot = new Float64Array(count)
    oneHot[element] = 1
    const seed = fromHost(oneHot, output.shape, { dtype: output.dtype, device: output.device })
    const gradients = grad(output, wanted, { gradOutputs: [seed], retainGraph: true, allowUnused: true })
    for (const [i, gradient] of gradients.entries()) rows[i].push(Float64Array.from(await gradient.data(), Number))
  }
  return rows
}

/** By output, then by output element, then by element of input `position`. */
async function numericJacobians(
  fn: Function,
  inputs: readonly Tensor[],
  position: number,
  eps: number,
): Promise<Float64Array[][]> {
  const { shape, device } = inputs[position]
  const values = Float64Array.from(await inputs[position].data(), Number)
  const at = async (element: number, step: number): Promise<Float64Array[]> => {
    const moved = values.slice()
    moved[element] += step
    const replaced = inputs.map((input, i) =>
      // leaves of their own, so that a function that differentiates inside finds what it may differentiate by
      i === position ? fromHost(moved, shape, { device, requiresGrad: true }) : input,
    )
    const outputs = outputsOf(fn, replaced)
    const results: Float64Array[] = []
    for (const output of outputs) results.push(Float64Array.from(await output.data(), Number))
    return results
  }
  let jacobians: Float64Array[][] = []
  for (let element = 0; element < values.length; element++) {
    const above = await at(element, eps)
    const below = await at(element, -eps)
    if (element === 0) jacobians = above.map((output) => Array.from(output, () => new Float64Array(values.length)))
    jacobians.forEach((rows, output) => {
      rows.forEach((row, i) => {
        row[element] = (above[output][i] - below[output][i]) / (2 * eps)
      })
    })
  }
  return jacobians
}

interface Place {
  readonly output: number
  readonly outputShape: Shape
  readonly input: number
  readonly inputShape: Shape
}

function compare(
  analytic: readonly Float64Array[],
  numeric: readonly Float64Array[] = [],
  place: Place,
  { atol = 1e-5, rtol = 1e-3 }: GradcheckOptions,
): void {
  numeric.forEach((row, i) => {
    row.forEach((expected, j) => {
      const got = analytic[i][j]
      if (Math.abs(got - expected) <= atol + rtol * Math.abs(expected)) return
      const { output, outputShape, input, inputShape } = place
      throw new GradientError(
        `gradcheck: expected the derivative of element ${coordinates(i, outputShape)} of output ${output} ` +
          `by element ${coordinates(j, inputShape)} of input ${input} to be ${expected} (by differences), got ${got}. ` +
          `The gradient with respect to input ${input} is wrong, or the function is not smooth there.`,
        { ...place, outputElement: i, inputElement: j, expected, got },
      )
    })
  })
}

const coordinates = (element: number, shape: Shape): string =>
  formatShape(stridesOf(shape).map((stride, axis) => Math.floor(element / stride) % shape[axis]))
