// Methods that write: each replaces the storage's value, so every view sees it. Names end in an underscore, as in PyTorch.
import { ShapeError } from '../../base/errors.ts'
import type { Scalar } from '../../base/scalar.ts'
import { formatShape } from '../../base/shape.ts'
import * as build from '../../graph/builders.ts'
import { expectWritable, isScalar, type Operand } from '../arguments.ts'
import { tensorOf } from '../core.ts'
import { isGradEnabled } from '../grad-mode.ts'
import { bytesOfValues } from '../host-values.ts'
import type { Index } from '../indexing.ts'
import type { ArrayElement } from '../nested-array.ts'
import { storeBytes } from '../store.ts'
import type { Tensor } from '../tensor.ts'
import type { AlphaOptions, DivOptions } from './elementwise.ts'
import { type ClampBounds, clampBounds } from './elementwise.ts'
import type { ScatterReduceOptions, ScatterReduction } from './indexing.ts'
import { type AccumulateOptions, SelectionTensor } from './selection.ts'

export abstract class InPlaceTensor extends SelectionTensor {
  /** Writes the result of an operation that reads this tensor. */
  #update(op: string, value: Tensor): this {
    expectWritable(op, value.dtype, this.dtype)
    return this.writeNode(op, value.node, value.requiresGrad)
  }

  add_(other: Operand, options: AlphaOptions = {}): this {
    return this.#update('add_', this.add(other, options))
  }
  sub_(other: Operand, options: AlphaOptions = {}): this {
    return this.#update('sub_', this.sub(other, options))
  }
  mul_(other: Operand): this {
    return this.#update('mul_', this.mul(other))
  }
  div_(other: Operand, options: DivOptions = {}): this {
    return this.#update('div_', this.div(other, options))
  }
  pow_(exponent: Operand): this {
    return this.#update('pow_', this.pow(exponent))
  }
  remainder_(other: Operand): this {
    return this.#update('remainder_', this.remainder(other))
  }
  addcmul_(a: Tensor, b: Tensor, options: { value?: number } = {}): this {
    return this.#update('addcmul_', this.addcmul(a, b, options))
  }
  addcdiv_(a: Tensor, b: Tensor, options: { value?: number } = {}): this {
    return this.#update('addcdiv_', this.addcdiv(a, b, options))
  }
  lerp_(end: Tensor, weight: Operand): this {
    return this.#update('lerp_', this.lerp(end, weight))
  }
  clamp_(bounds: ClampBounds): this
  clamp_(min?: Operand | null, max?: Operand | null): this
  clamp_(first?: Operand | ClampBounds | null, second?: Operand | null): this {
    return this.#update('clamp_', this.clamp(clampBounds(first, second)))
  }
  neg_(): this {
    return this.#update('neg_', this.neg())
  }
  abs_(): this {
    return this.#update('abs_', this.abs())
  }
  exp_(): this {
    return this.#update('exp_', this.exp())
  }
  log_(): this {
    return this.#update('log_', this.log())
  }
  sqrt_(): this {
    return this.#update('sqrt_', this.sqrt())
  }
  square_(): this {
    return this.#update('square_', this.square())
  }
  reciprocal_(): this {
    return this.#update('reciprocal_', this.reciprocal())
  }
  floor_(): this {
    return this.#update('floor_', this.floor())
  }
  round_(): this {
    return this.#update('round_', this.round())
  }
  relu_(): this {
    return this.#update('relu_', this.relu())
  }
  sigmoid_(): this {
    return this.#update('sigmoid_', this.sigmoid())
  }
  tanh_(): this {
    return this.#update('tanh_', this.tanh())
  }
  maskedFill_(mask: Tensor, value: Operand): this {
    return this.#update('maskedFill_', this.maskedFill(mask, value))
  }
  scatter_(dim: number, index: Tensor, source: Operand): this {
    return this.#update('scatter_', this.scatter(dim, index, source))
  }
  scatterAdd_(dim: number, index: Tensor, source: Tensor): this {
    return this.#update('scatterAdd_', this.scatterAdd(dim, index, source))
  }
  indexAdd_(dim: number, index: Tensor, source: Tensor, options: { alpha?: number } = {}): this {
    return this.#update('indexAdd_', this.indexAdd(dim, index, source, options))
  }

  indexFill_(dim: number, index: Tensor, value: Operand): this {
    return this.#update('indexFill_', this.indexFill(dim, index, value))
  }
  indexCopy_(dim: number, index: Tensor, source: Tensor): this {
    return this.#update('indexCopy_', this.indexCopy(dim, index, source))
  }
  indexPut_(indices: readonly Index[], values: Tensor, { accumulate = false }: AccumulateOptions = {}): this {
    return this.replaced('indexPut_', indices, values, accumulate)
  }
  put_(index: Tensor, source: Tensor, options: AccumulateOptions = {}): this {
    return this.#update('put_', this.put(index, source, options))
  }
  maskedScatter_(mask: Tensor, source: Tensor): this {
    return this.#update('maskedScatter_', this.maskedScatter(mask, source))
  }
  scatterReduce_(
    dim: number,
    index: Tensor,
    source: Tensor,
    reduce: ScatterReduction,
    options: ScatterReduceOptions = {},
  ): this {
    return this.#update('scatterReduce_', this.scatterReduce(dim, index, source, reduce, options))
  }

  /** Values of `source`, broadcast and converted. */
  copy_(source: Operand): this {
    if (isScalar(source)) return this.fill_(source)
    return this.writeNode('copy_', this.nodeOf('copy_', source), source.requiresGrad)
  }

  /** Sets all elements from host values, row-major, without running a program. */
  copyFrom(values: ArrayLike<ArrayElement>): this {
    if (values.length !== this.numel())
      throw new ShapeError(
        `copyFrom: expected ${this.numel()} values for shape ${formatShape(this.shape)}, got ${values.length}.`,
        { shape: this.shape, values: values.length },
      )
    const bytes = bytesOfValues(values, this.dtype)
    if (this.viewSteps.length > 0 || (this.requiresGrad && isGradEnabled()))
      return this.writeNode('copyFrom', tensorOf(storeBytes(this.session, bytes, this.shape, this.dtype)).node, false)
    this.session.hostWrite(this.storage, bytes)
    return this
  }

  fill_(value: Scalar): this {
    return this.writeNode('fill_', build.constant(value, this.dtype), false)
  }

  zero_(): this {
    return this.fill_(0)
  }
}
