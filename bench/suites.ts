// All suites by name: what `--suite` takes.
import { attention } from './attention.ts'
import { cold } from './cold.ts'
import { conv } from './conv.ts'
import { functions } from './functions.ts'
import { gemm } from './gemm.ts'
import { infer } from './infer.ts'
import { memory } from './memory.ts'
import { rows } from './rows.ts'
import type { Suite } from './suite.ts'
import { train } from './train.ts'

const table = { gemm, conv, rows, attention, train, infer, compile: cold, memory, functions } satisfies Readonly<
  Record<string, Suite>
>

export type SuiteName = keyof typeof table
export const suites: Readonly<Record<SuiteName, Suite>> = table
export const suiteNames = Object.keys(table) as readonly SuiteName[]
