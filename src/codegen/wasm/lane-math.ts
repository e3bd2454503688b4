// A shorthand for writing float functions as vector code: every step is kept in a local of its own, constants are numbers.
import { isWide, type NumberForm, shapeOf, vectorBytes } from './forms.ts'
import type { FunctionCode } from './function-code.ts'

/** A vector in a local. */
export interface Lanes {
  readonly local: number
}

export type Operand = Lanes | number

export class LaneMath {
  readonly c: FunctionCode
  readonly form: 'f32' | 'f64'
  readonly #shape: string
  readonly #integers: 'i32' | 'i64'
  readonly #constant: (bytes: Uint8Array) => void

  /** `constant` leaves a constant; in place, unless the function at hand has a better one. */
  constructor(c: FunctionCode, form: 'f32' | 'f64', constant = (bytes: Uint8Array) => c.emit('v128.const', bytes)) {
    this.c = c
    this.form = form
    this.#constant = constant
    this.#shape = shapeOf[form]
    this.#integers = isWide(form) ? 'i64' : 'i32'
  }

  parameter(local: number): Lanes {
    return { local }
  }

  push(value: Operand): void {
    if (typeof value === 'number') this.#constant(vectorBytes([value], this.form))
    else this.c.get(value.local)
  }

  /** Leaves the function's result. */
  give(value: Operand): void {
    this.push(value)
  }

  #keep(): Lanes {
    return { local: this.c.keep('v128') }
  }

  /** A constant of integer lanes as wide as the floats. */
  integer(value: number | bigint): Lanes {
    this.#constant(vectorBytes([value], this.#integers as NumberForm))
    return this.#keep()
  }

  unary(name: string, a: Operand): Lanes {
    this.push(a)
    this.c.emit(name)
    return this.#keep()
  }

  binary(name: string, a: Operand, b: Operand): Lanes {
    this.push(a)
    this.push(b)
    this.c.emit(name)
    return this.#keep()
  }

  add(a: Operand, b: Operand): Lanes {
    return this.binary(`${this.#shape}.add`, a, b)
  }

  sub(a: Operand, b: Operand): Lanes {
    return this.binary(`${this.#shape}.sub`, a, b)
  }

  mul(a: Operand, b: Operand): Lanes {
    return this.binary(`${this.#shape}.mul`, a, b)
  }

  div(a: Operand, b: Operand): Lanes {
    return this.binary(`${this.#shape}.div`, a, b)
  }

  /** a * b + c, rounded twice. */
  mulAdd(a: Operand, b: Operand, c: Operand): Lanes {
    return this.add(this.mul(a, b), c)
  }

  /** c - a * b, rounded twice. */
  subMul(a: Operand, b: Operand, c: Operand): Lanes {
    return this.sub(c, this.mul(a, b))
  }

  abs(a: Operand): Lanes {
    return this.unary(`${this.#shape}.abs`, a)
  }

  nearest(a: Operand): Lanes {
    return this.unary(`${this.#shape}.nearest`, a)
  }

  floor(a: Operand): Lanes {
    return this.unary(`${this.#shape}.floor`, a)
  }

  /** NaN stays; the pseudo-maximum of two is one instruction, where the maximum also looks for NaN in the bound. */
  clamp(a: Operand, low: number, high: number): Lanes {
    return this.binary(`${this.#shape}.pmin`, this.binary(`${this.#shape}.pmax`, a, low), high)
  }

  and(a: Operand, b: Operand): Lanes {
    return this.binary('v128.and', a, b)
  }

  or(a: Operand, b: Operand): Lanes {
    return this.binary('v128.or', a, b)
  }

  xor(a: Operand, b: Operand): Lanes {
    return this.binary('v128.xor', a, b)
  }

  /** 0 where the mask is set. */
  clear(a: Operand, mask: Lanes): Lanes {
    return this.binary('v128.andnot', a, mask)
  }

  compare(predicate: 'eq' | 'ne' | 'lt' | 'le' | 'gt' | 'ge', a: Operand, b: Operand): Lanes {
    return this.binary(`${this.#shape}.${predicate}`, a, b)
  }

  /** a where the mask is set, else b. */
  select(mask: Lanes, a: Operand, b: Operand): Lanes {
    this.push(a)
    this.push(b)
    this.push(mask)
    this.c.emit('v128.bitselect')
    return this.#keep()
  }

  /** Integer lanes as wide as the floats, all shifted alike. */
  shift(kind: 'shl' | 'shr_s' | 'shr_u', a: Operand, by: number): Lanes {
    this.push(a)
    this.c.i32(by)
    this.c.emit(`${shapeOf[this.#integers as NumberForm]}.${kind}`)
    return this.#keep()
  }

  /** coefficients[0] * x^n + … + coefficients[n], by Horner's rule. */
  polynomial(x: Lanes, coefficients: readonly number[]): Lanes {
    let sum = this.mulAdd(x, coefficients[0], coefficients[1])
    for (const coefficient of coefficients.slice(2)) sum = this.mulAdd(sum, x, coefficient)
    return sum
  }
}
