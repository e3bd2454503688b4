// How the programs of this folder run: each on every device that can be had here, plain and compiled, asserting numbers that plain
// JavaScript arithmetic gives too.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  availableDevices,
  type Compiled,
  compile,
  currentSession,
  noGrad,
  setDevice,
  type Tensor,
} from '../../src/index.ts'

type AnyFunction = (...args: never[]) => unknown

export interface Mode {
  readonly isCompiled: boolean
  /** the function itself, or its compiled form */
  wrap<F extends AnyFunction>(fn: F): F | Compiled<F>
}

const plain: Mode = { isCompiled: false, wrap: (fn) => fn }
const compiled: Mode = { isCompiled: true, wrap: (fn) => compile(fn) }

function onEveryDevice(
  name: string,
  modes: Readonly<Record<string, Mode>>,
  body: (mode: Mode) => Promise<void> | void,
): void {
  for (const device of availableDevices())
    for (const [label, mode] of Object.entries(modes))
      test(`${name} (${[device, label].filter(Boolean).join(', ')})`, () => {
        setDevice(device)
        return body(mode)
      })
}

/** One small program, on every device, plain and compiled. */
export const program = (name: string, body: (mode: Mode) => Promise<void> | void): void =>
  onEveryDevice(name, { plain, compiled }, body)

/** A program that makes no sense compiled. */
export const plainProgram = (name: string, body: () => Promise<void> | void): void =>
  onEveryDevice(name, { '': plain }, body)

type Numbers = number | readonly Numbers[]

/** Compares nested arrays of numbers, element by element. */
export function close(actual: unknown, expected: Numbers, tolerance = 1e-9): void {
  const [got, wanted] = [[actual].flat(9) as number[], [expected].flat(9) as number[]]
  assert.equal(got.length, wanted.length)
  wanted.forEach((value, i) => {
    const margin = tolerance * Math.max(1, Math.abs(value))
    assert.ok(Math.abs(Number(got[i]) - value) <= margin, `element ${i}: expected ${value}, got ${got[i]}`)
  })
}

/** Gradient descent in two lines, so that these programs need no optimizer. */
export const descend = (params: readonly Tensor[], rate: number): void =>
  noGrad(() => {
    for (const param of params) if (param.grad) param.sub_(param.grad.mul(rate))
  })

export const endStep = (): Promise<void> => currentSession().step()
