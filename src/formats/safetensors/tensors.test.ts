// save and load: tensors of every dtype come back bit for bit.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import '../../index.ts'
import { bytesOf, dtypes } from '../../base/dtype.ts'
import { fromBytes, type Tensor, tensor } from '../../tensor/index.ts'
import { load, readFile, save } from './index.ts'

const folder = mkdtempSync(join(tmpdir(), 'tensorloom-tensors-'))
after(() => rmSync(folder, { recursive: true }))

test('every dtype keeps its bits, NaN payloads too', async () => {
  const tensors = new Map<string, Tensor>()
  const bytes = new Map<string, number[]>()
  for (const dtype of dtypes) {
    const raw = Uint8Array.from({ length: 6 * bytesOf(dtype) }, (_, i) => (dtype === 'bool' ? i % 2 : 255 - i))
    tensors.set(dtype, fromBytes(raw, [2, 3], { dtype }))
    bytes.set(dtype, [...raw])
  }
  const path = join(folder, 'all.safetensors')
  await save(tensors, path)
  for (const [name, value] of await load(path)) assert.deepEqual([value.shape, value.dtype], [[2, 3], name])
  await save(await load(path), path)
  for (const [name, value] of (await readFile(path)).tensors) assert.deepEqual([...value.bytes], bytes.get(name), name)
})

test('views and results of operations are saved as their values', async () => {
  const path = join(folder, 'views.safetensors')
  const x = tensor([
    [1, 2],
    [3, 4],
  ])
  await save({ t: x.transpose(0, 1), sum: x.sum() }, path)
  const loaded = await load(path)
  assert.deepEqual(await loaded.get('t')!.toArray(), [
    [1, 3],
    [2, 4],
  ])
  assert.equal(await loaded.get('sum')!.item(), 10)
})
