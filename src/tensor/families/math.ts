// Methods of one operand: powers, exponentials, trigonometry, rounding and tests of values. Integers become float32 where PyTorch's do.
import { isFloat } from '../../base/dtype.ts'
import * as build from '../../graph/builders.ts'
import { absolute } from '../../graph/composites/basics.ts'
import { erf, erfc } from '../../graph/composites/error-function.ts'
import { cosh, sinh } from '../../graph/composites/hyperbolic.ts'
import { round } from '../../graph/composites/rounding.ts'
import { exp2, expm1, log1p, tanh } from '../../graph/composites/special.ts'
import { acos, asin, atan, atan2 } from '../../graph/composites/trigonometry.ts'
import type { Node } from '../../graph/node.ts'
import type { Tensor } from '../tensor.ts'
import { ElementwiseTensor, truncNode } from './elementwise.ts'

export abstract class MathTensor extends ElementwiseTensor {
  neg(): Tensor {
    return this.result(build.neg(this.node))
  }
  abs(): Tensor {
    return this.result(absolute(this.node))
  }
  sign(): Tensor {
    return this.result(build.sign(this.node))
  }
  square(): Tensor {
    return this.result(build.square(this.dtype === 'bool' ? build.cast(this.node, 'int64') : this.node))
  }
  sqrt(): Tensor {
    return this.result(build.sqrt(this.node))
  }
  /** 1 / sqrt(x) */
  rsqrt(): Tensor {
    return this.result(build.rsqrt(this.node))
  }
  reciprocal(): Tensor {
    return this.result(build.reciprocal(this.node))
  }
  exp(): Tensor {
    return this.result(build.exp(this.node))
  }
  exp2(): Tensor {
    return this.result(exp2(this.node))
  }
  /** exp(x) - 1, exact near 0 */
  expm1(): Tensor {
    return this.result(expm1(this.node))
  }
  log(): Tensor {
    return this.result(build.log(this.node))
  }
  log2(): Tensor {
    return this.result(build.mul(build.log(this.node), Math.LOG2E))
  }
  log10(): Tensor {
    return this.result(build.mul(build.log(this.node), Math.LOG10E))
  }
  /** log(1 + x), exact near 0 */
  log1p(): Tensor {
    return this.result(log1p(this.node))
  }
  sin(): Tensor {
    return this.result(build.sin(this.node))
  }
  cos(): Tensor {
    return this.result(build.cos(this.node))
  }
  tan(): Tensor {
    return this.result(build.div(build.sin(this.node), build.cos(this.node)))
  }
  asin(): Tensor {
    return this.result(asin(this.node))
  }
  acos(): Tensor {
    return this.result(acos(this.node))
  }
  atan(): Tensor {
    return this.result(atan(this.node))
  }
  /** Angle of the point (other, this), from -π to π. */
  atan2(other: Tensor): Tensor {
    return this.result(atan2(this.node, this.nodeOf('atan2', other)), other)
  }
  sinh(): Tensor {
    return this.result(sinh(this.node))
  }
  cosh(): Tensor {
    return this.result(cosh(this.node))
  }
  tanh(): Tensor {
    return this.result(tanh(this.node))
  }
  erf(): Tensor {
    return this.result(erf(this.node))
  }
  /** 1 - erf(x) */
  erfc(): Tensor {
    return this.result(erfc(this.node))
  }
  floor(): Tensor {
    return this.result(build.floor(this.node))
  }
  ceil(): Tensor {
    return this.result(build.ceil(this.node))
  }
  /** Rounded towards zero. */
  trunc(): Tensor {
    return this.result(truncNode(this.node))
  }
  /** Rounded to the nearest whole number, ties to even; `decimals` moves the place. */
  round({ decimals = 0 }: { decimals?: number } = {}): Tensor {
    return this.result(roundNode(this.node, decimals))
  }
  isnan(): Tensor {
    return this.result(build.isNaN(this.node))
  }
  isinf(): Tensor {
    return this.result(build.isInfinite(this.node))
  }
  isfinite(): Tensor {
    return this.result(build.isFinite(this.node))
  }
}

function roundNode(x: Node, decimals: number): Node {
  if (!isFloat(x.dtype)) return x
  if (decimals === 0) return round(x)
  const factor = 10 ** Math.abs(decimals)
  return decimals > 0 ? build.div(round(build.mul(x, factor)), factor) : build.mul(round(build.div(x, factor)), factor)
}
