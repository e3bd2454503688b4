// The operands of x86-64 instructions: registers, memory references and labels, as immutable plain objects.
// Each carries `types`, a set of bits that an instruction form is matched against with one AND; immediates are plain numbers.

/** The operand classes that instruction forms tell apart. An operand's `types` is a union of these bits. */
export const operandTypes = {
  r8: 1 << 0,
  r16: 1 << 1,
  r32: 1 << 2,
  r64: 1 << 3,
  al: 1 << 4,
  cl: 1 << 5,
  eax: 1 << 6,
  rax: 1 << 7,
  x: 1 << 8,
  y: 1 << 9,
  z: 1 << 10,
  xHigh: 1 << 11,
  yHigh: 1 << 12,
  zHigh: 1 << 13,
  k: 1 << 14,
  m8: 1 << 15,
  m16: 1 << 16,
  m32: 1 << 17,
  m64: 1 << 18,
  m128: 1 << 19,
  m256: 1 << 20,
  m512: 1 << 21,
  unsized: 1 << 22,
  vx: 1 << 23,
  vy: 1 << 24,
  vz: 1 << 25,
  label: 1 << 26,
} as const

/** Register files as the encoding sees them: general purpose, vector, opmask. */
export type RegisterFile = 'gpr' | 'vector' | 'mask'

export interface Register {
  readonly kind: 'register'
  readonly types: number
  readonly file: RegisterFile
  readonly index: number
  /** Width in bytes. */
  readonly size: number
  readonly name: string
  /** AVX-512 predication of a destination; see `masked`. */
  readonly opmask: Register | undefined
  readonly zeroing: boolean
}

export type Scale = 1 | 2 | 4 | 8

/** [base + index * scale + disp], or [rip + label + disp]. */
export interface Memory {
  readonly kind: 'memory'
  readonly types: number
  readonly base: Register | undefined
  readonly index: Register | undefined
  readonly scale: Scale
  readonly disp: number
  /** Bytes accessed; 0 lets the other operands decide. */
  readonly size: number
  readonly label: Label | undefined
  readonly opmask: Register | undefined
  readonly zeroing: boolean
}

/** A place in the code or its constant pool. `Assembler.label` numbers them; the decoder uses the target's offset as id. */
export interface Label {
  readonly kind: 'label'
  readonly types: number
  readonly id: number
}

export type Immediate = number | bigint
export type Operand = Register | Memory | Label | Immediate

export function makeLabel(id: number): Label {
  return { kind: 'label', types: operandTypes.label, id }
}

const t = operandTypes

function registerFile(file: RegisterFile, size: number, names: readonly string[], types: (index: number) => number) {
  return names.map(
    (name, index): Register =>
      Object.freeze({
        kind: 'register',
        types: types(index),
        file,
        index,
        size,
        name,
        opmask: undefined,
        zeroing: false,
      } as const),
  ) as readonly Register[]
}

const numbered = (prefix: string, count: number, suffix = '') =>
  Array.from({ length: count }, (_, index) => `${prefix}${index}${suffix}`)
const highNames = (suffix: string) => numbered('r', 16, suffix).slice(8)
const legacyNames = ['ax', 'cx', 'dx', 'bx', 'sp', 'bp', 'si', 'di']

export const gpr64 = registerFile('gpr', 8, [...legacyNames.map((n) => `r${n}`), ...highNames('')], (index) =>
  index === 0 ? t.r64 | t.rax : t.r64,
)
export const gpr32 = registerFile('gpr', 4, [...legacyNames.map((n) => `e${n}`), ...highNames('d')], (index) =>
  index === 0 ? t.r32 | t.eax : t.r32,
)
export const gpr16 = registerFile('gpr', 2, [...legacyNames, ...highNames('w')], () => t.r16)
export const gpr8 = registerFile(
  'gpr',
  1,
  ['al', 'cl', 'dl', 'bl', 'spl', 'bpl', 'sil', 'dil', ...highNames('b')],
  (index) => (index === 0 ? t.r8 | t.al : index === 1 ? t.r8 | t.cl : t.r8),
)
export const xmm = registerFile('vector', 16, numbered('xmm', 32), (index) => (index < 16 ? t.x : t.xHigh))
export const ymm = registerFile('vector', 32, numbered('ymm', 32), (index) => (index < 16 ? t.y : t.yHigh))
export const zmm = registerFile('vector', 64, numbered('zmm', 32), (index) => (index < 16 ? t.z : t.zHigh))
export const opmasks = registerFile('mask', 8, numbered('k', 8), () => t.k)

