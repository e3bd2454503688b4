// Turns one row of the instruction table (text, see instruction-table.ts) into Forms: what the encoder, decoder and
// printer read. A row that speaks of generic sizes ("v" = xmm or ymm) gives one Form per size.

import { CompileError } from '../../base/errors.ts'
import { operandTypes } from './operands.ts'

export type Encoding = 'legacy' | 'vex' | 'evex'

/** What one operand position accepts: register and memory classes as bits, or a range of immediates. */
export interface Slot {
  readonly text: string
  readonly types: number
  readonly immediate: ImmediateRange | undefined
  /** Bytes accessed when the operand is memory. */
  readonly memorySize: number
}

export interface ImmediateRange {
  readonly min: number
  readonly max: number
  /** Values of [0, wrap) are accepted too, as the same bits: 2^32 for a 32-bit operand; 0 for none. */
  readonly wrap: number
  readonly bytes: number
}

export interface Form {
  readonly mnemonic: string
  readonly encoding: Encoding
  readonly lock: boolean
  /** Whether the destination may have an opmask (EVEX only). */
  readonly maskable: boolean
  /** Mandatory (or operand-size) prefix: 0 none, 1 66, 2 F3, 3 F2. */
  readonly prefix: number
  /** Opcode map: 0 one-byte, 1 0F, 2 0F38, 3 0F3A. */
  readonly map: number
  readonly opcode: number
  /** /digit in ModRM.reg, or -1. */
  readonly digit: number
  /** A fixed byte after the opcode, or -1 (mfence). */
  readonly fixed: number
  readonly w: number
  /** Vector length: 0 128 bits, 1 256, 2 512. */
  readonly l: number
  readonly slots: readonly Slot[]
  /** Operand numbers by role, -1 where the role is absent. */
  readonly reg: number
  readonly rm: number
  readonly vvvv: number
  readonly opcodeRegister: number
  readonly immediate: number
  readonly registerImmediate: number
  readonly relative: number
  /** The same instruction with ModRM.reg and ModRM.rm exchanged, where that can save a VEX byte. */
  twin: Form | undefined
}

const t = operandTypes
const two32 = 2 ** 32

const immediateSlots: Record<string, ImmediateRange> = {
  one: { min: 1, max: 1, wrap: 0, bytes: 0 },
  u8: { min: 0, max: 255, wrap: 0, bytes: 1 },
  i8: { min: -128, max: 127, wrap: 256, bytes: 1 },
  i16: { min: -32768, max: 32767, wrap: 65536, bytes: 2 },
  i64: { min: -(2 ** 63), max: 2 ** 64 - 1, wrap: 0, bytes: 8 },
  's8:32': { min: -128, max: 127, wrap: two32, bytes: 1 },
  's8:64': { min: -128, max: 127, wrap: 0, bytes: 1 },
  'i32:32': { min: -(2 ** 31), max: 2 ** 31 - 1, wrap: two32, bytes: 4 },
  'i32:64': { min: -(2 ** 31), max: 2 ** 31 - 1, wrap: 0, bytes: 4 },
}

const anyMemory = t.m8 | t.m16 | t.m32 | t.m64 | t.m128 | t.m256 | t.m512
const memoryBits: Record<number, number> = {
  8: t.m8,
  16: t.m16,
  32: t.m32,
  64: t.m64,
  128: t.m128,
  256: t.m256,
  512: t.m512,
}
const gprBits: Record<string, number> = { 8: t.r8, 16: t.r16, 32: t.r32, 64: t.r64 }
const plainBits: Record<string, number> = {
  al: t.al,
  cl: t.cl,
  eax: t.eax,
  rax: t.rax,
  k: t.k,
  vx: t.vx,
  vy: t.vy,
  vz: t.vz,
  rel32: t.label,
}
const vectorNames: Record<string, string> = { x: 'xmm', y: 'ymm', z: 'zmm' }
const sizeOfVector: Record<string, number> = { x: 128, y: 256, z: 512 }

function vectorBits(letter: string, encoding: Encoding): number {
  const low = letter === 'x' ? t.x : letter === 'y' ? t.y : t.z
  const high = letter === 'x' ? t.xHigh : letter === 'y' ? t.yHigh : t.zHigh
  return encoding === 'evex' ? low | high : low
}

