// Checks of data-dependent indices and the bounds tests of checked mode: cases for every code generator.
import assert from 'node:assert/strict'
import { castTo, indexAlu, indexLiteral, loadOf, storeTo } from '../kernel/builders.ts'
import { type Cases, dataOf, empty, kernelOf, loopOver, param, ramp } from './test-generator.ts'

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
