// Prints machine code before or after allocation, one instruction a line, loops indented, for people and for tests.
import type { MachineFunction, MachineOp, MachineOperand, VirtualRegister } from './machine-op.ts'

export type RegisterName = (register: VirtualRegister, bytes: number) => string

/** Virtual registers print as g12 and v7, whatever the width. */
export const virtualName: RegisterName = ({ file, id }) => (file === 'general' ? `g${id}` : `v${id}`)

export function printMachine({ name, ops }: MachineFunction, nameOf: RegisterName = virtualName): string {
  let indent = '  '
  const lines = [`${name}:`]
  for (const op of ops) {
    if (op.op === 'endLoop') indent = indent.slice(2)
    lines.push(op.op === 'label' ? `${indent.slice(2)}L${op.label}:` : indent + printOp(op, nameOf))
    if (op.op === 'loop') indent += '  '
  }
  return lines.join('\n')
}

export function printOp(op: MachineOp, nameOf: RegisterName = virtualName): string {
  if (op.op === 'branch') return `${op.mnemonic} L${op.label}`
  if (op.op === 'label') return `L${op.label}:`
  if (op.op !== 'instruction') return op.op
  return `${op.mnemonic} ${op.operands.map((operand) => printOperand(operand, nameOf)).join(', ')}`.trimEnd()
}

function printOperand(operand: MachineOperand, nameOf: RegisterName): string {
  if (typeof operand !== 'object') return String(operand)
  if (operand.kind === 'register') return nameOf(operand.register, operand.bytes)
  const parts: string[] = []
  if (operand.frame) parts.push('frame')
  if (operand.constant) parts.push(`{${operand.constant.text}}`)
  if (operand.base) parts.push(nameOf(operand.base, 8))
  if (operand.index) parts.push(nameOf(operand.index, 8) + (operand.scale > 1 ? `*${operand.scale}` : ''))
  if (operand.disp !== 0) parts.push(String(operand.disp))
  return `[${parts.join(' + ').replaceAll('+ -', '- ')}]`
}
