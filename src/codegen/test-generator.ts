// What tests of every code generator share: kernels in few words, data, and a run of both the code and the interpreter on the same data.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DType } from '../base/dtype.ts'
import { type DeviceData, deviceArrays, formatOf, poisoned } from '../kernel/device-data.ts'
import { interpretKernel } from '../kernel/interpret.ts'
import type { Expression, Kernel, Param, Statement } from '../kernel/kernel-node.ts'

let nextId = 1
export const fresh = (name: string) => ({ name, id: nextId++ })
export const param = (slot: number, dtype: DType, size: number, access: Param['access'] = 'readwrite'): Param => ({
  op: 'param',
  slot,
  dtype,
  size,
  access,
  name: `p${slot}`,
})
export const kernelOf = (
  params: readonly Param[],
  body: readonly Statement[],
  scratch: Kernel['scratch'] = [],
): Kernel => ({
  name: 'test',
  params,
  scratch,
  body,
})

export const loopOver = (
  kind: 'serial' | 'unroll' | 'parallel' | 'vector',
  extent: Expression | number,
  lanes: number,
  body: (i: Expression) => readonly Statement[],
): Statement => {
  const variable = fresh('i')
  const count: Expression = typeof extent === 'number' ? { op: 'literal', dtype: 'index', value: extent } : extent
  return { op: 'for', variable, extent: count, kind, lanes, body: body({ op: 'index', dtype: 'index', variable }) }
}

export interface RunOptions {
  readonly sizes?: readonly bigint[]
  /** participants; a barrier in the kernel needs a generator that runs them at once */
  readonly threads?: number
  readonly checked?: boolean
}

/** What a run left: the data, changed, and what a failed check recorded. */
export interface KernelRun {
  readonly data: DeviceData[]
  readonly error: { readonly code: number; readonly position: bigint; readonly value: bigint } | undefined
  /** the code as text, for a failure */
  print?(): string
}

/** A code generator as its tests see it; `O` are options that it alone has. */
export interface TestedGenerator<O extends object = object> {
  /** what its code is called in a failure */
  readonly codeName: string
  /** why its code cannot run here */
  readonly refusal?: string | undefined
  /** numbers of participants that can wait for each other */
  readonly threadCounts: readonly number[]
  /** the interpreter's product and sum are rounded apart, and so are this generator's where it has no fused instruction */
  readonly fusesMultiplyAdd: boolean
  /** largest errors of float32 functions that are computed apart from float64's, in units of the last place */
  readonly float32Errors: { readonly angle: number; readonly pow: number }
  /** settings under which functions are measured, such as with and without wider instructions */
  readonly variants: readonly O[]
  /** Runs the code on copies of `data`. */
  run(kernel: Kernel, data: readonly DeviceData[], options?: RunOptions & O): KernelRun
}

export type Cases = Readonly<Record<string, (generator: TestedGenerator) => void>>

/** One test for each case. */
export function testCases(cases: Cases, generator: TestedGenerator): void {
  for (const [name, run] of Object.entries(cases)) test(name, { skip: generator.refusal }, () => run(generator))
}

export interface Tolerance {
  readonly relative: number
  readonly absolute: number
}

const exact: Tolerance = { relative: 0, absolute: 0 }

/**
 * Asserts that code, with bounds tests and without, and interpreter leave the same data; by default the same bits, zeros of either sign
 * and all NaNs alike.
 */
export function assertSame<O extends object>(
  generator: TestedGenerator<O>,
  kernel: Kernel,
  data: readonly DeviceData[],
  options: RunOptions & O & { readonly tolerance?: Tolerance } = {} as O,
): DeviceData[] {
  const expected = data.map((array) => array.slice() as DeviceData)
  interpretKernel(kernel, expected, options.sizes ?? [], options.threads ?? 1)
  const compared = (checked: boolean): DeviceData[] => {
    const { data: got, error, print } = generator.run(kernel, data, { checked, ...options })
    assert.equal(error, undefined)
    for (const { slot, dtype, name } of kernel.params)
      compareData(dtype, got[slot], expected[slot], {
        name: `${name}${checked ? ' (checked)' : ''}`,
        tolerance: options.tolerance ?? exact,
        explain: (a, b) => `${generator.codeName} gives ${a}, the interpreter ${b} (${dtype})\n${print?.() ?? ''}`,
      })
    return got
  }
  compared(true)
  return compared(false)
}

interface Comparison {
  readonly name: string
  readonly tolerance: Tolerance
  readonly explain: (got: number | bigint | boolean, expected: number | bigint | boolean) => string
}

function compareData(dtype: DType, got: DeviceData, expected: DeviceData, { name, tolerance, explain }: Comparison) {
  const { load } = formatOf(dtype)
  for (let i = 0; i < expected.length; i++) {
    const [a, b] = [load(got, i), load(expected, i)]
    if (a === b || (Number.isNaN(a) && Number.isNaN(b))) continue
    const difference = Math.abs(Number(a) - Number(b))
    if (difference <= tolerance.absolute + tolerance.relative * Math.abs(Number(b))) continue
    assert.fail(`${name}[${i}]: ${explain(a, b)}`)
  }
}

/** Data that sits at the end of its own buffer. */
export function dataOf(dtype: DType, values: readonly (number | bigint)[]): DeviceData {
  const data = new deviceArrays[dtype](values.length)
  const { store } = formatOf(dtype)
  values.forEach((value, i) => {
    store(data, i, dtype === 'int64' ? BigInt(value) : Number(value))
  })
  return data
}

export const empty = (dtype: DType, size: number): DeviceData => poisoned(dtype, size)

/** Numbers that differ. */
export const ramp = (dtype: DType, size: number, scale = 0.25) =>
  dataOf(
    dtype,
    Array.from({ length: size }, (_, i) => (dtype.startsWith('float') ? (i - size / 3) * scale : (i * 7) % 100)),
  )
