// Integer functions that WebAssembly has no instruction for, or only one that traps: what they give is in base/arithmetic.ts.
import type { FunctionCode } from './function-code.ts'
import type { LibraryFunction, LibraryFunctions } from './library.ts'

type Type = 'i32' | 'i64'

const number = (c: FunctionCode, type: Type, value: number): void => (type === 'i32' ? c.i32(value) : c.i64(value))

/** Returns `value` where parameter 1 equals `divisor`. */
function returnIf(c: FunctionCode, type: Type, divisor: number, value: () => void): void {
  c.get(1)
  number(c, type, divisor)
  c.emit(`${type}.eq`)
  c.block('if', () => {
    value()
    c.emit('return')
  })
}

function guardDivision(c: FunctionCode, type: Type, byMinusOne: () => void): void {
  returnIf(c, type, 0, () => number(c, type, 0))
  returnIf(c, type, -1, byMinusOne)
}

const negated = (c: FunctionCode, type: Type) => (): void => {
  number(c, type, 0)
  c.get(0)
  c.emit(`${type}.sub`)
}

const divide = (type: Type): LibraryFunction => ({
  type: `${type} ${type} -> ${type}`,
  write(c) {
    guardDivision(c, type, negated(c, type))
    c.get(0)
    c.get(1)
    c.emit(`${type}.div_s`)
  },
})

/** Remainder with the divisor's sign. */
const floorModulo = (type: Type): LibraryFunction => ({
  type: `${type} ${type} -> ${type}`,
  write(c) {
    guardDivision(c, type, () => number(c, type, 0))
    c.get(0)
    c.get(1)
    c.emit(`${type}.rem_s`)
    const rest = c.local(type)
    c.tee(rest)
    number(c, type, 0)
    c.emit(`${type}.ne`)
    c.get(rest)
    c.get(1)
    c.emit(`${type}.xor`)
    number(c, type, 0)
    c.emit(`${type}.lt_s`)
    c.emit('i32.and')
    c.ifElse(
      () => {
        c.get(rest)
        c.get(1)
        c.emit(`${type}.add`)
      },
      () => c.get(rest),
      type,
    )
  },
})

/** Quotient rounded down: (a - (a mod b)) / b. */
const floorDivide = (type: Type): LibraryFunction => ({
  type: `${type} ${type} -> ${type}`,
  write(c, library) {
    guardDivision(c, type, negated(c, type))
    for (const local of [0, 0, 1]) c.get(local)
    c.call(library.get(`floorModulo${type === 'i32' ? 32 : 64}`))
    c.emit(`${type}.sub`)
    c.get(1)
    c.emit(`${type}.div_s`)
  },
})

/** Whole powers by squaring; a negative exponent leaves 0 except for the bases 1 and -1. */
const power = (type: Type): LibraryFunction => ({
  type: `${type} ${type} -> ${type}`,
  write(c) {
    c.get(1)
    number(c, type, 0)
    c.emit(`${type}.lt_s`)
    c.block('if', () => {
      negativePower(c, type)
      c.emit('return')
    })
    const result = c.local(type)
    number(c, type, 1)
    c.set(result)
    c.block('block', () =>
      c.block('loop', () => {
        c.get(1)
        c.emit(`${type}.eqz`)
        c.emit('br_if', 1)
        squareStep(c, type, result)
        c.emit('br', 0)
      }),
    )
    c.get(result)
  },
})

/** 1 for base 1; 1 or -1 for base -1; else 0. */
function negativePower(c: FunctionCode, type: Type): void {
  const isUnit = (value: number): void => {
    c.get(0)
    number(c, type, value)
    c.emit(`${type}.eq`)
  }
  number(c, type, 1)
  number(c, type, 1)
  c.get(1)
  number(c, type, 1)
  c.emit(`${type}.and`)
  number(c, type, 1)
  c.emit(`${type}.shl`)
  c.emit(`${type}.sub`)
  number(c, type, 0)
  isUnit(-1)
  c.emit('select')
  isUnit(1)
  c.emit('select')
}

function squareStep(c: FunctionCode, type: Type, result: number): void {
  c.get(1)
  number(c, type, 1)
  c.emit(`${type}.and`)
  if (type === 'i64') c.emit('i32.wrap_i64')
  c.block('if', () => {
    c.get(result)
    c.get(0)
    c.emit(`${type}.mul`)
    c.set(result)
  })
  c.get(0)
  c.get(0)
  c.emit(`${type}.mul`)
  c.set(0)
  c.get(1)
  number(c, type, 1)
  c.emit(`${type}.shr_u`)
  c.set(1)
}

/** Shifts a by b; parameter 2 of the 32-bit ones is the width of the dtype. */
const shiftLeft = (type: Type): LibraryFunction => ({
  type: type === 'i32' ? 'i32 i32 i32 -> i32' : 'i64 i64 -> i64',
  write(c) {
    c.get(0)
    c.get(1)
    c.emit(`${type}.shl`)
    number(c, type, 0)
    c.get(1)
    if (type === 'i32') c.get(2)
    else c.i64(64)
    c.emit(`${type}.lt_u`)
    c.emit('select')
  },
})

const shiftRight = (type: Type): LibraryFunction => ({
  type: type === 'i32' ? 'i32 i32 i32 -> i32' : 'i64 i64 -> i64',
  write(c) {
    const most = type === 'i32' ? 31 : 63
    c.get(0)
    c.get(1)
    number(c, type, most)
    c.get(1)
    number(c, type, most)
    c.emit(`${type}.lt_u`)
    c.emit('select')
    c.emit(`${type}.shr_s`)
  },
})

/** The upper half of the product of two unsigned numbers, from four products of halves. */
const multiplyHigh: LibraryFunction = {
  type: 'i64 i64 -> i64',
  write(c) {
    const half = (local: number, part: 'low' | 'high'): void => {
      c.get(local)
      c.i64(part === 'low' ? 0xffffffff : 32)
      c.emit(part === 'low' ? 'i64.and' : 'i64.shr_u')
    }
    const product = (a: 'low' | 'high', b: 'low' | 'high'): void => {
      half(0, a)
      half(1, b)
      c.emit('i64.mul')
    }
    product('low', 'low')
    c.i64(32)
    c.emit('i64.shr_u')
    product('high', 'low')
    c.emit('i64.add')
    const middle = c.keep('i64')
    half(middle, 'low')
    product('low', 'high')
    c.emit('i64.add')
    c.i64(32)
    c.emit('i64.shr_u')
    half(middle, 'high')
    c.emit('i64.add')
    product('high', 'high')
    c.emit('i64.add')
  },
}

export const integerFunctions: LibraryFunctions = {
  divide32: divide('i32'),
  divide64: divide('i64'),
  floorModulo32: floorModulo('i32'),
  floorModulo64: floorModulo('i64'),
  floorDivide32: floorDivide('i32'),
  floorDivide64: floorDivide('i64'),
  power32: power('i32'),
  power64: power('i64'),
  shiftLeft32: shiftLeft('i32'),
  shiftLeft64: shiftLeft('i64'),
  shiftRight32: shiftRight('i32'),
  shiftRight64: shiftRight('i64'),
  multiplyHigh,
}
