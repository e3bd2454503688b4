// The assembler against bytes from an external one (committed, and live where `as` is installed), against its own decoder,
// and its parts that are not rows: labels, the constant pool, alignment, errors, speed.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import {
  assembleExternally,
  encodeSample,
  groupByMnemonic,
  labelOffset,
  readFixture,
  sampleRows,
} from '../../../tools/fixtures/assembler-rows.ts'
import { CompileError } from '../../base/errors.ts'
import { Assembler } from './assembler.ts'
import { decode } from './decode.ts'
import { disassemble } from './disassemble.ts'
import { allForms, formsOf, instructionTable, type Mnemonic } from './instruction-table.ts'
import * as x64 from './operands.ts'
import { formatInstruction } from './print.ts'
import { selectForm } from './select.ts'

const { eax, ecx, k1, masked, mem, r12, r13, rax, rcx, rdx, rsp, xmm0, xmm1, ymm0, ymm1, ymm2, zmm1 } = x64

const samples = sampleRows()
const encoded = samples.map(encodeSample)
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

function assemble(write: (assembler: Assembler) => void): Uint8Array {
  const assembler = new Assembler()
  write(assembler)
  return assembler.finish()
}

const assembleHex = (mnemonic: Mnemonic, ...operands: x64.Operand[]) =>
  hex(assemble((assembler) => assembler.emit(mnemonic, ...operands)))

test('every row gives the bytes of the committed fixture', () => {
  const ours = groupByMnemonic(samples, encoded.map(hex))
  const fixture = readFixture()
  assert.deepEqual(Object.keys(ours), Object.keys(fixture))
  for (const [mnemonic, bytes] of Object.entries(ours)) assert.equal(bytes, fixture[mnemonic], mnemonic)
})

const hasExternal = spawnSync('as', ['--version']).status === 0

test('every row gives the bytes of GNU as', { skip: !hasExternal && '`as` (binutils) is not installed' }, () => {
  const expected = assembleExternally(samples.map(({ text }) => text))
  for (const [i, { text }] of samples.entries()) assert.equal(hex(encoded[i]!), expected[i], text)
})

test('decode gives back every sample: same mnemonic, operands, length and text', () => {
  // Samples name their label 0; the decoder names it by the offset of its target.
  const relabel = (operand: x64.Operand): x64.Operand => {
    if (typeof operand !== 'object' || operand.kind === 'register') return operand
    if (operand.kind === 'label') return x64.makeLabel(labelOffset)
    return operand.label ? { ...operand, label: x64.makeLabel(labelOffset) } : operand
  }
  for (const [i, { text, mnemonic, operands }] of samples.entries()) {
    const expected = { mnemonic, operands: operands.map(relabel), length: encoded[i]!.length }
    const instruction = decode(encoded[i]!)
    assert.deepEqual(instruction, expected, text)
    assert.equal(
      formatInstruction(mnemonic, instruction!.operands, ({ id }) => `.+${id}`),
      text,
    )
  }
})

test('every form of the table is chosen by a sample, save those that are only decoded or only save a byte', () => {
  const chosen = new Set(samples.map(({ mnemonic, operands }) => selectForm(formsOf(mnemonic), operands)))
  const twins = new Set([...chosen].map((form) => form?.twin))
  const rest = allForms().filter((form) => !chosen.has(form) && !twins.has(form))
  assert.deepEqual(
    rest.map(({ mnemonic, slots }) => [mnemonic, ...slots.map(({ text }) => text)].join(' ')),
    ['nop'],
  )
  assert.ok(Object.keys(instructionTable).length > 400)
})

test('decode never throws and never reads past the end, whatever the bytes', () => {
  let state = 1
  const random = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) >>> 24
  for (let round = 0; round < 20000; round++) {
    const bytes = Uint8Array.from({ length: 1 + (random() & 15) }, random)
    if (round % 3 === 0) bytes[0] = [0xc4, 0xc5, 0x62][(round % 9) % 3]!
    const instruction = decode(bytes)
    if (instruction) assert.ok(instruction.length <= bytes.length)
  }
  for (const bytes of encoded) assert.notEqual(decode(bytes.subarray(0, bytes.length - 1))?.length, bytes.length)
})

test('memory of unstated size takes it from the registers, and is refused where they do not tell', () => {
  assert.equal(assembleHex('mov', rax, mem({ base: rcx })), assembleHex('mov', rax, mem({ base: rcx, size: 8 })))
  assert.equal(assembleHex('mov', mem({ base: rcx }), ecx), '8909')
  assert.equal(assembleHex('vaddps', ymm0, ymm1, mem({ base: rcx })), 'c5f45801')
  assert.equal(assembleHex('lea', rax, mem({ base: rcx, disp: 1 })), '488d4101')
  assert.throws(
    () => assembleHex('inc', mem({ base: rcx })),
    /inc: expected .*got \[rcx\]\. Give the memory operand a size/,
  )
  assert.throws(() => assembleHex('movzx', eax, mem({ base: rcx })), CompileError)
  assert.throws(() => assembleHex('vcvtpd2ps', xmm0, mem({ base: rcx })), CompileError)
})

