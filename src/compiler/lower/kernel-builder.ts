// Writes one kernel: numbers its variables, bindings and accumulators from zero (so that equal kernels print equal), keeps the open
// statement list, and collects parameters, scratch, temporaries and check sites.
import type { DType } from '../../base/dtype.ts'
import type { ReduceKind } from '../../base/scalar.ts'
import { identityOf, indexLiteral, readOf, referenceTo } from '../../kernel/builders.ts'
import type {
  Accumulator,
  Expression,
  For,
  Kernel,
  LoopVariable,
  Param,
  Read,
  Reference,
  Scratch,
  Statement,
} from '../../kernel/kernel-node.ts'
import type { CheckSite } from '../plan.ts'

export interface LoopOptions {
  readonly name: string
  readonly extent: Expression | number
  readonly kind: For['kind']
  /** of a vector loop */
  readonly lanes?: number
}

/** Memory that one kernel call needs and nobody else sees, shared by all participants. */
export interface Temporary {
  readonly dtype: DType
  readonly size: number
}

export class KernelBuilder {
  readonly params: Param[] = []
  readonly scratch: Scratch[] = []
  readonly temporaries: Temporary[] = []
  readonly checks: CheckSite[] = []
  #statements: Statement[] = []
  #variables = 0
  #bindings = 0
  #accumulators = 0

  emit(statement: Statement): void {
    this.#statements.push(statement)
  }

  /** The statements that `write` emits, kept apart from the open list. */
  collect(write: () => void): Statement[] {
    const outer = this.#statements
    const inner: Statement[] = []
    this.#statements = inner
    try {
      write()
    } finally {
      this.#statements = outer
    }
    return inner
  }

  variable(name: string): LoopVariable {
    return { name, id: this.#variables++ }
  }

  loop(options: LoopOptions, write: (variable: LoopVariable) => void): void {
    const variable = this.variable(options.name)
    const extent = typeof options.extent === 'number' ? indexLiteral(options.extent) : options.extent
    const body = this.collect(() => write(variable))
    if (body.length > 0) this.emit({ op: 'for', variable, extent, kind: options.kind, lanes: options.lanes ?? 1, body })
  }

  /** Names a value in the open list. */
  bind(name: string, value: Expression): Reference {
    const binding = { name, dtype: value.dtype, id: this.#bindings++ }
    this.emit({ op: 'let', binding, value })
    return referenceTo(binding)
  }

  accumulator(name: string, dtype: DType, kind: ReduceKind, lanes: number, initial?: Expression): Accumulator {
    const accumulator: Accumulator = { name, dtype, id: this.#accumulators++, lanes, kind }
    this.emit({ op: 'declare', accumulator, initial: initial ?? identityOf(kind, dtype) })
    return accumulator
  }

  /** A value that is assigned rather than added to. */
  assigned(name: string, dtype: DType, initial: Expression): Accumulator {
    const accumulator: Accumulator = { name, dtype, id: this.#accumulators++, lanes: 1, kind: 'none' }
    this.emit({ op: 'declare', accumulator, initial })
    return accumulator
  }

  accumulate(accumulator: Accumulator, value: Expression): void {
    this.emit({ op: 'accumulate', accumulator, value })
  }

  read(accumulator: Accumulator): Read {
    return readOf(accumulator)
  }

  param(name: string, dtype: DType, size: number, access: Param['access'], isStreamed = false): Param {
    const param: Param = { op: 'param', slot: this.params.length, dtype, size, access, isStreamed, name }
    this.params.push(param)
    return param
  }

  /** A param that the plan binds to memory of its own; ask for them after inputs and outputs. */
  temporary(name: string, dtype: DType, size: number): Param {
    this.temporaries.push({ dtype, size })
    return this.param(name, dtype, size, 'readwrite')
  }

  makeScratch(name: string, dtype: DType, size: number): Scratch {
    const scratch: Scratch = { op: 'scratch', dtype, size, name: `${name}${this.scratch.length}` }
    this.scratch.push(scratch)
    return scratch
  }

  /** Registers a place where a data-dependent index is tested; gives its id. */
  check(site: CheckSite): number {
    return this.checks.push(site) - 1
  }

  finish(name: string): Kernel {
    return { name, params: this.params, scratch: this.scratch, body: this.#statements }
  }
}
