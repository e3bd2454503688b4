// The sources in, no import that points up out: holds src/ to the table in tools/architecture.ts, and shows with
// small examples that the table would notice.
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import {
  architectureDiagram,
  architectureTable,
  architectureViolations,
  folderOf,
  importsOf,
  judge,
} from '../tools/architecture.ts'

const packageRoot = new URL('../../', import.meta.url)

const problemOf = (file: string, statement: string): string | undefined => {
  const [found] = importsOf(statement)
  assert.ok(found, `no import found in: ${statement}`)
  return judge(file, found)
}

test('every import in src/ is allowed by the table', () => {
  assert.deepEqual(architectureViolations(), [])
})

test('the table is a partial order: a row names only rows above it', () => {
  const seen = new Set<string>()
  for (const [folder, { may, types = [] }] of Object.entries(architectureTable)) {
    for (const target of [...may, ...types])
      assert.ok(seen.has(target), `${folder} names ${target}, which is not above it`)
    seen.add(folder)
  }
})

test('the compiler knows no code generator and no device', () => {
  const namesOfDevices = /^(devices|codegen)(\/|$)/
  for (const folder of ['graph', 'kernel', 'autograd', 'compiler', 'runtime', 'tensor']) {
    assert.deepEqual(
      architectureTable[folder].may.filter((target) => namesOfDevices.test(target)),
      [],
      folder,
    )
  }
})

test('devices never import each other', () => {
  const devices = Object.keys(architectureTable).filter((folder) => folder.startsWith('devices/'))
  assert.ok(devices.length >= 3)
  for (const device of devices) {
    for (const target of architectureTable[device].may) assert.ok(!target.startsWith('devices'), `${device}: ${target}`)
  }
})

test('imports are found in every form', () => {
  const source = [
    "import { a } from './a.ts'",
    "import type { B } from './b.ts'",
    "import './c.ts'",
    "export * from './d.ts'",
    "export type { E } from './e.ts'",
    "const f = await import('./f.ts')",
    "new Worker(new URL('./g.ts', import.meta.url))",
    "// import { no } from './no.ts'",
    "/* import { no } from './no.ts' */",
    'import {',
    '  h,',
    '  type I,',
    "} from './h.ts'",
    "type J = import('./j.ts').J",
    "import * as k from './k.ts'",
    "import l, { m } from './l.ts'",
  ].join('\n')
  const found = importsOf(source)
  assert.deepEqual(
    found.map(({ specifier }) => specifier[2]),
    ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'j', 'k', 'l'],
  )
  assert.deepEqual(
    found.filter(({ typesOnly }) => typesOnly).map(({ specifier }) => specifier[2]),
    ['b', 'e'],
  )
  assert.equal(found.find(({ specifier }) => specifier === './h.ts')!.line, 10)
})

test('wrong imports are named', () => {
  const wrong = [
    ['base/shape.ts', "import { x } from '../graph/node.ts'", /base may not import graph/],
    ['compiler/lower.ts', "import type { X } from '../devices/native/x.ts'", /must not name a device/],
    ['runtime/realize.ts', "import { x } from '../devices/default-node.ts'", /runtime may not import devices /],
    ['devices/wasm/x.ts', "import { x } from '../native/x.ts'", /devices\/wasm may not import devices\/native/],
    ['devices/wasm/x.ts', "import { x } from '../../codegen/x64/x.ts'", /may not import codegen\/x64/],
    ['optim/adam.ts', "import { x } from '../nn/module.ts'", /only types of nn/],
    ['tensor/tensor.ts', "import { x } from '../index.ts'", /joins everything/],
    ['tensor/tensor.ts', "import { x } from '#default-devices'", /only src\/index/],
    ['tensor/tensor.ts', "import fs from 'node:fs'", /package node:fs/],
    ['graph/node.ts', "import { x } from '../../test/x.ts'", /leaves src/],
    ['helpers/x.ts', "import { x } from '../base/x.ts'", /no row/],
  ] as const
  for (const [file, statement, sentence] of wrong) assert.match(problemOf(file, statement) ?? 'allowed', sentence)
})

test('right imports are left alone', () => {
  const right = [
    ['graph/ops/add.ts', "import { x } from '../node.ts'"],
    ['compiler/lower.ts', "import type { X } from '../kernel/kernel-node.ts'"],
    ['devices/native/x.ts', "import koffi from 'koffi'"],
    ['devices/default-node.ts', "import { x } from './native/x.ts'"],
    ['optim/adam.ts', "import type { X } from '../nn/module.ts'"],
    ['index.ts', "import { x } from '#default-devices'"],
    ['index-browser.ts', "import { x } from './devices/wasm/x.ts'"],
    ['cli/main.ts', "import { x } from '../index.ts'"],
  ] as const
  for (const [file, statement] of right) assert.equal(problemOf(file, statement), undefined, `${file}: ${statement}`)
  assert.equal(folderOf('codegen/x64/table.ts'), 'codegen/x64')
  assert.equal(folderOf('elsewhere.ts'), undefined)
})

test('the diagram shows the direct edges only', () => {
  const diagram = architectureDiagram()
  assert.match(diagram, /^graph TD\n/)
  assert.match(diagram, / {2}autograd_ --> graph_\n/)
  assert.doesNotMatch(diagram, /autograd_ --> base_/)
})

test('everything package.json exports has a source', () => {
  const { exports, imports } = JSON.parse(readFileSync(new URL('package.json', packageRoot), 'utf8'))
  const targets = [...Object.values(exports), ...Object.values(imports)].flatMap((entry) =>
    typeof entry === 'string' ? [entry] : Object.values(entry as Record<string, string>),
  )
  const missing = targets
    // bundles of the `default` beside them
    .filter((target) => !target.startsWith('./dist/node/'))
    .map((target) => target.replace(/^\.\/dist\//, './').replace(/(\.d\.ts|\.js)$/, '.ts'))
    .filter((source) => !existsSync(new URL(source, packageRoot)))
  assert.deepEqual([...new Set(missing)], [])
})
