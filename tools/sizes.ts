// The source tree in, what has grown past its limit out: files, functions, primitives, environment variables.
// A limit exists so that the code stays readable; a comment `// size: why` at the top of the file, or just above the
// function, passes it. Exits with 1 if something is over without a reason.
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

// forty primitives and multiplyAdd: a polynomial's coefficient is one instruction and one rounding, which no body in the others can say
const limits = { fileLines: 400, functionLines: 40, primitives: 41, environmentVariables: 10 }
const root = fileURLToPath(new URL('../../', import.meta.url))
const sourceFolders = ['src', 'test', 'bench', 'tools', 'examples']
const primitivesFile = 'src/graph/node.ts'
const reason = /^\s*\/\/ size: \S.{8,}/

interface Source {
  readonly path: string
  readonly lines: readonly string[]
}

function readSources(): Source[] {
  return sourceFolders
    .filter((folder) => existsSync(join(root, folder)))
    .flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((file) => join(folder, file)),
    )
    .map((path) => path.replaceAll('\\', '/'))
    .filter(
      (path) => /\.(ts|mjs)$/.test(path) && !path.startsWith('test/fixtures/') && !path.includes('/node_modules/'),
    )
    .sort()
    .map((path) => ({ path, lines: readFileSync(join(root, path), 'utf8').trimEnd().split('\n') }))
}

export function longFiles(sources: readonly Source[]): string[] {
  return sources
    .filter(({ lines }) => lines.length > limits.fileLines && !lines.slice(0, 6).some((line) => reason.test(line)))
    .map(({ path, lines }) => `${path}: ${lines.length} lines (at most ${limits.fileLines})`)
}

/** Whether the comment that touches the function from above gives a reason. */
function hasReason(lines: readonly string[], functionLine: number): boolean {
  for (let at = functionLine - 2; at >= 0 && /^\s*(\/\/|\/?\*)/.test(lines[at]); at--) {
    if (reason.test(lines[at])) return true
  }
  return false
}

interface Diagnostic {
  readonly message: string
  readonly location: { readonly path: string; readonly start: { readonly line: number } }
}

/** Biome parses the code and counts the lines of every body; its setting lies in biome.json, switched off there. */
function measureFunctions(): Diagnostic[] {
  const rule = 'complexity/noExcessiveLinesPerFunction'
  const biome = join(root, 'node_modules/@biomejs/biome/bin/biome')
  const args = [biome, 'lint', `--only=${rule}`, '--reporter=json', '--max-diagnostics=none']
  const output = execFileSync(process.execPath, args, {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  return (JSON.parse(output) as { diagnostics: Diagnostic[] }).diagnostics
}

export function longFunctions(sources: readonly Source[], diagnostics: readonly Diagnostic[]): string[] {
  const linesOf = new Map(sources.map(({ path, lines }) => [path, lines]))
  return diagnostics.flatMap(({ message, location }) => {
    const lines = linesOf.get(location.path)
    const start = location.start.line
    // A group of tests is a chapter, not a function.
    if (!lines || /\b(describe|suite)\(/.test(lines[start - 1]) || hasReason(lines, start)) return []
    const measured = /\((\d+)\)/.exec(message)?.[1] ?? '?'
    const head = lines[start - 1].trim()
    return [`${location.path}:${start}: ${measured} lines (at most ${limits.functionLines}): ${head}`]
  })
}

/** The members of `interface Attrs`: one per primitive, and `composite`, which stands for all that is none. */
export function primitivesIn({ path, lines }: Source): string[] {
  const start = lines.findIndex((line) => /^export (interface Attrs|type Attrs =) \{/.test(line))
  if (start < 0) throw new Error(`${path} no longer declares Attrs; tell tools/sizes.ts where the primitives are`)
  const end = lines.indexOf('}', start)
  return lines
    .slice(start + 1, end)
    .flatMap((line) => /^ {2}(?:readonly )?(\w+)\??:/.exec(line)?.[1] ?? [])
    .filter((name) => name !== 'composite')
}

export function environmentVariables(sources: readonly Source[]): string[] {
  const found = sources.flatMap(({ lines }) =>
    lines.flatMap((line) => line.match(/\bTENSORLOOM_[A-Z_]*[A-Z]\b/g) ?? []),
  )
  return [...new Set(found)].sort()
}

function overLimit(what: string, names: readonly string[], limit: number): string[] {
  return names.length > limit ? [`${names.length} ${what} (at most ${limit}): ${names.join(' ')}`] : []
}

function main(): void {
  const sources = readSources()
  const primitives = sources.filter(({ path }) => path === primitivesFile).flatMap(primitivesIn)
  const variables = environmentVariables(sources)
  const problems = [
    ...longFiles(sources),
    ...longFunctions(sources, measureFunctions()),
    ...overLimit('primitives', primitives, limits.primitives),
    ...overLimit('environment variables', variables, limits.environmentVariables),
  ]
  for (const problem of problems) console.log(problem)
  const lines = sources.reduce((sum, source) => sum + source.lines.length, 0)
  console.log(
    `${sources.length} files, ${lines} lines, ${primitives.length} primitives, ` +
      `${variables.length} environment variables, ${problems.length} over their limit`,
  )
  process.exitCode = problems.length > 0 ? 1 : 0
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main()
