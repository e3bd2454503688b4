// Every row of the instruction table in a function of its own, which the engine must accept; numbers at the edges of LEB128; text.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Bytes } from './encode.ts'
import { wasmEngine } from './engine.ts'
import { engineFeatures } from './engine-features.ts'
import type { FunctionCode, Operand } from './function-code.ts'
import { type Immediate, instructionTable, type ValueType } from './instruction-table.ts'
import { Library, libraryNames } from './library.ts'
import { ModuleBuilder } from './module-builder.ts'

const engine = wasmEngine!
const memory = (shared: boolean) => ({ shared, initial: 1, maximum: 1 })
const immediates: Record<Immediate, Operand> = {
  none: undefined,
  index: 0,
  block: undefined,
  i32: -5,
  i64: -5n,
  f32: 0.5,
  f64: 0.5,
  bytes: new Uint8Array(16),
  lane: 1,
  memory: 8,
  memoryLane: 8,
}

function push(code: FunctionCode, type: ValueType): void {
  if (type === 'v128') code.emit('v128.const', new Uint8Array(16))
  else code.emit(`${type}.const`, type === 'i64' ? 0n : 0)
}

/** What control instructions need around them. */
const control: Record<string, (code: FunctionCode) => void> = {
  block: (code) => code.block('block', () => {}),
  loop: (code) => code.block('loop', () => {}),
  end: (code) => code.block('block', () => {}),
  if: (code) => {
    code.i32(1)
    code.block('if', () => {})
  },
  else: (code) => {
    code.i32(1)
    code.ifElse(
      () => {},
      () => {},
    )
  },
  unreachable: (code) => code.emit('unreachable'),
  return: (code) => code.emit('return'),
  drop: (code) => {
    code.i32(1)
    code.emit('drop')
  },
  select: (code) => {
    for (let i = 0; i < 3; i++) code.i32(i)
    code.emit('select')
    code.emit('drop')
  },
  br: (code) => code.block('block', () => code.emit('br', 0)),
  br_if: (code) =>
    code.block('block', () => {
      code.i32(1)
      code.emit('br_if', 0)
    }),
  call: (code) => code.call(code),
  'local.get': (code) => {
    code.get(code.local('f64'))
    code.emit('drop')
  },
  'local.set': (code) => {
    code.i32(1)
    code.set(code.local('i32'))
  },
  'local.tee': (code) => {
    code.i32(1)
    code.tee(code.local('i32'))
    code.emit('drop')
  },
}

for (const [name, row] of instructionTable)
  test(`${name} is valid and typed as its row says`, () => {
    const isAtomic = row.prefix === 0xfe
    if (name.includes('relaxed') && !engineFeatures().relaxed) return
    const module = new ModuleBuilder(memory(isAtomic))
    const code = module.addFunction('one', { takes: [], gives: [] })
    if (control[name]) control[name](code)
    else {
      for (const type of row.takes) push(code, type)
      code.emit(name, immediates[row.immediate], 1)
      const last = row.gives.at(-1)
      if (last) code.set(code.local(last))
    }
    const bytes = module.encode()
    assert.ok(engine.validate(bytes), `${code.print()}\n${Buffer.from(bytes).toString('hex')}`)
    assert.match(code.print(), new RegExp(`^ +${name.replaceAll('.', '\\.')}`, 'm'))
  })

test('every function of the library is valid, with memory of its own and shared', () => {
  for (const shared of [false, true])
    for (const name of libraryNames()) {
      const module = new ModuleBuilder(memory(shared))
      new Library(module, shared).get(name)
      assert.ok(engine.validate(module.encode()), `${name}\n${module.print()}`)
    }
})

test('numbers are LEB128', () => {
  const unsigned = (value: number) => [...new Bytes().unsigned(value).done()]
  const signed = (value: bigint) => [...new Bytes().signed(value).done()]
  assert.deepEqual(unsigned(0), [0])
  assert.deepEqual(unsigned(127), [127])
  assert.deepEqual(unsigned(128), [0x80, 1])
  assert.deepEqual(unsigned(624485), [0xe5, 0x8e, 0x26])
  assert.deepEqual(unsigned(2 ** 32 - 1), [0xff, 0xff, 0xff, 0xff, 0x0f])
  assert.deepEqual(signed(-1n), [0x7f])
  assert.deepEqual(signed(63n), [63])
  assert.deepEqual(signed(64n), [0xc0, 0])
  assert.deepEqual(signed(-123456n), [0xc0, 0xbb, 0x78])
  assert.equal(signed(-(2n ** 63n)).length, 10)
})

test('what is not in the table is refused by name', () => {
  const module = new ModuleBuilder(memory(false))
  module.addFunction('bad', { takes: [], gives: [] }).emit('f32x4.dance')
  assert.throws(() => module.encode(), /expected an instruction of the table, got 'f32x4\.dance'/)
  assert.throws(() => new Library(module, false).get('dance'), /expected a function of the library, got 'dance'/)
})
