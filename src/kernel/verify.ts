// Checks that a kernel is well formed before it is interpreted or emitted: dtypes, scopes, lanes, barriers, access and bounds.
// Raises CompileError with the statement it stopped at; a kernel that passes can only fail by a wrong guard.
import { bytesOf, type DType, isFloat } from '../base/dtype.ts'
import { CompileError } from '../base/errors.ts'
import { aluRow, operandCategory } from './alu-table.ts'
import { Bounds } from './bounds.ts'
import { indexAlu, indexLiteral } from './builders.ts'
import type {
  Accumulate,
  Accumulator,
  Alu,
  Declare,
  Expression,
  For,
  Kernel,
  KernelDType,
  Let,
  Literal,
  Load,
  Memory,
  Statement,
  TileMultiply,
} from './kernel-node.ts'
import { printExpression, printStatement } from './print.ts'

/** Where a statement stands: what encloses it. */
interface Place {
  readonly depth: number
  readonly vector: For | undefined
}

interface Declared {
  readonly accumulator: Accumulator
  readonly vector: For | undefined
}

export function verifyKernel(kernel: Kernel): void {
  new Verifier(kernel).verify()
}

class Verifier {
  readonly #kernel: Kernel
  readonly #memory: ReadonlySet<Memory>
  readonly #bounds = new Bounds()
  readonly #variables = new Set<number>()
  readonly #bindings = new Set<number>()
  readonly #accumulators = new Map<number, Declared>()
  #statement = ''
  /** how many `if`s are around: their conditions stand for the accesses' guards */
  #conditions = 0

  constructor(kernel: Kernel) {
    this.#kernel = kernel
    this.#memory = new Set<Memory>([...kernel.params, ...kernel.scratch])
  }

  verify(): void {
    const slots = this.#kernel.params.map((param) => param.slot)
    this.#require(new Set(slots).size === slots.length, `expected each slot once, got ${slots.join(', ')}`)
    for (const { name, size } of this.#memory)
      this.#require(Number.isSafeInteger(size) && size >= 0, `expected a size from 0 for ${name}, got ${size}`)
    this.#block(this.#kernel.body, { depth: 0, vector: undefined })
  }

  #require(condition: boolean, sentence: string): asserts condition {
    if (condition) return
    const where = this.#statement === '' ? '' : `\n  at ${this.#statement}`
    throw new CompileError(`verify ${this.#kernel.name}: ${sentence}.${where}`, { kernel: this.#kernel.name })
  }

  // --- statements -------------------------------------------------------------------------------------------------------

  /** What a block declares is gone after it. */
  #block(body: readonly Statement[], place: Place): void {
    for (const statement of body) {
      this.#statement = printStatement(statement).split('\n')[0]
      this.#verify(statement, place)
    }
    for (const statement of body) {
      if (statement.op === 'let') this.#bindings.delete(statement.binding.id)
      if (statement.op === 'declare') this.#accumulators.delete(statement.accumulator.id)
    }
  }

  #verify(statement: Statement, place: Place): void {
    switch (statement.op) {
      case 'for':
        this.#for(statement, place)
        return
      case 'if':
        this.#typed(statement.condition, 'bool', 'condition')
        this.#conditions++
        this.#block(statement.body, { ...place, depth: place.depth + 1 })
        this.#conditions--
        return
      case 'let':
        this.#let(statement)
        return
      case 'declare':
        this.#declare(statement, place)
        return
      case 'accumulate':
        this.#accumulate(statement, place)
        return
      case 'store': {
        const { memory, index, value, guard } = statement
        this.#typed(value, memory.dtype, 'value')
        this.#access(memory, index, guard, 'write')
        return
      }
      case 'barrier':
        this.#require(place.depth === 0, 'expected barriers between top statements only')
        return
      case 'check':
        this.#typed(statement.index, 'index', 'index')
        this.#typed(statement.position, 'index', 'position')
        return
      case 'tileMultiply':
        this.#tile(statement, place)
        return
    }
  }

