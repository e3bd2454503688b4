// What a running function keeps of the elements so far, as expressions: where it starts, how an element joins, how what stands for later
// elements joins what stands for earlier ones, and what comes out. One row for each kind, in the dtype that its input is computed in.
import { bytesOf, type DType, isFloat } from '../../../base/dtype.ts'
import type { RunningKind } from '../../../graph/composites/running.ts'
import { alu, castTo, identityOf, lessThan, literal } from '../../../kernel/builders.ts'
import type { AluKind, Expression } from '../../../kernel/kernel-node.ts'
import { exponential } from '../attention/exponential.ts'
import type { KernelBuilder } from '../kernel-builder.ts'

/** The quantities that a state has, in order. */
export type State = readonly Expression[]

export interface Running {
  readonly dtypes: readonly DType[]
  readonly start: State
  /** `position` counts from the start of the axis */
  step(builder: KernelBuilder, state: State, element: Expression, position: () => Expression): State
  /** a state of earlier elements with one of the elements after them */
  combine(builder: KernelBuilder, before: State, own: State): State
  values(builder: KernelBuilder, state: State): Expression
  positions?(state: State): Expression
  /** What a state is set to after every few steps, for the sake of its rounding errors. */
  settle?(state: State): State
}

export function runningOf(kind: RunningKind, dtype: DType): Running {
  switch (kind) {
    case 'sum':
      return isFloat(dtype) ? runningFloatSum(dtype) : combined('add', 'sum', dtype)
    case 'prod':
      return combined('mul', 'prod', dtype)
    case 'max':
    case 'min':
      return runningExtremum(kind, dtype)
    case 'logsumexp':
      return runningLogarithm(dtype as 'float32' | 'float64')
  }
}

function combined(kind: AluKind, identity: 'sum' | 'prod', dtype: DType): Running {
  return {
    dtypes: [dtype],
    start: [identityOf(identity, dtype)],
    step: (_, [total], element) => [alu(kind, dtype, total, element)],
    combine: (_, [before], [own]) => [alu(kind, dtype, before, own)],
    values: (_, [total]) => total,
  }
}

/** A sum that was put aside and one of the few elements since: rounding errors do not grow with every element. */
function runningFloatSum(dtype: DType): Running {
  const add = (a: Expression, b: Expression): Expression => alu('add', dtype, a, b)
  const none = literal(dtype, 0)
  return {
    dtypes: [dtype, dtype],
    start: [none, none],
    step: (_, [aside, recent], element) => [aside, add(recent, element)],
    combine: (_, [aside, recent], [ownAside, ownRecent]) => [add(add(aside, recent), add(ownAside, ownRecent)), none],
    values: (_, [aside, recent]) => add(aside, recent),
    settle: ([aside, recent]) => [add(aside, recent), none],
  }
}

/** The last of equal extrema wins, and NaN wins over all. */
function runningExtremum(kind: 'max' | 'min', dtype: DType): Running {
  // lanes as wide as the values'
  const places = bytesOf(dtype) === 8 ? 'int64' : 'int32'
  const join = (builder: KernelBuilder, [value, place]: State, [own, ownPlace]: State): State => {
    const [low, high] = kind === 'max' ? [value, own] : [own, value]
    const isAhead = alu('lessEqual', 'bool', low, high)
    const wins = isFloat(dtype) ? alu('or', 'bool', isAhead, alu('notEqual', 'bool', own, own)) : isAhead
    const named = builder.bind('wins', wins)
    return [alu('where', dtype, named, own, value), alu('where', places, named, ownPlace, place)]
  }
  return {
    dtypes: [dtype, places],
    start: [identityOf(kind, dtype), identityOf('sum', places)],
    step: (builder, state, element, position) =>
      join(builder, state, [builder.bind('x', element), builder.bind('place', castTo(position(), places))]),
    combine: join,
    values: (_, [value]) => value,
    positions: ([, place]) => place,
  }
}

/** The largest element, and by how much the sum of exponentials relative to it exceeds 1, which the largest itself adds. */
function runningLogarithm(dtype: 'float32' | 'float64'): Running {
  const [none, one] = [literal(dtype, 0), literal(dtype, 1)]
  const join = (builder: KernelBuilder, [peak, excess]: State, [own, ownExcess]: State): State => {
    const isAhead = builder.bind('isAhead', lessThan(peak, own))
    const high = builder.bind('high', alu('where', dtype, isAhead, own, peak))
    const low = builder.bind('low', alu('where', dtype, isAhead, peak, own))
    // two infinities of one sign are not apart
    const apart = alu('where', dtype, alu('equal', 'bool', low, high), none, alu('sub', dtype, low, high))
    const power = builder.bind('power', exponential(builder, dtype, apart))
    const ofLow = alu('where', dtype, isAhead, excess, ownExcess)
    const ofHigh = alu('where', dtype, isAhead, ownExcess, excess)
    const added = alu('multiplyAdd', dtype, ofLow, power, power)
    return [high, alu('add', dtype, ofHigh, added)]
  }
  return {
    dtypes: [dtype, dtype],
    start: [identityOf('max', dtype), none],
    step: (builder, state, element) => join(builder, state, [builder.bind('x', element), none]),
    combine: join,
    values(builder, [peak, excess]) {
      // log1p: what rounding takes from 1 + excess is added back
      const sum = builder.bind('sum', alu('add', dtype, one, excess))
      const lost = alu('sub', dtype, excess, alu('sub', dtype, sum, one))
      const log = alu('add', dtype, alu('log', dtype, sum), alu('div', dtype, lost, sum))
      return alu('add', dtype, peak, log)
    },
  }
}
