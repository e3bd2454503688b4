// Reads machine code back into mnemonic and operands by the same table that encodes it; only what the table can emit is known.
// It serves the tests (decode(encode(x)) = x) and the disassembler.

import type { Form, Slot } from './form.ts'
import { allForms } from './instruction-table.ts'
import {
  gpr8,
  gpr16,
  gpr32,
  gpr64,
  type Label,
  makeLabel,
  masked,
  mem,
  type Operand,
  operandTypes,
  opmasks,
  type Register,
  type Scale,
  xmm,
  ymm,
  zmm,
} from './operands.ts'

export interface Instruction {
  readonly mnemonic: string
  readonly operands: readonly Operand[]
  /** Bytes taken. */
  readonly length: number
}

/** What prefixes and the opcode say, before a form is chosen. Register numbers' high bits are already un-inverted. */
interface Header {
  readonly encoding: Form['encoding']
  readonly lock: boolean
  readonly prefix: number
  readonly map: number
  readonly opcode: number
  readonly w: number
  readonly l: number
  /** High bits of ModRM.reg (8, 16), index (8), base or rm (8), and the whole of vvvv. */
  readonly reg: number
  readonly index: number
  readonly base: number
  readonly vvvv: number
  readonly opmask: number
  readonly zeroing: boolean
  /** Offset of what follows the opcode. */
  readonly next: number
}

const t = operandTypes
const vectorIndex = t.vx | t.vy | t.vz

function formKey(encoding: string, lock: boolean, prefix: number, map: number, opcode: number): string {
  return `${encoding}${lock ? '!' : ''}${prefix}.${map}.${opcode}`
}

let index: Map<string, Form[]> | undefined

function formIndex(): Map<string, Form[]> {
  if (index !== undefined) return index
  index = new Map()
  for (const form of allForms()) {
    for (let low = 0; low < (form.opcodeRegister < 0 ? 1 : 8); low++) {
      const key = formKey(form.encoding, form.lock, form.prefix, form.map, form.opcode + low)
      const known = index.get(key)
      if (known) known.push(form)
      else index.set(key, [form])
    }
  }
  return index
}

/** The instruction at `offset`, or undefined if the table has none there. Labels in it have the target's offset as id. */
export function decode(bytes: Uint8Array, offset = 0): Instruction | undefined {
  // A zero-padded window, so that code cut off anywhere reads as one that is too long rather than out of bounds.
  const window = new Uint8Array(32)
  window.set(bytes.subarray(offset, offset + 16))
  const header = readHeader(window)
  const { encoding, lock, prefix, map, opcode } = header
  for (const form of formIndex().get(formKey(encoding, lock, prefix, map, opcode)) ?? []) {
    const instruction = readOperands(window, offset, header, form)
    if (instruction !== undefined && offset + instruction.length <= bytes.length) return instruction
  }
  return undefined
}

function readHeader(bytes: Uint8Array): Header {
  const first = bytes[0]
  if (first === 0xc5 || first === 0xc4) return readVex(bytes)
  return first === 0x62 ? readEvex(bytes) : readLegacy(bytes)
}

function readLegacy(bytes: Uint8Array): Header {
  let [at, lock, prefix, rex, map] = [0, false, 0, 0, 0]
  if (bytes[at] === 0xf0) [lock, at] = [true, at + 1]
  const mandatory = [0x66, 0xf3, 0xf2].indexOf(bytes[at]!)
  if (mandatory >= 0) [prefix, at] = [mandatory + 1, at + 1]
  if ((bytes[at]! & 0xf0) === 0x40) rex = bytes[at++]!
  if (bytes[at] === 0x0f) {
    at++
    map = bytes[at] === 0x38 ? 2 : bytes[at] === 0x3a ? 3 : 1
    if (map > 1) at++
  }
  return {
    encoding: 'legacy',
    lock,
    prefix,
    map,
    opcode: bytes[at]!,
    w: (rex >> 3) & 1,
    l: 0,
    reg: (rex & 4) << 1,
    index: (rex & 2) << 2,
    base: (rex & 1) << 3,
    vvvv: 0,
    opmask: 0,
    zeroing: false,
    next: at + 1,
  }
}

