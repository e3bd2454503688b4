// The browser core, that is tensors, layers, optimizers and the WebAssembly device, as a page would load it: bundled and minified into
// `dist/browser`, with what the device's threads run beside it. Prints its size after gzip, and where the bytes come from.
import { readFileSync, rmSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { root } from './build.mjs'

const outputs = join(root, 'dist/browser')
const wantedBytes = 102_400

/** Bytes of each folder of src/ in the minified core, the largest first. */
function folderBytes({ inputs }) {
  const sums = new Map()
  for (const [file, { bytesInOutput }] of Object.entries(inputs)) {
    const folder = relative('dist/src', file).split('/').slice(0, -1).slice(0, 2).join('/') || '.'
    sums.set(folder, (sums.get(folder) ?? 0) + bytesInOutput)
  }
  return [...sums].sort((a, b) => b[1] - a[1])
}

/** Writes the core; resolves to its size after gzip, or to what went wrong. */
export async function browserCore() {
  const esbuild = await import('esbuild').catch(() => undefined)
  if (!esbuild) return { missing: 'esbuild is missing. Install the dependencies first: npm ci' }
  rmSync(outputs, { recursive: true, force: true })
  const { metafile } = await esbuild.build({
    absWorkingDir: root,
    entryPoints: {
      tensorloom: 'dist/src/index.js',
      'browser-worker': 'dist/src/devices/wasm/browser-worker.js',
    },
    outdir: outputs,
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    metafile: true,
    logLevel: 'silent',
  })
  const sizes = Object.keys(metafile.outputs).map(
    (file) => gzipSync(readFileSync(join(root, file)), { level: 9 }).length,
  )
  const [core] = Object.values(metafile.outputs).filter(({ entryPoint }) => entryPoint === 'dist/src/index.js')
  return { gzipBytes: sizes.reduce((sum, bytes) => sum + bytes, 0), wantedBytes, folders: folderBytes(core) }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { missing, gzipBytes, folders } = await browserCore()
  if (missing) console.log(`browser core: not measured, ${missing}`)
  else {
    console.log(`browser core: ${gzipBytes} bytes after gzip; wanted: ${wantedBytes}`)
    if (process.argv.includes('--folders'))
      for (const [folder, bytes] of folders) console.log(`${String(bytes).padStart(8)} ${folder}`)
  }
}
