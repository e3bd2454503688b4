// One row per WebAssembly instruction that the code generator uses: opcode, immediates, and what it takes from and leaves on the stack.
// WebAssembly 2.0 with the threads and relaxed SIMD proposals; https://webassembly.github.io/spec/core/appendix/index-instructions.html

export type ValueType = 'i32' | 'i64' | 'f32' | 'f64' | 'v128'

/** memory: offset; memoryLane: offset and lane; shuffle and v128: 16 bytes. */
export type Immediate =
  | 'none'
  | 'index'
  | 'block'
  | 'i32'
  | 'i64'
  | 'f32'
  | 'f64'
  | 'bytes'
  | 'lane'
  | 'memory'
  | 'memoryLane'

export interface InstructionRow {
  /** undefined, or the byte before an opcode in LEB128: 0xfd vectors, 0xfe atomics */
  readonly prefix: number | undefined
  readonly opcode: number
  readonly immediate: Immediate
  /** log2 of the bytes accessed */
  readonly align: number
  readonly takes: readonly ValueType[]
  readonly gives: readonly ValueType[]
}

const rows = new Map<string, InstructionRow>()
const letters: Record<string, ValueType> = { i: 'i32', l: 'i64', f: 'f32', d: 'f64', v: 'v128' }
const typesOf = (text: string): ValueType[] => [...text].map((letter) => letters[letter])

/** Rows of one signature, written as letters (i32 i64 f32 f64 v128: i l f d v) before and after a colon. */
function add(
  signature: string,
  opcodes: Readonly<Record<string, number>>,
  { prefix, immediate = 'none', align = 0 }: { prefix?: number; immediate?: Immediate; align?: number } = {},
): void {
  const [takes, gives] = signature.split(':').map(typesOf)
  for (const [name, opcode] of Object.entries(opcodes))
    rows.set(name, { prefix, opcode, immediate, align, takes, gives })
}

/** Consecutive opcodes. */
const from = (first: number, ...names: string[]): Record<string, number> =>
  Object.fromEntries(names.map((name, i) => [name, first + i]))
const prefixed = (name: string, list: string): string[] => list.split(' ').map((each) => `${name}.${each}`)

// --- control, variables, constants; what they take depends on where they stand -----------------------------------------------
add(':', { block: 0x02, loop: 0x03 }, { immediate: 'block' })
add('i:', { if: 0x04 }, { immediate: 'block' })
add(':', { unreachable: 0x00, else: 0x05, end: 0x0b, return: 0x0f, drop: 0x1a, select: 0x1b })
add(':', { br: 0x0c, call: 0x10, ...from(0x20, 'local.get', 'local.set', 'local.tee') }, { immediate: 'index' })
add('i:', { br_if: 0x0d }, { immediate: 'index' })
add(':i', { 'i32.const': 0x41 }, { immediate: 'i32' })
add(':l', { 'i64.const': 0x42 }, { immediate: 'i64' })
add(':f', { 'f32.const': 0x43 }, { immediate: 'f32' })
add(':d', { 'f64.const': 0x44 }, { immediate: 'f64' })

// --- scalar memory -----------------------------------------------------------------------------------------------------------
const access = (signature: string, align: number, opcodes: Record<string, number>, prefix?: number): void =>
  add(signature, opcodes, { prefix, immediate: 'memory', align })
access('i:i', 2, { 'i32.load': 0x28 })
access('i:l', 3, { 'i64.load': 0x29 })
access('i:f', 2, { 'f32.load': 0x2a })
access('i:d', 3, { 'f64.load': 0x2b })
access('i:i', 0, from(0x2c, 'i32.load8_s', 'i32.load8_u'))
access('i:i', 1, from(0x2e, 'i32.load16_s', 'i32.load16_u'))
access('ii:', 2, { 'i32.store': 0x36 })
access('il:', 3, { 'i64.store': 0x37 })
access('if:', 2, { 'f32.store': 0x38 })
access('id:', 3, { 'f64.store': 0x39 })
access('ii:', 0, { 'i32.store8': 0x3a })
access('ii:', 1, { 'i32.store16': 0x3b })

