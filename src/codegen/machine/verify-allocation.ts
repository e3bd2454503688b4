// Checks an allocation by an analysis of its own: liveness as a data-flow fixed point over basic blocks, not as intervals.
// Throws when a register is written while another one that is still needed sits in the same place, or in a clobbered one.
import { CompileError } from '../../base/errors.ts'
import type { Allocation } from './allocate.ts'
import { isMove } from './liveness.ts'
import { everyVector, type MachineOp, overlap, type VirtualRegister, visitRegisters } from './machine-op.ts'
import { printOp } from './print.ts'

interface Block {
  readonly first: number
  readonly end: number
  readonly successors: number[]
  liveIn: Set<VirtualRegister>
}

export function verifyAllocation({ code, assigned }: Allocation): void {
  const blocks = splitBlocks(code.ops)
  for (let changed = true; changed; ) {
    changed = false
    for (let i = blocks.length - 1; i >= 0; i--) {
      const live = walkBlock(code.ops, blocks[i], liveOut(blocks, blocks[i]))
      if (live.size === blocks[i].liveIn.size) continue
      blocks[i].liveIn = live
      changed = true
    }
  }
  for (const register of blocks[0]?.liveIn ?? [])
    throw new CompileError(`${code.name}: register ${register.id} may be read before it is written.`)
  const checkWrite = (at: number, written: VirtualRegister | undefined, live: ReadonlySet<VirtualRegister>) =>
    checkConflict(code.ops[at], assigned, written, live, code.name)
  for (const block of blocks) walkBlock(code.ops, block, liveOut(blocks, block), checkWrite)
}

function checkConflict(
  op: MachineOp,
  assigned: ArrayLike<number>,
  written: VirtualRegister | undefined,
  live: ReadonlySet<VirtualRegister>,
  name: string,
): void {
  if (op.op !== 'instruction') return
  const source = op.operands[1]
  const copied =
    isMove(op.mnemonic) && typeof source === 'object' && source.kind === 'register' ? source.register : undefined
  for (const other of live) {
    const place = assigned[other.id]
    const same = written && written !== other && overlap(written.file, other.file) && assigned[written.id] === place
    const isHit = other.file === 'general' ? (op.clobbers >>> place) & 1 : op.clobbers & everyVector
    const clobbered = other !== written && isHit
    if (place >= 0 && !clobbered && (!same || copied === other)) continue
    throw new CompileError(`${name}: \`${printOp(op)}\` destroys register ${other.id}, which is read later.`)
  }
}

/** Registers live before the block, given those live behind it; reports what is live behind each instruction on the way. */
function walkBlock(
  ops: readonly MachineOp[],
  { first, end }: Block,
  live: Set<VirtualRegister>,
  report?: (at: number, written: VirtualRegister | undefined, live: ReadonlySet<VirtualRegister>) => void,
): Set<VirtualRegister> {
  for (let i = end - 1; i >= first; i--) {
    const op = ops[i]
    if (op.op !== 'instruction') continue
    let target: VirtualRegister | undefined
    visitRegisters(op, (register, written) => {
      if (written) target = register
    })
    report?.(i, target, live)
    if (target) live.delete(target)
    visitRegisters(op, (register, written) => {
      if (!written) live.add(register)
    })
  }
  return live
}

function liveOut(blocks: readonly Block[], { successors }: Block): Set<VirtualRegister> {
  const live = new Set<VirtualRegister>()
  for (const next of successors) for (const register of blocks[next].liveIn) live.add(register)
  return live
}

function splitBlocks(ops: readonly MachineOp[]): Block[] {
  const starts = [0]
  for (let i = 0; i < ops.length; i++) {
    if (ops[i].op === 'label' && i > 0) starts.push(i)
    else if (ops[i].op === 'branch' && i + 1 < ops.length) starts.push(i + 1)
  }
  const firsts = [...new Set(starts)].sort((a, b) => a - b)
  const blockOfLabel = new Map<number, number>()
  firsts.forEach((first, i) => {
    const op = ops[first]
    if (op?.op === 'label') blockOfLabel.set(op.label, i)
  })
  return firsts.map((first, i) => {
    const end = firsts[i + 1] ?? ops.length
    const last = ops[end - 1]
    const successors: number[] = []
    if (i + 1 < firsts.length && !(last?.op === 'branch' && last.mnemonic === 'jmp')) successors.push(i + 1)
    if (last?.op === 'branch') successors.push(blockOfLabel.get(last.label)!)
    return { first, end, successors, liveIn: new Set<VirtualRegister>() }
  })
}
