// What the compiler may know of a device: numbers, never its name.
import type { DType } from '../base/dtype.ts'

export interface Target {
  readonly dtypes: ReadonlySet<DType>
  /** bytes of a vector register and how many there are */
  readonly vectorBytes: number
  readonly vectorRegisters: number
  /** bytes a core owns or sees */
  readonly l1: number
  readonly l2: number
  readonly l3: number
  readonly threads: number
  /** microkernel shapes by dtype: rows x columns of the register tile */
  readonly tiles: Readonly<Partial<Record<DType, { readonly mr: number; readonly nr: number }>>>
}