// --- scalar arithmetic -------------------------------------------------------------------------------------------------------
const integerComparisons = 'eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u'
const integerOperations = 'add sub mul div_s div_u rem_s rem_u and or xor shl shr_s shr_u rotl rotr'
const floatUnary = 'abs neg ceil floor trunc nearest sqrt'
const floatBinary = 'add sub mul div min max copysign'
add('i:i', { 'i32.eqz': 0x45, 'i32.clz': 0x67, 'i32.ctz': 0x68, 'i32.extend8_s': 0xc0, 'i32.extend16_s': 0xc1 })
add('ii:i', from(0x46, ...prefixed('i32', integerComparisons)))
add('l:i', { 'i64.eqz': 0x50, 'i32.wrap_i64': 0xa7 })
add('ll:i', from(0x51, ...prefixed('i64', integerComparisons)))
add('ff:i', from(0x5b, ...prefixed('f32', 'eq ne lt gt le ge')))
add('dd:i', from(0x61, ...prefixed('f64', 'eq ne lt gt le ge')))
add('ii:i', from(0x6a, ...prefixed('i32', integerOperations)))
add('l:l', { 'i64.clz': 0x79, 'i64.ctz': 0x7a })
add('ll:l', from(0x7c, ...prefixed('i64', integerOperations)))
add('f:f', from(0x8b, ...prefixed('f32', floatUnary)))
add('ff:f', from(0x92, ...prefixed('f32', floatBinary)))
add('d:d', from(0x99, ...prefixed('f64', floatUnary)))
add('dd:d', from(0xa0, ...prefixed('f64', floatBinary)))
add('d:i', { 'i32.trunc_f64_s': 0xaa })
add('i:l', from(0xac, 'i64.extend_i32_s', 'i64.extend_i32_u'))
add('d:l', { 'i64.trunc_f64_s': 0xb0, 'i64.reinterpret_f64': 0xbd })
add('i:f', { 'f32.convert_i32_s': 0xb2, 'f32.reinterpret_i32': 0xbe })
add('l:f', { 'f32.convert_i64_s': 0xb4 })
add('d:f', { 'f32.demote_f64': 0xb6 })
add('i:d', { 'f64.convert_i32_s': 0xb7 })
add('l:d', { ...from(0xb9, 'f64.convert_i64_s', 'f64.convert_i64_u'), 'f64.reinterpret_i64': 0xbf })
add('f:d', { 'f64.promote_f32': 0xbb })
add('f:i', { 'i32.reinterpret_f32': 0xbc })

// --- vectors -----------------------------------------------------------------------------------------------------------------
const vector = (signature: string, opcodes: Record<string, number>, immediate: Immediate = 'none', align = 0): void =>
  add(signature, opcodes, { prefix: 0xfd, immediate, align })
