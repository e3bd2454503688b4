// A shorthand for writing float functions as vector code: arithmetic on parts of one width, in float32 or float64 lanes.
import { VirtualRegister } from '../machine/machine-op.ts'
import type { Mnemonic } from './instruction-table.ts'
import type { Part, Selection } from './select-state.ts'

/** Predicates of the vector comparison instructions. */
export const comparison = {
  equal: 0,
  unordered: 3,
  notEqual: 4,
  less: 0x11,
  lessEqual: 0x12,
  /** holds for NaN */
  notLess: 0x15,
  greaterEqual: 0x1d,
  greater: 0x1e,
}

export class MathBuilder {
  readonly s: Selection
  readonly bytes: number
  readonly #wide: boolean
  readonly #suffix: 'ps' | 'pd'

  constructor(s: Selection, bytes: number, wide: boolean) {
    this.s = s
    this.bytes = bytes
    this.#wide = wide
    this.#suffix = wide ? 'pd' : 'ps'
  }

  constant(value: number): Part {
    return this.#wide ? this.s.f64(value) : this.s.f32(value)
  }

  #part(value: Part | number): Part {
    return typeof value === 'number' ? this.constant(value) : value
  }

  #binary(name: string, a: Part | number, b: Part | number): VirtualRegister {
    return this.s.vector3(`${name}${this.#suffix}` as Mnemonic, this.bytes, this.#part(a), this.#part(b))
  }

  #symmetric(name: string, a: Part | number, b: Part | number): VirtualRegister {
    return this.s.commutative(`${name}${this.#suffix}` as Mnemonic, this.bytes, this.#part(a), this.#part(b))
  }

  add(a: Part | number, b: Part | number): VirtualRegister {
    return this.#symmetric('vadd', a, b)
  }

  sub(a: Part | number, b: Part | number): VirtualRegister {
    return this.#binary('vsub', a, b)
  }

  mul(a: Part | number, b: Part | number): VirtualRegister {
    return this.#symmetric('vmul', a, b)
  }

  div(a: Part | number, b: Part | number): VirtualRegister {
    return this.#binary('vdiv', a, b)
  }

  /** `limit` where x is beyond it; NaN stays. */
  atMost(x: Part, limit: number): VirtualRegister {
    return this.#binary('vmin', limit, x)
  }

  atLeast(x: Part, limit: number): VirtualRegister {
    return this.#binary('vmax', limit, x)
  }

  and(a: Part | number, b: Part | number): VirtualRegister {
    return this.#symmetric('vand', a, b)
  }

  or(a: Part | number, b: Part | number): VirtualRegister {
    return this.#symmetric('vor', a, b)
  }

  xor(a: Part | number, b: Part | number): VirtualRegister {
    return this.#symmetric('vxor', a, b)
  }

  magnitude(x: Part): VirtualRegister {
    return this.and(x, this.#wide ? this.s.i64(2n ** 63n - 1n) : this.s.i32(2 ** 31 - 1))
  }

  signBit(x: Part): VirtualRegister {
    return this.and(x, this.#wide ? this.s.i64(-(2n ** 63n)) : this.s.i32(-(2 ** 31)))
  }

  /** To the nearest whole number (0), down (1), or towards 0 (3). */
  round(x: Part, direction: 0 | 1 | 3 = 0): VirtualRegister {
    return this.s.vector2(this.#wide ? 'vroundpd' : 'vroundps', this.bytes, x, 8 | direction)
  }

  /** x * 2^power for a whole power, also where the result is no normal number; AVX-512 only. */
  scale(x: Part, power: Part): VirtualRegister {
    return this.#binary('vscalef', x, power)
  }

  /** a * b + c, rounded once. */
  fma(a: Part | number, b: Part | number, c: Part | number): VirtualRegister {
    return multiplyAdd(this.s, this.bytes, 'vfmadd', this.#suffix, this.#part(a), this.#part(b), this.#part(c))
  }

  /** c - a * b, rounded once. */
  fnma(a: Part | number, b: Part | number, c: Part | number): VirtualRegister {
    return multiplyAdd(this.s, this.bytes, 'vfnmadd', this.#suffix, this.#part(a), this.#part(b), this.#part(c))
  }

  /** coefficients[0] * x^n + … + coefficients[n], by Horner's rule. */
  polynomial(x: VirtualRegister, coefficients: readonly number[]): VirtualRegister {
    let sum = this.fma(x, coefficients[0], coefficients[1])
    for (const coefficient of coefficients.slice(2)) sum = this.fma(sum, x, coefficient)
    return sum
  }

  compare(a: Part | number, predicate: keyof typeof comparison, b: Part | number): VirtualRegister {
    const mnemonic = this.#wide ? 'vcmppd' : 'vcmpps'
    return this.s.vector3(mnemonic, this.bytes, this.#part(a), this.#part(b), comparison[predicate])
  }

  /** A comparison as bits of lanes in a general register. */
  bitsWhere(a: Part, predicate: keyof typeof comparison, b: Part | number): VirtualRegister {
    const { s, bytes } = this
    const bits = s.general()
    if (bytes === 64) {
      const [left, right] = [a, this.#part(b)].map((part) => s.load(part, bytes).view(bytes))
      s.sequence(this.#wide ? 'vcmppdBits' : 'vcmppsBits', 'write', 0, bits.view(4), left, right, comparison[predicate])
    } else s.write(this.#wide ? 'vmovmskpd' : 'vmovmskps', bits.view(4), this.compare(a, predicate, b).view(bytes))
    return bits
  }

  /** a where the mask is set, else b. */
  select(mask: Part, a: Part | number, b: Part | number): VirtualRegister {
    return this.s.blend(this.bytes, this.#wide, mask, this.#part(a), this.#part(b))
  }
}

/** a * b + c or c - a * b, rounded once, in a new register. A constant stays in memory, whichever of the three it is. */
export function multiplyAdd(
  s: Selection,
  bytes: number,
  name: 'vfmadd' | 'vfnmadd',
  suffix: 'ps' | 'pd',
  a: Part,
  b: Part,
  c: Part,
): VirtualRegister {
  const isConstant = (part: Part) => !(part instanceof VirtualRegister)
  const [first, second] = isConstant(a) ? [b, a] : [a, b]
  const fused = (order: 213 | 231, target: VirtualRegister, factor: Part, last: Part): VirtualRegister => {
    const mnemonic: Mnemonic = `${name}${order}${suffix}`
    s.update(mnemonic, target.view(bytes), s.load(factor, bytes).view(bytes), s.operand(last, bytes))
    return target
  }
  return isConstant(second) || !isConstant(c)
    ? fused(231, s.copyOf(c, bytes), first, second)
    : fused(213, s.copyOf(first, bytes), second, c)
}
