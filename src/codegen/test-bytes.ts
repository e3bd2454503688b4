// Loops whose values are all single bytes against the interpreter: cases for every code generator.
import { alu, indexLiteral, literal, loadOf, storeTo } from '../kernel/builders.ts'
import type { AluKind, Expression, KernelDType } from '../kernel/kernel-node.ts'
import { assertSame, type Cases, dataOf, empty, fresh, kernelOf, loopOver, param } from './test-generator.ts'

const sizes = [31, 32, 64, 100, 300]
const bool = (kind: AluKind, ...inputs: Expression[]) => alu(kind, 'bool', ...inputs)
const truths = (size: number, step: number) =>
  dataOf(
    'bool',
    Array.from({ length: size }, (_, i) => ((i * step) % 7) & 1),
  )
const bytes = (dtype: 'uint8' | 'int8', size: number, step: number) =>
  dataOf(
    dtype,
    Array.from({ length: size }, (_, i) => ((i * step) % 251) - (dtype === 'int8' ? 125 : 0)),
  )

/** Every operation on truth values. */
function logic(a: Expression, b: Expression): Expression {
  const either = bool('or', bool('not', a), bool('and', a, b))
  const differ = bool('xor', bool('notEqual', a, b), literal('bool', true))
  return bool('where', bool('equal', either, differ), bool('not', b), bool('and', either, b))
}

/** Operations on numbers that wrap, choices by comparison, and the way between numbers and truth values. */
function arithmetic(a: Expression, b: Expression, dtype: KernelDType): Expression {
  const number = (kind: AluKind, ...inputs: Expression[]) => alu(kind, dtype, ...inputs)
  const mixed = number('sub', number('add', a, number('xor', b, literal(dtype, 5))), number('not', a))
  const chosen = number('where', bool('notEqual', a, b), number('or', mixed, b), number('and', a, literal(dtype, 12)))
  const bounded = number('min', number('max', chosen, a), b)
  return number('add', bounded, number('cast', bool('cast', b)))
}

export const byteCases: Cases = {
  'logic in whole steps and in what is left of them': (generator) => {
    for (const variant of generator.variants)
      for (const size of sizes) {
        const [a, b, out, inverse] = [0, 1, 2, 3].map((slot) => param(slot, 'bool', size))
        const binding = { ...fresh('first'), dtype: 'bool' as const }
        const body = (i: Expression) =>
          [
            { op: 'let', binding, value: logic(loadOf(a, i), loadOf(b, i)) },
            storeTo(out, i, { op: 'reference', dtype: 'bool', binding }),
            storeTo(inverse, i, bool('not', { op: 'reference', dtype: 'bool', binding })),
          ] as const
        const kernel = kernelOf([a, b, out, inverse], [loopOver('vector', size, 32, body)])
        const data = [truths(size, 3), truths(size, 5), empty('bool', size), empty('bool', size)]
        assertSame(generator, kernel, data, variant)
      }
  },

  'numbers of one byte, and copies that begin anywhere': (generator) => {
    for (const variant of generator.variants)
      for (const dtype of ['uint8', 'int8'] as const) {
        const size = 200
        const [a, b, out] = [0, 1, 2].map((slot) => param(slot, dtype, size))
        const shifted = (i: Expression) => alu('add', 'index', i, indexLiteral(3))
        const kernel = kernelOf(
          [a, b, out],
          [
            loopOver('vector', size, 64, (i) => [storeTo(out, i, arithmetic(loadOf(a, i), loadOf(b, i), dtype))]),
            loopOver('vector', size - 3, 64, (i) => [storeTo(b, i, loadOf(a, shifted(i)))]),
          ],
        )
        assertSame(generator, kernel, [bytes(dtype, size, 7), bytes(dtype, size, 11), empty(dtype, size)], variant)
      }
  },
}
