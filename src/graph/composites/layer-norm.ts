// Layer, RMS and group normalisation: statistics of each sample alone, then a learned scale and shift.
import { ArgumentError, ShapeError } from '../../base/errors.ts'
import { formatShape, type Shape, sameShape, sizeOf } from '../../base/shape.ts'
import { add, broadcastTo, mean, mul, reduce, reshape, rsqrt, square, sub } from '../builders.ts'
import { expectCategory } from '../infer/elementwise.ts'
import { elementsOf, type Node } from '../node.ts'
import { defineComposite } from './composite-table.ts'
import { moments, standardize } from './standardize.ts'
import { inFloat32 } from './unary.ts'

export interface Affine {
  readonly weight?: Node
  readonly bias?: Node
}

const scaleAndShift = (x: Node, { weight, bias }: Affine): Node => {
  const scaled = weight === undefined ? x : mul(x, weight)
  return bias === undefined ? scaled : add(scaled, bias)
}

function expectTrailing(op: string, x: Node, normalizedShape: Shape, affine: Affine): number[] {
  expectCategory(op, x.dtype, ['float'])
  const first = x.shape.length - normalizedShape.length
  if (normalizedShape.length === 0 || first < 0 || !sameShape(x.shape.slice(first), normalizedShape))
    throw new ShapeError(
      `${op}: expected x to end in ${formatShape(normalizedShape)}, got ${formatShape(x.shape)}. ` +
        'The normalized shape lists the last axes of x, those that share one mean.',
      { op, shape: x.shape, normalizedShape },
    )
  for (const [name, parameter] of Object.entries(affine) as [string, Node | undefined][])
    if (parameter !== undefined && !sameShape(parameter.shape, normalizedShape))
      throw new ShapeError(
        `${op}: expected ${name} to have the normalized shape ${formatShape(normalizedShape)}, got ${formatShape(parameter.shape)}.`,
        { op, normalizedShape, [name]: parameter.shape },
      )
  return normalizedShape.map((_, i) => first + i)
}

/** Ba et al. 2016. https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.layer_norm.html */
export function layerNorm(x: Node, normalizedShape: Shape, affine: Affine = {}, eps = 1e-5): Node {
  const axes = expectTrailing('layerNorm', x, normalizedShape, affine)
  return scaleAndShift(
    inFloat32(x, (wide) => standardize([wide], { axes, eps })),
    affine,
  )
}

interface RmsAttrs {
  readonly axes: readonly number[]
  readonly eps: number
}

const inverseRootMeanSquare = (x: Node, { axes, eps }: RmsAttrs): Node => rsqrt(add(mean(square(x), axes, true), eps))

const rmsNode = defineComposite<RmsAttrs>('rmsNorm', {
  infer: ([x]) => x,
  body: ([x], attrs) => mul(x, inverseRootMeanSquare(x, attrs)),
  vjp(node, grad) {
    const [x] = node.inputs
    const { attrs } = node.attrs
    const count = sizeOf(attrs.axes.map((axis) => x.shape[axis]))
    const along = mul(reduce('sum', mul(grad, node), attrs.axes), 1 / count)
    return [mul(sub(grad, mul(node, along)), inverseRootMeanSquare(x, attrs))]
  },
})

/** Zhang and Sennrich 2019: x over the root of its mean square; `eps` defaults to the dtype's machine epsilon, as in PyTorch. */
export function rmsNorm(x: Node, normalizedShape: Shape, weight?: Node, eps?: number): Node {
  const axes = expectTrailing('rmsNorm', x, normalizedShape, { weight })
  const known = eps ?? (x.dtype === 'float64' ? Number.EPSILON : 2 ** -23)
  return scaleAndShift(
    inFloat32(x, (wide) => rmsNode([wide], { axes, eps: known })),
    { weight },
  )
}

/** Wu and He 2018: channels (axis 1) in `groups`, each normalised over its channels and all positions. */
export function groupNorm(x: Node, groups: number, affine: Affine = {}, eps = 1e-5): Node {
  expectCategory('groupNorm', x.dtype, ['float'])
  const [batch, channels] = x.shape
  if (x.shape.length < 2)
    throw new ShapeError(`groupNorm: expected [batch, channels, ...], got ${formatShape(x.shape)}.`, {
      op: 'groupNorm',
    })
  if (!Number.isInteger(groups) || groups < 1 || channels % groups !== 0)
    throw new ArgumentError(
      `groupNorm: expected a number of groups that divides the ${channels} channels of ${formatShape(x.shape)}, got ${groups}.`,
      { op: 'groupNorm', groups, shape: x.shape },
    )
  if (elementsOf(x) === 0) return x
  // channels and positions keep axes of their own, so that scale and shift belong to the rows
  const rows = reshape(x, [batch, groups, channels / groups, -1])
  const normal = inFloat32(rows, (wide) => standardize([wide], { axes: [2, 3], eps }))
  const perRow = (p: Node): Node => {
    const aligned = alignedToChannels('groupNorm', p, x.shape)
    return broadcastTo(reshape(aligned, [1, groups, channels / groups, 1]), rows.shape)
  }
  const scaled = scaleAndShift(normal, {
    weight: affine.weight && perRow(affine.weight),
    bias: affine.bias && perRow(affine.bias),
  })
  return reshape(scaled, x.shape)
}

/** Axes of [batch, channels, ...] behind the channels. */
function spatialAxes(op: string, x: Node): number[] {
  expectCategory(op, x.dtype, ['float'])
  const axes = x.shape.map((_, axis) => axis).slice(2)
  if (axes.length === 0 || sizeOf(x.shape.slice(2)) <= 1)
    throw new ShapeError(
      `${op}: expected [batch, channels, ...] with more than one element a channel, got ${formatShape(x.shape)}.`,
      { op, shape: x.shape },
    )
  return axes
}

/** Ulyanov et al. 2016: each channel of each sample by itself. */
export function instanceNorm(x: Node, affine: Affine = {}, eps = 1e-5): Node {
  const op = 'instanceNorm'
  const axes = spatialAxes(op, x)
  const perChannel = (p: Node): Node => alignedToChannels(op, p, x.shape)
  return scaleAndShift(
    inFloat32(x, (wide) => standardize([wide], { axes, eps })),
    { weight: affine.weight && perChannel(affine.weight), bias: affine.bias && perChannel(affine.bias) },
  )
}

/** Mean and unbiased variance of each channel [channels], averaged over the batch, as running statistics take them. */
export function instanceStatistics(x: Node): { readonly mean: Node; readonly variance: Node } {
  const axes = spatialAxes('instanceNorm', x)
  const count = sizeOf(x.shape.slice(2))
  const own = moments(x, axes)
  const channels = (node: Node): Node => mean(reshape(node, x.shape.slice(0, 2)), 0)
  return { mean: channels(own.mean), variance: mul(channels(own.variance), count / (count - 1)) }
}

/** One value a channel, as [1, channels, 1, …]. */
export function alignedToChannels(op: string, parameter: Node, shape: Shape): Node {
  if (!sameShape(parameter.shape, [shape[1]]))
    throw new ShapeError(
      `${op}: expected one value for each of the ${shape[1]} channels of ${formatShape(shape)}, got ${formatShape(parameter.shape)}.`,
      { op, shape, parameter: parameter.shape },
    )
  return reshape(
    parameter,
    shape.map((extent, axis) => (axis === 1 ? extent : 1)),
  )
}