function makeSlot(token: string, encoding: Encoding): Slot {
  const immediate = immediateSlots[token]
  if (immediate) return { text: token.split(':')[0]!, types: 0, immediate, memorySize: 0 }
  if (token === 'mem') return { text: 'm', types: anyMemory, immediate: undefined, memorySize: 0 }
  const plain = plainBits[token]
  if (plain !== undefined) return { text: token, types: plain, immediate: undefined, memorySize: 0 }
  const [, letter, memory, digits] = /^([rxyzk]?)(m?)(\d*)$/.exec(token) ?? []
  if (letter === undefined) throw new CompileError(`x64 table: unknown operand "${token}"`)
  const bits = Number(digits)
  const register =
    letter === '' ? 0 : letter === 'r' ? gprBits[bits]! : letter === 'k' ? t.k : vectorBits(letter, encoding)
  const names = [letter === 'r' ? `r${bits}` : letter === 'k' ? 'k' : vectorNames[letter], memory && `m${bits}`]
  return {
    text: names.filter(Boolean).join('/'),
    types: register | (memory ? memoryBits[bits]! : 0),
    immediate: undefined,
    memorySize: memory ? bits / 8 : 0,
  }
}

/** Replaces the generic tokens of a row for one general-purpose width (32, 64). */
function specializeGpr(token: string, bits: number): string {
  if (token === 'r' || token === 'm' || token === 'rm') return token + bits
  if (token === 'a') return bits === 32 ? 'eax' : 'rax'
  if (token === 's8' || token === 'i32') return `${token}:${bits}`
  return token
}

/** Replaces the generic tokens of a row for one vector width (x, y, z): v whole, h half, q quarter, e eighth. */
function specializeVector(token: string, width: string): string {
  const size = sizeOfVector[width]!
  const half = width === 'z' ? 'y' : 'x'
  switch (token) {
    case 'v':
      return width
    case 'vm':
      return `${width}m${size}`
    case 'm':
      return `m${size}`
    case 'vv':
      return `v${width}`
    case 'h':
      return half
    case 'hm':
      return `${half}m${size / 2}`
    case 'qm':
      return `xm${size / 4}`
    case 'em':
      return `xm${size / 8}`
    default:
      return token
  }
}

interface Header {
  encodings: readonly { encoding: Encoding; w: number }[]
  lock: boolean
  maskable: boolean
  prefix: number
  map: number
  opcode: number
  digit: number
  fixed: number
}

const prefixNumbers: Record<string, number> = { '66': 1, f3: 2, f2: 3 }
const mapNumbers: Record<string, number> = { '0f': 1, '0f38': 2, '0f3a': 3 }

function parseHeader(text: string): Header {
  const tokens = text.split('.')
  const [opcode, extension = ''] = tokens.pop()!.split('/')
  let [prefix, map, w, evexW, vex, lock, maskable] = [0, 0, 0, -1, false, false, false]
  for (const token of tokens) {
    if (token === 'vex') vex = true
    else if (token === 'lock') lock = true
    else if (token === 'w1') w = 1
    else if (/^[eu][01]$/.test(token)) [evexW, maskable] = [Number(token[1]), token[0] === 'e']
    else if (prefixNumbers[token]) prefix = prefixNumbers[token]
    else if (mapNumbers[token]) map = mapNumbers[token]
    else throw new CompileError(`x64 table: unknown "${token}" in "${text}"`)
  }
  const encodings: { encoding: Encoding; w: number }[] = []
  if (vex) encodings.push({ encoding: 'vex', w })
  else if (evexW < 0) encodings.push({ encoding: 'legacy', w })
  if (evexW >= 0) encodings.push({ encoding: 'evex', w: evexW })
  const digit = extension.length === 1 ? Number(extension) : -1
  const fixed = extension.length === 2 ? Number.parseInt(extension, 16) : -1
  return { encodings, lock, maskable, prefix, map, opcode: Number.parseInt(opcode!, 16), digit, fixed }
}

