// The package as Node loads it: every export is there, its parts share their classes, and both CPU devices compute.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))

interface Outcome {
  readonly code: number
  readonly output: string
}

// written in plain JavaScript, because it runs before anything else does
const { bundle } = (await import(new URL('../../tools/bundle.mjs', import.meta.url).href)) as {
  bundle: () => Promise<Outcome>
}
const { code, output } = await bundle()
const skip = output.startsWith('esbuild is missing') && output

const program = `
import assert from 'node:assert/strict'
import * as t from 'tensorloom'
const { exports } = JSON.parse((await import('node:fs')).readFileSync('package.json', 'utf8'))
for (const [path, entry] of Object.entries(exports))
  if (entry.node) assert.ok(Object.keys(await import('tensorloom' + path.slice(1))).length > 0, path)
const { Linear } = await import('tensorloom/nn')
assert.equal(t.nn.Linear, Linear)
const { digits } = await import('tensorloom/data')
assert.ok(digits)
for (const name of t.availableDevices()) {
  t.setDevice(name, { threads: 2 })
  const x = t.randn([128, 128])
  const [product, expected] = await Promise.all([x.matmul(x).sum().item(), x.sum(0).mul(x.sum(1)).sum().item()])
  assert.ok(Math.abs(product - expected) < 0.05, name + ': ' + product + ' and ' + expected)
}
console.log(t.availableDevices().join(' '))
t.closeDevices()
`

test('a bundle is made', { skip }, () => {
  assert.equal(code, 0, output)
  const { exports } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'))
  const bundled = Object.values(exports as Record<string, { readonly node?: string }>).flatMap(({ node }) => node ?? [])
  for (const path of bundled) assert.ok(readFileSync(`${root}${path}`).length > 0, path)
})

test('the package computes on every device', { skip }, () => {
  const words = ['--input-type=module', '-e', program]
  const { status, stdout, stderr } = spawnSync(process.execPath, words, { cwd: root, encoding: 'utf8' })
  assert.equal(status, 0, stderr)
  assert.match(stdout, /wasm/)
})
