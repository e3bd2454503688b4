// Row and elementwise work: softmax, norms, losses, reductions and chains of them, at the peers' list's size and at those of the training
// steps: forward, and forward with the gradients of all operands.
import { nn, rand, randint, randn, type Tensor, vjp } from '../src/index.ts'
import { overwriting } from './overwriting.ts'
import type { Case } from './suite.ts'

const { functional: F } = nn

/** An operand; the floats have gradients. */
interface Input {
  readonly shape: readonly number[]
  readonly fill: 'normal' | 'uniform' | 'mask' | 'classes'
  /** of classes */
  readonly below?: number
}

interface Work {
  readonly op: string
  readonly inputs: readonly Input[]
  /** of reductions */
  readonly dim?: number | readonly number[]
}

type Run = (...inputs: Tensor[]) => Tensor

const layerNorm: Run = (x, w, b) => F.layerNorm(x, w.shape, w, b)

/** The functions by the names that peers know them by. */
const runs: Readonly<Record<string, Run>> = {
  softmax: (x) => x.softmax(-1),
  logsoftmax: (x) => x.logSoftmax(-1),
  layernorm: layerNorm,
  gelu: (x) => F.gelu(x),
  add: (x) => x.add(x),
  crossentropy: (x, y) => F.crossEntropy(x, y),
  'bias-relu': (x, b) => x.add(b).relu(),
  'bias-gelu': (x, b) => F.gelu(x.add(b)),
  'residual-layernorm': (x, w, b, y) => layerNorm(x.add(y), w, b),
  'chain-bias-gelu-residual-layernorm': (x, w, b, y, bias) => layerNorm(F.gelu(x.add(bias)).add(y), w, b),
  'chain-scale-mask-softmax': (x, mask) => x.mul(0.125).maskedFill(mask, Number.NEGATIVE_INFINITY).softmax(-1),
}

const runOf = ({ op, dim }: Work): Run => runs[op] ?? ((x) => x[op as 'sum' | 'amax'](dim as number | number[]))

function fill({ shape, fill, below }: Input): Tensor {
  if (fill === 'classes') return randint(0, below!, shape).realize()
  if (fill === 'normal') return randn(shape).realize()
  const uniform = rand(shape)
  return (fill === 'mask' ? uniform.lt(0.5) : uniform).realize()
}

/** Value, and gradients of the floats if there is a seed for them. */
function evaluate(run: Run, inputs: readonly Tensor[], seed: Tensor | undefined): Tensor[] {
  if (!seed) return [run(...inputs)]
  const points = inputs.filter(({ dtype }) => dtype === 'float32')
  const [value, grads] = vjp((...at) => run(...at, ...inputs.slice(points.length)), points, seed)
  return [value, ...grads]
}

function prepare(work: Work, backward: boolean) {
  const run = runOf(work)
  const inputs = work.inputs.map(fill)
  const seed = backward ? randn(run(...inputs).shape).realize() : undefined
  return overwriting(() => evaluate(run, inputs, seed))
}

const elements = (shape: readonly number[]): number => shape.reduce((product, extent) => product * extent, 1)
const elementBytes = { normal: 4, uniform: 4, mask: 1, classes: 8 }

/** `result` in elements. Operands are read once, also where gradients need them again; gradients are written. */
function caseOf(size: string, work: Work, result: number, backward: boolean): Case {
  const operands = work.inputs.map(({ shape, fill }) => ({ fill, bytes: elements(shape) * elementBytes[fill] }))
  const floats = operands.filter(({ fill }) => fill === 'normal' || fill === 'uniform')
  const sum = (list: typeof operands) => list.reduce((total, { bytes }) => total + bytes, 0)
  return {
    name: `${work.op}-${size}${backward ? '-backward' : ''}`,
    group: `rows ${work.op.startsWith('chain') ? 'chains ' : ''}${backward ? 'forward and backward' : 'forward'}`,
    work: { ...(work as unknown as Case['work']), backward },
    flops: 0,
    bytes: sum(operands) + 4 * result + (backward ? 4 * result + sum(floats) : 0),
    ours: () => prepare(work, backward),
  }
}

/** Every function on [rows, width]. */
function onRows(rows: number, width: number): { size: string; work: Work; result: number }[] {
  const size = `${rows}x${width}`
  const x: Input = { shape: [rows, width], fill: 'normal' }
  const w: Input = { shape: [width], fill: 'uniform' }
  const work: readonly Work[] = [
    ...['softmax', 'logsoftmax', 'gelu', 'add'].map((op) => ({ op, inputs: [x] })),
    { op: 'layernorm', inputs: [x, w, w] },
    { op: 'bias-relu', inputs: [x, w] },
    { op: 'bias-gelu', inputs: [x, w] },
    { op: 'residual-layernorm', inputs: [x, w, w, x] },
    { op: 'chain-bias-gelu-residual-layernorm', inputs: [x, w, w, x, w] },
    { op: 'chain-scale-mask-softmax', inputs: [x, { ...w, fill: 'mask' }] },
  ]
  const target: Input = { shape: [rows], fill: 'classes', below: width }
  return [
    ...work.map((each) => ({ size, work: each, result: rows * width })),
    { size, work: { op: 'crossentropy', inputs: [x, target] }, result: 1 },
    { size: `last-${size}`, work: { op: 'sum', inputs: [x], dim: 1 }, result: rows },
    { size: `first-${size}`, work: { op: 'sum', inputs: [x], dim: 0 }, result: width },
  ]
}

const cube = [64, 256, 256]
const along = { first: 0, middle: 1, last: 2, all: [0, 1, 2] }

const listed = [
  ...onRows(4096, 1024),
  // character GPT: the norms and losses of one step; its softmax is over [batch 12, heads 4, tokens 64, tokens 64]
  ...onRows(768, 128),
  ...onRows(3072, 64).filter(({ work: { op } }) => op === 'softmax'),
  ...onRows(768, 65).filter(({ work: { op } }) => op === 'crossentropy'),
  ...['sum', 'mean', 'amax'].flatMap((op) =>
    Object.entries(along).map(([name, dim]) => {
      const kept = cube.filter((_, axis) => !(Array.isArray(dim) ? dim : [dim]).includes(axis))
      const work: Work = { op, inputs: [{ shape: cube, fill: 'normal' }], dim }
      return { size: `${name}-${cube.join('x')}`, work, result: elements(kept) }
    }),
  ),
]

export const rows = (): Case[] =>
  [false, true].flatMap((backward) => listed.map(({ size, work, result }) => caseOf(size, work, result, backward)))
