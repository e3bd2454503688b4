// safetensors on disk: round trips, real files, a failed write and kill -9 leave the old file whole.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { FormatError } from '../../base/errors.ts'
import { readFile, writeFile } from './file.ts'
import type { RawTensor } from './layout.ts'
import { parse, serialize } from './serialize.ts'

const folder = mkdtempSync(join(tmpdir(), 'tensorloom-safetensors-'))
after(() => rmSync(folder, { recursive: true }))

const filled = (count: number, byte: number): RawTensor => ({
  dtype: 'uint8',
  shape: [count],
  bytes: new Uint8Array(count).fill(byte),
})

test('what is written is what serialize gives, and is read back', async () => {
  const path = join(folder, 'a.safetensors')
  const tensors = { weights: filled(1000, 7), empty: filled(0, 0) }
  await writeFile(tensors, path, { made: 'here' })
  assert.deepEqual(new Uint8Array(readFileSync(path)), serialize(tensors, { made: 'here' }))
  const { tensors: read, metadata } = await readFile(path)
  assert.deepEqual([...read.get('weights')!.bytes], [...tensors.weights.bytes])
  assert.equal(metadata.get('made'), 'here')
  assert.deepEqual(readdirSync(folder), ['a.safetensors'])
})

test('a malformed file is a FormatError, a missing one the error of the system', async () => {
  const path = join(folder, 'short')
  writeFileSync(path, serialize({ a: filled(10, 1) }).subarray(0, -1))
  await assert.rejects(readFile(path), (error: Error) => error instanceof FormatError && /cut off/.test(error.message))
  await assert.rejects(readFile(join(folder, 'none')), { code: 'ENOENT' })
})

test('a write that fails leaves no temporary file', async () => {
  await assert.rejects(writeFile({ a: filled(1, 1) }, join(folder, 'no', 'such', 'folder')), { code: 'ENOENT' })
  const blocked = mkdtempSync(join(folder, 'blocked-'))
  await assert.rejects(writeFile({ a: filled(1, 1) }, blocked))
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.endsWith('.tmp')),
    [],
  )
})

test('kill -9 at any time leaves the old file or the new one', async () => {
  const path = join(folder, 'killed.safetensors')
  await writeFile({ a: filled(10, 0) }, path)
  const program = `
    import { writeFile } from ${JSON.stringify(new URL('./file.js', import.meta.url).href)}
    console.log('ready')
    for (let i = 1; ; i++) {
      const bytes = new Uint8Array(3_000_000).fill(i % 256)
      await writeFile({ a: { dtype: 'uint8', shape: [bytes.length], bytes } }, ${JSON.stringify(path)})
    }`
  for (const delay of [5, 40, 90]) {
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await once(child.stdout, 'data')
    await sleep(delay)
    child.kill('SIGKILL')
    await once(child, 'exit')
    const { bytes } = parse(readFileSync(path)).tensors.get('a')!
    assert.ok(bytes.every((byte) => byte === bytes[0]))
  }
})

const shared = join(process.env.TENSORLOOM_DATA ?? '../shared', 'models/safetensors')
const missing = existsSync(shared) ? false : `no ${shared}: set TENSORLOOM_DATA to the folder of shared test files`

test('real files of other writers are read, and written again hold the same tensors', { skip: missing }, async () => {
  const names = readdirSync(shared).filter((name) => name.endsWith('.safetensors'))
  assert.ok(names.length >= 4)
  for (const name of names) {
    const bytes = new Uint8Array(readFileSync(join(shared, name)))
    const { tensors, metadata } = parse(bytes)
    assert.ok(tensors.size > 0, name)
    const again = parse(serialize(tensors, Object.fromEntries(metadata)))
    assert.equal(again.tensors.size, tensors.size)
    for (const [key, { dtype, shape, bytes }] of tensors)
      assert.deepEqual(again.tensors.get(key), { dtype, shape, bytes }, `${name} ${key}`)
    assert.deepEqual(await readFile(join(shared, name)), { tensors, metadata })
  }
})
