// One row per arithmetic kind of the kernel vocabulary: how many operands, of which categories, what comes out, how it is printed.
import { categoryOf, type DTypeCategory } from '../base/dtype.ts'
import type { AluKind, KernelDType } from './kernel-node.ts'

export type OperandCategory = DTypeCategory | 'index'

interface AluRow {
  readonly arity: 1 | 2 | 3
  readonly accepts: readonly OperandCategory[]
  /** `same`: the operands' dtype; `cast`: what the node says; `where` has a bool before its operands */
  readonly result: 'same' | 'bool' | 'cast' | 'where'
  /** infix or prefix sign and how tightly it binds, as in JavaScript */
  readonly sign?: string
  readonly precedence?: number
}

const floats = ['float'] as const
const numbers = ['int', 'float'] as const
const whole = ['bool', 'int'] as const
const counted = ['int', 'float', 'index'] as const
const every = ['bool', 'int', 'float', 'index'] as const

export const aluTable = {
  sqrt: { arity: 1, accepts: floats, result: 'same' },
  exp: { arity: 1, accepts: floats, result: 'same' },
  log: { arity: 1, accepts: floats, result: 'same' },
  sin: { arity: 1, accepts: floats, result: 'same' },
  cos: { arity: 1, accepts: floats, result: 'same' },
  floor: { arity: 1, accepts: floats, result: 'same' },
  cast: { arity: 1, accepts: every, result: 'cast' },
  bitcast: { arity: 1, accepts: ['bool', 'int', 'float'], result: 'cast' },
  add: { arity: 2, accepts: counted, result: 'same', sign: '+', precedence: 11 },
  mul: { arity: 2, accepts: counted, result: 'same', sign: '*', precedence: 12 },
  div: { arity: 2, accepts: counted, result: 'same', sign: '/', precedence: 12 },
  mod: { arity: 2, accepts: counted, result: 'same', sign: '%', precedence: 12 },
  pow: { arity: 2, accepts: numbers, result: 'same' },
  max: { arity: 2, accepts: counted, result: 'same' },
  less: { arity: 2, accepts: counted, result: 'bool', sign: '<', precedence: 9 },
  equal: { arity: 2, accepts: every, result: 'bool', sign: '==', precedence: 8 },
  and: { arity: 2, accepts: whole, result: 'same', sign: '&', precedence: 7 },
  or: { arity: 2, accepts: whole, result: 'same', sign: '|', precedence: 5 },
  xor: { arity: 2, accepts: whole, result: 'same', sign: '^', precedence: 6 },
  shiftLeft: { arity: 2, accepts: ['int'], result: 'same', sign: '<<', precedence: 10 },
  shiftRight: { arity: 2, accepts: ['int'], result: 'same', sign: '>>', precedence: 10 },
  where: { arity: 3, accepts: every, result: 'where' },
  sub: { arity: 2, accepts: counted, result: 'same', sign: '-', precedence: 11 },
  min: { arity: 2, accepts: counted, result: 'same' },
  neg: { arity: 1, accepts: numbers, result: 'same', sign: '-', precedence: 14 },
  abs: { arity: 1, accepts: numbers, result: 'same' },
  multiplyAdd: { arity: 3, accepts: floats, result: 'same' },
  notEqual: { arity: 2, accepts: every, result: 'bool', sign: '!=', precedence: 8 },
  lessEqual: { arity: 2, accepts: counted, result: 'bool', sign: '<=', precedence: 9 },
  not: { arity: 1, accepts: whole, result: 'same', sign: '!', precedence: 14 },
} as const satisfies Record<AluKind, AluRow>

export const aluRow = (kind: AluKind): AluRow => aluTable[kind]

export const operandCategory = (dtype: KernelDType): OperandCategory =>
  dtype === 'index' ? 'index' : categoryOf(dtype)
