// Copies between contiguous arrays and strided views of them: what every movement op comes down to.
import type { Shape } from '../../base/shape.ts'
import type { HostData } from '../host-array.ts'

interface View {
  readonly offset: number
  readonly strides: readonly number[]
}

type Step = (position: number, length: number, stride: number) => void

/** Visits a view's innermost rows in row-major order: position of the first element, then length and stride of the row. */
function forEachRow(shape: Shape, view: View, visit: Step): void {
  const rank = shape.length
  if (rank === 0) visit(view.offset, 1, 1)
  if (rank === 0 || shape.includes(0)) return
  const counters = new Array<number>(rank).fill(0)
  let position = view.offset
  while (true) {
    visit(position, shape[rank - 1], view.strides[rank - 1])
    let axis = rank - 2
    for (; axis >= 0; axis--) {
      position += view.strides[axis]
      if (++counters[axis] < shape[axis]) break
      position -= shape[axis] * view.strides[axis]
      counters[axis] = 0
    }
    if (axis < 0) return
  }
}

/** out = the view of `source`, laid out contiguously. */
export function readView(source: HostData, out: HostData, shape: Shape, view: View): void {
  let next = 0
  forEachRow(shape, view, (position, length, stride) => {
    for (let i = 0; i < length; i++) out[next++] = source[position + i * stride]
  })
}

/** The view of `out` = `source`, which is contiguous. */
export function writeView(source: HostData, out: HostData, shape: Shape, view: View): void {
  let next = 0
  forEachRow(shape, view, (position, length, stride) => {
    for (let i = 0; i < length; i++) out[position + i * stride] = source[next++]
  })
}
