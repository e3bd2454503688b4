// The allocator on random structured programs: the independent verifier accepts what it gives, and rejects what was broken.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CompileError } from '../../base/errors.ts'
import { type AllocationTarget, allocateRegisters } from './allocate.ts'
import {
  type Instruction,
  type MachineFunction,
  type MachineOp,
  type MachineOperand,
  VirtualRegister,
} from './machine-op.ts'
import { printMachine } from './print.ts'
import { verifyAllocation } from './verify-allocation.ts'

const instruction = (
  mnemonic: string,
  first: Instruction['first'],
  operands: MachineOperand[],
  clobbers = 0,
): Instruction => ({
  op: 'instruction',
  mnemonic,
  operands,
  first,
  clobbers,
  rematerializable: mnemonic === 'constant',
})

const target = (count: number): AllocationTarget => ({
  order: { general: Array.from({ length: count }, (_, i) => i), vector: [], wide: [] },
  slotBytes: { general: 8, vector: 32, wide: 64 },
  load: (register, slot) => instruction('mov', 'write', [register.view(8), slot]),
  store: (register, slot) => instruction('mov', 'read', [slot, register.view(8)]),
})

/** Loops, skipped code, clobbers and values that live across them, from a seed. */
function randomProgram(seed: number): MachineFunction {
  let state = seed * 2654435761 + 1
  const random = (below: number) => ((state = (Math.imul(state, 1103515245) + 12345) >>> 0) >>> 8) % below
  const registers: VirtualRegister[] = []
  const ops: MachineOp[] = []
  const known: VirtualRegister[] = []
  let labels = 0
  const define = () => {
    const register = new VirtualRegister(registers.length, 'general')
    registers.push(register)
    const sources =
      known.length === 0 || random(3) === 0 ? [] : [known[random(known.length)], known[random(known.length)]]
    const clobbers = random(6) === 0 ? 0b101 : 0
    const mnemonic = sources.length === 0 ? 'constant' : 'add'
    ops.push(
      instruction(
        mnemonic,
        'write',
        [register, ...sources].map((r) => r.view(8)),
        clobbers,
      ),
    )
    known.push(register)
  }
  const block = (depth: number) => {
    for (let i = 0; i < 6; i++) {
      define()
      if (random(3) === 0) ops.push(instruction('inc', 'update', [known[random(known.length)].view(8)]))
    }
    if (depth === 0) return
    const count = known.length
    const label = labels++
    const isLoop = random(2) === 0
    if (isLoop) ops.push({ op: 'loop' }, { op: 'label', label })
    else ops.push({ op: 'branch', mnemonic: 'je', label })
    block(depth - 1)
    known.length = count
    if (isLoop) ops.push({ op: 'branch', mnemonic: 'jne', label }, { op: 'endLoop' })
    else ops.push({ op: 'label', label })
    block(depth - 1)
  }
  block(4)
  for (const register of known) ops.push(instruction('use', 'read', [register.view(8)]))
  return { name: `random ${seed}`, ops, registers }
}

test('allocations of random programs hold under the data-flow verifier, with and without spilling', () => {
  let spilled = 0
  for (let seed = 0; seed < 60; seed++)
    for (const count of [5, 8, 14]) {
      const allocation = allocateRegisters(randomProgram(seed), target(count))
      verifyAllocation(allocation)
      spilled += allocation.spilled
      assert.match(printMachine(allocation.code), /^random/)
    }
  assert.ok(spilled > 1000)
})

test('the verifier rejects two live values in one register', () => {
  const allocation = allocateRegisters(randomProgram(1), target(14))
  const broken = { ...allocation, assigned: Array.from(allocation.assigned, () => 3) }
  assert.throws(() => verifyAllocation(broken), CompileError)
})

test('constants are recomputed instead of spilled', () => {
  const registers = Array.from({ length: 12 }, (_, i) => new VirtualRegister(i, 'general'))
  const ops = [
    ...registers.map((register, i) => instruction('constant', 'write', [register.view(8), i])),
    ...registers.map((register) => instruction('use', 'read', [register.view(8)])),
  ]
  const allocation = allocateRegisters({ name: 'constants', ops, registers }, target(4))
  verifyAllocation(allocation)
  assert.ok(allocation.spilled > 0)
  assert.equal(allocation.frameBytes, 0)
})

test('a register read before it is written is an error', () => {
  const register = new VirtualRegister(0, 'general')
  const code = { name: 'bad', ops: [instruction('use', 'read', [register.view(8)])], registers: [register] }
  assert.throws(() => allocateRegisters(code, target(4)), /read at 0 before it is written/)
})
