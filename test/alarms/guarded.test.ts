// In child processes: no kernel touches a byte past its buffers, and no page is writable and executable after the library has been used.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { openNativeHost } from '../../src/devices/native/native-host.ts'

const { host, refused } = openNativeHost()
void host?.close()
const child = fileURLToPath(new URL('./guarded-child.js', import.meta.url))

function runChild(
  program: string,
  ...flags: readonly string[]
): { readonly lines: readonly string[]; readonly text: string } {
  const { stdout, stderr, status, signal } = spawnSync(process.execPath, [...flags, child, program], {
    encoding: 'utf8',
  })
  const lines = stdout.trimEnd().split('\n')
  assert.equal(signal ?? status, 0, `${lines.slice(-40).join('\n')}\n${stderr}`)
  return { lines, text: stdout }
}

test('buffers that end at an unreadable page: every kernel keeps to its memory', { skip: refused }, () => {
  assert.equal(runChild('guarded').lines.at(-1), 'survived')
})

test('no mapping is writable and executable at once', { skip: refused }, () => {
  // V8 has such pages for its own code, which --jitless turns off
  const { executable, both } = JSON.parse(runChild('mappings', '--jitless').text)
  assert.ok(executable > 0, 'no executable mapping was seen')
  assert.deepEqual(both, [])
})
