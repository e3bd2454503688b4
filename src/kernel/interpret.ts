// Runs a kernel on typed arrays, statement by statement: the oracle for code generators and for `optimize`. A kernel is turned into
// closures over a participant's frame. Every participant runs all top statements, its own run of iterations of a parallel loop, one
// participant after another between barriers: a kernel that reads what another one still has to write shows it in its bits.
import { bigCombine, floatCombine, intCombine, reduceIdentity } from '../base/arithmetic.ts'
import { isFloat } from '../base/dtype.ts'
import { CompileError } from '../base/errors.ts'
import { aluFunction, type Compute, type Value, wrapTo } from './alu-arithmetic.ts'
import { type DeviceData, deviceArrays, formatOf, poisoned } from './device-data.ts'
import type {
  Accumulate,
  Accumulator,
  Alu,
  Check,
  Declare,
  Expression,
  For,
  Kernel,
  Literal,
  Load,
  Memory,
  Statement,
  Store,
  TileMultiply,
} from './kernel-node.ts'

/** What the error word holds: the check's id, where in its index tensor, and the index found. */
export interface CheckFailure {
  readonly id: number
  readonly position: number
  readonly index: number
}

interface AccumulatorState {
  initial: Value
  lanes: Value[]
}

/** What one participant has of its own, and the error word that all share. */
interface Frame {
  readonly participant: number
  readonly participants: number
  readonly sizes: readonly bigint[]
  readonly memory: Map<Memory, DeviceData>
  readonly indices: number[]
  readonly bindings: Value[]
  readonly accumulators: AccumulatorState[]
  readonly errors: CheckFailure[]
  lane: number
}

type Evaluate = (frame: Frame) => Value
type Run = (frame: Frame) => void

/** Runs `kernel` with `bindings` by slot, changing those it writes. Gives the first failed check, if any. */
export function interpretKernel(
  kernel: Kernel,
  bindings: readonly DeviceData[],
  sizes: readonly bigint[] = [],
  participants = 1,
): CheckFailure | undefined {
  const errors: CheckFailure[] = []
  const frames = Array.from({ length: participants }, (_, participant): Frame => {
    const memory = new Map<Memory, DeviceData>()
    for (const param of kernel.params) memory.set(param, bindingOf(kernel, bindings, param))
    for (const scratch of kernel.scratch) memory.set(scratch, poisoned(scratch.dtype, scratch.size))
    const own = { indices: [], bindings: [], accumulators: [], lane: 0 }
    return { participant, participants, sizes, memory, errors, ...own }
  })
  for (const phase of phasesOf(kernel.body)) {
    const run = compileBlock(phase, undefined)
    for (const frame of frames) run(frame)
  }
  return errors[0]
}

function bindingOf(kernel: Kernel, bindings: readonly DeviceData[], param: Memory & { op: 'param' }): DeviceData {
  const data = bindings[param.slot]
  const expected = deviceArrays[param.dtype]
  if (data instanceof expected && data.length >= param.size) return data
  const got = data === undefined ? 'none' : `a ${data.constructor.name} of ${data.length}`
  throw new CompileError(
    `interpret ${kernel.name}: expected a ${expected.name} of ${param.size} for ${param.name}, got ${got}.`,
    { kernel: kernel.name, param: param.name },
  )
}

function phasesOf(body: readonly Statement[]): Statement[][] {
  const phases: Statement[][] = [[]]
  for (const statement of body) {
    if (statement.op === 'barrier') phases.push([])
    else phases[phases.length - 1].push(statement)
  }
  return phases
}

// --- statements -----------------------------------------------------------------------------------------------------------

/** `lanes` holds the accumulators that the vector loop around the block accumulates into. */
function compileBlock(body: readonly Statement[], lanes: Lanes): Run {
  const runs = body.map((statement) => compileStatement(statement, lanes))
  if (runs.length === 1) return runs[0]
  return (frame) => {
    for (const run of runs) run(frame)
  }
}

type Lanes = ReadonlySet<number> | undefined

