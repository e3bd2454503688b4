// e to the power of scores less their maximum: numbers that are not positive, or NaN. In float32 this takes half the instructions of exp,
// which knows all numbers: 2^n comes out of the addition that rounds to n, and what is below the normal numbers is 0.
import { alu, lessThan, literal } from '../../../kernel/builders.ts'
import type { Expression } from '../../../kernel/kernel-node.ts'
import type { KernelBuilder } from '../kernel-builder.ts'

/** Adding this rounds to a whole number, whose sum with the bias of exponents is then in the low bits. */
const rounding = 1.5 * 2 ** 23 + 127
const mantissaBits = 23
/** ln 2 in two parts, of which the first has few bits: its multiples are exact. */
const log2High = 0.693359375
const log2Low = -2.1219444005469057e-4
/** e^r within 1.1e-7 for |r| <= ln 2 / 2: minimax of the relative error, from the highest power. */
const coefficients = [0.008312501944601536, 0.04189033433794975, 0.16667115688323975, 0.499992311000824, 1, 1]
/** Below this the result would not be a normal number. */
const lowest = -87.3

export function exponential(builder: KernelBuilder, dtype: 'float32' | 'float64', x: Expression): Expression {
  if (dtype === 'float64') return alu('exp', dtype, x)
  const number = (value: number) => literal(dtype, value)
  const fused = (a: Expression, b: Expression, c: Expression) => alu('multiplyAdd', dtype, a, b, c)
  const score = builder.bind('score', x)
  const rounded = builder.bind('rounded', fused(score, number(Math.LOG2E), number(rounding)))
  const power = builder.bind('power', alu('sub', dtype, rounded, number(rounding)))
  const high = fused(power, number(-log2High), score)
  const rest = builder.bind('rest', fused(power, number(-log2Low), high))
  const [first, ...others] = coefficients.map(number)
  const mantissa = others.reduce<Expression>((sum, coefficient) => fused(sum, rest, coefficient), first)
  const bits = alu('shiftLeft', 'int32', alu('bitcast', 'int32', rounded), literal('int32', mantissaBits))
  const value = alu('mul', dtype, mantissa, alu('bitcast', dtype, bits))
  return alu('where', dtype, lessThan(score, number(lowest)), number(0), value)
}