function readVex(bytes: Uint8Array): Header {
  const short = bytes[0] === 0xc5
  const high = ~bytes[1]!
  const last = bytes[short ? 1 : 2]!
  return {
    encoding: 'vex',
    lock: false,
    prefix: last & 3,
    map: short ? 1 : ~high & 31,
    opcode: bytes[short ? 2 : 3]!,
    w: short ? 0 : last >> 7,
    l: (last >> 2) & 1,
    reg: (high & 0x80) >> 4,
    index: short ? 0 : (high & 0x40) >> 3,
    base: short ? 0 : (high & 0x20) >> 2,
    vvvv: (~last >> 3) & 15,
    opmask: 0,
    zeroing: false,
    next: short ? 3 : 4,
  }
}

function readEvex(bytes: Uint8Array): Header {
  const [high, middle, last] = [~bytes[1]!, bytes[2]!, bytes[3]!]
  return {
    encoding: 'evex',
    lock: false,
    prefix: middle & 3,
    map: ~high & 7,
    opcode: bytes[4]!,
    w: middle >> 7,
    l: (last >> 5) & 3,
    reg: ((high & 0x80) >> 4) | (high & 0x10),
    index: (high & 0x40) >> 3,
    base: (high & 0x20) >> 2,
    vvvv: ((~middle >> 3) & 15) | ((~last & 8) << 1),
    opmask: last & 7,
    zeroing: last >= 0x80,
    next: 5,
  }
}

function readOperands(bytes: Uint8Array, offset: number, header: Header, form: Form): Instruction | undefined {
  if (form.w !== header.w || form.l !== header.l) return undefined
  let at = header.next
  if (form.fixed >= 0 && bytes[at++] !== form.fixed) return undefined
  const operands: Operand[] = form.slots.map(implied)
  const view = new DataView(bytes.buffer)
  let label: { disp: number } | undefined
  if (form.rm >= 0) {
    const modrm = bytes[at]!
    if (form.digit >= 0 && ((modrm >> 3) & 7) !== form.digit) return undefined
    const rm = readModrm(view, at, header, form)
    if (rm === undefined) return undefined
    operands[form.rm] = rm.operand
    label = rm.relative
    at = rm.next
    if (form.reg >= 0) operands[form.reg] = registerOf(form.slots[form.reg]!, header.reg | ((modrm >> 3) & 7))
  }
  if (form.vvvv >= 0) operands[form.vvvv] = registerOf(form.slots[form.vvvv]!, header.vvvv)
  if (form.opcodeRegister >= 0) {
    operands[form.opcodeRegister] = registerOf(form.slots[form.opcodeRegister]!, header.base | (header.opcode & 7))
  }
  if (form.registerImmediate >= 0) {
    operands[form.registerImmediate] = registerOf(form.slots[form.registerImmediate]!, bytes[at++]! >> 4)
  }
  const width = form.immediate < 0 ? 0 : form.slots[form.immediate]!.immediate!.bytes
  const end = at + (form.relative >= 0 ? 4 : width)
  if (width > 0) operands[form.immediate] = readImmediate(view, at, form.slots[form.immediate]!)
  if (form.relative >= 0) operands[form.relative] = makeLabel(offset + end + view.getInt32(at, true))
  if (label)
    operands[form.rm] = mem({ label: makeLabel(offset + end + label.disp), size: form.slots[form.rm]!.memorySize })
  if (header.opmask > 0) operands[0] = masked(operands[0] as Register, opmasks[header.opmask]!, header.zeroing)
  return { mnemonic: form.mnemonic, operands, length: end }
}

