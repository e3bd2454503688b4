// Gradients checked against central differences in float64: a function of nodes, its input values and a way to evaluate go in.
// https://docs.pytorch.org/docs/stable/generated/torch.autograd.gradcheck.gradcheck.html
import { isFloat } from '../base/dtype.ts'
import { DTypeError, GradientError } from '../base/errors.ts'
import { formatShape, sizeOf } from '../base/shape.ts'
import { placeholder } from '../graph/builders.ts'
import { type HostArray, hostZeros } from '../graph/host-array.ts'
import type { Node } from '../graph/node.ts'
import { vjp } from './transforms.ts'

/** Values of nodes, given those of the buffers below them. */
export type Evaluate = (nodes: readonly Node[], values: ReadonlyMap<Node, HostArray>) => readonly HostArray[]

export interface GradcheckOptions {
  /** step of the differences */
  readonly epsilon?: number
  readonly absoluteTolerance?: number
  readonly relativeTolerance?: number
  /** also check the gradient of the gradient */
  readonly secondOrder?: boolean
}

type Program = (...inputs: readonly Node[]) => Node | readonly Node[]

/** Throws a GradientError at the first entry of the Jacobian that differs. Inputs must be float64 or not floats at all. */
export function gradcheck(
  program: Program,
  values: readonly HostArray[],
  evaluate: Evaluate,
  options: GradcheckOptions = {},
): void {
  for (const { dtype } of values)
    if (isFloat(dtype) && dtype !== 'float64')
      throw new DTypeError(`gradcheck: expected float64 inputs, got ${dtype}. Differences need its digits.`, { dtype })
  checkJacobian(program, values, evaluate, options)
  if (options.secondOrder) checkJacobian(...gradientProgram(program, values), evaluate, options)
}

function checkJacobian(
  program: Program,
  values: readonly HostArray[],
  evaluate: Evaluate,
  options: GradcheckOptions,
): void {
  const inputs = values.map(({ shape, dtype }) => placeholder(shape, dtype))
  const outputs = [program(...inputs)].flat().filter(({ dtype }) => isFloat(dtype))
  const bindings = new Map<Node, HostArray>(inputs.map((input, i) => [input, values[i]]))
  outputs.forEach((output, at) => {
    const analytic = analyticJacobian(output, inputs, bindings, evaluate)
    inputs.forEach((input, position) => {
      if (!isFloat(input.dtype)) return
      const numeric = numericJacobian(output, input, bindings, evaluate, options.epsilon ?? 1e-6)
      compareJacobians(analytic[position], numeric, { output: at, input: position, shape: input.shape }, options)
    })
  })
}

/** By input, then by output element: the gradient of each output element by a one-hot seed. */
function analyticJacobian(
  output: Node,
  inputs: readonly Node[],
  bindings: ReadonlyMap<Node, HostArray>,
  evaluate: Evaluate,
): Float64Array[][] {
  const seed = placeholder(output.shape, output.dtype)
  const gradients = vjp([output], inputs)([seed])
  const reached = gradients.flatMap((gradient) => gradient ?? [])
  const rows = inputs.map((): Float64Array[] => [])
  for (let element = 0; element < sizeOf(output.shape); element++) {
    const oneHot = hostZeros(output.dtype, output.shape)
    oneHot.data[element] = 1
    const results = evaluate(reached, new Map([...bindings, [seed, oneHot]]))
    inputs.forEach((input, i) => {
      const gradient = gradients[i]
      const result = gradient === undefined ? undefined : results[reached.indexOf(gradient)]
      rows[i].push(
        result === undefined ? new Float64Array(sizeOf(input.shape)) : Float64Array.from(result.data, Number),
      )
    })
  }
  return rows
}

/** By output element, then by input element. */
function numericJacobian(
  output: Node,
  input: Node,
  bindings: ReadonlyMap<Node, HostArray>,
  evaluate: Evaluate,
  epsilon: number,
): Float64Array[] {
  const value = bindings.get(input)!
  const count = sizeOf(input.shape)
  const rows = Array.from({ length: sizeOf(output.shape) }, () => new Float64Array(count))
  const at = (element: number, step: number): ArrayLike<number | bigint> => {
    const data = Float64Array.from(value.data, Number)
    data[element] += step
    return evaluate([output], new Map(bindings).set(input, { ...value, data }))[0].data
  }
  for (let element = 0; element < count; element++) {
    const [above, below] = [at(element, epsilon), at(element, -epsilon)]
    rows.forEach((row, i) => {
      row[element] = (Number(above[i]) - Number(below[i])) / (2 * epsilon)
    })
  }
  return rows
}

interface Place {
  readonly output: number
  readonly input: number
  readonly shape: readonly number[]
}

function compareJacobians(
  analytic: readonly Float64Array[],
  numeric: readonly Float64Array[],
  place: Place,
  { absoluteTolerance = 1e-5, relativeTolerance = 1e-3 }: GradcheckOptions,
): void {
  numeric.forEach((row, i) => {
    row.forEach((expected, j) => {
      const got = analytic[i][j]
      if (Math.abs(got - expected) <= absoluteTolerance + relativeTolerance * Math.abs(expected)) return
      throw new GradientError(
        `gradcheck: expected the derivative of element ${i} of output ${place.output} by element ${j} of input ` +
          `${place.input} ${formatShape(place.shape)} to be ${expected} (by differences), got ${got}.`,
        { ...place, outputElement: i, inputElement: j, expected, got },
      )
    })
  })
}

/** The first-order gradients as a program of the inputs and of fixed, uneven output gradients. */
function gradientProgram(program: Program, values: readonly HostArray[]): [Program, HostArray[]] {
  const sample = [program(...values.map(({ shape, dtype }) => placeholder(shape, dtype)))].flat()
  const floats = sample.filter(({ dtype }) => isFloat(dtype))
  const seeds = floats.map(({ shape, dtype }) => {
    const seed = hostZeros(dtype, shape)
    for (let i = 0; i < seed.data.length; i++) seed.data[i] = Math.sin(i + 1)
    return seed
  })
  const gradients: Program = (...all) => {
    const inputs = all.slice(0, values.length)
    const outputs = [program(...inputs)].flat().filter(({ dtype }) => isFloat(dtype))
    return vjp(outputs, inputs)(all.slice(values.length)).flatMap((gradient) => gradient ?? [])
  }
  return [gradients, [...values, ...seeds]]
}
