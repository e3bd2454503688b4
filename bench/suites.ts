// All suites by name: what `--suite` takes.
import { attention } from './attention.ts'
import { conv } from './conv.ts'
import { gemm } from './gemm.ts'
import type { Suite } from './suite.ts'
import { train } from './train.ts'

const table = { gemm, conv, attention, train } satisfies Readonly<Record<string, Suite>>

export type SuiteName = keyof typeof table
export const suites: Readonly<Record<SuiteName, Suite>> = table
export const suiteNames = Object.keys(table) as readonly SuiteName[]