export const [rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15] = gpr64
export const [eax, ecx, edx, ebx, esp, ebp, esi, edi, r8d, r9d, r10d, r11d, r12d, r13d, r14d, r15d] = gpr32
export const [ax, cx, dx, bx, sp, bp, si, di, r8w, r9w, r10w, r11w, r12w, r13w, r14w, r15w] = gpr16
export const [al, cl, dl, bl, spl, bpl, sil, dil, r8b, r9b, r10b, r11b, r12b, r13b, r14b, r15b] = gpr8
export const [xmm0, xmm1, xmm2, xmm3, xmm4, xmm5, xmm6, xmm7] = xmm
export const [xmm8, xmm9, xmm10, xmm11, xmm12, xmm13, xmm14, xmm15] = xmm.slice(8)
export const [ymm0, ymm1, ymm2, ymm3, ymm4, ymm5, ymm6, ymm7] = ymm
export const [ymm8, ymm9, ymm10, ymm11, ymm12, ymm13, ymm14, ymm15] = ymm.slice(8)
export const [zmm0, zmm1, zmm2, zmm3, zmm4, zmm5, zmm6, zmm7] = zmm
export const [k0, k1, k2, k3, k4, k5, k6, k7] = opmasks

export interface MemoryOptions {
  readonly base?: Register | undefined
  /** A 64-bit register other than rsp, or a vector register for a gather. */
  readonly index?: Register | undefined
  readonly scale?: Scale | undefined
  readonly disp?: number | undefined
  /** Bytes accessed. Needed only where the other operands do not tell, as in `inc [m]` or `movzx r, [m]`. */
  readonly size?: number | undefined
  /** Makes the reference rip-relative; excludes base and index. */
  readonly label?: Label | undefined
}

const sizeTypes = new Map<number, number>([
  [0, t.unsized],
  [1, t.m8],
  [2, t.m16],
  [4, t.m32],
  [8, t.m64],
  [16, t.m128],
  [32, t.m256],
  [64, t.m512],
])

function memoryTypes(index: Register | undefined, size: number): number {
  if (index?.file !== 'vector') return sizeTypes.get(size) ?? 0
  return index.size === 16 ? t.vx : index.size === 32 ? t.vy : t.vz
}

/** A memory operand. Malformed ones (rsp as index, disp beyond 32 bits) match no form, so that `emit` reports them. */
export function mem({ base, index, scale = 1, disp = 0, size = 0, label }: MemoryOptions): Memory {
  const valid =
    (base === undefined || (base.types & t.r64) !== 0) &&
    (index === undefined || index.file === 'vector' || ((index.types & t.r64) !== 0 && index.index !== 4)) &&
    (label === undefined || (base === undefined && index === undefined)) &&
    (scale === 1 || scale === 2 || scale === 4 || scale === 8) &&
    (disp | 0) === disp
  const types = valid ? memoryTypes(index, size) : 0
  return { kind: 'memory', types, base, index, scale, disp, size, label, opmask: undefined, zeroing: false }
}

/** A destination under an AVX-512 opmask (k1 to k7); with `zeroing`, lanes that are off become 0 instead of staying. */
export function masked<T extends Register | Memory>(destination: T, opmask: Register, zeroing = false): T {
  const zeroable = destination.kind === 'register' && destination.file === 'vector'
  const valid = opmask.file === 'mask' && opmask.index > 0 && (zeroable || !zeroing)
  return { ...destination, types: valid ? destination.types : 0, opmask, zeroing }
}

export function isImmediate(operand: Operand): operand is Immediate {
  return typeof operand === 'number' || typeof operand === 'bigint'
}
