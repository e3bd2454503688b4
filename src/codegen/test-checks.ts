// Checks of data-dependent indices and the bounds tests of checked mode: cases for every code generator.
import assert from 'node:assert/strict'
import { alu, castTo, indexAlu, indexLiteral, lessThan, loadOf, storeTo, zeroOf } from '../kernel/builders.ts'
import { assertSame, type Cases, dataOf, empty, kernelOf, loopOver, param, ramp } from './test-generator.ts'

export const checkCases: Cases = {
  'a failed check is recorded and the kernel goes on': (generator) => {
    const [index, out] = [param(0, 'int32', 11), param(1, 'int32', 11)]
    for (const lanes of [1, 8]) {
      const loop = loopOver(lanes === 1 ? 'serial' : 'vector', 11, lanes, (i) => [
        { op: 'check', index: castTo(loadOf(index, i), 'index'), limit: 10, position: i, id: 42 },
        storeTo(out, i, loadOf(index, i)),
      ])
      const values = [0, 9, 3, 10, 4, 5, 6, 7, 8, -1, 2]
      const kernel = kernelOf([index, out], [loop])
      const { error, data } = generator.run(kernel, [dataOf('int32', values), empty('int32', 11)])
      assert.deepEqual([...data[1]], values)
      assert.ok(error)
      assert.deepEqual([error.code, error.position, error.value], [42, 3n, 10n])
      const fine = generator.run(kernel, [
        dataOf(
          'int32',
          values.map(Math.abs).map((v) => v % 10),
        ),
        empty('int32', 11),
      ])
      assert.equal(fine.error, undefined)
    }
  },

  'elements are read at indices from memory, whole rows of lanes and parts of them': (generator) => {
    for (const dtype of ['float32', 'float64', 'int64', 'int32', 'bool', 'float16'] as const)
      for (const indexType of ['int64', 'int32'] as const)
        for (const size of [1, 3, 8, 11, 16, 29])
          for (const lanes of [4, 8, 16]) {
            const [x, index, out] = [param(0, dtype, 60), param(1, indexType, size), param(2, dtype, 2 * size)]
            const places = Array.from({ length: size }, (_, i) => (i * 7 + 3) % 10)
            // two rows: x[row, at, i % 3] of shape [2, 10, 3]
            const rows = loopOver('serial', 2, 1, (row) => [
              loopOver('vector', size, lanes, (i) => {
                const at = castTo(loadOf(index, i), 'index')
                const clamped = indexAlu('max', indexAlu('min', at, indexLiteral(9)), indexLiteral(0))
                const place = indexAlu(
                  'add',
                  indexAlu('mul', row, indexLiteral(30)),
                  indexAlu('add', indexAlu('mul', clamped, indexLiteral(3)), indexAlu('mod', i, indexLiteral(3))),
                )
                const to = indexAlu('add', indexAlu('mul', row, indexLiteral(size)), i)
                const early = lessThan(at, indexLiteral(7))
                return [
                  { op: 'check', index: at, limit: 10, position: i, id: 1 },
                  storeTo(
                    out,
                    to,
                    alu('where', dtype, early, loadOf(x, place, early, zeroOf(dtype)), loadOf(x, place)),
                  ),
                ]
              }),
            ])
            assertSame(generator, kernelOf([x, index, out], [rows]), [
              dtype === 'bool'
                ? dataOf(
                    dtype,
                    Array.from({ length: 60 }, (_, i) => Number(i % 3 > 0)),
                  )
                : ramp(dtype, 60),
              dataOf(indexType, places),
              empty(dtype, 2 * size),
            ])
          }
  },

  'checked mode finds accesses outside their buffer': (generator) => {
    const [x, out] = [param(0, 'float32', 20), param(1, 'float32', 40)]
    for (const lanes of [1, 8])
      for (const [shift, kind] of [
        [0, 'done'],
        [1, 'raised'],
        [-1, 'raised'],
      ] as const) {
        const loop = loopOver(lanes === 1 ? 'serial' : 'vector', 20, lanes, (i) => [
          storeTo(out, i, loadOf(x, indexAlu('add', i, indexLiteral(shift)))),
        ])
        const { error } = generator.run(kernelOf([x, out], [loop]), [ramp('float32', 20), empty('float32', 40)], {
          checked: true,
        })
        assert.equal(error ? 'raised' : 'done', kind)
      }
  },
}
