// Activation functions besides relu, sigmoid and tanh. Each takes floats only; 2-byte floats are computed in float32 and rounded once.
// https://docs.pytorch.org/docs/stable/nn.functional.html#non-linear-activation-functions
import { isInteger } from '../../base/dtype.ts'
import { ArgumentError } from '../../base/errors.ts'
import {
  add,
  div,
  exp,
  less,
  logicalAnd,
  max,
  min,
  mul,
  neg,
  reciprocal,
  square,
  sub,
  toFloat,
  where,
} from '../builders.ts'
import { expectCategory } from '../infer/elementwise.ts'
import type { Node } from '../node.ts'
import { abs } from './basics.ts'
import { type CompositeNode, defineComposite } from './composite-table.ts'
import { erf } from './error-function.ts'
import { expm1, log1pExp, sigmoid, tanh } from './special.ts'
import { inFloat32 } from './unary.ts'

interface Activation<A extends object> {
  body(x: Node, attrs: A): Node
  /** the gradient by the input */
  vjp(x: Node, grad: Node, attrs: A, node: CompositeNode<A>): Node
}

function activation<A extends object>(name: string, { body, vjp }: Activation<A>): (x: Node, attrs: A) => Node {
  const build = defineComposite<A>(name, {
    infer([x]) {
      expectCategory(name, x.dtype, ['float'])
      return x
    },
    body: ([x], attrs) => inFloat32(x, (wide) => body(wide, attrs)),
    vjp: (node, grad) => [vjp(node.inputs[0], grad, node.attrs.attrs, node)],
  })
  return (x, attrs) => build([x], attrs)
}

type None = Readonly<Record<never, never>>

/** x * sigmoid(x). */
const siluNode = activation<None>('silu', {
  body: (x) => mul(x, sigmoid(x)),
  vjp(x, grad) {
    const gate = sigmoid(x)
    return mul(grad, mul(gate, add(mul(x, sub(1, gate)), 1)))
  },
})
export const silu = (x: Node): Node => siluNode(x, {})

const rootHalf = Math.SQRT1_2
/** The normal distribution's cumulative probability and density. */
const cumulative = (x: Node): Node => mul(add(erf(mul(x, rootHalf)), 1), 0.5)
const density = (x: Node): Node => mul(exp(mul(square(x), -0.5)), 1 / Math.sqrt(2 * Math.PI))

const geluErf = activation<None>('gelu', {
  body: (x) => mul(x, cumulative(x)),
  vjp: (x, grad) => mul(grad, add(cumulative(x), mul(x, density(x)))),
})

const [tanhScale, tanhCubic] = [Math.sqrt(8 / Math.PI), 0.044715]
/** 0.5 (1 + tanh(u)) is sigmoid(2u), which keeps the digits of small results. */
const tanhGate = (x: Node): Node => sigmoid(mul(mul(x, add(mul(square(x), tanhCubic), 1)), tanhScale))

const geluTanh = activation<None>('geluTanh', {
  body: (x) => mul(x, tanhGate(x)),
  vjp(x, grad) {
    const gate = tanhGate(x)
    const slope = mul(add(mul(square(x), 3 * tanhCubic), 1), tanhScale)
    return mul(grad, mul(gate, add(mul(mul(x, sub(1, gate)), slope), 1)))
  },
})

/** x times the normal distribution's cumulative probability, exactly or by Hendrycks and Gimpel's tanh. */
export function gelu(x: Node, approximate: 'none' | 'tanh' = 'none'): Node {
  if (approximate !== 'none' && approximate !== 'tanh')
    throw new ArgumentError(`gelu: expected approximate to be 'none' or 'tanh', got '${String(approximate)}'.`, {
      op: 'gelu',
      approximate,
    })
  return approximate === 'tanh' ? geluTanh(x, {}) : geluErf(x, {})
}

const eluNode = activation<{ readonly alpha: number; readonly scale: number }>('elu', {
  body: (x, { alpha, scale }) => where(less(0, x), mul(x, scale), mul(expm1(x), alpha * scale)),
  // alpha expm1(x) + alpha = alpha exp(x): below 0 the gradient needs the output only
  vjp: (x, grad, { alpha, scale }, node) => mul(grad, where(less(0, x), scale, add(node, alpha * scale))),
})
export const elu = (x: Node, alpha = 1): Node => eluNode(x, { alpha, scale: 1 })
/** Klambauer et al. 2017. */
export const selu = (x: Node): Node => eluNode(x, { alpha: 1.6732632423543772, scale: 1.0507009873554805 })