vector('i:v', { 'v128.load': 0 }, 'memory', 4)
vector('i:v', { 'v128.load16_splat': 8 }, 'memory', 1)
vector('i:v', { 'v128.load32_splat': 9, 'v128.load32_zero': 92 }, 'memory', 2)
vector('i:v', { 'v128.load64_splat': 10, 'v128.load64_zero': 93 }, 'memory', 3)
vector('iv:', { 'v128.store': 11 }, 'memory', 4)
vector(':v', { 'v128.const': 12 }, 'bytes')
vector('vv:v', { 'i8x16.shuffle': 13 }, 'bytes')
vector('vv:v', { 'i8x16.swizzle': 14 })
for (const [i, bits] of [8, 16, 32, 64].entries()) {
  vector('iv:v', { [`v128.load${bits}_lane`]: 84 + i }, 'memoryLane', i)
  vector('iv:', { [`v128.store${bits}_lane`]: 88 + i }, 'memoryLane', i)
}
vector('i:v', { 'i32x4.splat': 17 })
vector('l:v', { 'i64x2.splat': 18 })
vector('f:v', { 'f32x4.splat': 19 })
vector('d:v', { 'f64x2.splat': 20 })
for (const [i, [shape, letter]] of [
  ['i32x4', 'i'],
  ['i64x2', 'l'],
  ['f32x4', 'f'],
  ['f64x2', 'd'],
].entries()) {
  vector(`v:${letter}`, { [`${shape}.extract_lane`]: 27 + 2 * i }, 'lane')
  vector(`v${letter}:v`, { [`${shape}.replace_lane`]: 28 + 2 * i }, 'lane')
}
vector('vv:v', from(55, ...prefixed('i32x4', integerComparisons)))
vector('vv:v', from(65, ...prefixed('f32x4', 'eq ne lt gt le ge'), ...prefixed('f64x2', 'eq ne lt gt le ge')))
vector('v:v', { 'v128.not': 77 })
vector('vv:v', from(78, ...prefixed('v128', 'and andnot or xor')))
vector('vvv:v', { 'v128.bitselect': 82 })
vector('v:i', {
  'v128.any_true': 83,
  'i32x4.all_true': 163,
  'i32x4.bitmask': 164,
  'i64x2.all_true': 195,
  'i64x2.bitmask': 196,
})
vector('v:v', from(94, 'f32x4.demote_f64x2_zero', 'f64x2.promote_low_f32x4'))
vector('v:v', { 'f32x4.floor': 104, 'f32x4.nearest': 106, 'f64x2.floor': 117, 'f64x2.nearest': 148 })
vector('v:v', { 'i16x8.extend_low_i8x16_s': 135, 'i16x8.extend_low_i8x16_u': 137 })
vector('v:v', { 'i32x4.extend_low_i16x8_s': 167, 'i32x4.extend_low_i16x8_u': 169 })
vector('v:v', { 'i64x2.extend_low_i32x4_s': 199, 'i64x2.extend_high_i32x4_s': 200 })
vector('v:v', { 'i32x4.abs': 160, 'i32x4.neg': 161, 'i64x2.abs': 192, 'i64x2.neg': 193 })
vector('vi:v', {
  ...from(171, ...prefixed('i32x4', 'shl shr_s shr_u')),
  ...from(203, ...prefixed('i64x2', 'shl shr_s shr_u')),
})
vector('vv:v', {
  'i32x4.add': 174,
  'i32x4.sub': 177,
  'i32x4.mul': 181,
  'i64x2.add': 206,
  'i64x2.sub': 209,
  'i64x2.mul': 213,
})
vector('vv:v', from(182, ...prefixed('i32x4', 'min_s min_u max_s max_u')))
vector('vv:v', from(214, ...prefixed('i64x2', 'eq ne lt_s gt_s le_s ge_s')))
vector('v:v', {
  'f32x4.abs': 224,
  'f32x4.neg': 225,
  'f32x4.sqrt': 227,
  'f64x2.abs': 236,
  'f64x2.neg': 237,
  'f64x2.sqrt': 239,
})
vector('vv:v', from(228, ...prefixed('f32x4', 'add sub mul div min max pmin pmax')))
vector('vv:v', from(240, ...prefixed('f64x2', 'add sub mul div min max pmin pmax')))
vector('v:v', { 'i32x4.trunc_sat_f32x4_s': 248, 'f32x4.convert_i32x4_s': 250 })
vector('v:v', { 'i32x4.trunc_sat_f64x2_s_zero': 252, 'f64x2.convert_low_i32x4_s': 254 })
vector('vvv:v', { 'f32x4.relaxed_madd': 0x105, 'f64x2.relaxed_madd': 0x107 })

// --- threads -----------------------------------------------------------------------------------------------------------------
const atomic = (signature: string, opcodes: Record<string, number>): void => access(signature, 2, opcodes, 0xfe)
atomic('ii:i', { 'memory.atomic.notify': 0x00, 'i32.atomic.rmw.add': 0x1e })
atomic('iil:i', { 'memory.atomic.wait32': 0x01 })
atomic('i:i', { 'i32.atomic.load': 0x10 })
atomic('ii:', { 'i32.atomic.store': 0x17 })
atomic('iii:i', { 'i32.atomic.rmw.cmpxchg': 0x48 })

export const instructionTable: ReadonlyMap<string, InstructionRow> = rows
