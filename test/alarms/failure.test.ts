// A data-dependent index out of range, seen from the device: persistent outputs keep every bit, what is queued behind is dropped until
// the failure is taken, and then it goes on.
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { IndexError } from '../../src/base/errors.ts'
import type { Graph } from '../../src/compiler/graph.ts'
import { openNativeDevice } from '../../src/devices/native/native-device.ts'
import { createReferenceDevice } from '../../src/devices/reference/reference-device.ts'
import * as build from '../../src/graph/builders.ts'
import type { Device, DeviceBuffer } from '../../src/runtime/device.ts'

const [rows, width, count] = [40, 65, 300]

/** table[index] summed; the table stepped into a buffer of its own, momentum replaced in place, and the sum, which is not persistent. */
function lookup(): Graph {
  const [table, momentum] = [build.placeholder([rows, width], 'float32'), build.placeholder([rows, width], 'float32')]
  const index = build.placeholder([count], 'int64')
  const picked = build.indexSelect(table, 0, index)
  const moved = build.add(build.mul(momentum, 0.5), build.amax(picked))
  return {
    leaves: [table, momentum, index],
    outputs: [
      { node: build.sub(table, moved), persistent: true },
      { node: moved, target: 1, persistent: true },
      { node: build.sum(picked, 0), persistent: false },
    ],
  }
}

const bytesOfFloats = (size: number, value: (i: number) => number): Uint8Array =>
  new Uint8Array(Float32Array.from({ length: size }, (_, i) => value(i)).buffer)
const bytesOfIndices = (value: (i: number) => number): Uint8Array =>
  new Uint8Array(BigInt64Array.from({ length: count }, (_, i) => BigInt(value(i))).buffer)

function bufferOf(device: Device, bytes: Uint8Array): DeviceBuffer {
  const buffer = device.allocate(bytes.byteLength)
  device.write(buffer, bytes)
  return buffer
}

const opened: Record<string, Device | { readonly refused: string }> = {
  reference: createReferenceDevice(),
  'native, 1 thread': openNativeDevice({ threads: 1 }),
  'native, 2 threads': openNativeDevice({ threads: 2 }),
  'native, checked': openNativeDevice({ threads: 2, checked: true }),
}
after(() => {
  for (const device of Object.values(opened)) if (!('refused' in device)) device.close()
})

// size: one story, told in its order
async function failAndGoOn(device: Device): Promise<void> {
  const size = rows * width
  const program = device.compile(lookup())
  const good = (i: number): number => i % rows
  const bad = (i: number): number => (i === 173 ? rows : good(i))
  const table = bufferOf(
    device,
    bytesOfFloats(size, (i) => i / 8),
  )
  const momentum = bufferOf(
    device,
    bytesOfFloats(size, (i) => i / 4),
  )
  const updated = bufferOf(
    device,
    bytesOfFloats(size, () => 7),
  )
  const sums = device.allocate(width * 4)
  const [indexGood, indexBad] = [bufferOf(device, bytesOfIndices(good)), bufferOf(device, bytesOfIndices(bad))]
  const submit = (index: DeviceBuffer): number =>
    device.submit(program, { leaves: [table, momentum, index], outputs: [updated, undefined, sums] })
  const state = async (): Promise<Buffer[]> => [
    Buffer.from(await device.read(updated)),
    Buffer.from(await device.read(momentum)),
  ]

  const before = await state()
  const failed = submit(indexBad)
  submit(indexGood)
  await device.synchronize()
  const after = await state()
  for (const [i, bytes] of after.entries()) assert.ok(bytes.equals(before[i]), `persistent output ${i} was written`)
  const failure = device.takeFailure()
  assert.ok(failure?.error instanceof IndexError, String(failure?.error))
  assert.equal(failure.submission, failed)
  assert.match(
    failure.error.message,
    /^indexSelect: expected indices from 0 to 39, got 40 at position 173 of the index/,
  )
  assert.equal(device.takeFailure(), undefined)

  submit(indexGood)
  const [own, inPlace] = await state()
  assert.equal(device.takeFailure(), undefined)
  assert.ok(!own.equals(before[0]) && !inPlace.equals(before[1]), 'the device did not go on')
  const peak = (size - 1) / 8
  const moved = new Float32Array(inPlace.buffer, inPlace.byteOffset, size)
  assert.equal(moved[1], 0.125 + peak)
  for (const buffer of [table, momentum, updated, sums, indexGood, indexBad]) buffer.release()
  program.release()
}

for (const [name, device] of Object.entries(opened))
  test(
    `${name}: an index out of range changes nothing that lasts`,
    { skip: 'refused' in device ? device.refused : false },
    () => failAndGoOn(device as Device),
  )