function compileStatement(statement: Statement, lanes: Lanes): Run {
  switch (statement.op) {
    case 'for':
      return compileFor(statement, lanes)
    case 'let': {
      const value = compileExpression(statement.value, lanes)
      const { id } = statement.binding
      return (frame) => {
        frame.bindings[id] = value(frame)
      }
    }
    case 'declare':
      return compileDeclare(statement, lanes)
    case 'accumulate':
      return compileAccumulate(statement, lanes)
    case 'store':
      return compileStore(statement, lanes)
    case 'if': {
      const condition = compileExpression(statement.condition, lanes)
      const body = compileBlock(statement.body, lanes)
      return (frame) => {
        if (condition(frame) !== 0) body(frame)
      }
    }
    case 'check':
      return compileCheck(statement, lanes)
    case 'tileMultiply':
      return compileTile(statement, lanes)
    case 'barrier':
      throw new CompileError('interpret: expected barriers between top statements only, got one inside a loop or if.')
  }
}

function compileFor(loop: For, outer: Lanes): Run {
  const inner = loop.kind === 'vector' ? accumulatedIn(loop.body) : outer
  const extent = compileExpression(loop.extent, outer)
  const body = compileBlock(loop.body, inner)
  const { id } = loop.variable
  if (loop.kind === 'vector')
    return (frame) => {
      const end = Number(extent(frame))
      for (let i = 0; i < end; i++) {
        frame.indices[id] = i
        frame.lane = i % loop.lanes
        body(frame)
      }
    }
  const parallel = loop.kind === 'parallel'
  return (frame) => {
    const count = Number(extent(frame))
    const start = parallel ? Math.floor((count * frame.participant) / frame.participants) : 0
    const end = parallel ? Math.floor((count * (frame.participant + 1)) / frame.participants) : count
    for (let i = start; i < end; i++) {
      frame.indices[id] = i
      body(frame)
    }
  }
}

function accumulatedIn(body: readonly Statement[], found = new Set<number>()): Set<number> {
  for (const statement of body)
    if (statement.op === 'accumulate') found.add(statement.accumulator.id)
    else if (statement.op === 'if' || statement.op === 'for') accumulatedIn(statement.body, found)
  return found
}

function compileDeclare({ accumulator, initial }: Declare, lanes: Lanes): Run {
  const value = compileExpression(initial, lanes)
  const { id, kind, dtype } = accumulator
  const identity = kind === 'none' ? undefined : reduceIdentity(kind, dtype)
  return (frame) => {
    const start = value(frame)
    const state = accumulator.lanes === 1 ? [start] : new Array<Value>(accumulator.lanes).fill(identity ?? start)
    frame.accumulators[id] = { initial: start, lanes: state }
  }
}

/** accumulator and value to the accumulator's next value, rounded or wrapped to its dtype. */
function combineFunction({ kind, dtype }: Accumulator): (a: Value, b: Value) => Value {
  if (kind === 'none') return (_, value) => value
  if (dtype === 'int64') return bigCombine[kind] as Compute
  const wrap = wrapTo[dtype]
  const combine = (isFloat(dtype) ? floatCombine : intCombine)[kind]
  return (a, b) => wrap(combine(a as number, b as number))
}

function compileAccumulate({ accumulator, value }: Accumulate, lanes: Lanes): Run {
  const next = compileExpression(value, lanes)
  const combine = combineFunction(accumulator)
  const { id } = accumulator
  const single = accumulator.lanes === 1
  return (frame) => {
    const state = frame.accumulators[id].lanes
    const lane = single ? 0 : frame.lane
    state[lane] = combine(state[lane], next(frame))
  }
}

function compileStore({ memory, index, value, guard }: Store, lanes: Lanes): Run {
  const at = compileExpression(index, lanes)
  const next = compileExpression(value, lanes)
  const allowed = guard && compileExpression(guard, lanes)
  const { store } = formatOf(memory.dtype)
  return (frame) => {
    if (allowed === undefined || allowed(frame) !== 0)
      store(frame.memory.get(memory)!, inside(memory, Number(at(frame))), next(frame))
  }
}

function compileCheck({ index, limit, position, id }: Check, lanes: Lanes): Run {
  const value = compileExpression(index, lanes)
  const where = compileExpression(position, lanes)
  return (frame) => {
    const found = Number(value(frame))
    if (found < 0 || found >= limit) frame.errors.push({ id, position: Number(where(frame)), index: found })
  }
}

