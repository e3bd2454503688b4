// Random numbers: the same plain and compiled, new ones each step, the same again after a seed.
import assert from 'node:assert/strict'
import { manualSeed, ones, randn, type Tensor } from '../../src/index.ts'
import { endStep, type Mode, program } from './matrix.ts'
import { nn } from './modules.ts'

async function masks({ wrap }: Mode): Promise<string[]> {
  manualSeed(7)
  const layer = new nn.Dropout(0.5)
  const step = wrap((x: Tensor) => layer(layer(x)))
  const seen: string[] = []
  for (let i = 0; i < 5; i++) {
    const y = step(ones([64]))
    await endStep()
    seen.push(String(await y.toArray()))
  }
  return seen
}

let first: string[] | undefined

program('dropout draws the same numbers plain and compiled, new ones each step', async (mode) => {
  const seen = await masks(mode)
  assert.equal(new Set(seen).size, 5)
  for (const mask of seen) {
    const values = mask.split(',').map(Number)
    assert.ok(values.every((value) => value === 0 || value === 4))
    const kept = values.filter(Boolean).length
    assert.ok(kept >= 4 && kept <= 30, `${kept} of 64 kept twice at 0.5`)
  }
  first ??= seen
  assert.deepEqual(seen, first)
  assert.deepEqual(await masks(mode), first)
})

program('a pending draw does not change when later ones are made first', async ({ wrap }) => {
  manualSeed(1)
  const draw = wrap(() => randn([4]))
  const [a, b] = [draw(), draw()]
  const [later, earlier] = [String(await b.toArray()), String(await a.toArray())]
  manualSeed(1)
  const [c, d] = [draw(), draw()]
  assert.deepEqual([String(await c.toArray()), String(await d.toArray())], [earlier, later])
  assert.notEqual(earlier, later)
})
