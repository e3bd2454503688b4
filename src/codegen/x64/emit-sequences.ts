// Operations that need fixed machine registers, as sequences of instructions: 64-bit division, high products, calls through the
// thread context. To the allocator each is one instruction that clobbers those registers.
import type { Assembler } from './assembler.ts'
import { threadContext } from './calling-convention.ts'
import type { Mnemonic } from './instruction-table.ts'
import {
  eax,
  ecx,
  edx,
  gpr32,
  k1,
  type Memory,
  masked,
  mem,
  type Operand,
  type Register,
  r8,
  r9d,
  rax,
  rcx,
  rdx,
} from './operands.ts'

const setOf = (...registers: readonly number[]): number => registers.reduce((set, number) => set | (1 << number), 0)

export const divisionClobbers = setOf(0, 1, 2)
export const multiplyHighClobbers = setOf(0, 2)
/** what the barrier routine may change, and rdx, which carries the context */
export const barrierClobbers = setOf(0, 1, 2, 8, 9, 10, 11)
export const raiseClobbers = barrierClobbers

type Emit = (assembler: Assembler, operands: readonly Operand[]) => void

/** rax = a / b truncated and rdx = the rest; both 0 for b = 0, and no trap for b = -1. rcx holds b. */
function divideSafely(assembler: Assembler, a: Register, b: Register, finish: () => void): void {
  const [zero, minusOne, end] = [assembler.label(), assembler.label(), assembler.label()]
  assembler.emit('mov', rax, a)
  assembler.emit('mov', rcx, b)
  assembler.emit('test', rcx, rcx)
  assembler.emit('je', zero)
  assembler.emit('cmp', rcx, -1)
  assembler.emit('je', minusOne)
  assembler.emit('cqo')
  assembler.emit('idiv', rcx)
  finish()
  assembler.emit('jmp', end)
  assembler.bind(minusOne)
  assembler.emit('neg', rax)
  assembler.emit('xor', edx, edx)
  assembler.emit('jmp', end)
  assembler.bind(zero)
  assembler.emit('xor', eax, eax)
  assembler.emit('xor', edx, edx)
  assembler.bind(end)
}

/** Quotient one down and rest one divisor up where the rest is not zero and has another sign than the divisor. */
function floorResult(assembler: Assembler): void {
  const [exact, adjust] = [assembler.label(), assembler.label()]
  assembler.emit('test', rdx, rdx)
  assembler.emit('je', exact)
  assembler.emit('xor', rdx, rcx)
  assembler.emit('js', adjust)
  assembler.emit('xor', rdx, rcx)
  assembler.emit('jmp', exact)
  assembler.bind(adjust)
  assembler.emit('xor', rdx, rcx)
  assembler.emit('add', rdx, rcx)
  assembler.emit('dec', rax)
  assembler.bind(exact)
}

const division =
  (floored: boolean, remainder: boolean): Emit =>
  (assembler, [result, a, b]) => {
    divideSafely(assembler, a as Register, b as Register, () => floored && floorResult(assembler))
    assembler.emit('mov', result, remainder ? rdx : rax)
  }

const raise: Emit = (assembler, [context, position, value, code]) => {
  assembler.emit('mov', rcx, position)
  assembler.emit('mov', r8, value)
  assembler.emit('mov', r9d, code)
  assembler.emit('mov', rdx, context)
  assembler.emit('call', mem({ base: rdx, disp: threadContext.raise, size: 8 }))
}

/** Elements at a base and 64-bit lanes of indices, where the mask is set; the others stay, and the mask is cleared. */
const gather =
  (mnemonic: 'vgatherqps' | 'vgatherqpd', scale: 4 | 8): Emit =>
  (assembler, [result, base, index, mask, disp]) => {
    const places = mem({ base: base as Register, index: index as Register, scale, disp: disp as number })
    assembler.emit(mnemonic, result, places, mask)
  }

/** Moves and sums of the lanes that the last `setPartial` chose: of memory, nothing else is touched. */
function partialSequences(suffix: 'ps' | 'pd'): Record<string, Emit> {
  const lanesOf = <T extends Operand>(operand: T, zeroing: boolean): T =>
    masked(operand as Register | Memory, k1, zeroing) as T
  return {
    [`loadPartial${suffix}`](assembler, [target, source]) {
      assembler.emit(`vmovu${suffix}`, lanesOf(target, true), source)
    },
    [`storePartial${suffix}`](assembler, [target, source]) {
      assembler.emit(`vmovu${suffix}`, lanesOf(target, false), source)
    },
    [`addPartial${suffix}`](assembler, [sum, source]) {
      assembler.emit(`vadd${suffix}`, lanesOf(sum, false), sum, source)
    },
  }
}

