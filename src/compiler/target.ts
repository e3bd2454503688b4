// What the compiler may know of a device: numbers, never its name.
import type { DType } from '../base/dtype.ts'

/** A microkernel: rows (at most) x columns of the tile that it keeps in registers, lanes of a register, and flops per cycle at its best. */
export interface TileShape {
  readonly mr: number
  readonly nr: number
  readonly lanes: number
  readonly rate: number
}

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
  /** larger results that a program does not read again are stored past the caches; undefined where stores cannot */
  readonly streamedBytes?: number
  /** microkernels by dtype, best first */
  readonly tiles: Readonly<Partial<Record<DType, readonly TileShape[]>>>
}