/** The operand lists that a row stands for, with the REX.W each needs (undefined: as the row says). */
function specialize(tokens: readonly string[], encoding: Encoding): { tokens: string[]; w: number | undefined }[] {
  const generic = (names: readonly string[]) => tokens.some((token) => names.includes(token))
  if (generic(['v', 'vm', 'vv', 'h', 'hm', 'qm', 'em'])) {
    const widths = encoding === 'evex' ? ['x', 'y', 'z'] : ['x', 'y']
    return widths.map((width) => ({ tokens: tokens.map((token) => specializeVector(token, width)), w: undefined }))
  }
  if (encoding === 'legacy' && generic(['r', 'rm', 'm', 'a'])) {
    return [32, 64].map((bits) => ({
      tokens: tokens.map((token) => specializeGpr(token, bits)),
      w: bits === 64 ? 1 : 0,
    }))
  }
  const narrow = tokens.some((token) => /^r?m?32$/.test(token))
  return [{ tokens: tokens.map((token) => specializeGpr(token, narrow ? 32 : 64)), w: undefined }]
}

function vectorLength(slots: readonly Slot[]): number {
  let length = 0
  for (const { types, memorySize } of slots) {
    if (types & (t.z | t.vz) || memorySize === 64) length = 2
    else if (types & (t.y | t.vy) || memorySize === 32) length = Math.max(length, 1)
  }
  return length
}

/** All Forms of one table row, narrowest first; VEX before EVEX, since it is shorter. */
export function parseRow(mnemonic: string, row: string): Form[] {
  const [headerText, roles = '', ...tokens] = row.split(/\s+/)
  const { encodings, ...header } = parseHeader(headerText!)
  const role = (letter: string) => roles.indexOf(letter)
  return encodings.flatMap(({ encoding, w }) =>
    specialize(tokens, encoding).map((variant): Form => {
      const slots = variant.tokens.map((token) => makeSlot(token, encoding))
      return {
        mnemonic,
        encoding,
        ...header,
        maskable: header.maskable && encoding === 'evex',
        w: variant.w ?? w,
        l: encoding === 'legacy' ? 0 : vectorLength(slots),
        slots,
        reg: role('R'),
        rm: role('M'),
        vvvv: role('V'),
        opcodeRegister: role('O'),
        immediate: role('I'),
        registerImmediate: role('S'),
        relative: role('D'),
        twin: undefined,
      }
    }),
  )
}

const memoryMask = anyMemory

/** Whether two forms of a mnemonic differ only in the size of the memory at `position`. */
function ambiguous(form: Form, other: Form, position: number): boolean {
  if (form.slots.length !== other.slots.length) return false
  return form.slots.every((slot, index) => {
    const rival = other.slots[index]!
    if (index === position) return (rival.types & memoryMask) !== 0 && rival.memorySize !== slot.memorySize
    return slot.immediate ? rival.immediate !== undefined : (slot.types & rival.types) !== 0
  })
}

/** Lets memory of unstated size match where no other form could be meant. */
function acceptUnsized(forms: readonly Form[]): Form[] {
  return forms.map((form) => ({
    ...form,
    slots: form.slots.map((slot, position) => {
      if ((slot.types & memoryMask) === 0) return slot
      const rivals = forms.some((other) => other !== form && ambiguous(form, other, position))
      return rivals ? slot : { ...slot, types: slot.types | t.unsized }
    }),
  }))
}

function findTwin(form: Form, forms: readonly Form[]): Form | undefined {
  if (form.encoding !== 'vex' || form.map !== 1 || form.w !== 0 || form.reg < 0 || form.rm < 0) return undefined
  return forms.find(
    (other) =>
      other.encoding === 'vex' &&
      other.reg === form.rm &&
      other.rm === form.reg &&
      other.slots.length === form.slots.length &&
      other.slots.every((slot, index) => (slot.types & form.slots[index]!.types & ~memoryMask & ~t.unsized) !== 0),
  )
}

/** The Forms of one mnemonic, in the order in which the encoder tries them. */
export function parseRows(mnemonic: string, rows: string | readonly string[]): readonly Form[] {
  const list = typeof rows === 'string' ? [rows] : rows
  const forms = acceptUnsized(list.flatMap((row) => parseRow(mnemonic, row)))
  for (const form of forms) form.twin = findTwin(form, forms)
  return forms
}
