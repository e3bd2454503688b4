// The compiled modules of `dist/src` in, the few files of `dist/node` that Node loads instead out: an import costs by the number of
// files, half a millisecond each. Entries are the exports of package.json that have a `node` condition; what they share is in chunks,
// so that every class exists once. Names stay as they are, for readable traces.
import { readFileSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { root } from './build.mjs'

const outputs = join(root, 'dist/node')

/** Output names and the modules behind them. */
function entryPoints() {
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const entries = Object.values(exports).filter(({ node }) => node)
  return Object.fromEntries([
    ...entries.map(({ node, default: module }) => [basename(node, '.js'), join(root, module)]),
    // what the threads of the wasm device run; they look for it beside themselves
    ['worker', join(root, 'dist/src/devices/wasm/worker.js')],
  ])
}

/** Resolves to whether there is a bundle, and to what went wrong if not. */
export async function bundle() {
  const esbuild = await import('esbuild').catch(() => undefined)
  if (!esbuild) return { code: 1, output: 'esbuild is missing. Install the dependencies first: npm ci' }
  rmSync(outputs, { recursive: true, force: true })
  const { errors } = await esbuild
    .build({
      entryPoints: entryPoints(),
      outdir: outputs,
      bundle: true,
      splitting: true,
      format: 'esm',
      platform: 'node',
      target: 'node20',
      external: ['koffi'],
      logLevel: 'silent',
    })
    .catch(({ errors }) => ({ errors }))
  return { code: errors.length > 0 ? 1 : 0, output: errors.map(({ text }) => text).join('\n') }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { code, output } = await bundle()
  if (code !== 0) process.stderr.write(`${output}\nNo bundle was made.\n`)
  process.exitCode = code
}