function compileTile(tile: TileMultiply, lanes: Lanes): Run {
  const { mr, nr, aRow, aStride, bStride, bTaps = [0], dtype } = tile
  const rowOf = (k: number): number => Math.floor(k / bTaps.length) * bStride + bTaps[k % bTaps.length]
  const [a, b, c] = [tile.a, tile.b, tile.c].map(({ memory, index }) => ({
    memory,
    start: compileExpression(index, lanes),
  }))
  const depth = compileExpression(tile.depth, lanes)
  const stride = compileExpression(tile.c.stride, lanes)
  const accumulate = compileExpression(tile.accumulate, lanes)
  const fused = aluFunction('multiplyAdd', dtype, dtype)
  const round = wrapTo[dtype]
  return (frame) => {
    const [left, right, target] = [a, b, c].map(({ memory, start }) => panelAt(frame, memory, Number(start(frame))))
    const steps = Number(depth(frame))
    const width = Number(stride(frame))
    const add = accumulate(frame) !== 0
    for (let i = 0; i < mr; i++)
      for (let j = 0; j < nr; j++) {
        let total = 0
        for (let k = 0; k < steps; k++)
          total = fused(left.read(i * aRow + k * aStride), right.read(rowOf(k) + j), total) as number
        target.write(i * width + j, add ? round(target.read(i * width + j) + total) : total)
      }
  }
}

/** Float memory from `start` on. */
function panelAt(frame: Frame, memory: Memory, start: number) {
  const data = frame.memory.get(memory) as Float32Array | Float64Array
  return {
    read: (offset: number): number => data[inside(memory, start + offset)],
    write: (offset: number, value: number): void => {
      data[inside(memory, start + offset)] = value
    },
  }
}

// --- expressions ----------------------------------------------------------------------------------------------------------

/** Every access is proved by the verifier or guarded; one outside is a bug of the compiler that made the kernel. */
function inside(memory: Memory, index: number): number {
  if (index >= 0 && index < memory.size) return index
  throw new CompileError(`interpret: ${memory.name}[${index}] is outside 0..${memory.size - 1}.`, {
    memory: memory.name,
    index,
  })
}

function compileExpression(expression: Expression, lanes: Lanes): Evaluate {
  switch (expression.op) {
    case 'literal': {
      const value = literalValue(expression)
      return () => value
    }
    case 'index': {
      const { id } = expression.variable
      return (frame) => frame.indices[id]
    }
    case 'size':
      return (frame) => Number(frame.sizes[expression.slot])
    case 'alu':
      return compileAlu(expression, lanes)
    case 'load':
      return compileLoad(expression, lanes)
    case 'read':
      return compileRead(expression.accumulator, lanes)
    case 'reference': {
      const { id } = expression.binding
      return (frame) => frame.bindings[id]
    }
  }
}

function literalValue({ dtype, value }: Literal): Value {
  if (dtype === 'int64') return BigInt(value)
  return dtype === 'index' ? Number(value) : aluFunction('cast', dtype, 'float64')(Number(value))
}

function compileAlu({ kind, dtype, inputs }: Alu, lanes: Lanes): Evaluate {
  const operand = inputs[kind === 'where' ? 1 : 0].dtype
  const compute = aluFunction(kind, dtype, operand)
  const [a, b, c] = inputs.map((input) => compileExpression(input, lanes))
  if (inputs.length === 1) return (frame) => compute(a(frame))
  if (inputs.length === 2) return (frame) => compute(a(frame), b(frame))
  return (frame) => compute(a(frame), b(frame), c(frame))
}

function compileLoad({ memory, index, guard, otherwise }: Load, lanes: Lanes): Evaluate {
  const at = compileExpression(index, lanes)
  const { load } = formatOf(memory.dtype)
  const read: Evaluate = (frame) => load(frame.memory.get(memory)!, inside(memory, Number(at(frame))))
  if (guard === undefined || otherwise === undefined) return read
  const allowed = compileExpression(guard, lanes)
  const fallback = compileExpression(otherwise, lanes)
  return (frame) => (allowed(frame) !== 0 ? read(frame) : fallback(frame))
}

function compileRead(accumulator: Accumulator, lanes: Lanes): Evaluate {
  const { id } = accumulator
  if (accumulator.lanes === 1) return (frame) => frame.accumulators[id].lanes[0]
  if (lanes?.has(id)) return (frame) => frame.accumulators[id].lanes[frame.lane]
  const combine = combineFunction(accumulator)
  return (frame) => {
    const { initial, lanes: state } = frame.accumulators[id]
    return combine(initial, pairwise(state, combine))
  }
}

/** Lane i with lane i + half, until one is left. */
function pairwise(lanes: readonly Value[], combine: (a: Value, b: Value) => Value): Value {
  let values = lanes
  while (values.length > 1) {
    const half = values.length / 2
    const upper = values.slice(half)
    values = values.slice(0, half).map((value, i) => combine(value, upper[i]))
  }
  return values[0]
}
