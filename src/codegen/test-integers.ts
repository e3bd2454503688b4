// Whole numbers on their way to indices and back, and counts, against the interpreter: one table of cases for every code generator.
import { alu, castTo, indexAlu, indexLiteral, lessThan, literal, loadOf, readOf, storeTo } from '../kernel/builders.ts'
import type { Expression, Statement } from '../kernel/kernel-node.ts'
import { accumulator } from './test-emission.ts'
import { assertSame, type Cases, dataOf, empty, kernelOf, loopOver, param, ramp } from './test-generator.ts'

export const integerCases: Cases = {
  'bits of whole numbers become indices, and indices are stored': (generator) => {
    const values = [0, 1, -1, 255, -256, 65_537, -70_001, 2 ** 31 - 1, -(2 ** 31), 123_456_789]
    const size = values.length
    for (const dtype of ['int32', 'int64'] as const) {
      const wide = dtype === 'int64' ? values.map((value) => BigInt(value) * 2n ** 30n) : values
      for (const shift of [0, 7, 31, 40].filter((by) => by < (dtype === 'int32' ? 32 : 64)))
        for (const kind of ['serial', 'vector'] as const) {
          const [x, out] = [param(0, dtype, size), param(1, dtype, 3 * size)]
          const literalOf = (value: number) => literal(dtype, dtype === 'int64' ? BigInt(value) : value)
          const indexOf = (i: Expression, mask: number) => {
            const bits = alu('shiftRight', dtype, loadOf(x, i), literalOf(shift))
            return castTo(alu('and', dtype, bits, literalOf(mask)), 'index')
          }
          const loop = loopOver(kind, size, kind === 'serial' ? 1 : 8, (i) => [
            storeTo(out, i, castTo(indexAlu('add', indexOf(i, 255), indexLiteral(3)), dtype)),
            storeTo(out, indexAlu('add', i, indexLiteral(size)), loadOf(x, indexOf(i, 7))),
            storeTo(
              out,
              indexAlu('add', i, indexLiteral(2 * size)),
              castTo(indexAlu('sub', castTo(loadOf(x, i), 'index'), indexLiteral(5)), dtype),
            ),
          ])
          assertSame(generator, kernelOf([x, out], [loop]), [dataOf(dtype, wide), empty(dtype, 3 * size)])
        }
    }
  },

  'what holds is counted': (generator) => {
    for (const size of [5, 32, 77])
      for (const dtype of ['int32', 'float64'] as const) {
        const [x, out] = [param(0, dtype, size), param(1, 'int32', 2)]
        const limit = literal(dtype, 9)
        const [all, some] = [accumulator('int32', 16, 'sum'), accumulator('int32', 16, 'sum')]
        const count = loopOver('vector', size, 16, (i) => {
          const holds = castTo(lessThan(loadOf(x, i), limit), 'int32')
          return [
            { op: 'accumulate', accumulator: all, value: holds },
            {
              op: 'if',
              condition: lessThan(i, indexLiteral(30)),
              body: [{ op: 'accumulate', accumulator: some, value: holds }],
            },
          ]
        })
        const body: Statement[] = [
          { op: 'declare', accumulator: all, initial: literal('int32', 0) },
          { op: 'declare', accumulator: some, initial: literal('int32', 4) },
          count,
          storeTo(out, indexLiteral(0), readOf(all)),
          storeTo(out, indexLiteral(1), readOf(some)),
        ]
        assertSame(generator, kernelOf([x, out], [loopOver('parallel', 1, 1, () => body)]), [
          ramp(dtype, size),
          empty('int32', 2),
        ])
      }
  },
}
