// The folders of src/ and what each may import, as one table; every import of every file is read against it.
// Run by itself it prints violations and exits with 1; with `--diagram`, the table as a Mermaid graph.
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

export interface Row {
  /** Folders whose files may be imported, types too. The folder itself is always allowed. */
  readonly may: readonly string[]
  /** Folders of which only types may be imported. */
  readonly types?: readonly string[]
  /** Outside packages, `node:` standing for all of Node's own modules. None unless said. */
  readonly packages?: readonly string[]
}

const core = ['base', 'graph', 'kernel', 'compiler', 'runtime']
const user = ['base', 'tensor', 'nn', 'optim', 'data', 'metrics', 'formats']

/** Most basic first: a row names only rows above it. The longest folder that contains a file decides. */
export const architectureTable: Readonly<Record<string, Row>> = {
  base: { may: [] },
  // what the machine and its limits leave a process, for devices in Node
  system: { may: ['base'], packages: ['node:'] },
  graph: { may: ['base'] },
  kernel: { may: ['base'] },
  autograd: { may: ['base', 'graph'] },
  compiler: { may: ['base', 'graph', 'kernel'] },
  'codegen/machine': { may: ['base', 'kernel'] },
  'codegen/x64': { may: ['base', 'kernel', 'codegen/machine'] },
  'codegen/arm64': { may: ['base', 'kernel', 'codegen/machine'] },
  'codegen/wasm': { may: ['base', 'kernel', 'codegen/machine'] },
  'codegen/wgsl': { may: ['base', 'kernel'] },
  'codegen/cuda': { may: ['base', 'kernel'] },
  runtime: { may: ['base', 'graph', 'kernel', 'compiler'] },
  'devices/reference': { may: core },
  'devices/native': {
    may: [...core, 'codegen/machine', 'codegen/x64', 'system'],
    packages: ['node:', 'koffi'],
  },
  'devices/wasm': { may: [...core, 'codegen/machine', 'codegen/wasm', 'system'], packages: ['node:'] },
  'devices/webgpu': { may: [...core, 'codegen/wgsl'] },
  'devices/cuda': { may: [...core, 'codegen/cuda'], packages: ['node:', 'koffi'] },
  // The files directly in devices/ choose among the devices; nothing else sees more than one of them.
  devices: {
    may: ['base', 'runtime', 'devices/reference', 'devices/native', 'devices/wasm', 'devices/webgpu', 'devices/cuda'],
    packages: ['node:'],
  },
  tensor: { may: ['base', 'graph', 'autograd', 'runtime'] },
  nn: { may: ['base', 'tensor'] },
  optim: { may: ['base', 'tensor'], types: ['nn'] },
  metrics: { may: ['base', 'tensor'] },
  data: { may: ['base', 'tensor'], packages: ['node:'] },
  formats: { may: ['base', 'tensor'], packages: ['node:'] },
  vision: { may: ['base', 'tensor', 'nn', 'data'], packages: ['node:'] },
  text: { may: ['base', 'tensor', 'nn', 'data'], packages: ['node:'] },
  zoo: { may: ['base', 'tensor', 'nn', 'data', 'formats', 'vision', 'text'], packages: ['node:'] },
  train: { may: user, packages: ['node:'] },
  distributed: { may: [...user, 'graph', 'runtime', 'train'], packages: ['node:'] },
  serve: { may: [...user, 'vision', 'text', 'zoo', 'runtime', 'train'], packages: ['node:'] },
  pipeline: { may: [...user, 'vision', 'text', 'zoo', 'train', 'serve'], packages: ['node:'] },
}

/** These join what the table keeps apart, and nothing may import them but each other. */
const joins = (file: string): boolean => /^index[\w-]*\.ts$/.test(file) || file.startsWith('cli/')

const folders = Object.keys(architectureTable).sort((a, b) => b.length - a.length)

/** The row a file of src/ belongs to, its path relative to src/; undefined if no row covers it. */
export const folderOf = (file: string): string | undefined => folders.find((folder) => file.startsWith(`${folder}/`))

export interface Import {
  readonly specifier: string
  readonly typesOnly: boolean
  readonly line: number
}

