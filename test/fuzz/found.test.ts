// Graphs that random search once found wrong, by hand and small: each must agree everywhere for good.
import { after, test } from 'node:test'
import type { Output } from '../../src/compiler/graph.ts'
import { openNativeDevice } from '../../src/devices/native/native-device.ts'
import * as b from '../../src/graph/builders.ts'
import { argmax, cumsum, logSoftmax, maxPool2d } from '../../src/graph/composites.ts'
import type { Node } from '../../src/graph/node.ts'
import { checkInterpreted, checkOnDevice, referenceOf, variants } from './check-graph.ts'
import { numbersFrom, type RandomGraph, randomValues } from './random-graph.ts'

const native = openNativeDevice({ threads: 2 })
after(() => ('refused' in native ? undefined : native.close()))

const leaf = (...shape: number[]): Node => b.placeholder(shape, 'float32')
const plain = (node: Node): Output => ({ node, persistent: false })

function found(
  name: string,
  make: () => { readonly leaves: readonly Node[]; readonly outputs: readonly Output[] },
): void {
  test(name, async () => {
    const graph = make()
    const nat = numbersFrom(1)
    const random: RandomGraph = {
      graph,
      values: graph.leaves.map(({ dtype, shape }) => randomValues(dtype, shape, nat)),
      tolerances: graph.outputs.map(() => 1e-5),
      isRelative: true,
    }
    const expected = referenceOf(random)
    checkInterpreted(random, expected, Object.keys(variants))
    if (!('refused' in native)) await checkOnDevice(native, random, expected)
  })
}

found('an output in place of a leaf that a merged neighbour reads', () => {
  const [x, y, z] = [leaf(9), leaf(9), leaf(9)]
  const [first, second] = [b.add(x, y), b.add(x, z)]
  return { leaves: [x, y, z], outputs: [{ node: first, target: 2, persistent: true }, plain(second)] }
})

found('a product in place of a leaf that another output of its kernel reads', () => {
  const [x, w, old] = [leaf(13, 40), leaf(40, 21), leaf(13, 21)]
  const product = b.matmul(x, w)
  const moved = b.add(b.mul(old, 0.5), product)
  return { leaves: [x, w, old], outputs: [{ node: moved, target: 2, persistent: true }, plain(b.sub(product, old))] }
})

found('a row kernel that reads what another one has reduced', () => {
  const x = leaf(1, 4, 7, 7)
  return { leaves: [x], outputs: [plain(logSoftmax(maxPool2d(x, 2, { padding: 1 }), 3))] }
})

for (const size of [2, 3, 4, 5])
  found(`the largest of ${size} negative numbers`, () => {
    const x = leaf(3, size)
    const below = b.sub(x, 10)
    const outputs = [b.amax(below, 1), b.amin(b.add(x, 10), 1), b.prod(x, 1), argmax(below, 1)]
    return { leaves: [x], outputs: outputs.map(plain) }
  })

found('values of a row that differ from it in axes of size 1', () => {
  const [p, v] = [leaf(3, 1), leaf(3, 1)]
  const spread = b.expand(b.reshape(b.sum(b.mul(p, v), [0, 1]), [1]), [3])
  return { leaves: [p, v], outputs: [plain(b.add(b.reshape(p, [3]), spread)), plain(b.reshape(b.mul(p, v), [3]))] }
})

found('what a gather picks from a row, as an output', () => {
  const x = leaf(1, 6)
  const index = b.placeholder([1, 1], 'int64')
  const row = logSoftmax(x, 1)
  const outputs = [row, b.gather(row, 1, b.mod(index, 6))]
  return { leaves: [x, index], outputs: outputs.map(plain) }
})

found('running sums along a long axis', () => {
  const x = leaf(130, 5)
  return { leaves: [x], outputs: [plain(cumsum(x, 0))] }
})
