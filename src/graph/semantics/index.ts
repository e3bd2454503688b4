// Meaning of gather and scatter. Indices are checked before anything is read; sums and products of floats run in float64.
import { bigCombine, floatCombine, intCombine, type NumberBinary } from '../../base/arithmetic.ts'
import { indexOutOfRange } from '../../base/errors.ts'
import { type Shape, stridesOf } from '../../base/shape.ts'
import { type HostArray, type HostData, hostZeros } from '../host-array.ts'
import { positionInOrigin } from '../index-origin.ts'
import type { Node } from '../node.ts'
import { type NumberData, roundHalves, type Semantics } from './semantics.ts'

/** For each element of `index`, the flat position in `target` that it names along `axis`. */
function indexedPositions(node: Node<'gather' | 'scatter'>, index: HostArray, target: Shape): Float64Array {
  const { axis, caller } = node.attrs
  const limit = target[axis]
  const steps = stridesOf(target)
  const along = steps[axis]
  steps[axis] = 0
  const positions = new Float64Array(index.data.length)
  const counters = new Array<number>(index.shape.length).fill(0)
  let base = 0
  for (let i = 0; i < positions.length; i++) {
    const value = Number(index.data[i])
    if (value < 0 || value >= limit) throw indexOutOfRange(caller, value, limit, positionInOrigin(node.inputs[1], i))
    positions[i] = base + value * along
    for (let at = counters.length - 1; at >= 0; at--) {
      base += steps[at]
      if (++counters[at] < index.shape[at]) break
      base -= counters[at] * steps[at]
      counters[at] = 0
    }
  }
  return positions
}

function scatterNumbers(
  data: NumberData | Float64Array,
  source: HostData,
  positions: Float64Array,
  combine: NumberBinary,
) {
  for (let i = 0; i < positions.length; i++) data[positions[i]] = combine(data[positions[i]], source[i] as number)
}

export const indexSemantics: Semantics<'gather' | 'scatter'> = {
  gather: ([x, index], node) => {
    const positions = indexedPositions(node, index, x.shape)
    const result = hostZeros(x.dtype, node.shape)
    for (let i = 0; i < positions.length; i++) result.data[i] = x.data[positions[i]]
    return result
  },
  scatter: ([base, index, source], node) => {
    const { kind } = node.attrs
    const positions = indexedPositions(node, index, base.shape)
    const data = base.data.slice()
    const result = { ...base, data }
    if (kind === 'set') for (let i = 0; i < positions.length; i++) data[positions[i]] = source.data[i]
    else if (data instanceof BigInt64Array) {
      const combine = bigCombine[kind]
      for (let i = 0; i < positions.length; i++)
        data[positions[i]] = combine(data[positions[i]], source.data[i] as bigint)
    } else if (data instanceof Float32Array) {
      const wide = Float64Array.from(data)
      scatterNumbers(wide, source.data, positions, floatCombine[kind])
      data.set(wide)
    } else {
      const table = data instanceof Float64Array ? floatCombine : intCombine
      scatterNumbers(data, source.data, positions, table[kind])
    }
    return roundHalves(result)
  },
}
