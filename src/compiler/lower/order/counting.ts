// Orders the keys of a short row: the place of each is how many come before it, counted for a few vectors of keys at a time.
import { bytesOf } from '../../../base/dtype.ts'
import { castTo, indexAlu, indexLiteral, storeTo } from '../../../kernel/builders.ts'
import type { Accumulator, Expression, Memory } from '../../../kernel/kernel-node.ts'
import { lanesFor } from '../loops.ts'
import type { Order } from './radix.ts'
import { choose, clampedIndex, compute, elementOf, indexOfLoop, type Keys, sumOf } from './rows.ts'

export function orderByCounting(run: Keys, keys: Memory): Order {
  const { builder, target, dtype, extent } = run
  const memory = run.makeMemory('positions', 'int32', extent)
  const together = lanesFor(target, bytesOf(dtype), 0, extent)
  for (let start = 0; start < extent; start += together) {
    const count = Math.min(together, extent - start)
    const others = (from: number, to: number, each: (other: Expression, at: Expression) => void): void =>
      builder.loop({ name: 'other', extent: to - from, kind: 'serial' }, (variable) => {
        const at = sumOf([indexOfLoop(variable), indexLiteral(from)])
        each(builder.bind('other', elementOf(keys, at)), at)
      })
    builder.loop({ name: 'element', extent: count, kind: 'vector', lanes: together }, (variable) => {
      const at = sumOf([indexOfLoop(variable), indexLiteral(start)])
      const own = builder.bind('own', elementOf(keys, at))
      const position = builder.bind('position', castTo(at, 'int32'))
      const [before, after] = ['before', 'after'].map((name) => builder.accumulator(name, 'int32', 'sum', 1))
      const add = (to: Accumulator, condition: Expression): void => builder.accumulate(to, castTo(condition, 'int32'))
      // of equal keys the earlier comes first
      others(0, start, (other) => add(after, compute('less', own, other)))
      others(start, start + count, (other, otherAt) => {
        const isEarlier = compute('less', castTo(otherAt, 'int32'), position)
        add(before, choose(isEarlier, compute('lessEqual', other, own), compute('less', other, own)))
      })
      others(start + count, extent, (other) => add(before, compute('less', other, own)))
      const place = indexAlu('sub', castTo(builder.read(before), 'index'), castTo(builder.read(after), 'index'))
      builder.emit(storeTo(memory, clampedIndex(indexAlu('add', place, indexLiteral(start)), extent), position))
    })
  }
  return { memory, from: indexLiteral(0) }
}
