// Index expressions as 64-bit lanes: sums are one register and steps, what differs between lanes in another way is computed in lanes where
// vectors can, and lane by lane where they cannot.
import type { Alu, Expression } from '../../kernel/kernel-node.ts'
import { affineAtLane, prepareLanes } from './select-condition.ts'
import { convert } from './select-convert.ts'
import { addAffine, affineOf, constantAffine, indexRegister } from './select-index.ts'
import { wideIntegerOperation } from './select-integer.ts'
import { broadcast, LaneBuilder, scalarOf } from './select-lanes.ts'
import { blendLanes } from './select-memory.ts'
import type { Affine, LaneValue, Selection } from './select-state.ts'

export function indexLanes(s: Selection, e: Expression): LaneValue {
  const sum = affineOf(s, e)
  if (sum !== undefined) return sumLanes(s, sum)
  return varyingLanes(s, e) ?? lanesOneByOne(s, e)
}

function sumLanes(s: Selection, sum: Affine): LaneValue {
  const base = s.group.lanes === 1 ? scalarOf(s, indexRegister(s, sum), 'i64') : spread(s, { ...sum, lane: 0 })
  return sum.lane === 0 ? base : addLanes(s, base, laneSteps(s, sum.lane))
}

const addLanes = (s: Selection, a: LaneValue, b: LaneValue): LaneValue => wideIntegerOperation(s, 'add', [a, b])

export const spread = (s: Selection, sum: Affine): LaneValue =>
  broadcast(
    s,
    s.asScalar(() => scalarOf(s, indexRegister(s, sum), 'i64')),
  )

/** 0, step, 2 step, … as 64-bit lanes of the group. */
export function laneSteps(s: Selection, step: number): LaneValue {
  const parts = Array.from({ length: s.partCount('i64') }, (_, part) =>
    s.pool(`i64 lanes ${part * 4} by ${step}`, () =>
      BigInt64Array.from({ length: 4 }, (_, lane) => BigInt((part * 4 + lane) * step)),
    ),
  )
  return { form: 'i64', parts }
}

const inLanes: ReadonlySet<string> = new Set(['add', 'sub', 'max', 'min', 'neg', 'abs'])

/** Computed in lanes; undefined where no vector instruction does it. */
function varyingLanes(s: Selection, e: Expression): LaneValue | undefined {
  if (e.op === 'reference') return s.bindings.get(e.binding.id)?.values[s.group.index]
  if (e.op !== 'alu') return undefined
  const [a, b, c] = e.inputs
  if (e.kind === 'cast') return a.dtype === 'index' ? indexLanes(s, a) : convert(s, s.value(a), a.dtype, 'int64')
  if (e.kind === 'where') {
    const mask = s.load(s.value(a).parts[0], s.partBytes('mask'))
    return blendLanes(s, mask, indexLanes(s, b), indexLanes(s, c))
  }
  if (e.kind === 'mul') return productLanes(s, e)
  if (!inLanes.has(e.kind)) return undefined
  return wideIntegerOperation(
    s,
    e.kind,
    e.inputs.map((input) => indexLanes(s, input)),
  )
}

/** Times a constant: a shift, or two products of 32 bits instead of three. */
function productLanes(s: Selection, { inputs }: Alu): LaneValue {
  const [a, b] = inputs
  const factor = b.op === 'literal' ? Number(b.value) : 0
  if (!(factor > 0 && factor < 2 ** 32)) return wideIntegerOperation(s, 'mul', [indexLanes(s, a), indexLanes(s, b)])
  const bytes = s.partBytes('i64')
  const shift = Math.log2(factor)
  const by = s.i64(BigInt(factor))
  const parts = indexLanes(s, a).parts.map((part) => {
    const lanes = s.load(part, bytes)
    if (Number.isInteger(shift)) return s.vector2('vpsllq', bytes, lanes, shift)
    const high = s.vector3('vpmuludq', bytes, s.vector2('vpsrlq', bytes, lanes, 32), by)
    return s.vector3('vpaddq', bytes, s.vector3('vpmuludq', bytes, lanes, by), s.vector2('vpsllq', bytes, high, 32))
  })
  return { form: 'i64', parts }
}

function lanesOneByOne(s: Selection, e: Expression): LaneValue {
  prepareLanes(s, e)
  const builder = new LaneBuilder(s, true)
  for (let lane = 0; lane < s.group.lanes; lane++)
    builder.insert(lane, indexRegister(s, affineAtLane(s, e, lane)).view(8))
  return { form: 'i64', parts: builder.parts() }
}

/** An index as a sum that all lanes share and what differs between them, so that only that has to be computed in lanes. */
export interface SplitIndex {
  readonly shared: Affine
  readonly lanes: LaneValue | undefined
}

export function splitIndex(s: Selection, e: Expression): SplitIndex {
  const sum = affineOf(s, e)
  if (sum) return { shared: { ...sum, lane: 0 }, lanes: sum.lane === 0 ? undefined : laneSteps(s, sum.lane) }
  if (e.op !== 'alu' || (e.kind !== 'add' && e.kind !== 'sub'))
    return { shared: constantAffine(0), lanes: indexLanes(s, e) }
  const [a, b] = e.inputs.map((input) => splitIndex(s, input))
  const shared = addAffine(a.shared, b.shared, e.kind === 'add' ? 1 : -1)
  if (b.lanes === undefined) return { shared, lanes: a.lanes }
  if (a.lanes === undefined && e.kind === 'add') return { shared, lanes: b.lanes }
  return { shared, lanes: wideIntegerOperation(s, e.kind, [a.lanes ?? laneSteps(s, 0), b.lanes]) }
}
