// The choice of participants: the faster way is found, kept, and found again when the machine changes.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Participation } from './participation.ts'

/** How often `one` was chosen in `runs` runs that take these milliseconds. */
function chooseOften(participation: Participation, runs: number, times: { one: number; all: number }): number {
  let ones = 0
  for (let i = 0; i < runs; i++) {
    const choice = participation.choose()
    if (choice === 'one') ones++
    participation.note(times[choice])
  }
  return ones
}

test('a program that waking helpers slows down is run by one participant', () => {
  assert.ok(chooseOften(new Participation(), 1000, { one: 0.005, all: 0.025 }) > 950)
})

test('a program worth sharing is shared', () => {
  assert.ok(chooseOften(new Participation(), 1000, { one: 0.4, all: 0.21 }) < 50)
})

test('a long program is never tried alone', () => {
  assert.equal(chooseOften(new Participation(), 100, { one: 20, all: 10 }), 0)
})

test('the choice follows a machine that becomes busy', () => {
  const participation = new Participation()
  chooseOften(participation, 500, { one: 0.4, all: 0.2 })
  assert.ok(chooseOften(participation, 2000, { one: 0.4, all: 0.6 }) > 1000)
})

test('one interruption does not change it', () => {
  const participation = new Participation()
  chooseOften(participation, 100, { one: 0.4, all: 0.2 })
  participation.choose()
  participation.note(30)
  assert.ok(chooseOften(participation, 50, { one: 0.4, all: 0.2 }) <= 4)
})
