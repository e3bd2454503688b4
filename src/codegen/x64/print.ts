// Prints operands and instructions in Intel syntax, in a form that external assemblers accept.

import type { Label, Memory, Operand, Register } from './operands.ts'

const sizeNames = new Map<number, string>([
  [1, 'byte'],
  [2, 'word'],
  [4, 'dword'],
  [8, 'qword'],
  [16, 'xmmword'],
  [32, 'ymmword'],
  [64, 'zmmword'],
])

export type LabelNamer = (label: Label) => string

const defaultLabelName: LabelNamer = (label) => `L${label.id}`

export function formatOperand(operand: Operand, nameOf: LabelNamer = defaultLabelName): string {
  if (typeof operand !== 'object') return operand.toString()
  if (operand.kind === 'label') return nameOf(operand)
  return (operand.kind === 'register' ? operand.name : formatMemory(operand, nameOf)) + formatOpmask(operand)
}

function formatMemory({ base, index, scale, disp, size, label }: Memory, nameOf: LabelNamer): string {
  const terms: string[] = []
  if (label) terms.push('rip', nameOf(label))
  if (base) terms.push(base.name)
  if (index) terms.push(`${index.name}*${scale}`)
  const sum = terms.join('+')
  const constant = terms.length === 0 ? `${disp}` : disp === 0 ? '' : disp < 0 ? `${disp}` : `+${disp}`
  const width = sizeNames.get(size)
  return `${width ? `${width} ptr ` : ''}[${sum}${constant}]`
}

function formatOpmask({ opmask, zeroing }: Register | Memory): string {
  return opmask === undefined ? '' : `{${opmask.name}}${zeroing ? '{z}' : ''}`
}

export function formatInstruction(mnemonic: string, operands: readonly Operand[], nameOf?: LabelNamer): string {
  if (operands.length === 0) return mnemonic
  return `${mnemonic} ${operands.map((operand) => formatOperand(operand, nameOf)).join(', ')}`
}
