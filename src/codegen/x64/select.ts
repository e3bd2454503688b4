// Given the forms of a mnemonic and its operands, finds the encoding to use: the first form that accepts all of them.

import type { Form, Slot } from './form.ts'
import type { Operand } from './operands.ts'

export function selectForm(forms: readonly Form[], operands: readonly Operand[]): Form | undefined {
  const first = operands[0]
  const predicated = typeof first === 'object' && first.kind !== 'label' && first.opmask !== undefined
  for (const form of forms) {
    if (form.slots.length !== operands.length || (predicated && !form.maskable)) continue
    let position = 0
    while (position < operands.length && accepts(form.slots[position]!, operands[position]!)) position++
    if (position === operands.length) return form
  }
  return undefined
}

function accepts(slot: Slot, operand: Operand): boolean {
  if (typeof operand === 'object') return (slot.types & operand.types) !== 0
  const range = slot.immediate
  if (range === undefined || (typeof operand === 'number' && !Number.isInteger(operand))) return false
  if (operand >= range.min && operand <= range.max) return true
  return operand < range.wrap && operand >= range.min + range.wrap
}
