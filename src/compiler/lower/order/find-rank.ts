// The key and the position of the element with a given rank, without an order of all: the key by bisection of the range of keys, counting with full
// vectors how many lie below, until one element is left or keys are equal; of equal keys, the one by bisection of positions.
import { bytesOf } from '../../../base/dtype.ts'
import { both, loadOf } from '../../../kernel/builders.ts'
import type { Accumulator, Expression, Memory } from '../../../kernel/kernel-node.ts'
import { lanesFor } from '../loops.ts'
import {
  asIndex,
  choose,
  compute,
  countKeys,
  countOf,
  type Extremes,
  int32,
  type Keys,
  overKeys,
  whole,
} from './rows.ts'

export interface RankedKey {
  readonly key: Expression
  /** int32: how many keys are less, and how many are not greater */
  readonly below: Expression
  readonly upTo: Expression
}

/** `rank` is an int32 from 0 to extent - 1. */
export function findKey(run: Keys, keys: Memory, rank: Expression, { least, greatest }: Extremes): RankedKey {
  const { builder, dtype, bits } = run
  const low = builder.assigned('low', dtype, least)
  const high = builder.assigned('high', dtype, greatest)
  const below = builder.assigned('below', 'int32', int32(0))
  const upTo = builder.assigned('upTo', 'int32', countOf(run))
  builder.loop({ name: 'step', extent: bits, kind: 'serial' }, () => {
    const several = compute('less', int32(1), compute('sub', builder.read(upTo), builder.read(below)))
    const body = builder.collect(() => {
      const middle = compute('add', middleOf(builder.read(low), builder.read(high)), whole(dtype, 1))
      const next = builder.bind('next', middle)
      const count = countKeys(run, keys, (key) => compute('less', key, next))
      const isBelow = builder.bind('isBelow', compute('less', rank, count))
      keepOr(run, high, isBelow, compute('sub', next, whole(dtype, 1)))
      keepOr(run, upTo, isBelow, count)
      const isAbove = builder.bind('isAbove', compute('lessEqual', count, rank))
      keepOr(run, low, isAbove, next)
      keepOr(run, below, isAbove, count)
    })
    const differ = compute('less', builder.read(low), builder.read(high))
    builder.emit({ op: 'if', condition: both(several, differ)!, body })
  })
  return {
    key: greatestUpTo(run, keys, builder.bind('high', builder.read(high)), least),
    below: builder.bind('below', builder.read(below)),
    upTo: builder.bind('upTo', builder.read(upTo)),
  }
}

/** Rounded down, without a sum that might overflow. */
const middleOf = (a: Expression, b: Expression): Expression =>
  compute('add', compute('and', a, b), compute('shiftRight', compute('xor', a, b), whole(a.dtype as Keys['dtype'], 1)))

const keepOr = ({ builder }: Keys, accumulator: Accumulator, condition: Expression, value: Expression): void =>
  builder.accumulate(accumulator, choose(condition, value, builder.read(accumulator)))

function greatestUpTo(run: Keys, keys: Memory, limit: Expression, least: Expression): Expression {
  const { builder, target, dtype, extent } = run
  const found = builder.accumulator('found', dtype, 'max', lanesFor(target, bytesOf(dtype), 0, extent))
  overKeys(run, (at) => {
    const key = builder.bind('key', loadOf(keys, at))
    builder.accumulate(found, choose(compute('lessEqual', key, limit), key, least))
  })
  return builder.bind('found', builder.read(found))
}

/** int32: where the element stands that equals a key and has `earlier` elements before it that do. */
export function findPosition(run: Keys, keys: Memory, wanted: Expression, earlier: Expression): Expression {
  const { builder, extent } = run
  const low = builder.assigned('first', 'int32', int32(0))
  const high = builder.assigned('last', 'int32', compute('sub', countOf(run), int32(1)))
  const seen = builder.assigned('seen', 'int32', int32(0))
  builder.loop({ name: 'step', extent: Math.ceil(Math.log2(extent)), kind: 'serial' }, () => {
    const body = builder.collect(() => {
      const first = builder.bind('first', builder.read(low))
      const middle = builder.bind('middle', middleOf(first, builder.read(high)))
      const count = compute('add', compute('sub', middle, first), int32(1))
      const equal = countKeys(run, keys, (key) => compute('equal', key, wanted), asIndex(count), asIndex(first))
      const upTo = builder.bind('upTo', compute('add', builder.read(seen), equal))
      const isInside = builder.bind('isInside', compute('less', earlier, upTo))
      const isAfter = builder.bind('isAfter', compute('lessEqual', upTo, earlier))
      keepOr(run, high, isInside, middle)
      keepOr(run, low, isAfter, compute('add', middle, int32(1)))
      keepOr(run, seen, isAfter, upTo)
    })
    builder.emit({ op: 'if', condition: compute('less', builder.read(low), builder.read(high)), body })
  })
  return builder.bind('position', builder.read(low))
}
