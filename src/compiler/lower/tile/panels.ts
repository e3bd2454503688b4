// Register panels of a block's rows or columns: as many whole ones as there are, and one of its own size for what is left over.
import { alu, indexAlu, indexLiteral } from '../../../kernel/builders.ts'
import type { Expression } from '../../../kernel/kernel-node.ts'
import { type Affine, type Axis, addScaled, axisIndex, constantIndex, makeAxis, scale } from '../index-algebra.ts'
import type { KernelBuilder } from '../kernel-builder.ts'
import type { Scope } from '../scope.ts'

export interface PanelCut {
  readonly name: string
  readonly unit: number
  /** rows or columns in all, and in one block: whole units, unless all blocks are alike or there is only one */
  readonly size: number
  readonly blockSize: number
  readonly block: Axis
}

/** Calls `body` with the panel's first row or column within its block, and its width. */
export type PanelBody = (scope: Scope, start: Affine, width: number) => void

export function overPanels(builder: KernelBuilder, scope: Scope, cut: PanelCut, body: PanelBody): void {
  const { name, unit, size, blockSize, block } = cut
  const isUniform = size % blockSize === 0
  const last = isUniform ? blockSize : size - (block.extent - 1) * blockSize
  const whole = Math.floor((block.extent === 1 ? last : blockSize) / unit)
  const panel = makeAxis(name, whole)
  const isKnown = isUniform || block.extent === 1
  const count = isKnown ? indexLiteral(whole) : wholePanels(scope, cut, whole)
  if (whole > 0)
    builder.loop({ name, extent: count, kind: 'serial' }, (variable) =>
      body(scope.enter(panel, variable), scale(axisIndex(panel), unit), unit),
    )
  if (last % unit === 0) return
  const rest = (): void => {
    const start = isUniform
      ? constantIndex(last - (last % unit))
      : addScaled(constantIndex(size - (last % unit)), axisIndex(block), -blockSize)
    body(scope, start, last % unit)
  }
  if (isKnown) {
    rest()
    return
  }
  const isLast = alu('lessEqual', 'bool', indexLiteral(block.extent - 1), scope.materialize(axisIndex(block)))
  builder.emit({ op: 'if', condition: isLast, body: builder.collect(rest) })
}

/** Whole panels of a block, of which the last has fewer. */
function wholePanels(scope: Scope, { unit, size, block }: PanelCut, whole: number): Expression {
  const left = addScaled(constantIndex(Math.floor(size / unit)), axisIndex(block), -whole)
  return indexAlu('min', indexLiteral(whole), scope.materialize(left))
}
