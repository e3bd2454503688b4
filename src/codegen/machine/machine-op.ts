// The machine vocabulary: instructions of some target over virtual registers, with structured loops, labels and branches.
// Instruction selection writes it, the register allocator rewrites it, an emitter turns it into bytes. Mnemonics are the target's own.

/** `wide` registers hold vectors of the target's greatest width; they overlap the vector registers, and there may be more of them. */
export type RegisterFile = 'general' | 'vector' | 'wide'

/** Whether registers of the two files share their places. */
export const overlap = (a: RegisterFile, b: RegisterFile): boolean => (a === 'general') === (b === 'general')

/** A register yet to be allocated. `view` names it at the width in bytes that an instruction uses. */
export class VirtualRegister {
  readonly id: number
  readonly file: RegisterFile

  constructor(id: number, file: RegisterFile) {
    this.id = id
    this.file = file
  }

  view(bytes: number): RegisterOperand {
    return { kind: 'register', register: this, bytes }
  }
}

export interface RegisterOperand {
  readonly kind: 'register'
  readonly register: VirtualRegister
  readonly bytes: number
}

/** Bytes of the constant pool; one object per distinct constant of a function. */
export interface PoolConstant {
  readonly data: Uint8Array
  readonly text: string
  /** machine code to call instead of data to read */
  readonly isCode?: boolean
}

/** [base + index * scale + disp], [frame slot], or [pool constant + disp]. */
export interface MemoryOperand {
  readonly kind: 'memory'
  readonly base: VirtualRegister | undefined
  readonly index: VirtualRegister | undefined
  readonly scale: 1 | 2 | 4 | 8
  readonly disp: number
  /** bytes accessed; 0 lets the other operands decide */
  readonly bytes: number
  readonly constant: PoolConstant | undefined
  /** whether `disp` counts from the start of the stack frame */
  readonly frame: boolean
}

export type MachineOperand = RegisterOperand | MemoryOperand | number | bigint

/** What an instruction does with its first operand; it reads all others. */
export type FirstRole = 'write' | 'update' | 'read'

export interface Instruction {
  readonly op: 'instruction'
  readonly mnemonic: string
  readonly operands: readonly MachineOperand[]
  readonly first: FirstRole
  /**
   * general registers, as a bit set of their numbers, that hold nothing across this instruction, its operands included; with
   * `everyVector`, no vector register does either
   */
  readonly clobbers: number
  /** the written register may be recomputed anywhere by the same instruction instead of being spilled */
  readonly rematerializable: boolean
}

/** As a clobber: all vector registers. Numbers of general registers are below 16. */
export const everyVector = 1 << 16

/** A place that branches name. */
export interface LabelMark {
  readonly op: 'label'
  readonly label: number
}

/** A jump; `mnemonic` tells whether and on what condition. */
export interface Branch {
  readonly op: 'branch'
  readonly mnemonic: string
  readonly label: number
}

/** Brackets around what may run repeatedly: from the target of the only backward branch to just behind that branch. */
export interface LoopMark {
  readonly op: 'loop' | 'endLoop'
}

export type MachineOp = Instruction | LabelMark | Branch | LoopMark

export interface MachineFunction {
  readonly name: string
  readonly ops: readonly MachineOp[]
  /** by id */
  readonly registers: readonly VirtualRegister[]
}

export const memoryOperand = (fields: Partial<Omit<MemoryOperand, 'kind'>>): MemoryOperand => ({
  kind: 'memory',
  base: fields.base,
  index: fields.index,
  scale: fields.scale ?? 1,
  disp: fields.disp ?? 0,
  bytes: fields.bytes ?? 0,
  constant: fields.constant,
  frame: fields.frame ?? false,
})

/** The same place, accessed at another width. */
export const resized = (
  { base, index, scale, disp, constant, frame }: MemoryOperand,
  bytes: number,
): MemoryOperand => ({
  kind: 'memory',
  base,
  index,
  scale,
  disp,
  bytes,
  constant,
  frame,
})

/** Calls `visit` for each virtual register of an instruction, reads before the write; an updated register is read and written. */
export function visitRegisters(
  { operands, first }: Instruction,
  visit: (register: VirtualRegister, written: boolean) => void,
): void {
  for (let i = 0; i < operands.length; i++) {
    const operand = operands[i]
    if (typeof operand !== 'object') continue
    if (operand.kind === 'memory') {
      if (operand.base) visit(operand.base, false)
      if (operand.index) visit(operand.index, false)
    } else if (i > 0 || first !== 'write') visit(operand.register, false)
  }
  const target = operands[0]
  if (first !== 'read' && typeof target === 'object' && target.kind === 'register') visit(target.register, true)
}
