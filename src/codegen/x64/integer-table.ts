// Rows of the instruction table for general-purpose registers, control flow and atomics. Syntax: see instruction-table.ts.

/** Condition codes in the order of their encoding, by the name that a disassembler prints. */
export const conditions = [
  ...(['o', 'no', 'b', 'ae', 'e', 'ne', 'be', 'a'] as const),
  ...(['s', 'ns', 'p', 'np', 'l', 'ge', 'le', 'g'] as const),
] as const
export type Condition = (typeof conditions)[number]

const hex = (value: number) => value.toString(16).padStart(2, '0')

/** add, or, adc, sbb, and, sub, xor, cmp: eight operations, one pattern. */
const arithmetic = (digit: number) => [
  `${hex(digit * 8)} MR rm8 r8`,
  `${hex(digit * 8 + 2)} RM r8 m8`,
  `${hex(digit * 8 + 4)} XI al i8`,
  `80/${digit} MI rm8 i8`,
  `${hex(digit * 8 + 1)} MR rm r`,
  `${hex(digit * 8 + 3)} RM r m`,
  `83/${digit} MI rm s8`,
  `${hex(digit * 8 + 5)} XI a i32`,
  `81/${digit} MI rm i32`,
]

const lockArithmetic = (digit: number) => [
  `lock.${hex(digit * 8 + 1)} MR m r`,
  `lock.83/${digit} MI m s8`,
  `lock.81/${digit} MI m i32`,
]

const shift = (digit: number) => [`d1/${digit} MX rm one`, `c1/${digit} MI rm u8`, `d3/${digit} MX rm cl`]

const conditionRows = <P extends string>(prefix: P, row: (code: number) => string) =>
  Object.fromEntries(conditions.map((condition, code) => [prefix + condition, row(code)])) as Record<
    `${P}${Condition}`,
    string
  >

export const integerTable = {
  mov: [
    ...['88 MR rm8 r8', '8a RM r8 m8', '66.89 MR rm16 r16', '66.8b RM r16 m16', '89 MR rm r', '8b RM r m'],
    ...['b0 OI r8 i8', 'c6/0 MI m8 i8', '66.c7/0 MI m16 i16', 'b8 OI r32 i32', 'c7/0 MI m32 i32'],
    ...['w1.c7/0 MI rm64 i32', 'w1.b8 OI r64 i64'],
  ],
  movzx: ['0f.b6 RM r rm8', '0f.b7 RM r rm16'],
  movsx: ['0f.be RM r rm8', '0f.bf RM r rm16'],
  movsxd: 'w1.63 RM r64 rm32',
  lea: '8d RM r mem',
  push: ['50 O r64', 'ff/6 M m64', '6a I s8', '68 I i32'],
  pop: ['58 O r64', '8f/0 M m64'],
  add: arithmetic(0),
  or: arithmetic(1),
  adc: arithmetic(2),
  sbb: arithmetic(3),
  and: arithmetic(4),
  sub: arithmetic(5),
  xor: arithmetic(6),
  cmp: arithmetic(7),
  test: ['84 MR rm8 r8', 'a8 XI al i8', 'f6/0 MI rm8 i8', '85 MR rm r', 'a9 XI a i32', 'f7/0 MI rm i32'],
  imul: ['0f.af RM r rm', '6b RMI r rm s8', '69 RMI r rm i32', 'f7/5 M rm'],
  mul: 'f7/4 M rm',
  div: 'f7/6 M rm',
  idiv: 'f7/7 M rm',
  neg: 'f7/3 M rm',
  not: 'f7/2 M rm',
  inc: 'ff/0 M rm',
  dec: 'ff/1 M rm',
  rol: shift(0),
  ror: shift(1),
  shl: shift(4),
  shr: shift(5),
  sar: shift(7),
  popcnt: 'f3.0f.b8 RM r rm',
  tzcnt: 'f3.0f.bc RM r rm',
  lzcnt: 'f3.0f.bd RM r rm',
  bt: ['0f.a3 MR rm r', '0f.ba/4 MI rm u8'],
  cdq: '99',
  cqo: 'w1.99',
  ...conditionRows('set', (code) => `0f.${hex(0x90 + code)}/0 M rm8`),
  ...conditionRows('cmov', (code) => `0f.${hex(0x40 + code)} RM r rm`),
  ...conditionRows('j', (code) => `0f.${hex(0x80 + code)} D rel32`),
  jmp: ['e9 D rel32', 'ff/4 M rm64'],
  call: ['e8 D rel32', 'ff/2 M rm64'],
  ret: 'c3',
  xchg: ['86 MR m8 r8', '87 MR m r'],
  'lock xadd': 'lock.0f.c1 MR m r',
  'lock cmpxchg': 'lock.0f.b1 MR m r',
  'lock inc': 'lock.ff/0 M m',
  'lock dec': 'lock.ff/1 M m',
  'lock add': lockArithmetic(0),
  'lock or': lockArithmetic(1),
  'lock and': lockArithmetic(4),
  'lock sub': lockArithmetic(5),
  'lock xor': lockArithmetic(6),
  pause: 'f3.90',
  nop: ['90', '66.90', '0f.1f/0 M rm32', '66.0f.1f/0 M rm16'],
  lfence: '0f.ae/e8',
  mfence: '0f.ae/f0',
  sfence: '0f.ae/f8',
  prefetchnta: '0f.18/0 M m8',
  prefetcht0: '0f.18/1 M m8',
  prefetcht1: '0f.18/2 M m8',
  prefetcht2: '0f.18/3 M m8',
  cpuid: '0f.a2',
  rdtsc: '0f.31',
  rdtscp: '0f.01/f9',
  xgetbv: '0f.01/d0',
  syscall: '0f.05',
  int3: 'cc',
  ud2: '0f.0b',
} as const satisfies Record<string, string | readonly string[]>
