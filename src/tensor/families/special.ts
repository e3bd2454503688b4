// Methods of the special functions: the gamma function's family, inverse hyperbolic functions, and those of two operands beyond
// arithmetic. Integers become float32, as in PyTorch.
import { isFloat } from '../../base/dtype.ts'
import { ArgumentError } from '../../base/errors.ts'
import * as build from '../../graph/builders.ts'
import * as pairs from '../../graph/composites/binary-special.ts'
import { erfinv } from '../../graph/composites/error-function.ts'
import * as gamma from '../../graph/composites/gamma.ts'
import * as inverse from '../../graph/composites/inverse-hyperbolic.ts'
import { sinc } from '../../graph/composites/trigonometry.ts'
import type { Node } from '../../graph/node.ts'
import type { Operand } from '../arguments.ts'
import type { Tensor } from '../tensor.ts'
import { truncNode } from './elementwise.ts'
import { MathTensor } from './math.ts'

export interface NanToNumOptions {
  readonly nan?: number | null
  /** the largest finite number if left out */
  readonly posinf?: number | null
  readonly neginf?: number | null
}

export abstract class SpecialTensor extends MathTensor {
  asinh(): Tensor {
    return this.result(inverse.asinh(this.node))
  }
  acosh(): Tensor {
    return this.result(inverse.acosh(this.node))
  }
  atanh(): Tensor {
    return this.result(inverse.atanh(this.node))
  }
  /** The x of which erf is this. */
  erfinv(): Tensor {
    return this.result(erfinv(this.node))
  }
  /** log(x / (1 - x)), of x cut to [eps, 1 - eps] if eps is given. */
  logit(eps?: number | null): Tensor {
    return this.result(inverse.logit(this.node, eps ?? null))
  }
  /** log |Γ(x)| */
  lgamma(): Tensor {
    return this.result(gamma.lgamma(this.node))
  }
  /** The derivative of lgamma. */
  digamma(): Tensor {
    return this.result(gamma.digamma(this.node))
  }
  /** The n-th derivative of digamma. */
  polygamma(n: number): Tensor {
    return this.result(gamma.polygamma(n, build.toFloat(this.node)))
  }
  /** Logarithm of the p-dimensional gamma function. */
  mvlgamma(p: number): Tensor {
    if (!Number.isInteger(p) || p < 1)
      throw new ArgumentError(`mvlgamma: expected a whole number of dimensions from 1, got ${p}.`, {
        op: 'mvlgamma',
        p,
      })
    const x = build.toFloat(this.node)
    const terms = Array.from({ length: p }, (_, j) => gamma.lgamma(build.sub(x, j / 2)))
    const constant = (p * (p - 1) * Math.log(Math.PI)) / 4
    return this.result(
      build.add(
        terms.reduce((total, term) => build.add(total, term)),
        constant,
      ),
    )
  }
  /** sin(πx) / (πx) */
  sinc(): Tensor {
    return this.result(sinc(this.node))
  }
  /** What is left of trunc(x). */
  frac(): Tensor {
    return this.result(build.sub(this.node, truncNode(this.node)))
  }
  deg2rad(): Tensor {
    return this.result(build.mul(build.toFloat(this.node), Math.PI / 180))
  }
  rad2deg(): Tensor {
    return this.result(build.mul(build.toFloat(this.node), 180 / Math.PI))
  }
  /** Whether the sign bit is set: also of -0. */
  signbit(): Tensor {
    return this.result(pairs.signbit(this.node))
  }
  isposinf(): Tensor {
    return this.#isInfinity(Number.POSITIVE_INFINITY)
  }
  isneginf(): Tensor {
    return this.#isInfinity(Number.NEGATIVE_INFINITY)
  }
  #isInfinity(which: number): Tensor {
    const { node } = this
    return this.result(isFloat(node.dtype) ? build.equal(node, which) : build.full(node.shape, false, 'bool'))
  }
  /** Numbers in place of NaN and the infinities. */
  nanToNum(nan?: number | null, posinf?: number | null, neginf?: number | null): Tensor {
    return this.result(finiteNode(this.node, { nan, posinf, neginf }))
  }

  /** The result of a builder of two tensors. */
  #pair(op: string, make: (a: Node, b: Node) => Node, other: Tensor): Tensor {
    return this.result(make(this.node, this.nodeOf(op, other)), other)
  }

  // --- of two operands -----------------------------------------------------------------------------------------------------

  /** log(exp(this) + exp(other)), without overflow. */
  logaddexp(other: Tensor): Tensor {
    return this.#pair('logaddexp', pairs.logaddexp, other)
  }
  logaddexp2(other: Tensor): Tensor {
    return this.#pair('logaddexp2', pairs.logaddexp2, other)
  }
  /** √(this² + other²) */
  hypot(other: Tensor): Tensor {
    return this.#pair('hypot', pairs.hypot, other)
  }
  /** this times log(other); 0 where this is 0. */
  xlogy(other: Operand): Tensor {
    return this.binary('xlogy', pairs.xlogy, other)
  }
  /** Elementwise larger; a number rather than NaN. */
  fmax(other: Tensor): Tensor {
    return this.#pair('fmax', pairs.fmax, other)
  }
  fmin(other: Tensor): Tensor {
    return this.#pair('fmin', pairs.fmin, other)
  }
  /** The size of this with the sign of other. */
  copysign(other: Operand): Tensor {
    return this.binary('copysign', pairs.copysign, other)
  }
  /** 0 below 0, `values` at 0, 1 above. */
  heaviside(values: Tensor): Tensor {
    return this.result(pairs.heaviside(this.node, this.nodeOf('heaviside', values)), values)
  }
  /** The power in float64, whatever the operands. */
  floatPower(exponent: Operand): Tensor {
    const wide = (x: Node, y: build.Operand): Node =>
      build.pow(build.cast(x, 'float64'), typeof y === 'object' ? build.cast(y, 'float64') : Number(y))
    return this.binary('floatPower', wide, exponent)
  }
}

const largest: Readonly<Record<string, number>> = {
  float16: 65504,
  bfloat16: 3.3895313892515355e38,
  float32: 3.4028234663852886e38,
  float64: Number.MAX_VALUE,
}

function finiteNode(x: Node, { nan, posinf, neginf }: NanToNumOptions): Node {
  if (!isFloat(x.dtype)) return x
  const infinite = (which: number, replacement: number, rest: Node): Node =>
    build.where(build.equal(x, which), replacement, rest)
  const positive = infinite(Number.POSITIVE_INFINITY, posinf ?? largest[x.dtype], x)
  const finite = infinite(Number.NEGATIVE_INFINITY, neginf ?? -largest[x.dtype], positive)
  return build.where(build.isNaN(x), nan ?? 0, finite)
}
