// Orders the keys of a row by their digits, the least significant first (Cormen et al., Introduction to Algorithms, 8.3). Digits that are
// 0 for all keys are passed over, so that small numbers of a wide dtype cost what narrow ones do.
import { castTo, indexAlu, indexLiteral, loadOf, storeTo } from '../../../kernel/builders.ts'
import type { Expression, Memory } from '../../../kernel/kernel-node.ts'
import {
  asIndex,
  choose,
  compute,
  elementOf,
  extremes,
  indexOfLoop,
  int32,
  type KeyDType,
  type Keys,
  overKeys,
  overLanes,
  sumOf,
  whole,
} from './rows.ts'

/** Positions in order: `memory[from + i]` for i < extent. */
export interface Order {
  readonly memory: Memory
  readonly from: Expression
  /** where they were moved along, the keys in order, less `least` */
  readonly keys?: { readonly memory: Memory; readonly least: Expression }
}

interface Digits {
  readonly passes: number
  /** bits of each, the last one perhaps fewer */
  readonly width: number
}

/** Work for each key moved, and for each value a digit can have: to clear its count and to sum it. */
const keyWork = 3
const countWork = 2
/** More places than this, written side by side, run out of pages that the processor has at hand. */
const widestDigit = 8

/** Few wide digits for long rows, more and narrower ones for short rows. */
export function chooseDigits(bits: number, extent: number): Digits {
  let best: Digits | undefined
  let least = Number.POSITIVE_INFINITY
  for (let passes = Math.ceil(bits / widestDigit); passes <= bits; passes++) {
    const width = Math.ceil(bits / passes)
    const work = passes * (extent * keyWork + 2 ** width * countWork)
    if (work < least) [best, least] = [{ passes, width }, work]
  }
  return best!
}

interface Radix {
  readonly run: Keys
  readonly digits: Digits
  /** twice a row each: passes move from one half to the other */
  readonly keys: Memory
  readonly positions: Memory
  /** by digit */
  readonly counts: Memory
}

/** How many elements `keys` must have room for. */
export const digitsRoom = ({ extent }: Keys): number => 2 * extent

/** Keys, at the start of a memory, count from the least of them: digits above those of the greatest are 0 for all. */
export function orderByDigits(run: Keys, keys: Memory): Order {
  const { builder, bits, dtype, extent } = run
  const digits = chooseDigits(bits, extent)
  const positions = run.makeMemory('positions', 'int32', 2 * extent)
  const radix = { run, digits, keys, positions, counts: run.makeMemory('counts', 'int32', 2 ** digits.width) }
  const { least, greatest } = extremes(run, keys)
  const range = builder.bind('range', compute('sub', greatest, least))
  overKeys(run, (at) => {
    builder.emit(storeTo(keys, at, compute('sub', loadOf(keys, at), least)))
    builder.emit(storeTo(positions, at, castTo(at, 'int32')))
  })
  // a digit is passed over only where all above it are: pass p finds the keys in half p mod 2
  const half = builder.assigned('half', 'int32', int32(0))
  for (let pass = 0; pass < digits.passes; pass++) {
    const body = builder.collect(() => {
      countDigits(radix, pass)
      moveByDigit(radix, pass)
      builder.accumulate(half, int32((pass + 1) % 2))
    })
    const above = shiftedRight(range, pass * digits.width)
    builder.emit({ op: 'if', condition: compute('notEqual', above, whole(dtype, 0)), body })
  }
  const isFirst = compute('equal', builder.read(half), int32(0))
  const from = builder.bind('from', choose(isFirst, indexLiteral(0), indexLiteral(extent)))
  return { memory: positions, from, keys: { memory: keys, least } }
}

/** Where a pass finds the keys. */
const startOf = (pass: number, extent: number): Expression => indexLiteral((pass % 2) * extent)

const shiftedRight = (value: Expression, by: number): Expression =>
  by === 0 ? value : compute('shiftRight', value, whole(value.dtype as KeyDType, by))

/** A key's digit, as an index. */
function digitOf({ run: { bits, dtype }, digits: { width } }: Radix, key: Expression, pass: number): Expression {
  const shift = pass * width
  const mask = 2 ** Math.min(width, bits - shift) - 1
  return asIndex(compute('and', shiftedRight(key, shift), whole(dtype, mask)))
}

/** How often each digit occurs, and from that the place of its first key. */
function countDigits(radix: Radix, pass: number): void {
  const { run, keys, counts } = radix
  const { builder, extent } = run
  overLanes(run, counts.size, 4, (at) => builder.emit(storeTo(counts, at, int32(0))))
  builder.loop({ name: 'element', extent, kind: 'serial' }, (variable) => {
    const key = elementOf(keys, startOf(pass, extent), indexOfLoop(variable))
    const at = builder.bind('at', digitOf(radix, key, pass))
    builder.emit(storeTo(counts, at, compute('add', loadOf(counts, at), int32(1))))
  })
  const sum = builder.assigned('sum', 'int32', int32(0))
  builder.loop({ name: 'digit', extent: counts.size, kind: 'serial' }, (variable) => {
    const count = builder.bind('count', loadOf(counts, indexOfLoop(variable)))
    builder.emit(storeTo(counts, indexOfLoop(variable), builder.read(sum)))
    builder.accumulate(sum, compute('add', builder.read(sum), count))
  })
}

function moveByDigit(radix: Radix, pass: number): void {
  const { run, keys, positions, counts } = radix
  const { builder, extent } = run
  builder.loop({ name: 'element', extent, kind: 'serial' }, (variable) => {
    const source = sumOf([startOf(pass, extent), indexOfLoop(variable)])
    const key = builder.bind('key', loadOf(keys, source))
    const at = builder.bind('at', digitOf(radix, key, pass))
    const place = builder.bind('place', asIndex(loadOf(counts, at)))
    const target = builder.bind('target', sumOf([startOf(pass + 1, extent), place]))
    builder.emit(storeTo(counts, at, castTo(indexAlu('add', place, indexLiteral(1)), 'int32')))
    builder.emit(storeTo(keys, target, key))
    builder.emit(storeTo(positions, target, loadOf(positions, source)))
  })
}
