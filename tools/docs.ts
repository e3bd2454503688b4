// docs/architecture.template.md in, docs/architecture.md out: each line `{{stage}}` becomes what that stage really printed for one
// expression. `npm run docs` writes the page; a test holds the committed one against it, so that it cannot go stale.

import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { disassemble } from '../src/codegen/x64/disassemble.ts'
import { type EmittedKernel, emitKernel } from '../src/codegen/x64/emit-kernel.ts'
import { compileGraph } from '../src/compiler/compile.ts'
import type { Graph } from '../src/compiler/graph.ts'
import { type Plan, stageNames } from '../src/compiler/plan.ts'
import type { Target } from '../src/compiler/target.ts'
import { verifier } from '../src/compiler/verifier.ts'
import { createReferenceDevice } from '../src/devices/reference/reference-device.ts'
import { formatGraph } from '../src/graph/print.ts'
import { fromHost, registerDevice, setDevice, type Tensor } from '../src/index.ts'
import { architectureDiagram } from './architecture.ts'
import { functionsPath, generateFunctionsPage } from './functions-page.ts'

/** A fixed processor, so that the page is the same wherever it is made. */
const target: Target = {
  dtypes: new Set(['bool', 'int32', 'int64', 'float32', 'float64']),
  vectorBytes: 32,
  vectorRegisters: 16,
  l1: 32 * 2 ** 10,
  l2: 2 ** 20,
  l3: 32 * 2 ** 20,
  threads: 2,
  tiles: { float32: [{ mr: 6, nr: 16, lanes: 8, rate: 32 }], float64: [{ mr: 6, nr: 8, lanes: 4, rate: 16 }] },
}

/** Makes the reference device the default, and hears of the graphs that it is given. */
function observeGraphs(): Graph[] {
  const graphs: Graph[] = []
  registerDevice('observed', () => {
    const device = createReferenceDevice()
    const compile = device.compile.bind(device)
    device.compile = (graph) => {
      graphs.push(graph)
      return compile(graph)
    }
    return device
  })
  setDevice('observed')
  return graphs
}

const filled = (...shape: readonly number[]): Tensor => {
  const size = shape.reduce((product, extent) => product * extent, 1)
  return fromHost(
    Float32Array.from({ length: size }, (_, i) => (((i * 37) % 101) - 50) / 64),
    shape,
  )
}

const fenced = (text: string, language = 'text'): string => `\`\`\`${language}\n${text}\n\`\`\``

/** The numbers of storages depend on what was made before, so they are replaced by their rank. */
function renumberStorages(text: string): string {
  const numbers = [...new Set(Array.from(text.matchAll(/storage: (-?\d+)/g), ([, id]) => Math.abs(Number(id))))]
  numbers.sort((a, b) => a - b)
  return text.replace(/storage: (-?)(\d+)/g, (_, sign, id) => `storage: ${sign}${numbers.indexOf(Number(id)) + 1}`)
}

/** The loop over k of the first tile: one round of its multiply-adds. */
function tileLoop({ code }: EmittedKernel): string {
  const lines = disassemble(code)
  const first = lines.findIndex((line) => line.includes('vfmadd'))
  const start = lines.findLastIndex((line, i) => i < first && line.endsWith(':'))
  const [{ mr, nr }] = target.tiles.float32!
  const round = mr * (nr / 8)
  let seen = 0
  const end = lines.findIndex((line, i) => i >= start && line.includes('vfmadd') && ++seen === round)
  return [...lines.slice(start, end + 1), '  …'].join('\n')
}

const kernelNamed = (plan: Plan, anchor: string) =>
  plan.kernels.find(({ kernel }) => kernel.name.startsWith(`${anchor} `))!.kernel

/** Text for each name that the template may use. */
async function stages(): Promise<ReadonlyMap<string, string>> {
  const graphs = observeGraphs()
  const [x, w, b] = [filled(64, 128), filled(128, 32).requiresGrad_(), filled(32).requiresGrad_()]
  const loss = x.matmul(w).add(b).relu().mean()
  const built = formatGraph([loss.node])
  loss.backward()
  const backward = formatGraph([loss.node, w.grad!.node, b.grad!.node])
  const value = await loss.item()
  const plan = compileGraph(graphs[0], target, { verifier })
  const emit = (anchor: string) =>
    emitKernel(kernelNamed(plan, anchor), { checked: false, features: { f16c: true, avx512: false } })
  const texts: [string, string][] = [
    ['graph', renumberStorages(built)],
    ['backward', renumberStorages(backward)],
    ...stageNames.map((stage): [string, string] => [stage, renumberStorages(plan.print(stage))]),
    ['emit', emit('row').print()],
    ['machine code', tileLoop(emit('tile'))],
    ['value', `await loss.item()  // ${value}`],
  ]
  return new Map([
    ...texts.map(([name, text]) => [name, fenced(text)] as const),
    ['imports', fenced(architectureDiagram(), 'mermaid')],
  ])
}

/** The page that the template gives. May be called once in a process. */
export async function generateArchitecture(template: string): Promise<string> {
  const texts = await stages()
  return template.replace(/^\{\{(.+)\}\}$/gm, (_, name: string) => {
    const text = texts.get(name)
    if (text === undefined) throw new Error(`docs: expected one of ${[...texts.keys()].join(', ')}, got '${name}'.`)
    return text
  })
}

// npm runs scripts from the package root.
export const templatePath = 'docs/architecture.template.md'
export const pagePath = 'docs/architecture.md'

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(functionsPath, generateFunctionsPage())
  writeFileSync(pagePath, await generateArchitecture(readFileSync(templatePath, 'utf8')))
}