/** A comparison of 512-bit vectors as a mask of ones in each lane, in the name of the comparison. */
const wideComparisons: Record<string, Emit> = Object.fromEntries(
  (['vcmpps', 'vcmppd', 'vpcmpeqd', 'vpcmpgtd', 'vpcmpgtq'] as const).map((mnemonic): [string, Emit] => [
    `${mnemonic}Lanes`,
    (assembler, [result, ...operands]) => {
      assembler.emit(mnemonic, k1, ...operands)
      // on Golden Cove the next instruction waits for what wrote its result before
      assembler.emit('vpxord', result, result, result)
      assembler.emit(mnemonic === 'vcmppd' || mnemonic === 'vpcmpgtq' ? 'vpmovm2q' : 'vpmovm2d', result, k1)
    },
  ]),
)

/** A comparison of 512-bit vectors as bits of lanes. */
const comparedBits: Record<string, Emit> = Object.fromEntries(
  (['vcmpps', 'vcmppd'] as const).map((mnemonic): [string, Emit] => [
    `${mnemonic}Bits`,
    (assembler, [result, ...operands]) => {
      assembler.emit(mnemonic, k1, ...operands)
      assembler.emit('kmovw', result, k1)
    },
  ]),
)

/** a third vector where the first two compare as the predicate says, else a fourth; in 512 bits */
const choice =
  (compare: Mnemonic, blend: Mnemonic): Emit =>
  (assembler, [result, a, b, then, otherwise, predicate]) => {
    assembler.emit(compare, k1, a, b, predicate)
    assembler.emit(blend, masked(result as Register, k1, false), otherwise, then)
  }

export const sequenceTable: Readonly<Record<string, Emit>> = {
  divide: division(false, false),
  ...wideComparisons,
  ...comparedBits,
  chooseps: choice('vcmpps', 'vblendmps'),
  choosepd: choice('vcmppd', 'vblendmpd'),
  floorDivide: division(true, false),
  floorModulo: division(true, true),
  multiplyHigh(assembler, [result, a, b]) {
    assembler.emit('mov', rax, a)
    assembler.emit('imul', b)
    assembler.emit('mov', result, rdx)
  },
  multiplyHighUnsigned(assembler, [result, a, b]) {
    assembler.emit('mov', rax, a)
    assembler.emit('mul', b)
    assembler.emit('mov', result, rdx)
  },
  /** a * b / c without sign, for values whose product fits in 128 and quotient in 64 bits */
  multiplyDivide(assembler, [result, a, b, c]) {
    assembler.emit('mov', rax, a)
    assembler.emit('mul', b)
    assembler.emit('div', c)
    assembler.emit('mov', result, rax)
  },
  barrier(assembler, [context]) {
    assembler.emit('mov', rdx, context)
    assembler.emit('call', mem({ base: rdx, disp: threadContext.barrier, size: 8 }))
  },
  raise,
  gatherSingles: gather('vgatherqps', 4),
  gatherDoubles: gather('vgatherqpd', 8),
  setPartial(assembler, [bits]) {
    assembler.emit('kmovw', k1, bits)
  },
  ...partialSequences('ps'),
  ...partialSequences('pd'),
  /** a whole power by squaring, modulo 2^64; negative powers leave 0 except for bases 1 and -1 */
  power: emitPower,
}

function emitPower(assembler: Assembler, [result, base, exponent]: readonly Operand[]): void {
  const [loop, skip, negative, end, zero] = Array.from({ length: 5 }, () => assembler.label())
  assembler.emit('mov', rcx, exponent)
  assembler.emit('mov', rdx, base)
  assembler.emit('mov', gpr32[0], 1)
  assembler.emit('test', rcx, rcx)
  assembler.emit('js', negative)
  assembler.bind(loop)
  assembler.emit('je', end)
  assembler.emit('test', ecx, 1)
  assembler.emit('je', skip)
  assembler.emit('imul', rax, rdx)
  assembler.bind(skip)
  assembler.emit('imul', rdx, rdx)
  assembler.emit('sar', rcx, 1)
  assembler.emit('jmp', loop)
  assembler.bind(negative)
  assembler.emit('cmp', rdx, 1)
  assembler.emit('je', end)
  assembler.emit('cmp', rdx, -1)
  assembler.emit('jne', zero)
  assembler.emit('test', ecx, 1)
  assembler.emit('je', end)
  assembler.emit('neg', rax)
  assembler.emit('jmp', end)
  assembler.bind(zero)
  assembler.emit('xor', eax, eax)
  assembler.bind(end)
  assembler.emit('mov', result, rax)
}
