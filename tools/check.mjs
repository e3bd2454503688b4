// The source tree in, a verdict out: types, style (lint, format, import order), architecture and sizes, in seconds.
// `npm test` runs these too; by itself this is the loop to keep open while writing.
import { fileURLToPath } from 'node:url'
import { build, runTool } from './build.mjs'

const colors = process.stdout.isTTY ? 'force' : 'off'

async function timed(name, running) {
  const start = performance.now()
  const { code, output } = await running
  return { name, ok: code === 0, output: output.trimEnd(), seconds: (performance.now() - start) / 1000 }
}

/** Runs every check, prints what is wrong and one summary line, and resolves to the results by name. */
export async function check() {
  // The compiler and the linter share nothing, so they run side by side; the other two are compiled first.
  const [types, style] = await Promise.all([
    timed('types', build()),
    timed(
      'style',
      runTool('node_modules/@biomejs/biome/bin/biome', ['check', '--error-on-warnings', `--colors=${colors}`]),
    ),
  ])
  const architecture = await timed('architecture', runTool('dist/tools/architecture.js', []))
  const sizes = await timed('sizes', runTool('dist/tools/sizes.js', []))
  const core = await timed('browser core', runTool('tools/browser-core.mjs', []))
  const results = [types, style, architecture, sizes, core]
  for (const { name, ok, output } of results) {
    if (!ok) console.log(`--- ${name} ---\n${output}\n`)
  }
  const verdicts = results.map(({ name, ok, seconds }) => `${name} ${ok ? 'ok' : 'FAILED'} (${seconds.toFixed(1)} s)`)
  console.log(`${core.output.split('\n')[0]}\ncheck: ${verdicts.join(', ')}`)
  return results
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const results = await check()
  process.exitCode = results.every((result) => result.ok) ? 0 : 1
}
