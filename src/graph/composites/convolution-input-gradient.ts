// Gradient of a convolution's input, which is also the transposed convolution: for stride s, s^rank convolutions of the output's
// gradient, each with the taps of one phase, interleaved. Zeros are never multiplied and nothing is scattered.
import { full, narrow, reshape, stack, transpose } from '../builders.ts'
import type { Node } from '../node.ts'
import type { CompositeBuilder } from './composite-table.ts'
import type { ConvolutionAttrs } from './convolution.ts'
import { type Amounts, reversedTaps } from './sliding-windows.ts'

/** The taps that reach the input elements h = s q + phase of one axis, as a convolution over the positions of the gradient. */
interface Phase {
  readonly taps: { readonly start: number; readonly step: number; readonly count: number }
  readonly dilation: number
  readonly padding: Amounts
  /** elements of this phase, q = 0, 1, … */
  readonly count: number
}

interface PhasedAxis {
  readonly extent: number
  readonly count: number
  /** one per phase; undefined where no tap ever reaches */
  readonly phases: readonly (Phase | undefined)[]
}

const greatestCommonDivisor = (a: number, b: number): number => (b === 0 ? a : greatestCommonDivisor(b, a % b))

interface AxisGeometry {
  readonly extent: number
  readonly positions: number
  readonly kernel: number
  readonly stride: number
  readonly dilation: number
  readonly before: number
}

/**
 * Position i reads element h through tap k where i stride + k dilation = h + before. With h = q stride + phase that leaves the taps
 * k = start, start + step, … and i = q + offset - j * (dilation / divisor) for the j-th of them: a convolution with the taps reversed.
 */
function phaseOf(axis: AxisGeometry, phase: number, count: number): Phase | undefined {
  const { kernel, stride, dilation, before } = axis
  const divisor = greatestCommonDivisor(stride, dilation)
  const step = stride / divisor
  for (let start = 0; start < Math.min(step, kernel); start++) {
    const distance = phase + before - start * dilation
    if (distance % stride !== 0) continue
    const taps = { start, step, count: Math.ceil((kernel - start) / step) }
    const reach = (taps.count - 1) * (dilation / divisor)
    const front = reach - distance / stride
    const padding: Amounts = [front, count + reach - front - axis.positions]
    return { taps, dilation: dilation / divisor, padding, count }
  }
  return undefined
}

function phasedAxis(axis: AxisGeometry): PhasedAxis {
  const count = Math.ceil(axis.extent / axis.stride)
  const phases = Array.from({ length: axis.stride }, (_, phase) => phaseOf(axis, phase, count))
  return { extent: axis.extent, count, phases }
}

/** [G O, C, …] as [G C, O, …]. */
function swapChannels(weight: Node, groups: number): Node {
  if (groups === 1) return transpose(weight, 0, 1)
  const [outputs, channels, ...kernel] = weight.shape
  const split = reshape(weight, [groups, outputs / groups, channels, ...kernel])
  return reshape(transpose(split, 1, 2), [groups * channels, outputs / groups, ...kernel])
}

type ChosenPhases = readonly (Phase | undefined)[]

/** The gradient of an input of the given spatial `extents`, of a convolution with `attrs` whose output has the gradient `grad`. */
export function convolutionInputGradient(
  convolution: CompositeBuilder<ConvolutionAttrs>,
  grad: Node,
  weight: Node,
  attrs: ConvolutionAttrs,
  extents: readonly number[],
): Node {
  const axes = extents.map((extent, i) =>
    phasedAxis({
      extent,
      positions: grad.shape[2 + i],
      kernel: weight.shape[2 + i],
      stride: attrs.stride[i],
      dilation: attrs.dilation[i],
      before: attrs.padding[i][0],
    }),
  )
  const swapped = swapChannels(weight, attrs.groups)
  return interleave(axes, [], (chosen) => {
    const phases = chosen.filter((phase) => phase !== undefined)
    if (phases.length < chosen.length)
      return full([grad.shape[0], swapped.shape[0], ...axes.map(({ count }) => count)], 0, grad.dtype)
    const taps = phases.map((phase) => phase.taps)
    return convolution([grad, reversedTaps(swapped, 2, taps)], {
      stride: phases.map(() => 1),
      dilation: phases.map((phase) => phase.dilation),
      padding: phases.map((phase) => phase.padding),
      groups: attrs.groups,
    })
  })
}

/** Joins the phases of all axes that are not chosen yet, innermost first. */
function interleave(axes: readonly PhasedAxis[], chosen: ChosenPhases, onePhase: (chosen: ChosenPhases) => Node): Node {
  const i = chosen.length
  if (i === axes.length) return onePhase(chosen)
  const { phases, extent } = axes[i]
  const parts = phases.map((phase) => interleave(axes, [...chosen, phase], onePhase))
  if (parts.length === 1) return parts[0]
  const shape = parts[0].shape.slice()
  shape[2 + i] *= parts.length
  return narrow(reshape(stack(parts, 3 + i), shape), 2 + i, 0, extent)
}