/** Operands that the bytes do not hold: cl, the accumulator, the count 1. Other positions are overwritten. */
function implied(slot: Slot): Operand {
  if (slot.immediate) return slot.immediate.min
  return slot.types & t.cl ? gpr8[1]! : slot.types & t.al ? gpr8[0]! : slot.types & t.eax ? gpr32[0]! : gpr64[0]!
}

function registerOf({ types }: Slot, number: number): Register {
  if (types & t.x) return xmm[number]!
  if (types & t.y) return ymm[number]!
  if (types & t.z) return zmm[number]!
  if (types & t.k) return opmasks[number & 7]!
  const gpr = types & t.r64 ? gpr64 : types & t.r32 ? gpr32 : types & t.r16 ? gpr16 : gpr8
  return gpr[number & 15]!
}

const registerMask = t.r8 | t.r16 | t.r32 | t.r64 | t.x | t.y | t.z | t.k

interface ReadModrm {
  readonly operand: Operand
  readonly next: number
  /** Set for rip-relative memory, whose target needs the instruction's end. */
  readonly relative: { disp: number } | undefined
}

function readModrm(view: DataView, at: number, header: Header, form: Form): ReadModrm | undefined {
  const modrm = view.getUint8(at)
  const slot = form.slots[form.rm]!
  if (modrm >= 0xc0) {
    if ((slot.types & registerMask) === 0) return undefined
    const fifth = header.encoding === 'evex' ? header.index << 1 : 0
    return { operand: registerOf(slot, fifth | header.base | (modrm & 7)), next: at + 1, relative: undefined }
  }
  if ((slot.types & ~registerMask) === 0) return undefined
  const mode = modrm >> 6
  if (mode === 0 && (modrm & 7) === 5) {
    return { operand: 0, next: at + 5, relative: { disp: view.getInt32(at + 1, true) } }
  }
  return readMemory(view, at, header, slot)
}

function readMemory(view: DataView, at: number, header: Header, slot: Slot): ReadModrm {
  const modrm = view.getUint8(at++)
  const mode = modrm >> 6
  let base: number | undefined = modrm & 7
  let [scale, index]: [Scale, Register | undefined] = [1, undefined]
  if (base === 4) {
    const sib = view.getUint8(at++)
    const number = header.index | ((sib >> 3) & 7)
    if (slot.types & vectorIndex) index = (slot.types & t.vx ? xmm : slot.types & t.vy ? ymm : zmm)[number]
    else if (number !== 4) index = gpr64[number]
    if (index) scale = (1 << (sib >> 6)) as Scale
    base = mode === 0 && (sib & 7) === 5 ? undefined : sib & 7
  }
  const unit = header.encoding === 'evex' ? slot.memorySize : 1
  let disp = 0
  if (mode === 1) disp = view.getInt8(at++) * unit
  else if (mode === 2 || base === undefined) {
    disp = view.getInt32(at, true)
    at += 4
  }
  const register = base === undefined ? undefined : gpr64[header.base | base]
  return {
    operand: mem({ base: register, index, scale, disp, size: slot.memorySize }),
    next: at,
    relative: undefined,
  }
}

function readImmediate(view: DataView, at: number, slot: Slot): Operand {
  const { bytes, min } = slot.immediate!
  if (bytes === 1) return min === 0 ? view.getUint8(at) : view.getInt8(at)
  if (bytes === 2) return view.getInt16(at, true)
  if (bytes === 4) return view.getInt32(at, true)
  const wide = view.getBigInt64(at, true)
  const value = Number(wide)
  return Number.isSafeInteger(value) ? value : wide
}

/** The places that the code jumps to or loads from. */
export function labelsOf(instruction: Instruction): Label[] {
  return instruction.operands.flatMap((operand) => {
    if (typeof operand !== 'object' || operand.kind === 'register') return []
    return operand.kind === 'label' ? [operand] : operand.label ? [operand.label] : []
  })
}
