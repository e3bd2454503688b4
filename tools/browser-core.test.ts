// The browser core is made, holds no module of Node's, and does not grow without being noticed.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

/** Bytes after gzip, so that growth is seen. 102,400 are wanted; bench/NOTES.md says where the bytes are. */
const limit = 215_040

interface Outcome {
  readonly missing?: string
  readonly gzipBytes: number
  readonly wantedBytes: number
}

// written in plain JavaScript, because checks print it
const { browserCore } = (await import(new URL('../../tools/browser-core.mjs', import.meta.url).href)) as {
  browserCore: () => Promise<Outcome>
}
const { missing, gzipBytes, wantedBytes } = await browserCore()
const skip = missing ?? false

test(`the browser core is at most ${limit} bytes after gzip`, { skip }, () => {
  console.log(`# browser core: ${gzipBytes} bytes after gzip; wanted: ${wantedBytes}`)
  assert.ok(gzipBytes > 0 && gzipBytes <= limit, `${gzipBytes} bytes`)
})

test('the browser core asks for nothing that a browser lacks, and finds its worker beside it', { skip }, () => {
  const read = (name: string) =>
    readFileSync(fileURLToPath(new URL(`../../dist/browser/${name}`, import.meta.url)), 'utf8')
  for (const name of ['tensorloom.js', 'browser-worker.js'])
    assert.doesNotMatch(read(name), /(?<!")\bfrom\s*"|import\s*"|\bimport\("/, name)
  assert.match(read('tensorloom.js'), /new URL\("\.\/browser-worker\.js",import\.meta\.url\)/)
})
