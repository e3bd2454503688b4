// Where the native device refuses, here because the process believes to be on another processor, the WebAssembly device is taken by
// itself, says why, and trains to the same losses.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { TrainingName } from './training-cases.ts'

const child = fileURLToPath(new URL('./refused-child.js', import.meta.url))
const elsewhere = "data:text/javascript,Object.defineProperty(process,'arch',{value:'arm64'})"
/** Later ones tell chance from chance: a pool whose two largest values differ in the last bit sends its gradient elsewhere. */
const steps = 5
const tolerance = 1e-5
const names: readonly TrainingName[] = [
  'mlp-784-128-10-b64-sgd',
  'mlp-784-512-512-10-b128-adam',
  'cnn-28-b64-adam',
  'chargpt-4x128-t64-b12-adamw',
]

interface Outcome {
  readonly device: string
  readonly refused: readonly { readonly name: string; readonly reason: string }[]
  readonly losses: Readonly<Record<TrainingName, readonly number[]>>
}

function train(flags: readonly string[]): Outcome {
  const { TENSORLOOM_DEVICE: _, ...env } = process.env
  const words = [...flags, child, String(steps), ...names]
  const { status, stdout, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8', env, timeout: 240_000 })
  assert.equal(status, 0, stderr)
  return JSON.parse(stdout) as Outcome
}

test('native refused: wasm is chosen, and its losses are those of native within 1e-5', (t) => {
  const native = train([])
  if (native.device !== 'native') return t.skip(native.refused.map(({ reason }) => reason).join('; '))
  const wasm = train(['--import', elsewhere])
  assert.equal(wasm.device, 'wasm')
  assert.deepEqual(
    wasm.refused.map(({ name }) => name),
    ['native'],
  )
  assert.match(wasm.refused[0].reason, /needs Linux on x86-64, this is linux on arm64/)
  for (const name of names)
    for (let i = 0; i < steps; i++) {
      const [got, expected] = [wasm.losses[name][i], native.losses[name][i]]
      const deviation = Math.abs(got - expected) / expected
      assert.ok(deviation <= tolerance, `${name}, step ${i}: ${got} is ${deviation.toExponential(1)} from ${expected}`)
    }
})