test('operands that fit no form are a CompileError that names the forms and what came', () => {
  assert.throws(
    () => assembleHex('vaddps', ymm0, xmm1, ymm2),
    (error: Error) =>
      error instanceof CompileError &&
      error.message.startsWith('vaddps: expected xmm, xmm, xmm/m128 | ymm, ymm, ymm/m256 | zmm') &&
      error.message.endsWith('got ymm0, xmm1, ymm2.'),
  )
  assert.throws(() => assembleHex('add', rax, 2 ** 31), /add: expected .*got rax, 2147483648\./)
  assert.throws(() => assembleHex('add', rax, 0.5), /got rax, 0\.5/)
  assert.throws(() => assembleHex('mov', rax, mem({ base: rax, index: rsp })), CompileError)
  assert.throws(() => assembleHex('mov', rax, mem({ base: rax, disp: 2 ** 31 })), CompileError)
  assert.throws(() => assembleHex('vandps', masked(ymm0, k1), ymm1, masked(ymm2, x64.k0)), CompileError)
  assert.throws(() => assembleHex('vpand', masked(ymm0, k1), ymm1, ymm2), CompileError)
  assert.throws(() => assembleHex('vmovups', masked(mem({ base: rax }), k1, true), zmm1), CompileError)
  assert.throws(() => assembleHex('frob' as Mnemonic), /"frob" is not in the x86-64 instruction table/)
})

test('32-bit immediates may be given unsigned, 64-bit ones as bigint', () => {
  assert.equal(assembleHex('add', eax, 0xffffffff), assembleHex('add', eax, -1))
  assert.equal(assembleHex('mov', eax, 0xfffffff0), 'b8f0ffffff')
  assert.equal(assembleHex('mov', rax, 0xffffffffffffffffn), '48b8ffffffffffffffff')
  assert.equal(assembleHex('mov', rax, -1n), '48c7c0ffffffff')
})

test('labels resolve backward and forward', () => {
  const bytes = assemble((assembler) => {
    const end = assembler.label()
    const top = assembler.bind()
    assembler.emit('dec', rcx)
    assembler.emit('je', end)
    assembler.emit('jmp', top)
    assembler.bind(end)
    assembler.emit('ret')
  })
  assert.equal(hex(bytes), '48ffc9' + '0f8405000000' + 'e9f2ffffff' + 'c3')
  const unbound = (assembler: Assembler) => assembler.emit('jmp', assembler.label())
  assert.throws(() => assemble(unbound), /expected label 0 to be bound/)
  assert.throws(() => assemble((assembler) => assembler.bind(assembler.bind())), CompileError)
})

test('constants lie aligned behind the code, equal ones once, also before an immediate', () => {
  const assembler = new Assembler()
  const one = Uint8Array.of(0, 0, 0x80, 0x3f)
  const wide = assembler.constant(new Uint8Array(32).fill(7), 32)
  assert.equal(assembler.constant(one), assembler.constant(one.slice()))
  assembler.emit('vbroadcastss', ymm0, mem({ label: assembler.constant(one) }))
  assembler.emit('vblendps', ymm0, ymm0, mem({ label: wide }), 3)
  assembler.emit('cmp', mem({ label: wide, disp: 4, size: 4 }), 1000)
  const { codeLength } = assembler
  const bytes = assembler.finish()
  assert.equal(bytes.length, 64 + 4)
  assert.deepEqual([...bytes.subarray(32, 64)], new Array(32).fill(7))
  assert.deepEqual(bytes.subarray(64), one)
  assert.deepEqual(disassemble(bytes, codeLength), [
    '  vbroadcastss ymm0, dword ptr [rip+L0040]',
    '  vblendps ymm0, ymm0, ymmword ptr [rip+L0020], 3',
    '  cmp dword ptr [rip+L0024], 1000',
    `  .byte ${new Array(32 - codeLength).fill('0x00').join(', ')}`,
    'L0020:',
    `  .byte ${new Array(4).fill('0x07').join(', ')}`,
    'L0024:',
    `  .byte ${new Array(28).fill('0x07').join(', ')}`,
    'L0040:',
    '  .byte 0x00, 0x00, 0x80, 0x3f',
  ])
  assert.throws(() => assembler.finish(), CompileError)
})

test('align fills with long nops that the disassembler knows', () => {
  for (let before = 1; before <= 32; before++) {
    const bytes = assemble((assembler) => {
      for (let i = 0; i < before; i++) assembler.emit('ret')
      assembler.align(32)
      assembler.emit('ud2')
    })
    const lines = disassemble(bytes).slice(before)
    assert.equal(bytes.length, 34)
    assert.equal(lines.pop(), '  ud2')
    assert.ok(lines.every((line) => line.startsWith('  nop')))
  }
})

test('disassemble shows labels, memory, opmasks, and bytes that it does not know', () => {
  const bytes = assemble((assembler) => {
    const top = assembler.bind()
    assembler.emit('vfmadd231ps', masked(zmm1, k1, true), zmm1, mem({ base: r13, index: r12, scale: 4, disp: -64 }))
    assembler.data(Uint8Array.of(0x06))
    assembler.emit('lock cmpxchg', mem({ base: rsp, disp: 8 }), rdx)
    assembler.emit('jne', top)
  })
  assert.deepEqual(disassemble(bytes), [
    'L0000:',
    '  vfmadd231ps zmm1{k1}{z}, zmm1, zmmword ptr [r13+r12*4-64]',
    '  .byte 0x06',
    '  lock cmpxchg qword ptr [rsp+8], rdx',
    '  jne L0000',
  ])
})
