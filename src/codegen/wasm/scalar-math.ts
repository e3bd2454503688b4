// A shorthand for writing scalar functions: expressions as nested functions that leave a value on the stack.
import type { FunctionCode } from './function-code.ts'
import type { ValueType } from './instruction-table.ts'

export type Push = () => void

export class ScalarMath {
  readonly c: FunctionCode

  constructor(c: FunctionCode) {
    this.c = c
  }

  /** A local's value, whenever it is asked for. */
  at(local: number): Push {
    return () => this.c.get(local)
  }

  f64(value: number): Push {
    return () => this.c.emit('f64.const', value)
  }

  i64(value: number | bigint): Push {
    return () => this.c.i64(value)
  }

  op(name: string, ...operands: readonly Push[]): Push {
    return () => {
      for (const operand of operands) operand()
      this.c.emit(name)
    }
  }

  /** Computes now, into a local of its own. */
  keep(type: ValueType, value: Push): Push & { readonly local: number } {
    value()
    const local = this.c.keep(type)
    return Object.assign(this.at(local), { local })
  }

  assign(target: { readonly local: number }, value: Push): void {
    value()
    this.c.set(target.local)
  }

  when(condition: Push, body: () => void): void {
    condition()
    this.c.block('if', body)
  }

  give(value: Push): void {
    value()
    this.c.emit('return')
  }

  polynomial(x: Push, coefficients: readonly number[]): Push {
    let sum = this.f64(coefficients[0])
    for (const coefficient of coefficients.slice(1))
      sum = this.op('f64.add', this.op('f64.mul', sum, x), this.f64(coefficient))
    return sum
  }
}
