// Sources in, `dist/` out: compiles with the TypeScript native compiler, silently unless something is wrong.
// Plain JavaScript, because it runs before anything is built. Also deletes outputs whose source is gone, so that
// a renamed test cannot go on passing.
import { spawn } from 'node:child_process'
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('..', import.meta.url))
const dist = join(root, 'dist')
const sourceFolders = ['src', 'test', 'bench', 'tools', 'examples']

/** Every file of ours below `folder`, as absolute paths; nothing if the folder does not exist. */
export function filesBelow(folder) {
  if (!existsSync(folder)) return []
  return (
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      // the benchmarks' peers are installed below bench/
      .filter((path) => !relative(folder, path).split(sep).includes('node_modules'))
      .sort()
  )
}

/** Runs a program of node_modules with this Node; resolves to its exit code and everything it printed. */
export function runTool(script, args) {
  if (!existsSync(join(root, script))) {
    return Promise.resolve({ code: 1, output: `${script} is missing. Install the dependencies first: npm ci` })
  }
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [join(root, script), ...args], { cwd: root })
    let output = ''
    const collect = (chunk) => {
      output += chunk
    }
    child.stdout.setEncoding('utf8').on('data', collect)
    child.stderr.setEncoding('utf8').on('data', collect)
    child.on('error', (error) => resolve({ code: 1, output: String(error) }))
    child.on('close', (code) => resolve({ code: code ?? 1, output }))
  })
}

function removeStaleOutputs() {
  for (const folder of sourceFolders) {
    for (const file of filesBelow(join(dist, folder))) {
      const source = join(root, relative(dist, file)).replace(/(\.d\.ts|\.js)(\.map)?$/, '.ts')
      if (!existsSync(source)) rmSync(file)
    }
  }
}

/** The incremental state believes in outputs it wrote earlier; someone may have deleted them since. */
function outputsAreComplete() {
  return sourceFolders
    .flatMap((folder) => filesBelow(join(root, folder)))
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts'))
    .every((file) => existsSync(join(dist, relative(root, file)).replace(/\.ts$/, '.js')))
}

/** Brings `dist/` up to date. Resolves to the compiler's exit code and its messages (empty when all is well). */
export async function build() {
  removeStaleOutputs()
  const compile = () =>
    runTool('node_modules/typescript/bin/tsc', ['-p', '.', '--pretty', String(process.stderr.isTTY ?? false)])
  const result = await compile()
  if (outputsAreComplete()) return result
  rmSync(join(dist, 'tsconfig.tsbuildinfo'), { force: true })
  return compile()
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { code, output } = await build()
  if (code !== 0) process.stderr.write(`${output.trimEnd()}\nThe build failed.\n`)
  process.exitCode = code
}