const importPattern =
  /\b(?<statement>import|export)\s+(?<type>type\s)?(?:[\w$*{},\s]+?\sfrom\s*)?['"](?<from>[^'"\n]+)['"]|\bimport\s*\(\s*['"](?<dynamic>[^'"\n]+)['"]|\bnew URL\(\s*['"](?<url>[^'"\n]+)['"]\s*,\s*import\.meta\.url/g

/** Every module a source text names: static, dynamic, re-exported, and files reached through `new URL`. */
export function importsOf(source: string): Import[] {
  // Comments become blanks of equal length, so that offsets still give lines.
  const code = source.replace(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/[^\n]*/g, (comment) => comment.replace(/[^\n]/g, ' '))
  return [...code.matchAll(importPattern)].map(({ groups, index }) => ({
    specifier: groups?.from ?? groups?.dynamic ?? groups?.url ?? '',
    typesOnly: groups?.type !== undefined,
    line: code.slice(0, index).split('\n').length,
  }))
}

const deviceNames = /\b(native|wasm|webgpu|cuda|x64|arm64|wgsl)\b/

/** Says what is wrong with one import of a file (path relative to src/), or undefined. */
export function judge(file: string, { specifier, typesOnly }: Import): string | undefined {
  if (joins(file)) return undefined
  const folder = folderOf(file)
  if (folder === undefined) return 'its folder has no row in the architecture table'
  const row = architectureTable[folder]
  if (folder === 'compiler' && deviceNames.test(specifier)) return `the compiler must not name a device: ${specifier}`
  if (specifier.startsWith('#')) return `only src/index*.ts may import ${specifier}`
  if (!specifier.startsWith('.')) {
    const allowed = row.packages?.some((name) => specifier === name || (name === 'node:' && specifier.startsWith(name)))
    return allowed ? undefined : `${folder} may not import the package ${specifier}`
  }
  const target = relative(resolve('/src'), resolve('/src', dirname(file), specifier)).replaceAll('\\', '/')
  if (joins(target)) return `${folder} may not import ${target}: it joins everything, so that would be a cycle`
  if (target.startsWith('../')) return `${specifier} leaves src/`
  const targetFolder = folderOf(target)
  if (targetFolder === undefined) return `${target} is in no folder of the architecture table`
  if (targetFolder === folder || row.may.includes(targetFolder)) return undefined
  if (row.types?.includes(targetFolder))
    return typesOnly ? undefined : `${folder} may import only types of ${targetFolder}`
  return `${folder} may not import ${targetFolder} (${specifier}); it may import ${row.may.join(', ') || 'nothing'}`
}

const sourceFolder = fileURLToPath(new URL('../../src/', import.meta.url))

/** Every violation in src/, one line each. Tests may import anything. */
export function architectureViolations(root = sourceFolder): string[] {
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).map((file) => file.replaceAll('\\', '/'))
  return files
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts') && !/(^|\/)test-[\w-]+\.ts$/.test(file))
    .sort()
    .flatMap((file) => {
      if (!joins(file) && folderOf(file) === undefined) return [`src/${file}: its folder has no row in the table`]
      return importsOf(readFileSync(join(root, file), 'utf8')).flatMap((found) => {
        const problem = judge(file, found)
        return problem === undefined ? [] : [`src/${file}:${found.line}: ${problem}`]
      })
    })
}

function reaches(from: string, to: string): boolean {
  return architectureTable[from].may.some((next) => next === to || reaches(next, to))
}

/** `graph` alone is a word of Mermaid's own, so no node goes by its bare name. */
const idOf = (folder: string): string => `${folder.replaceAll('/', '_')}_`

/** The table as a Mermaid graph; an arrow that follows from two others is left out. */
export function architectureDiagram(): string {
  const edges = Object.entries(architectureTable).flatMap(([folder, { may }]) =>
    may
      .filter((target) => !may.some((other) => other !== target && reaches(other, target)))
      .map((target) => `  ${idOf(folder)} --> ${idOf(target)}`),
  )
  const nodes = Object.keys(architectureTable).map((folder) => `  ${idOf(folder)}["${folder}"]`)
  return ['graph TD', ...nodes, ...edges].join('\n')
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (process.argv.includes('--diagram')) {
    console.log(architectureDiagram())
  } else {
    const violations = architectureViolations()
    for (const line of violations) console.log(line)
    process.exitCode = violations.length > 0 ? 1 : 0
  }
}
