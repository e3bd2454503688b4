// nn.utils: clips gradients in place, without reading them on the host. https://docs.pytorch.org/docs/stable/nn.html#utilities
import { noGrad, stack, type Tensor, zeros } from '../tensor/index.ts'

const gradientsOf = (parameters: Iterable<Tensor>): Tensor[] =>
  Array.from(parameters, ({ grad }) => grad).filter((grad) => grad !== null)

const normOf = (x: Tensor, normType: number): Tensor => {
  if (normType === Number.POSITIVE_INFINITY) return x.abs().amax()
  if (normType === 2) return x.square().sum().sqrt()
  if (normType === 1) return x.abs().sum()
  return x
    .abs()
    .pow(normType)
    .sum()
    .pow(1 / normType)
}

/** Scales all gradients so that their joint norm is at most `maxNorm`; returns the norm before, a tensor without dimensions. */
export function clipGradNorm_(parameters: Iterable<Tensor>, maxNorm: number, normType = 2): Tensor {
  const gradients = gradientsOf(parameters)
  if (gradients.length === 0) return zeros([])
  return noGrad(() => {
    const norms = gradients.map((gradient) => normOf(gradient, normType))
    const total = normOf(stack(norms, 0), normType)
    const scale = total.add(1e-6).reciprocal().mul(maxNorm).clamp(undefined, 1)
    for (const gradient of gradients) gradient.mul_(scale)
    return total
  })
}

/** Limits every element of every gradient to [-clipValue, clipValue]. */
export function clipGradValue_(parameters: Iterable<Tensor>, clipValue: number): void {
  noGrad(() => {
    for (const gradient of gradientsOf(parameters)) gradient.copy_(gradient.clamp(-clipValue, clipValue))
  })
}
