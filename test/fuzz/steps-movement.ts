// Random movements: every kind of view, with slices of negative step, pads that cut, windows that overlap, and what joins values.

import { sizeOf } from '../../src/base/shape.ts'
import * as build from '../../src/graph/builders.ts'
import { tril } from '../../src/graph/composites.ts'
import type { Node } from '../../src/graph/node.ts'
import { type Bounded, exactly, mixed, moved } from './bounded.ts'
import type { Draw, StepTable } from './random-graph.ts'

const hasAxes = (x: Bounded): boolean => x.node.shape.length > 0

/** A movement of a value along one of its axes. */
const along =
  (f: (x: Node, axis: number, draw: Draw) => Node | undefined) =>
  (draw: Draw): Bounded | undefined => {
    const x = draw.value(hasAxes)
    if (!x) return undefined
    const node = f(x.node, draw.nat(x.node.shape.length), draw)
    return node && moved(node, x)
  }

function randomShape(size: number, draw: Draw): number[] {
  const shape: number[] = []
  let left = size
  while (left > 1 && shape.length < 4) {
    const divisors = Array.from({ length: Math.min(left, 64) }, (_, i) => i + 1).filter((d) => left % d === 0)
    const extent = draw.pick(divisors)
    shape.push(extent)
    left /= extent
  }
  shape.push(left)
  return shape
}

function padStep(draw: Draw): Bounded | undefined {
  const x = draw.value((y) => hasAxes(y) && y.node.shape.every((n) => n > 2))
  if (!x) return undefined
  const amounts = x.node.shape.map(() => [draw.nat(4) - 1, draw.nat(4) - 1] as const)
  const value = x.node.dtype === 'bool' ? draw.nat(2) === 1 : draw.nat(3)
  return exactly(build.pad(x.node, amounts, value), Math.max(x.bound, 2), Math.min(x.grain, 1), x.error)
}

/** Two values that fit side by side: another one of the pool cut or a copy reversed. */
function concatStep(draw: Draw): Bounded | undefined {
  const x = draw.value(hasAxes)
  if (!x) return undefined
  const axis = draw.nat(x.node.shape.length)
  const fits = (y: Bounded): boolean =>
    y.node.dtype === x.node.dtype &&
    y.node.shape.length === x.node.shape.length &&
    y.node.shape.every((n, i) => i === axis || n === x.node.shape[i])
  const y = draw.value(fits)!
  return mixed(build.concat(draw.nat(2) === 0 ? [x.node, y.node] : [y.node, x.node, y.node], axis), x, y)
}

function expandStep(draw: Draw): Bounded | undefined {
  const x = draw.value()
  if (!x) return undefined
  const axis = draw.nat(x.node.shape.length + 1)
  const shape = x.node.shape.slice()
  shape.splice(axis, 0, 2 + draw.nat(4))
  return moved(build.broadcastTo(build.unsqueeze(x.node, axis), shape), x)
}

function unsliceStep(draw: Draw): Bounded | undefined {
  const x = draw.value((y) => hasAxes(y) && sizeOf(y.node.shape) > 0)
  if (!x || x.node.dtype === 'bool') return undefined
  const steps = x.node.shape.map(() => draw.pick([1, 1, 2, 3, -1, -2]))
  const spans = x.node.shape.map((n, i) => (n - 1) * Math.abs(steps[i]) + 1)
  const shape = spans.map((span) => span + draw.nat(3))
  const starts = spans.map((span, i) => (steps[i] < 0 ? span - 1 : 0) + draw.nat(shape[i] - span + 1))
  return moved(build.unslice(x.node, shape, starts, steps), x)
}

export const movementSteps: StepTable = {
  reshape: (draw) => {
    const x = draw.value((y) => sizeOf(y.node.shape) > 0)
    return x && moved(build.reshape(x.node, randomShape(sizeOf(x.node.shape), draw)), x)
  },
  permute: (draw) => {
    const x = draw.value(hasAxes)
    if (!x) return undefined
    const axes = x.node.shape.map((_, i) => i)
    for (let i = axes.length - 1; i > 0; i--) {
      const j = draw.nat(i + 1)
      ;[axes[i], axes[j]] = [axes[j], axes[i]]
    }
    return moved(build.permute(x.node, axes), x)
  },
  transpose: along((x, axis, draw) => build.transpose(x, axis, draw.nat(x.shape.length))),
  flip: along((x, axis) => build.flip(x, [axis])),
  slice: along((x, axis, draw) => {
    const n = x.shape[axis]
    return build.sliceAxis(x, axis, draw.nat(n + 1), undefined, draw.pick([1, 1, 2, 3]))
  }),
  sliceBack: along((x, axis, draw) => {
    const n = x.shape[axis]
    return n === 0 ? undefined : build.sliceAxis(x, axis, draw.nat(n), undefined, draw.pick([-1, -2, -3]))
  }),
  narrow: along((x, axis, draw) => {
    const start = draw.nat(x.shape[axis] + 1)
    return build.narrow(x, axis, start, draw.nat(x.shape[axis] - start + 1))
  }),
  select: along((x, axis, draw) => (x.shape[axis] > 0 ? build.select(x, axis, draw.nat(x.shape[axis])) : undefined)),
  squeeze: (draw) => {
    const x = draw.value((y) => y.node.shape.includes(1))
    return x && moved(build.squeeze(x.node), x)
  },
  unsqueeze: (draw) => {
    const x = draw.value()
    return x && moved(build.unsqueeze(x.node, draw.nat(x.node.shape.length + 1)), x)
  },
  expand: expandStep,
  pad: padStep,
  window: along((x, axis, draw) => {
    const [size, stride, dilation] = [1 + draw.nat(3), 1 + draw.nat(3), 1 + draw.nat(2)]
    return x.shape[axis] > dilation * (size - 1) ? build.window(x, axis, size, stride, dilation) : undefined
  }),
  concat: concatStep,
  stack: along((x, axis) => build.stack([x, build.flip(x, [axis])], axis)),
  unslice: unsliceStep,
  copy: along((x) => build.copy(x)),
  tril: (draw) => {
    const x = draw.value((y) => y.node.shape.length >= 2)
    return x && moved(tril(x.node, draw.nat(3) - 1), x)
  },
}
