// What a model is made of: layers with output shapes, parameters and flops. It builds the graph of one call and computes nothing.
import { bytesOf, type DType } from '../base/dtype.ts'
import { formatShape, type Shape } from '../base/shape.ts'
import { flopsOf, noGrad, Tensor, zeros } from '../tensor/index.ts'
import { withoutKeeping } from './keep-result.ts'
import type { Module } from './module.ts'

export interface SummaryOptions {
  /** of inputs that are given as shapes; int64 for a model that starts with an embedding */
  readonly dtype?: DType
  /** how many levels of modules to list; all unless given */
  readonly depth?: number
}

export interface SummaryRow {
  /** '' is the model itself */
  readonly name: string
  readonly type: string
  /** of the first tensor that came out, or null for a module that was not called */
  readonly outputShape: Shape | null
  /** here and below, each once */
  readonly parameters: number
  /** of all its calls, here and below */
  readonly flops: number
}

const grouped = (value: number): string => value.toLocaleString('en-US')

const scaled = (value: number): string => {
  const prefixes = ['', 'k', 'M', 'G', 'T', 'P']
  const power = value === 0 ? 0 : Math.min(prefixes.length - 1, Math.floor(Math.log10(value) / 3))
  return power === 0 ? String(value) : `${(value / 1000 ** power).toPrecision(3)} ${prefixes[power]}`
}

/** Rows by module, parents first, and their totals. Prints as a table. */
export class ModelSummary {
  readonly rows: readonly SummaryRow[]
  readonly parameters: number
  readonly trainableParameters: number
  /** two for each multiply-add of a product */
  readonly flops: number
  readonly bytes: number

  constructor(model: Module, rows: readonly SummaryRow[]) {
    const parameters = model.parameters()
    this.rows = rows
    this.parameters = count(parameters)
    this.trainableParameters = count(parameters.filter(({ requiresGrad }) => requiresGrad))
    this.flops = rows[0].flops
    this.bytes = [...parameters, ...model.buffers()].reduce((sum, x) => sum + x.numel() * bytesOf(x.dtype), 0)
  }

  toString(): string {
    const cells = this.rows.map(({ name, type, outputShape, parameters, flops }) => {
      const owners = this.rows.map((row) => row.name).filter((other) => other !== '' && name.startsWith(`${other}.`))
      const own = name.slice(owners.length === 0 ? 0 : owners.at(-1)!.length + 1)
      return [
        name === '' ? type : `${'  '.repeat(owners.length + 1)}${own}: ${type}`,
        outputShape === null ? '-' : formatShape(outputShape),
        grouped(parameters),
        scaled(flops),
      ]
    })
    const lines = [['Layer', 'Output shape', 'Parameters', 'Flops'], ...cells]
    const widths = lines[0].map((_, column) => Math.max(...lines.map((line) => line[column].length)))
    const format = (line: readonly string[]): string =>
      line.map((cell, i) => (i < 2 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join('  ')
    const rule = '─'.repeat(widths.reduce((sum, width) => sum + width + 2, -2))
    const frozen = this.parameters - this.trainableParameters
    return [
      format(lines[0]),
      rule,
      ...lines.slice(1).map(format),
      rule,
      `Parameters: ${grouped(this.parameters)}${frozen > 0 ? `, ${grouped(frozen)} of them frozen` : ''} (with buffers ${scaled(this.bytes)}B)`,
      `Flops: ${scaled(this.flops)}`,
    ].join('\n')
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString()
  }
}

const count = (tensors: readonly Tensor[]): number => tensors.reduce((sum, x) => sum + x.numel(), 0)

const tensorsIn = (value: unknown): Tensor[] => {
  if (value instanceof Tensor) return [value]
  return Array.isArray(value) ? value.flatMap(tensorsIn) : []
}

interface Call {
  outputShape: Shape | null
  flops: number
}

/** Calls `model` in evaluation mode, without gradients, on inputs or on zeros of the shapes given. */
export function summarize(
  model: Module,
  inputs: readonly (Tensor | Shape)[],
  { dtype = 'float32', depth = Number.POSITIVE_INFINITY }: SummaryOptions,
): ModelSummary {
  const calls = new Map<Module, Call>()
  const modules = model.modules()
  const handles = modules.map((module) =>
    module.registerForwardHook((_, args, output) => {
      const call = calls.get(module) ?? { outputShape: null, flops: 0 }
      const outputs = tensorsIn(output)
      call.outputShape = outputs[0]?.shape ?? null
      call.flops += flopsOf(outputs, tensorsIn(args))
      calls.set(module, call)
    }),
  )
  const wasTraining = modules.map(({ training }) => training)
  try {
    model.eval()
    const tensors = inputs.map((input) => (input instanceof Tensor ? input : zeros(input, { dtype })))
    withoutKeeping(() => noGrad(() => (model as unknown as (...args: Tensor[]) => unknown)(...tensors)))
  } finally {
    for (const handle of handles) handle.remove()
    modules.forEach((module, i) => {
      module.training = wasTraining[i]
    })
  }
  const listed = [...model.namedModules()].filter(([name]) => name === '' || name.split('.').length <= depth)
  const rows = listed.map(([name, module]) => {
    const { outputShape, flops } = calls.get(module) ?? { outputShape: null, flops: 0 }
    return { name, type: module.constructor.name, outputShape, parameters: count(module.parameters()), flops }
  })
  return new ModelSummary(model, rows)
}
