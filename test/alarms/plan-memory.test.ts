// Properties of the memory plan over random lists of kernel calls: live values never share bytes, and no two calls between barriers touch
// the same memory if one of them writes it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Graph } from '../../src/compiler/graph.ts'
import type { BufferReference } from '../../src/compiler/plan.ts'
import { type Place, type PlacedCall, planMemory } from '../../src/compiler/plan-memory.ts'
import { verifyMemory } from '../../src/compiler/verify-plan.ts'
import { placeholder } from '../../src/graph/builders.ts'

interface RandomCall {
  readonly places: readonly number[]
  readonly writes: readonly boolean[]
  readonly raises: boolean
}

const leafCount = 3
const graph: Graph = {
  leaves: Array.from({ length: leafCount }, () => placeholder([4], 'float32')),
  outputs: [
    { node: placeholder([4], 'float32'), persistent: true },
    { node: placeholder([4], 'float32'), persistent: false },
  ],
}

const call: fc.Arbitrary<RandomCall> = fc
  .array(fc.tuple(fc.nat(24), fc.boolean()), { minLength: 1, maxLength: 5 })
  .chain((used) =>
    fc.record({
      places: fc.constant(used.map(([place]) => place)),
      writes: fc.constant(used.map(([, writes]) => writes)),
      raises: fc.boolean(),
    }),
  )

function callsOf(random: readonly RandomCall[], bytes: readonly number[]): PlacedCall[] {
  const leaves = graph.leaves.map((_, slot): Place => ({ kind: 'leaf', slot }))
  const outputs = graph.outputs.map((_, index): Place => ({ kind: 'output', index }))
  const places = [...leaves, ...outputs, ...bytes.map((size): Place => ({ kind: 'arena', bytes: size }))]
  return random.map(({ places: chosen, writes, raises }, i) => ({
    kernel: 0,
    places: chosen.map((place) => places[place % places.length]),
    writes,
    raises,
    label: `call ${i}`,
  }))
}

const overlap = (a: BufferReference, b: BufferReference): boolean => {
  if (a.kind === 'arena' && b.kind === 'arena') return a.offset < b.offset + b.bytes && b.offset < a.offset + a.bytes
  if (a.kind === 'leaf') return b.kind === 'leaf' && a.slot === b.slot
  return a.kind === 'output' && b.kind === 'output' && a.index === b.index
}

const plans = fc.tuple(
  fc.array(call, { maxLength: 30, size: 'max' }),
  fc.array(fc.integer({ min: 1, max: 5000 }), { minLength: 1, maxLength: 20, size: 'max' }),
  fc.boolean(),
)

test('live values never share bytes', () => {
  fc.assert(
    fc.property(plans, ([random, bytes, reuse]) => {
      const calls = callsOf(random, bytes)
      const plan = planMemory(graph, calls, reuse)
      verifyMemory(plan)
      const lives = new Map<Place, { first: number; last: number; at: BufferReference }>()
      calls.forEach((one, at) => {
        one.places.forEach((place, slot) => {
          const life = lives.get(place)
          const reference = plan.calls[at].bindings[slot]
          if (life) assert.deepEqual(reference, life.at, 'a value moved')
          lives.set(place, { first: life?.first ?? at, last: at, at: reference })
        })
      })
      for (const [a, one] of lives)
        for (const [b, other] of lives)
          if (a !== b && one.first <= other.last && other.first <= one.last) assert.ok(!overlap(one.at, other.at))
      for (const { at } of lives.values())
        if (at.kind === 'arena') assert.ok(at.offset % 64 === 0 && at.offset + at.bytes <= plan.arenaBytes)
    }),
    { numRuns: 300, seed: 11 },
  )
})

test('calls between two barriers do not depend on each other', () => {
  fc.assert(
    fc.property(plans, ([random, bytes, reuse]) => {
      const calls = callsOf(random, bytes)
      const plan = planMemory(graph, calls, reuse)
      let start = 0
      plan.calls.forEach((later, at) => {
        for (let before = start; before < at; before++) {
          const earlier = plan.calls[before]
          earlier.bindings.forEach((x, i) => {
            later.bindings.forEach((y, j) => {
              if (calls[before].writes[i] || calls[at].writes[j]) assert.ok(!overlap(x, y), `calls ${before} and ${at}`)
            })
          })
          assert.ok(!(calls[before].raises && later.persistent), `call ${at} must know whether call ${before} failed`)
        }
        if (later.barrier) start = at + 1
      })
    }),
    { numRuns: 300, seed: 12 },
  )
})
