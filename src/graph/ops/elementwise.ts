// Rows of the elementwise primitives. Gradients are PyTorch's, with its choices at ties, zeros and branch points.
// https://github.com/pytorch/pytorch/blob/main/tools/autograd/derivatives.yaml
import { isFloat } from '../../base/dtype.ts'
import {
  cast,
  cos,
  div,
  equal,
  floor,
  less,
  log,
  logicalAnd,
  logicalNot,
  mul,
  neg,
  pow,
  scalarLike,
  sin,
  sub,
  where,
  zerosLike,
} from '../builders.ts'
import { inferElementwise } from '../infer/elementwise.ts'
import type { Node } from '../node.ts'
import type { OpTable, Vjp } from '../op-row.ts'
import { elementwiseSemantics } from '../semantics/elementwise.ts'

/** Gradients as functions per input, so that only the wanted ones are built. */
const perInput =
  (...rules: ((node: Node, grad: Node) => Node | undefined)[]): Vjp<Node> =>
  (node, grad, wanted) =>
    rules.map((rule, i) => (wanted[i] ? rule(node, grad) : undefined))

/** maximum: the larger takes the gradient, equals take half each, and NaN passes it on. */
const larger = (mine: Node, other: Node, grad: Node): Node =>
  where(less(mine, other), 0, where(equal(mine, other), mul(grad, 0.5), grad))

const powBase = (base: Node, exponent: Node, grad: Node): Node =>
  where(equal(exponent, 0), 0, mul(grad, mul(exponent, pow(base, sub(exponent, scalarLike(exponent, 1))))))

/** 0^y is flat in y for y >= 0, where the formula would give 0 * -inf. */
const powExponent = (node: Node, grad: Node): Node => {
  const [base, exponent] = node.inputs
  const flat = logicalAnd(equal(base, 0), logicalNot(less(exponent, 0)))
  return where(flat, 0, mul(grad, mul(node, log(base))))
}

const logic = { family: 'elementwise', vjp: 'none' } as const

export const elementwiseOps = {
  sqrt: {
    family: 'elementwise',
    infer: inferElementwise.sqrt,
    vjp: (node, grad) => [div(grad, mul(node, 2))],
    reference: elementwiseSemantics.sqrt,
  },
  exp: {
    family: 'elementwise',
    infer: inferElementwise.exp,
    vjp: (node, grad) => [mul(grad, node)],
    reference: elementwiseSemantics.exp,
  },
  log: {
    family: 'elementwise',
    infer: inferElementwise.log,
    vjp: (node, grad) => [div(grad, node.inputs[0])],
    reference: elementwiseSemantics.log,
  },
  sin: {
    family: 'elementwise',
    infer: inferElementwise.sin,
    vjp: (node, grad) => [mul(grad, cos(node.inputs[0]))],
    reference: elementwiseSemantics.sin,
  },
  cos: {
    family: 'elementwise',
    infer: inferElementwise.cos,
    vjp: (node, grad) => [neg(mul(grad, sin(node.inputs[0])))],
    reference: elementwiseSemantics.cos,
  },
  floor: {
    family: 'elementwise',
    infer: inferElementwise.floor,
    vjp: (_, grad) => [zerosLike(grad)],
    reference: elementwiseSemantics.floor,
  },
  cast: {
    family: 'elementwise',
    infer: inferElementwise.cast,
    vjp: (node, grad) => [isFloat(node.inputs[0].dtype) ? cast(grad, node.inputs[0].dtype) : undefined],
    reference: elementwiseSemantics.cast,
  },
  bitcast: { ...logic, infer: inferElementwise.bitcast, reference: elementwiseSemantics.bitcast },
  add: {
    family: 'elementwise',
    infer: inferElementwise.add,
    vjp: (_, grad) => [grad, grad],
    reference: elementwiseSemantics.add,
  },
  mul: {
    family: 'elementwise',
    infer: inferElementwise.mul,
    vjp: perInput(
      ({ inputs: [, b] }, grad) => mul(grad, b),
      ({ inputs: [a] }, grad) => mul(grad, a),
    ),
    reference: elementwiseSemantics.mul,
  },
  multiplyAdd: {
    family: 'elementwise',
    infer: inferElementwise.multiplyAdd,
    vjp: perInput(
      ({ inputs: [, b] }, grad) => mul(grad, b),
      ({ inputs: [a] }, grad) => mul(grad, a),
      (_, grad) => grad,
    ),
    reference: elementwiseSemantics.multiplyAdd,
  },
  div: {
    family: 'elementwise',
    infer: inferElementwise.div,
    vjp: perInput(
      ({ inputs: [, b] }, grad) => div(grad, b),
      (node, grad) => neg(mul(grad, div(node, node.inputs[1]))),
    ),
    reference: elementwiseSemantics.div,
  },
  mod: {
    family: 'elementwise',
    infer: inferElementwise.mod,
    vjp: perInput(
      (_, grad) => grad,
      ({ inputs: [a, b] }, grad) => neg(mul(grad, floor(div(a, b)))),
    ),
    reference: elementwiseSemantics.mod,
  },
  pow: {
    family: 'elementwise',
    infer: inferElementwise.pow,
    vjp: perInput(({ inputs: [base, exponent] }, grad) => powBase(base, exponent, grad), powExponent),
    reference: elementwiseSemantics.pow,
  },
  max: {
    family: 'elementwise',
    infer: inferElementwise.max,
    vjp: perInput(
      ({ inputs: [a, b] }, grad) => larger(a, b, grad),
      ({ inputs: [a, b] }, grad) => larger(b, a, grad),
    ),
    reference: elementwiseSemantics.max,
  },
  less: { ...logic, infer: inferElementwise.less, reference: elementwiseSemantics.less },
  equal: { ...logic, infer: inferElementwise.equal, reference: elementwiseSemantics.equal },
  and: { ...logic, infer: inferElementwise.and, reference: elementwiseSemantics.and },
  or: { ...logic, infer: inferElementwise.or, reference: elementwiseSemantics.or },
  xor: { ...logic, infer: inferElementwise.xor, reference: elementwiseSemantics.xor },
  shiftLeft: { ...logic, infer: inferElementwise.shiftLeft, reference: elementwiseSemantics.shiftLeft },
  shiftRight: { ...logic, infer: inferElementwise.shiftRight, reference: elementwiseSemantics.shiftRight },
  where: {
    family: 'elementwise',
    infer: inferElementwise.where,
    vjp: perInput(
      () => undefined,
      ({ inputs: [condition] }, grad) => where(condition, grad, 0),
      ({ inputs: [condition] }, grad) => where(condition, 0, grad),
    ),
    reference: elementwiseSemantics.where,
  },
} satisfies Partial<OpTable>
