// Prints a kernel as readable loop nests: for people, for error sentences and for tests that read the stages.
import type { Scalar } from '../base/scalar.ts'
import { aluRow } from './alu-table.ts'
import type { Accumulate, Accumulator, Alu, Expression, For, Kernel, Memory, Statement } from './kernel-node.ts'

interface Named {
  readonly name: string
  readonly id?: number
}

/** Two things of one name are told apart by their ids. */
type Names = (thing: Named) => string

function namesOf(kernel: Kernel): Names {
  const owners = new Map<string, unknown>()
  const ambiguous = new Set<string>()
  const claim = ({ name, id }: Named): void => {
    if (owners.has(name) && owners.get(name) !== id) ambiguous.add(name)
    owners.set(name, id)
  }
  const visit = (statement: Statement): void => {
    if (statement.op === 'for') claim(statement.variable)
    if (statement.op === 'let') claim(statement.binding)
    if (statement.op === 'declare') claim(statement.accumulator)
    if (statement.op === 'for' || statement.op === 'if') statement.body.forEach(visit)
  }
  for (const memory of [...kernel.params, ...kernel.scratch]) claim({ name: memory.name })
  kernel.body.forEach(visit)
  return ({ name, id }) => (ambiguous.has(name) && id !== undefined ? `${name}_${id}` : name)
}

/** The whole kernel: its memory, then its statements. */
export function printKernel(kernel: Kernel): string {
  const names = namesOf(kernel)
  const sized = (memory: Memory): string => `${memory.name}: ${memory.dtype}[${memory.size}]`
  const params = kernel.params.map((param) => `${param.isStreamed ? 'stream' : param.access} ${sized(param)}`)
  return [
    `kernel ${kernel.name} (${params.join(', ')}) {`,
    ...kernel.scratch.map((scratch) => `  scratch ${sized(scratch)}`),
    ...kernel.body.flatMap((statement) => printLines(statement, names)).map(indent),
    '}',
  ].join('\n')
}

export const printStatement = (statement: Statement): string => printLines(statement, plainNames).join('\n')

/** An expression in infix notation. */
export const printExpression = (expression: Expression): string => print(expression, plainNames, 0)

const plainNames: Names = ({ name }) => name
const indent = (line: string): string => `  ${line}`
const suffix = (word: string, text: string | undefined): string => (text === undefined ? '' : ` ${word} ${text}`)

function printLines(statement: Statement, names: Names): string[] {
  const show = (expression: Expression): string => print(expression, names, 0)
  const at = (place: { readonly memory: Memory; readonly index: Expression }): string =>
    `${place.memory.name}[${show(place.index)}]`
  const block = (head: string, body: readonly Statement[]): string[] => [
    `${head} {`,
    ...body.flatMap((inner) => printLines(inner, names)).map(indent),
    '}',
  ]
  switch (statement.op) {
    case 'for':
      return block(`for ${names(statement.variable)} in 0..${bound(statement, names)}`, statement.body)
    case 'if':
      return block(`if ${show(statement.condition)}`, statement.body)
    case 'let':
      return [`let ${names(statement.binding)}: ${statement.binding.dtype} = ${show(statement.value)}`]
    case 'declare':
      return [`${describe(statement.accumulator, names)} = ${show(statement.initial)}`]
    case 'accumulate':
      return [printAccumulate(statement, names)]
    case 'store':
      return [
        `store ${at(statement)} = ${show(statement.value)}${suffix('if', statement.guard && show(statement.guard))}`,
      ]
    case 'barrier':
      return ['barrier']
    case 'check':
      return [
        `check ${statement.id}: 0 <= ${show(statement.index)} < ${statement.limit} at ${show(statement.position)}`,
      ]
    case 'tileMultiply': {
      const { a, b, c, mr, nr, aRow, aStride, bStride, bTaps, depth, accumulate, dtype } = statement
      const left = aRow === 1 ? aStride : `${aRow} x ${aStride}`
      const target = `${at(c)} stride ${show(c.stride)}`
      const how = `${mr}x${nr} ${dtype}, depth ${show(depth)}, strides ${left} and ${bStride}${bTaps ? ` of ${bTaps.join(' ')}` : ''}, accumulate ${show(accumulate)}`
      return [`tile ${target} (+)= ${at(a)} * ${at(b)} (${how})`]
    }
  }
}

function bound(loop: For, names: Names): string {
  const extent = print(loop.extent, names, 13)
  if (loop.kind === 'serial') return extent
  return `${extent} ${loop.kind}${loop.kind === 'vector' ? ` ${loop.lanes}` : ''}`
}

function describe(accumulator: Accumulator, names: Names): string {
  const { dtype, lanes, kind } = accumulator
  return `var ${names(accumulator)}: ${dtype}${lanes > 1 ? ` x${lanes}` : ''}${kind === 'none' ? '' : ` ${kind}`}`
}

const assignments = { sum: '+=', prod: '*=', max: 'max=', min: 'min=', none: '=' } as const

const printAccumulate = ({ accumulator, value }: Accumulate, names: Names): string =>
  `${names(accumulator)} ${assignments[accumulator.kind]} ${print(value, names, 0)}`

function print(expression: Expression, names: Names, outer: number): string {
  switch (expression.op) {
    case 'literal':
      return printScalar(expression.value)
    case 'index':
      return names(expression.variable)
    case 'size':
      return `size[${expression.slot}]`
    case 'read':
      return names(expression.accumulator)
    case 'reference':
      return names(expression.binding)
    case 'load': {
      const { memory, index, guard, otherwise } = expression
      const load = `${memory.name}[${print(index, names, 0)}]`
      if (guard === undefined || otherwise === undefined) return load
      return `(${print(guard, names, 4)} ? ${load} : ${print(otherwise, names, 3)})`
    }
    case 'alu':
      return printAlu(expression, names, outer)
  }
}

const printScalar = (value: Scalar): string =>
  typeof value === 'bigint' ? `${value}n` : Object.is(value, -0) ? '-0' : String(value)

function printAlu({ kind, dtype, inputs }: Alu, names: Names, outer: number): string {
  const { sign, precedence = 0, arity } = aluRow(kind)
  const [a, b] = inputs
  if (sign === undefined) {
    const name = kind === 'cast' ? dtype : kind === 'bitcast' ? `bits_${dtype}` : kind
    return `${name}(${inputs.map((input) => print(input, names, 0)).join(', ')})`
  }
  const text =
    arity === 1
      ? `${sign}${print(a, names, precedence)}`
      : `${print(a, names, precedence)} ${sign} ${print(b, names, precedence + 1)}`
  return precedence < outer ? `(${text})` : text
}
