// A kernel that looks values up by index and adds them to a leaf in place: when an index is out of range, the leaf keeps every bit.
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { IndexError } from '../../src/base/errors.ts'
import { openNativeDevice } from '../../src/devices/native/native-device.ts'
import { createReferenceDevice } from '../../src/devices/reference/reference-device.ts'
import { openWasmNodeDevice } from '../../src/devices/wasm/node-device.ts'
import * as build from '../../src/graph/builders.ts'
import type { Device } from '../../src/runtime/device.ts'

const [rows, width, count] = [10, 33, 7]

const opened = {
  reference: createReferenceDevice(),
  native: openNativeDevice({ threads: 2 }),
  wasm: openWasmNodeDevice({ threads: 1 }),
}
after(() => {
  for (const device of Object.values(opened)) if (!('refused' in device)) device.close()
})

/** kept += table[index] */
function lookup(device: Device) {
  const [kept, table] = [build.placeholder([count, width], 'float32'), build.placeholder([rows, width], 'float32')]
  const index = build.placeholder([count], 'int64')
  const node = build.add(kept, build.indexSelect(table, 0, index))
  return device.compile({ leaves: [kept, table, index], outputs: [{ node, target: 0, persistent: true }] })
}

async function keptAfter(device: Device, indices: readonly number[]): Promise<Float32Array> {
  const bytes = [
    new Float32Array(count * width).fill(1),
    new Float32Array(rows * width).fill(2),
    BigInt64Array.from(indices, BigInt),
  ]
  const leaves = bytes.map((values) => {
    const buffer = device.allocate(values.byteLength)
    device.write(buffer, new Uint8Array(values.buffer))
    return buffer
  })
  device.submit(lookup(device), { leaves, outputs: [undefined] })
  await device.synchronize()
  return new Float32Array((await device.read(leaves[0])).buffer)
}

for (const [name, device] of Object.entries(opened))
  test(`${name}: a lookup that fails leaves what it adds to alone`, {
    skip: 'refused' in device ? device.refused : false,
  }, async () => {
    assert.ok(!('refused' in device))
    assert.deepEqual(new Set(await keptAfter(device, [0, 1, 2, 3, 4, 5, 9])), new Set([3]))
    assert.equal(device.takeFailure(), undefined)
    const kept = await keptAfter(device, [0, 1, 2, 3, 4, 5, rows])
    assert.ok(device.takeFailure()?.error instanceof IndexError)
    assert.deepEqual(new Set(kept), new Set([1]))
  })
