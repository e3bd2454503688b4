// nn.init, the rest: normal values within bounds, and matrices of a certain structure. https://docs.pytorch.org/docs/stable/nn.init.html
import { ArgumentError, ShapeError } from '../base/errors.ts'
import { formatShape } from '../base/shape.ts'
import { eye, noGrad, rand, randn, type Tensor, zeros } from '../tensor/index.ts'
import { filled } from './fill.ts'

const like = ({ dtype, device }: Tensor) => ({ dtype, device })

/** Share of a standard normal distribution below x. */
function normalBelow(x: number): number {
  // Abramowitz and Stegun 7.1.26 errs by 1.5e-7 at most: the bounds' shares need no more
  const t = 1 / (1 + (0.3275911 * Math.abs(x)) / Math.SQRT2)
  const tail = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
  const erf = 1 - tail * Math.exp((-x * x) / 2)
  return (1 + Math.sign(x) * erf) / 2
}

/** Normal values, drawn again (in effect) where they fall outside [a, b]. */
export function truncNormal_(target: Tensor, mean = 0, std = 1, a = -2, b = 2): Tensor {
  if (!(a < b)) throw new ArgumentError(`truncNormal_: expected bounds that rise, got ${a} and ${b}.`, { a, b })
  const [low, high] = [a, b].map((bound) => 2 * normalBelow((bound - mean) / std) - 1)
  return filled(target, () =>
    rand(target.shape, like(target))
      .mul(high - low)
      .add(low)
      .erfinv()
      .mul(std * Math.SQRT2)
      .add(mean)
      .clamp(a, b),
  )
}

/** The identity matrix. */
export function eye_(target: Tensor): Tensor {
  const [rows, columns] = matrixOf('eye_', target)
  return filled(target, () => eye(rows, columns, like(target)))
}

/** A convolution's weight that passes its input channels on, as many as there are outputs; each group for itself. */
export function dirac_(target: Tensor, groups = 1): Tensor {
  const { shape } = target
  if (shape.length < 3 || shape.length > 5 || shape[0] % groups !== 0)
    throw new ShapeError(
      `dirac_: expected a weight of 3 to 5 dimensions whose first ${groups} groups divide, got ${formatShape(shape)}.`,
      { shape, groups },
    )
  const perGroup = shape[0] / groups
  const values = new Float64Array(target.numel())
  const kernel = shape.slice(2)
  const size = kernel.reduce((product, extent) => product * extent, 1)
  const middle = kernel.reduce((at, extent) => at * extent + Math.floor(extent / 2), 0)
  for (let group = 0; group < groups; group++)
    for (let channel = 0; channel < Math.min(perGroup, shape[1]); channel++)
      values[((group * perGroup + channel) * shape[1] + channel) * size + middle] = 1
  return noGrad(() => target.copyFrom(values))
}

/** A matrix with orthonormal rows, or columns if there are fewer, times `gain`; later axes count as columns. */
export function orthogonal_(target: Tensor, gain = 1): Tensor {
  const { shape } = target
  if (shape.length < 2)
    throw new ShapeError(`orthogonal_: expected at least 2 dimensions, got ${formatShape(shape)}.`, { shape })
  if (target.numel() === 0) return target
  const [rows, columns] = [shape[0], target.numel() / shape[0]]
  return filled(target, () => {
    const drawn = randn([Math.min(rows, columns), Math.max(rows, columns)], like(target))
    const wide = nearestOrthogonal(drawn)
    return (rows <= columns ? wide : wide.transpose(0, 1)).reshape(shape).mul(gain)
  })
}

/** Steps that lift small singular values by 3.4 each, to somewhere around 1 (https://kellerjordan.github.io/posts/muon/). */
const lifts = 16
/** Steps that bring what is around 1 to 1, with twice as many digits each. */
const polishes = 10

/**
 * The matrix with orthonormal rows that is nearest to a wide one (its polar factor), by Newton-Schulz iteration. Of normal values it is
 * distributed evenly over all such matrices, as that of a QR decomposition is, and it is made of products only.
 */
function nearestOrthogonal(x: Tensor): Tensor {
  const squareOf = (value: Tensor): Tensor => value.matmul(value.transpose(0, 1))
  let value = x.div(x.square().sum().sqrt())
  for (let step = 0; step < lifts; step++) {
    const square = squareOf(value)
    const weights = square.mul(-4.775).add(square.matmul(square).mul(2.0315))
    value = value.mul(3.4445).add(weights.matmul(value))
  }
  for (let step = 0; step < polishes; step++) value = value.mul(1.5).sub(squareOf(value).matmul(value).mul(0.5))
  return value
}

/** Normal values of deviation `std`; in each column a share `sparsity` of the rows is zero. */
export function sparse_(target: Tensor, sparsity: number, std = 0.01): Tensor {
  const [rows, columns] = matrixOf('sparse_', target)
  const empty = Math.ceil(sparsity * rows)
  return filled(target, () => {
    const ranks = rand([rows, columns], like(target)).argsort(0).argsort(0)
    const values = randn([rows, columns], like(target)).mul(std)
    return values.where(ranks.ge(empty), zeros([], like(target)))
  })
}

function matrixOf(op: string, { shape }: Tensor): readonly [number, number] {
  if (shape.length !== 2)
    throw new ShapeError(
      `${op}: expected a matrix, got ${formatShape(shape)}. It is defined for two dimensions only.`,
      {
        shape,
      },
    )
  return [shape[0], shape[1]]
}
