// Loops, reductions, guards and tiles, against the interpreter: one table of cases for every code generator.
import type { DType } from '../base/dtype.ts'
import {
  alu,
  castTo,
  indexAlu,
  indexLiteral,
  lessThan,
  literal,
  loadOf,
  readOf,
  referenceTo,
  storeTo,
} from '../kernel/builders.ts'
import type { Accumulator, Expression, Statement } from '../kernel/kernel-node.ts'
import { assertSame, type Cases, dataOf, empty, fresh, kernelOf, loopOver, param, ramp } from './test-generator.ts'

export const accumulator = (dtype: DType, lanes: number, kind: Accumulator['kind']): Accumulator => ({
  ...fresh('acc'),
  dtype,
  lanes,
  kind,
})

const tileCases = [1, 3, 4, 11, 64].flatMap((depth) =>
  [0, 1].flatMap((accumulate) => [true, false].map((isPacked) => [depth, accumulate, isPacked] as const)),
)

export const emissionCases: Cases = {
  'a map runs in scalar and vector loops of all widths and tails': (generator) => {
    for (const size of [1, 3, 7, 8, 9, 16, 31, 64, 67])
      for (const lanes of [1, 2, 4, 8, 12, 16, 32])
        for (const dtype of ['float32', 'float64', 'int64', 'int8', 'bfloat16'] as const) {
          const [a, b, out] = [param(0, dtype, size), param(1, dtype, size), param(2, dtype, size)]
          const body = (i: Expression) => [storeTo(out, i, alu('add', dtype, loadOf(a, i), loadOf(b, i)))]
          const loop = loopOver(lanes === 1 ? 'serial' : 'vector', size, lanes, body)
          assertSame(generator, kernelOf([a, b, out], [loop]), [
            ramp(dtype, size),
            ramp(dtype, size, 1.5),
            empty(dtype, size),
          ])
        }
  },

  'extents from the size table give the same results as constants': (generator) => {
    const [a, out] = [param(0, 'float32', 100), param(1, 'float32', 100)]
    const extent: Expression = { op: 'size', dtype: 'index', slot: 0 }
    const loop = loopOver('vector', extent, 16, (i) => [
      storeTo(out, i, alu('mul', 'float32', loadOf(a, i), loadOf(a, i))),
    ])
    for (const size of [0n, 1n, 15n, 16n, 17n, 55n, 100n])
      assertSame(generator, kernelOf([a, out], [loop]), [ramp('float32', 100), empty('float32', 100)], {
        sizes: [size],
      })
  },

  'lanes of a reduction accumulate apart and combine pairwise': (generator) => {
    for (const dtype of ['float32', 'float64', 'int32', 'int64', 'bool', 'uint8'] as const)
      for (const kind of ['sum', 'prod', 'max', 'min'] as const)
        for (const lanes of [2, 4, 8, 32])
          for (const size of [5, 32, 77]) {
            const [x, out] = [param(0, dtype, size), param(1, dtype, 1)]
            const acc = accumulator(dtype, lanes, kind)
            const body: Statement[] = [
              {
                op: 'declare',
                accumulator: acc,
                initial: literal(dtype, dtype === 'int64' ? 1n : dtype === 'bool' ? false : 1),
              },
              loopOver('vector', size, lanes, (i) => [{ op: 'accumulate', accumulator: acc, value: loadOf(x, i) }]),
              storeTo(out, indexLiteral(0), readOf(acc)),
            ]
            const values = Array.from({ length: size }, (_, i) =>
              dtype === 'bool' ? (i % 3) & 1 : ((i * 37) % 11) / (dtype.startsWith('f') ? 7 : 1),
            )
            assertSame(generator, kernelOf([x, out], body), [dataOf(dtype, values), empty(dtype, 1)])
          }
  },

  'rows: max, sum of exponentials and quotient in one kernel': (generator) => {
    const [rows, columns] = [5, 19]
    const [x, out] = [param(0, 'float32', rows * columns), param(1, 'float32', rows * columns)]
    const row = loopOver('parallel', rows, 1, (r) => {
      const at = (j: Expression) => indexAlu('add', indexAlu('mul', r, indexLiteral(columns)), j)
      const [largest, total] = [accumulator('float32', 16, 'max'), accumulator('float32', 16, 'sum')]
      const [top, sum] = [fresh('top'), fresh('sum')].map((b) => ({ ...b, dtype: 'float32' as const }))
      const shifted = (j: Expression) =>
        alu('exp', 'float32', alu('sub', 'float32', loadOf(x, at(j)), referenceTo(top)))
      return [
        { op: 'declare', accumulator: largest, initial: literal('float32', Number.NEGATIVE_INFINITY) },
        loopOver('vector', columns, 16, (j) => [{ op: 'accumulate', accumulator: largest, value: loadOf(x, at(j)) }]),
        { op: 'let', binding: top, value: readOf(largest) },
        { op: 'declare', accumulator: total, initial: literal('float32', 0) },
        loopOver('vector', columns, 16, (j) => [{ op: 'accumulate', accumulator: total, value: shifted(j) }]),
        { op: 'let', binding: sum, value: readOf(total) },
        loopOver('vector', columns, 16, (j) => [
          storeTo(out, at(j), alu('div', 'float32', shifted(j), referenceTo(sum))),
        ]),
      ]
    })
    for (const threads of [1, 2])
      assertSame(
        generator,
        kernelOf([x, out], [row]),
        [ramp('float32', rows * columns), empty('float32', rows * columns)],
        {
          threads,
          tolerance: { relative: 1e-6, absolute: 1e-9 },
        },
      )
  },

  'column sums keep an accumulator per lane across an inner loop': (generator) => {
    const [rows, columns] = [9, 37]
    const [x, out] = [param(0, 'float32', rows * columns), param(1, 'float32', columns)]
    const loop = loopOver('vector', columns, 32, (j) => {
      const acc = accumulator('float32', 1, 'sum')
      const at = (i: Expression) => indexAlu('add', indexAlu('mul', i, indexLiteral(columns)), j)
      return [
        { op: 'declare', accumulator: acc, initial: literal('float32', 0) },
        loopOver('serial', rows, 1, (i) => [{ op: 'accumulate', accumulator: acc, value: loadOf(x, at(i)) }]),
        storeTo(out, j, readOf(acc)),
      ]
    })
    assertSame(generator, kernelOf([x, out], [loop]), [ramp('float32', rows * columns), empty('float32', columns)])
  },

  'strided, transposed and data-dependent indices gather': (generator) => {
    const [x, index, out] = [param(0, 'float32', 200), param(1, 'int64', 21), param(2, 'float32', 21 * 3)]
    const data = [
      ramp('float32', 200),
      dataOf(
        'int64',
        Array.from({ length: 21 }, (_, i) => (i * 13) % 200),
      ),
      empty('float32', 63),
    ]
    const loop = loopOver('vector', 21, 8, (i) => [
      storeTo(out, i, loadOf(x, indexAlu('mul', i, indexLiteral(9)))),
      storeTo(out, indexAlu('add', i, indexLiteral(21)), loadOf(x, castTo(loadOf(index, i), 'index'))),
      storeTo(
        out,
        indexAlu('add', indexAlu('sub', indexLiteral(20), i), indexLiteral(42)),
        loadOf(x, indexAlu('div', i, indexLiteral(3))),
      ),
    ])
    assertSame(generator, kernelOf([x, index, out], [loop]), data)
  },

  'guards read nothing where they fail': (generator) => {
    for (const dtype of ['float32', 'float64', 'int8', 'int64'] as const) {
      const [x, out] = [param(0, dtype, 20), param(1, dtype, 30)]
      const loop = loopOver('vector', 30, 8, (i) => {
        const at = indexAlu('sub', i, indexLiteral(5))
        const guard = alu('and', 'bool', alu('lessEqual', 'bool', indexLiteral(0), at), lessThan(at, indexLiteral(20)))
        return [storeTo(out, i, loadOf(x, at, guard, literal(dtype, dtype === 'int64' ? 7n : 7)))]
      })
      assertSame(generator, kernelOf([x, out], [loop]), [ramp(dtype, 20), empty(dtype, 30)])
      const scalar = loopOver('serial', 30, 1, (i) => {
        const at = indexAlu('sub', i, indexLiteral(5))
        const guard = alu('and', 'bool', alu('lessEqual', 'bool', indexLiteral(0), at), lessThan(at, indexLiteral(20)))
        return [storeTo(out, i, loadOf(x, at, guard, literal(dtype, dtype === 'int64' ? 7n : 7)))]
      })
      assertSame(generator, kernelOf([x, out], [scalar]), [ramp(dtype, 20), empty(dtype, 30)])
    }
  },

  'stores under guards and conditions leave other elements alone': (generator) => {
    const [x, out] = [param(0, 'float32', 29), param(1, 'float32', 58)]
    const loop = loopOver('vector', 29, 16, (i) => {
      const positive = alu('less', 'bool', literal('float32', 0), loadOf(x, i))
      return [
        storeTo(out, i, loadOf(x, i), positive),
        {
          op: 'if',
          condition: positive,
          body: [storeTo(out, indexAlu('add', i, indexLiteral(29)), alu('neg', 'float32', loadOf(x, i)))],
        },
      ]
    })
    assertSame(generator, kernelOf([x, out], [loop]), [ramp('float32', 29), ramp('float32', 58)])
  },

  'index division and remainder floor, by constants and by sizes': (generator) => {
    const count = 61
    const [out] = [param(0, 'int64', count * 4)]
    const divisors: Expression[] = [
      indexLiteral(7),
      indexLiteral(8),
      indexLiteral(1000003),
      { op: 'size', dtype: 'index', slot: 0 },
    ]
    for (const kind of ['vector', 'serial'] as const) {
      const loop = loopOver(kind, count, kind === 'vector' ? 8 : 1, (i) => {
        const value = indexAlu('mul', indexAlu('sub', i, indexLiteral(30)), indexLiteral(333337))
        return divisors.flatMap((divisor, d) => [
          storeTo(
            out,
            indexAlu('add', i, indexLiteral(d * count)),
            castTo(
              indexAlu(
                'sub',
                indexAlu('mul', indexAlu('div', value, divisor), indexLiteral(5)),
                indexAlu('mod', value, divisor),
              ),
              'int64',
            ),
          ),
        ])
      })
      for (const size of [-9n, 13n])
        assertSame(generator, kernelOf([out], [loop]), [empty('int64', count * 4)], { sizes: [size] })
    }
  },

  'many values live at once are spilled': (generator) => {
    const count = 40
    const [x, out] = [param(0, 'float32', count * 8), param(1, 'float32', 8 * 8)]
    const loop = loopOver('vector', 8, 8, (i) => {
      const bindings = Array.from({ length: count }, (_, k) => ({ ...fresh(`b${k}`), dtype: 'float32' as const }))
      const lets = bindings.map(
        (binding, k): Statement => ({
          op: 'let',
          binding,
          value: alu('mul', 'float32', loadOf(x, indexAlu('add', i, indexLiteral(8 * k))), literal('float32', k + 1)),
        }),
      )
      const sum = bindings.map((b): Expression => referenceTo(b)).reduceRight((a, b) => alu('add', 'float32', a, b))
      return [...lets, storeTo(out, i, sum)]
    })
    assertSame(generator, kernelOf([x, out], [loop]), [ramp('float32', count * 8), empty('float32', 64)])
  },

  'many loop variables and buffers live at once are spilled': (generator) => {
    const params = Array.from({ length: 20 }, (_, slot) => param(slot, 'float32', 2 ** 8))
    const nest = (depth: number, index: Expression): Statement =>
      depth === 8
        ? loopOver('serial', 1, 1, () =>
            params.map((p, k) => storeTo(p, index, alu('add', 'float32', loadOf(p, index), literal('float32', k)))),
          )
        : loopOver('serial', 2, 1, (i) => [
            nest(depth + 1, indexAlu('add', indexAlu('mul', index, indexLiteral(2)), i)),
          ])
    assertSame(
      generator,
      kernelOf(params, [nest(0, indexLiteral(0))]),
      params.map(() => ramp('float32', 2 ** 8)),
    )
  },

  'tiles of whole and partial vectors multiply, overwrite and accumulate': (generator) => {
    for (const [dtype, nr] of [
      ['float32', 16],
      ['float32', 13],
      ['float32', 3],
      ['float32', 1],
      ['float64', 8],
      ['float64', 5],
    ] as const)
      for (const [depth, accumulate, isPacked] of tileCases) {
        const mr = 6
        const [aRow, aStride] = isPacked ? [1, mr] : [depth + 3, 1]
        const aSize = (mr - 1) * aRow + (depth - 1) * aStride + 1
        const [a, b, c] = [param(0, dtype, aSize), param(1, dtype, depth * nr), param(2, dtype, mr * 20)]
        const size: Expression = { op: 'size', dtype: 'index', slot: 0 }
        for (const steps of [indexLiteral(depth), size]) {
          const tile: Statement = {
            op: 'tileMultiply',
            dtype,
            mr,
            nr,
            aRow,
            aStride,
            bStride: nr,
            depth: steps,
            a: { memory: a, index: indexLiteral(0) },
            b: { memory: b, index: indexLiteral(0) },
            c: { memory: c, index: indexLiteral(2), stride: indexLiteral(20) },
            accumulate: steps === size ? { op: 'size', dtype: 'index', slot: 1 } : indexLiteral(accumulate),
          }
          for (const checked of [false, true])
            assertSame(
              generator,
              kernelOf([a, b, c], [tile]),
              [ramp(dtype, aSize), ramp(dtype, depth * nr, 0.5), ramp(dtype, mr * 20)],
              {
                sizes: [BigInt(depth), BigInt(accumulate)],
                checked,
                tolerance: { relative: 1e-6, absolute: 1e-6 },
              },
            )
        }
      }
  },

  'tiles read several k from each stride of b': (generator) => {
    const [mr, bTaps, bStride] = [5, [0, 1, 7], 24]
    for (const [dtype, nr] of [
      ['float32', 16],
      ['float32', 13],
      ['float64', 5],
    ] as const)
      for (const runs of [1, 4]) {
        const depth = runs * bTaps.length
        const [a, b, c] = [param(0, dtype, mr * depth), param(1, dtype, runs * bStride), param(2, dtype, mr * nr)]
        const tile: Statement = {
          op: 'tileMultiply',
          dtype,
          mr,
          nr,
          aRow: depth,
          aStride: 1,
          bStride,
          bTaps,
          depth: { op: 'size', dtype: 'index', slot: 0 },
          a: { memory: a, index: indexLiteral(0) },
          b: { memory: b, index: indexLiteral(0) },
          c: { memory: c, index: indexLiteral(0), stride: indexLiteral(nr) },
          accumulate: indexLiteral(1),
        }
        for (const checked of [false, true])
          assertSame(
            generator,
            kernelOf([a, b, c], [tile]),
            [ramp(dtype, mr * depth), ramp(dtype, runs * bStride, 0.5), ramp(dtype, mr * nr)],
            { sizes: [BigInt(depth)], checked, tolerance: { relative: 1e-6, absolute: 1e-6 } },
          )
      }
  },

  'scratch is private and barriers separate phases': (generator) => {
    const size = 64
    const [x, y, out] = [param(0, 'float32', size), param(1, 'float32', size), param(2, 'float32', size)]
    const scratch = { op: 'scratch' as const, dtype: 'float32' as const, size: 8, name: 's' }
    const body: Statement[] = [
      loopOver('parallel', size, 1, (i) => [
        storeTo(scratch, indexLiteral(3), alu('mul', 'float32', loadOf(x, i), literal('float32', 3))),
        storeTo(y, i, loadOf(scratch, indexLiteral(3))),
      ]),
      { op: 'barrier' },
      loopOver('parallel', size, 1, (i) => [storeTo(out, i, loadOf(y, indexAlu('sub', indexLiteral(size - 1), i)))]),
    ]
    for (const threads of generator.threadCounts)
      assertSame(
        generator,
        kernelOf([x, y, out], body, [scratch]),
        [ramp('float32', size), empty('float32', size), empty('float32', size)],
        { threads },
      )
  },

  'a condition that differs between lanes masks loops, accumulators and stores inside it': (generator) => {
    const [rows, columns] = [6, 21]
    const [x, out] = [param(0, 'float32', rows * columns), param(1, 'float32', columns)]
    const loop = loopOver('vector', columns, 16, (j) => {
      const acc = accumulator('float32', 1, 'max')
      const last = { ...fresh('last'), dtype: 'float32' as const }
      const at = (i: Expression) => indexAlu('add', indexAlu('mul', i, indexLiteral(columns)), j)
      const condition = lessThan(literal('float32', -6), loadOf(x, j))
      const inner = loopOver('serial', rows, 1, (i) => [
        { op: 'accumulate', accumulator: acc, value: loadOf(x, at(i)) },
        loopOver('unroll', 2, 1, () => [{ op: 'accumulate', accumulator: acc, value: loadOf(x, j) }]),
      ])
      return [
        { op: 'declare', accumulator: acc, initial: literal('float32', -100) },
        { op: 'let', binding: last, value: readOf(acc) },
        { op: 'if', condition, body: [inner, storeTo(out, j, alu('add', 'float32', readOf(acc), referenceTo(last)))] },
      ]
    })
    for (const checked of [false, true])
      assertSame(generator, kernelOf([x, out], [loop]), [ramp('float32', rows * columns), ramp('float32', columns)], {
        checked,
      })
  },

  'reductions propagate NaN and keep infinities': (generator) => {
    for (const kind of ['max', 'min', 'sum'] as const)
      for (const place of [0, 5, 12, 18]) {
        const [x, out] = [param(0, 'float32', 19), param(1, 'float32', 1)]
        const acc = accumulator('float32', 8, kind)
        const body: Statement[] = [
          { op: 'declare', accumulator: acc, initial: literal('float32', 2) },
          loopOver('vector', 19, 8, (i) => [{ op: 'accumulate', accumulator: acc, value: loadOf(x, i) }]),
          storeTo(out, indexLiteral(0), readOf(acc)),
        ]
        for (const special of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
          const values = Array.from({ length: 19 }, (_, i) => (i === place ? special : i))
          assertSame(generator, kernelOf([x, out], body), [dataOf('float32', values), empty('float32', 1)])
        }
      }
  },
}
