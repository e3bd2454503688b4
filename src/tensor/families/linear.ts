// Methods of linear algebra: products of vectors, matrices and batches of them.
import { isFloat } from '../../base/dtype.ts'
import { DTypeError, ShapeError } from '../../base/errors.ts'
import { formatShape } from '../../base/shape.ts'
import * as build from '../../graph/builders.ts'
import type { Node } from '../../graph/node.ts'
import { castOperand } from '../autocast.ts'
import type { TensorCore } from '../core.ts'
import type { Tensor } from '../tensor.ts'
import { ReductionTensor } from './reduction.ts'

export interface ProductOptions {
  /** factor of this tensor */
  readonly beta?: number
  /** factor of the product */
  readonly alpha?: number
}

export abstract class LinearTensor extends ReductionTensor {
  /** Product of vectors, matrices, or batches of matrices that broadcast (torch.matmul). */
  matmul(other: Tensor): Tensor {
    return this.result(build.matmul(...this.#operands('matmul', this, other)), other)
  }

  /** [n, k] times [k, m]. */
  mm(other: Tensor): Tensor {
    return this.#product('mm', [2, 2], other)
  }

  /** [b, n, k] times [b, k, m]. */
  bmm(other: Tensor): Tensor {
    const { shape } = this.nodeOf('bmm', other)
    if (this.ndim === 3 && shape.length === 3 && shape[0] !== this.shape[0])
      throw new ShapeError(
        `bmm: expected batches of one size, got ${formatShape(this.shape)} and ${formatShape(shape)}. matmul broadcasts.`,
        { op: 'bmm', shapes: [this.shape, shape] },
      )
    return this.#product('bmm', [3, 3], other)
  }

  /** [n, k] times a vector [k]. */
  mv(vector: Tensor): Tensor {
    return this.#product('mv', [2, 1], vector)
  }

  /** Inner product of two vectors. */
  dot(other: Tensor): Tensor {
    return this.#product('dot', [1, 1], other)
  }

  /** All products of an element of this vector with one of another. */
  outer(other: Tensor): Tensor {
    const { node } = this
    const right = this.nodeOf('outer', other)
    expectRanks('outer', [1, 1], node, right)
    return this.result(build.mul(build.unsqueeze(node, 1), build.unsqueeze(right, 0)), other)
  }

  /** beta * this + alpha * (a matmul b), for matrices. */
  addmm(a: Tensor, b: Tensor, options: ProductOptions = {}): Tensor {
    return this.#addProduct('addmm', [2, 2], a, b, options)
  }

  /** The same for batches of matrices. */
  baddbmm(a: Tensor, b: Tensor, options: ProductOptions = {}): Tensor {
    return this.#addProduct('baddbmm', [3, 3], a, b, options)
  }

  #product(op: string, ranks: readonly [number, number], other: Tensor): Tensor {
    const [left, right] = this.#operands(op, this, other)
    expectRanks(op, ranks, left, right)
    return this.result(build.matmul(left, right), other)
  }

  /** beta * this + alpha * (matrix times vector) */
  addmv(matrix: Tensor, vector: Tensor, options: ProductOptions = {}): Tensor {
    return this.#addProduct('addmv', [2, 1], matrix, vector, options)
  }

  /** beta * this + alpha * the sum of the products of a batch of matrices */
  addbmm(a: Tensor, b: Tensor, options: ProductOptions = {}): Tensor {
    return this.#addProduct('addbmm', [3, 3], a, b, options, (left, right) => build.sum(build.matmul(left, right), 0))
  }

  /** beta * this + alpha * all products of an element of one vector with one of another */
  addr(a: Tensor, b: Tensor, options: ProductOptions = {}): Tensor {
    return this.#addProduct('addr', [1, 1], a, b, options, (left, right) =>
      build.mul(build.unsqueeze(left, 1), build.unsqueeze(right, 0)),
    )
  }

  /** Inner product of two vectors; the same as `dot` of real numbers. */
  vdot(other: Tensor): Tensor {
    return this.dot(other)
  }

  /** Products summed over the last axis of both; a scalar multiplies. */
  inner(other: Tensor): Tensor {
    const [left, right] = build.promoteOperands(this.#operands('inner', this, other))
    if (left.shape.length === 0 || right.shape.length === 0) return this.result(build.mul(left, right), other)
    if (left.shape[left.shape.length - 1] !== right.shape[right.shape.length - 1])
      throw new ShapeError(
        `inner: expected last axes of one size, got ${formatShape(left.shape)} and ${formatShape(right.shape)}.`,
        { op: 'inner', shapes: [left.shape, right.shape] },
      )
    return this.result(build.contract(left, right, 0, 1), other)
  }

  #addProduct(
    op: string,
    ranks: readonly [number, number],
    a: Tensor,
    b: Tensor,
    options: ProductOptions,
    multiply = build.matmul,
  ): Tensor {
    const { beta = 1, alpha = 1 } = options
    const [left, right] = this.#operands(op, a, b)
    expectRanks(op, ranks, left, right)
    const product = scale(op, multiply(left, right), alpha)
    // with a factor of 0 PyTorch ignores NaN and infinity in this tensor
    const node = beta === 0 ? product : build.add(scale(op, castOperand(op, this.node), beta), product)
    return this.result(node, a, b)
  }

  #operands(op: string, a: TensorCore, b: Tensor): [Node, Node] {
    return [castOperand(op, this.nodeOf(op, a)), castOperand(op, this.nodeOf(op, b))]
  }
}

function scale(op: string, x: Node, factor: number): Node {
  if (!isFloat(x.dtype) && !Number.isInteger(factor))
    throw new DTypeError(
      `${op}: expected whole factors for ${x.dtype}, got ${factor}. Convert to a float dtype first.`,
      {
        op,
        factor,
      },
    )
  return factor === 1 ? x : build.mul(x, factor)
}

function expectRanks(op: string, [left, right]: readonly [number, number], a: Node, b: Node): void {
  if (a.shape.length === left && b.shape.length === right) return
  throw new ShapeError(
    `${op}: expected tensors of ${left} and ${right} dimensions, got ${formatShape(a.shape)} and ${formatShape(b.shape)}. ` +
      'matmul takes any number of dimensions.',
    { op, shapes: [a.shape, b.shape] },
  )
}