const leakyReluNode = activation<{ readonly slope: number }>('leakyRelu', {
  body: (x, { slope }) => where(less(0, x), x, mul(x, slope)),
  vjp: (x, grad, { slope }) => where(less(0, x), grad, mul(grad, slope)),
})
export const leakyRelu = (x: Node, negativeSlope = 0.01): Node => leakyReluNode(x, { slope: negativeSlope })

const softplusNode = activation<{ readonly beta: number; readonly threshold: number }>('softplus', {
  body(x, { beta, threshold }) {
    const scaled = mul(x, beta)
    return where(less(threshold, scaled), x, div(add(max(scaled, 0), log1pExp(neg(abs(scaled)))), beta))
  },
  vjp(x, grad, { beta, threshold }) {
    const scaled = mul(x, beta)
    return where(less(threshold, scaled), grad, mul(grad, sigmoid(scaled)))
  },
})
/** log(1 + exp(beta x)) / beta; x itself where beta x is above the threshold. */
export const softplus = (x: Node, beta = 1, threshold = 20): Node => softplusNode(x, { beta, threshold })

const logSigmoidNode = activation<None>('logSigmoid', {
  body: (x) => sub(min(x, 0), log1pExp(neg(abs(x)))),
  vjp: (x, grad) => mul(grad, sigmoid(neg(x))),
})
export const logSigmoid = (x: Node): Node => logSigmoidNode(x, {})

interface Bounds {
  readonly low: number
  readonly high: number
}

const clampTo = (x: Node, { low, high }: Bounds): Node => min(max(x, low), high)
const isBetween = (x: Node, { low, high }: Bounds): Node => logicalAnd(less(low, x), less(x, high))

const hardtanhNode = activation<Bounds>('hardtanh', {
  body: clampTo,
  vjp: (x, grad, bounds) => where(isBetween(x, bounds), grad, 0),
})
/** x cut to [low, high], without gradient at and beyond the ends. */
export function hardtanh(x: Node, low = -1, high = 1): Node {
  if (low > high)
    throw new ArgumentError(`hardtanh: expected a lowest value up to the highest, got ${low} and ${high}.`, {
      low,
      high,
    })
  if (isInteger(x.dtype)) return clampTo(x, { low: Math.trunc(low), high: Math.trunc(high) })
  return hardtanhNode(x, { low, high })
}
export const relu6 = (x: Node): Node => hardtanh(x, 0, 6)

const ramp: Bounds = { low: -3, high: 3 }
const rampGate = (x: Node): Node => mul(add(clampTo(x, ramp), 3), 1 / 6)

const hardsigmoidNode = activation<None>('hardsigmoid', {
  body: rampGate,
  vjp: (x, grad) => where(isBetween(x, ramp), mul(grad, 1 / 6), 0),
})
export const hardsigmoid = (x: Node): Node => hardsigmoidNode(x, {})

const hardswishNode = activation<None>('hardswish', {
  body: (x) => mul(x, rampGate(x)),
  vjp(x, grad) {
    const within = mul(grad, add(mul(x, 1 / 3), 0.5))
    return where(less(x, -3), 0, where(less(x, 3), within, grad))
  },
})
export const hardswish = (x: Node): Node => hardswishNode(x, {})

const mishNode = activation<None>('mish', {
  body: (x) => mul(x, tanh(softplus(x))),
  vjp(x, grad) {
    const gate = tanh(softplus(x))
    return mul(grad, add(gate, mul(mul(x, sigmoid(x)), sub(1, square(gate)))))
  },
})
/** x * tanh(softplus(x)). */
export const mish = (x: Node): Node => mishNode(x, {})

const softsignNode = activation<None>('softsign', {
  body: (x) => div(x, add(abs(x), 1)),
  vjp: (x, grad) => mul(grad, square(reciprocal(add(abs(x), 1)))),
})
/** x / (1 + |x|). */
export const softsign = (x: Node): Node => (isInteger(x.dtype) ? div(x, add(abs(x), 1)) : softsignNode(toFloat(x), {}))
