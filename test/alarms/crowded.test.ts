// More threads than processors: four on one must not spin each other out.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { closeDevices, setDevice } from '../../src/index.ts'

const child = fileURLToPath(new URL('./crowded-child.js', import.meta.url))
const refusalOf = (name: string): string | false => {
  try {
    setDevice(name)
    closeDevices()
    return false
  } catch (error) {
    return (error as Error).message
  }
}

for (const name of ['native', 'wasm'])
  test(`a step with four threads on one processor takes at most three times as long on ${name}`, {
    skip: refusalOf(name),
  }, (t) => {
    const words = ['-c', '0', process.execPath, child, name]
    const { status, stdout, stderr, error } = spawnSync('taskset', words, { encoding: 'utf8', timeout: 120_000 })
    if (error) return t.skip('taskset is not installed')
    assert.equal(status, 0, stderr)
    const [one, four] = JSON.parse(stdout) as number[]
    assert.ok(four <= 3 * one, `${four} ms with four threads, ${one} ms with one`)
  })
