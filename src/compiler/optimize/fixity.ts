// What may move and what is worth a name: loads of written memory and reads of accumulators stay where they are; sums of indices that
// follow a vector loop stay whole, because code generators take them apart into an address and a stride.
import type { Binding, Expression, Kernel, LoopVariable, Memory } from '../../kernel/kernel-node.ts'
import { operandsOf, visitStatements, writtenMemory } from './rewrite.ts'

const addressKinds: ReadonlySet<string> = new Set(['add', 'sub', 'mul'])

export class Fixity {
  readonly #written: ReadonlySet<Memory>
  readonly #vectorVariables = new Set<LoopVariable>()
  readonly #varyingBindings = new Set<number>()
  readonly #fixed = new Map<Expression, boolean>()
  readonly #varying = new Map<Expression, boolean>()

  constructor(kernel: Kernel) {
    this.#written = writtenMemory(kernel)
    visitStatements(kernel.body, (statement) => {
      if (statement.op === 'for' && statement.kind === 'vector') this.#vectorVariables.add(statement.variable)
      if (statement.op === 'let') this.noteBinding(statement.binding, statement.value)
    })
  }

  /** Tells that `binding` stands for `value`; to be called in program order. */
  noteBinding(binding: Binding, value: Expression): void {
    if (this.#isVarying(value)) this.#varyingBindings.add(binding.id)
  }

  /** Whether the value depends on when it is computed. */
  isFixed(expression: Expression): boolean {
    let fixed = this.#fixed.get(expression)
    if (fixed === undefined) {
      fixed =
        expression.op === 'read' ||
        (expression.op === 'load' && this.#written.has(expression.memory)) ||
        operandsOf(expression).some((operand) => this.isFixed(operand))
      this.#fixed.set(expression, fixed)
    }
    return fixed
  }

  #isVarying(expression: Expression): boolean {
    if (expression.op === 'reference') return this.#varyingBindings.has(expression.binding.id)
    if (expression.op === 'index') return this.#vectorVariables.has(expression.variable)
    let varying = this.#varying.get(expression)
    if (varying === undefined) {
      varying = operandsOf(expression).some((operand) => this.#isVarying(operand))
      this.#varying.set(expression, varying)
    }
    return varying
  }

  /** Whether a `let` for this value saves work. */
  isWorthNaming(expression: Expression): boolean {
    if (expression.op !== 'alu' && expression.op !== 'load') return false
    if (this.isFixed(expression)) return false
    const isAddress = expression.op === 'alu' && expression.dtype === 'index' && addressKinds.has(expression.kind)
    return !(isAddress && this.#isVarying(expression))
  }
}
