import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DType } from '../../base/dtype.ts'
import { ArgumentError, DeviceError, IndexError } from '../../base/errors.ts'
import type { Shape } from '../../base/shape.ts'
import type { Graph } from '../../compiler/graph.ts'
import { makeNode, type Node } from '../../graph/node.ts'
import type { Device, DeviceBuffer } from '../../runtime/device.ts'
import { createReferenceDevice } from './reference-device.ts'

let storages = 0
const buffer = (shape: Shape, dtype: DType = 'float32'): Node =>
  makeNode('buffer', [], { leaf: { storage: storages++, version: 0 }, shape, dtype }, shape, dtype)
const binary = (op: 'add' | 'mul', a: Node, b: Node): Node => makeNode(op, [a, b], {}, a.shape, a.dtype)

function upload(device: Device, data: ArrayBufferView): DeviceBuffer {
  const handle = device.allocate(data.byteLength)
  device.write(handle, new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
  return handle
}

const floats = async (device: Device, handle: DeviceBuffer): Promise<number[]> => [
  ...new Float32Array((await device.read(handle)).slice().buffer),
]

test('computes outputs of their own and in place, all from the old values', async () => {
  const device = createReferenceDevice()
  const [x, y] = [buffer([2]), buffer([2])]
  const graph: Graph = {
    leaves: [x, y],
    outputs: [
      { node: binary('add', x, y), target: 0, persistent: true },
      { node: x, target: 1, persistent: true },
      { node: binary('mul', x, y), persistent: false },
    ],
  }
  const program = device.compile(graph)
  const leaves = [upload(device, Float32Array.of(1, 2)), upload(device, Float32Array.of(3, 4))]
  const own = device.allocate(8)
  assert.equal(device.submit(program, { leaves, outputs: [undefined, undefined, own] }), 1)
  assert.deepEqual(await floats(device, leaves[0]), [4, 6])
  assert.deepEqual(await floats(device, leaves[1]), [1, 2])
  assert.deepEqual(await floats(device, own), [3, 8])
  assert.equal(program.kernelCount, 2)
  assert.match(program.print('graph'), /add/)
  assert.throws(() => program.print('lower'), ArgumentError)
})

test('halves live as bit patterns in memory', async () => {
  const device = createReferenceDevice()
  const x = buffer([2], 'float16')
  const program = device.compile({ leaves: [x], outputs: [{ node: binary('add', x, x), target: 0, persistent: true }] })
  const leaf = upload(device, Uint16Array.of(0x3c00, 0x0001))
  device.submit(program, { leaves: [leaf], outputs: [undefined] })
  assert.deepEqual([...new Uint16Array((await device.read(leaf)).slice().buffer)], [0x4000, 0x0002])
})

test('a failed program writes nothing, drops what follows, and is told once', async () => {
  const device = createReferenceDevice()
  const [table, index] = [buffer([2]), buffer([2], 'int32')]
  const rows = makeNode('gather', [table, index], { axis: 0, caller: 'gather' }, [2], 'float32')
  const program = device.compile({ leaves: [table, index], outputs: [{ node: rows, target: 0, persistent: true }] })
  const weights = upload(device, Float32Array.of(7, 8))
  const [bad, good] = [upload(device, Int32Array.of(0, 2)), upload(device, Int32Array.of(1, 1))]
  device.submit(program, { leaves: [weights, good], outputs: [undefined] })
  device.submit(program, { leaves: [weights, bad], outputs: [undefined] })
  device.submit(program, { leaves: [weights, good], outputs: [undefined] })
  assert.deepEqual(await floats(device, weights), [8, 8])
  const failure = device.takeFailure()
  assert.equal(failure?.submission, 2)
  assert.ok(failure.error instanceof IndexError)
  assert.equal(device.takeFailure(), undefined)
  assert.equal(device.submit(program, { leaves: [weights, good], outputs: [undefined] }), 4)
})

test('released buffers and buffers too small are refused', () => {
  const device = createReferenceDevice()
  const handle = device.allocate(4)
  assert.throws(() => device.write(handle, new Uint8Array(5)), DeviceError)
  handle.release()
  assert.throws(() => device.write(handle, new Uint8Array(4)), DeviceError)
})

test('profiles by op, as the interpreter', () => {
  const device = createReferenceDevice()
  const x = buffer([1])
  const program = device.compile({
    leaves: [x],
    outputs: [{ node: binary('add', binary('add', x, x), x), persistent: false }],
  })
  const bindings = { leaves: [upload(device, Float32Array.of(1))], outputs: [device.allocate(4)] }
  device.profile(true)
  device.submit(program, bindings)
  const [entry, ...others] = device.profile(false)
  assert.deepEqual([entry.label, entry.lowering, entry.calls, others.length], ['add', 'interpreter', 2, 0])
})