  #let({ binding: { id, dtype, name }, value }: Let): void {
    this.#typed(value, dtype, name)
    this.#require(!this.#bindings.has(id), `expected ${name} (id ${id}) to be bound once`)
    this.#bindings.add(id)
    if (dtype === 'index' || dtype === 'int32') this.#bounds.bind(id, value)
  }

  #for(loop: For, place: Place): void {
    const { variable, extent, kind, lanes, body } = loop
    this.#require(
      place.vector === undefined || kind === 'serial' || kind === 'unroll',
      'expected only serial loops inside a vector loop',
    )
    this.#require(kind !== 'parallel' || place.depth === 0, 'expected parallel loops as top statements only')
    this.#require(kind !== 'unroll' || extent.op === 'literal', 'expected a constant extent to unroll')
    this.#require(Number.isInteger(lanes) && lanes >= 1, `expected lanes from 1, got ${lanes}`)
    this.#require(
      !this.#variables.has(variable.id),
      `expected ${variable.name} (id ${variable.id}) in one loop at a time`,
    )
    this.#typed(extent, 'index', 'extent')
    this.#variables.add(variable.id)
    this.#bounds.enterLoop(variable, extent)
    this.#block(body, { ...place, depth: place.depth + 1, vector: kind === 'vector' ? loop : place.vector })
    this.#bounds.leaveLoop(variable)
    this.#variables.delete(variable.id)
  }

  #declare({ accumulator, initial }: Declare, { vector }: Place): void {
    const { name, id, dtype, lanes, kind } = accumulator
    this.#typed(initial, dtype, `initial value of ${name}`)
    this.#require(!this.#accumulators.has(id), `expected ${name} (id ${id}) to be declared once`)
    this.#require(lanes >= 1 && Number.isInteger(Math.log2(lanes)), `expected lanes to be a power of 2, got ${lanes}`)
    this.#require(
      lanes === 1 || kind !== 'none',
      `expected ${name} with ${lanes} lanes to be a sum, product, max or min`,
    )
    this.#require(lanes === 1 || vector === undefined, `expected ${name} with ${lanes} lanes outside the vector loop`)
    this.#accumulators.set(id, { accumulator, vector })
  }

  #accumulate({ accumulator, value }: Accumulate, { vector }: Place): void {
    const { name, dtype, lanes } = accumulator
    const declared = this.#declared(accumulator)
    this.#typed(value, dtype, `value of ${name}`)
    if (lanes > 1) {
      const got = vector === undefined ? 'none' : `one of ${vector.lanes}`
      this.#require(vector?.lanes === lanes, `expected ${name} in a vector loop of ${lanes} lanes, got ${got}`)
    } else
      this.#require(
        vector === declared.vector,
        `expected ${name} to have lanes, because it is accumulated in a vector loop and declared outside it`,
      )
  }

  #declared(accumulator: Accumulator): Declared {
    const declared = this.#accumulators.get(accumulator.id)
    this.#require(declared !== undefined, `expected ${accumulator.name} to be declared before its use`)
    this.#require(
      declared.accumulator.lanes === accumulator.lanes,
      `expected one number of lanes for ${accumulator.name}`,
    )
    return declared
  }

  #tile(tile: TileMultiply, place: Place): void {
    const { mr, nr, aRow, aStride, bStride, bTaps = [0], depth, a, b, c, dtype } = tile
    this.#require(place.vector === undefined, 'expected no tile multiply inside a vector loop')
    this.#require(bStride > 0, `expected b to have a stride from 1, got ${bStride}`)
    this.#require(aStride > 0 && aRow > 0, `expected a to have strides from 1, got ${aRow} and ${aStride}`)
    this.#typed(depth, 'index', 'depth')
    this.#typed(c.stride, 'index', 'stride')
    this.#typed(tile.accumulate, 'index', 'accumulate')
    const lastOf = (side: TileMultiply['a'], stride: number, width: number): number =>
      this.#bounds.upperOf(side.index, depth, stride) - stride + width - 1
    this.#panel(a, dtype, 'read', lastOf(a, aStride, (mr - 1) * aRow + 1))
    const lastRun = this.#bounds.upperOf(indexAlu('mul', b.index, indexLiteral(bTaps.length)), depth, bStride)
    this.#panel(b, dtype, 'read', lastRun / bTaps.length - bStride + Math.max(...bTaps) + nr - 1)
    this.#panel(c, dtype, 'write', this.#bounds.upperOf(c.index, c.stride, mr - 1) + nr - 1)
  }

  #panel(side: TileMultiply['a'], dtype: DType, access: 'read' | 'write', last: number): void {
    const { memory, index } = side
    this.#require(memory.dtype === dtype, `expected ${memory.name} to be ${dtype}, got ${memory.dtype}`)
    this.#allowed(memory, access)
    this.#typed(index, 'index', 'index')
    if (this.#conditions === 0) this.#within(memory, [this.#bounds.interval(index)[0], last], index)
  }

  // --- memory -----------------------------------------------------------------------------------------------------------

  #allowed(memory: Memory, access: 'read' | 'write'): void {
    this.#require(this.#memory.has(memory), `expected ${memory.name} among the kernel's params and scratch`)
    if (memory.op === 'param')
      this.#require(
        memory.access === access || memory.access === 'readwrite',
        `expected ${memory.name} to be ${access === 'read' ? 'readable' : 'writable'}, got access '${memory.access}'`,
      )
  }

  #access(memory: Memory, index: Expression, guard: Expression | undefined, access: 'read' | 'write'): void {
    this.#allowed(memory, access)
    this.#typed(index, 'index', 'index')
    if (guard !== undefined) this.#typed(guard, 'bool', 'guard')
    else if (this.#conditions === 0) this.#within(memory, this.#bounds.interval(index), index)
  }

  #within(memory: Memory, [low, high]: readonly [number, number], index: Expression): void {
    this.#require(
      low > high || (low >= 0 && high < memory.size),
      `expected index ${printExpression(index)} of ${memory.name} in 0..${memory.size - 1}, ` +
        `can prove ${low}..${high} only. Guard the access`,
    )
  }

  // --- expressions --------------------------------------------------------------------------------------------------------

  #typed(expression: Expression, dtype: KernelDType, what: string): void {
    this.#expression(expression)
    this.#require(expression.dtype === dtype, `expected ${what} to be ${dtype}, got ${expression.dtype}`)
  }

  #expression(expression: Expression): void {
    switch (expression.op) {
      case 'literal':
        this.#literal(expression)
        return
      case 'index': {
        const { name, id } = expression.variable
        this.#require(this.#variables.has(id), `expected ${name} inside its loop only`)
        return
      }
      case 'size':
        this.#require(Number.isInteger(expression.slot) && expression.slot >= 0, 'expected a size slot from 0')
        return
      case 'alu':
        this.#alu(expression)
        return
      case 'load':
        this.#load(expression)
        return
      case 'read':
        this.#declared(expression.accumulator)
        return
      case 'reference': {
        const { name, id } = expression.binding
        this.#require(this.#bindings.has(id), `expected ${name} to be bound before its use`)
        return
      }
    }
  }

  #literal({ dtype, value }: Literal): void {
    const fits = dtype === 'index' ? Number.isSafeInteger(value) : isFloat(dtype) || Number.isInteger(Number(value))
    this.#require(fits, `expected a whole number for a literal of ${dtype}, got ${value}`)
  }

  #alu({ kind, dtype, inputs }: Alu): void {
    const { arity, accepts, result } = aluRow(kind)
    this.#require(inputs.length === arity, `expected ${kind} of ${arity} operands, got ${inputs.length}`)
    const operands = result === 'where' ? inputs.slice(1) : inputs
    for (const input of inputs) this.#expression(input)
    if (result === 'where')
      this.#require(inputs[0].dtype === 'bool', `expected where of a bool, got ${inputs[0].dtype}`)
    const [{ dtype: operand }] = operands
    const got = operands.map((input) => input.dtype).join(', ')
    this.#require(
      operands.every((input) => input.dtype === operand),
      `expected ${kind} of one dtype, got ${got}`,
    )
    this.#require(accepts.includes(operandCategory(operand)), `expected ${kind} of ${accepts.join(' or ')}, got ${got}`)
    if (result !== 'cast') {
      const expected = result === 'bool' ? 'bool' : operand
      this.#require(dtype === expected, `expected ${kind} to give ${expected}, got ${dtype}`)
    } else if (kind === 'bitcast')
      this.#require(
        dtype !== 'index' && operand !== 'index' && bytesOf(dtype) === bytesOf(operand),
        `expected bitcast between dtypes of one size, got ${operand} to ${dtype}`,
      )
  }

  #load({ memory, index, guard, otherwise, dtype }: Load): void {
    this.#require(dtype === memory.dtype, `expected a load of ${memory.dtype} from ${memory.name}, got ${dtype}`)
    this.#access(memory, index, guard, 'read')
    this.#require(
      (guard === undefined) === (otherwise === undefined),
      'expected a guard and a value otherwise, or neither',
    )
    if (otherwise !== undefined) this.#typed(otherwise, dtype, 'value otherwise')
  }
}
