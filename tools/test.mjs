// `npm test [-- [--checked] [--plain] [filter…]]`: checks, builds, runs every *.test.js of dist in a process of its own, two at a
// time, and ends with a line `N passed, N failed[, N skipped]`. Filters are parts of file names, and leave the checks out.
import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { SourceMap } from 'node:module'
import { join, relative } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build, filesBelow, root } from './build.mjs'
import { check } from './check.mjs'

const concurrency = 2
const slowSeconds = 5
const limitSeconds = 300
const reporter = fileURLToPath(new URL('./test-reporter.mjs', import.meta.url))

/** The source a compiled file comes from. */
const nameOf = (file) => file.replace(/\.js$/, '.ts')

function findTests(filters) {
  return ['src', 'test', 'bench', 'tools']
    .flatMap((folder) => filesBelow(join(root, 'dist', folder)))
    .map((file) => relative(join(root, 'dist'), file).replaceAll('\\', '/'))
    .filter((file) => file.endsWith('.test.js'))
    .filter((file) => filters.length === 0 || filters.some((filter) => file.includes(filter)))
}

/** Rewrites `dist/x.js:12:3` to the place in the source, and drops Node's own frames. */
function toSourcePositions(stack) {
  const lines = stack.split('\n').filter((line) => !/^\s+at .*(\(|\s)node:/.test(line))
  return lines
    .join('\n')
    .replace(/(?:file:\/\/)?([^\s()]*\/dist\/[^\s()]+\.js):(\d+):(\d+)/g, (whole, file, line, column) => {
      if (!existsSync(`${file}.map`)) return whole
      const map = new SourceMap(JSON.parse(readFileSync(`${file}.map`, 'utf8')))
      const { originalLine, originalColumn } = map.findEntry(Number(line) - 1, Number(column) - 1)
      if (originalLine === undefined) return whole
      const source = nameOf(relative(join(root, 'dist'), file))
      return `${source}:${originalLine + 1}:${originalColumn + 1}`
    })
}

/** Why a process that ended this way cannot be trusted, even if each test it told us about passed. */
function explainEnd({ results, finished, code, signal, timedOut }) {
  if (timedOut) return `still running after ${limitSeconds} s: killed`
  if (signal) return `killed by ${signal}`
  if (code !== 0 && !results.some(({ status }) => status === 'failed')) return `ended with exit code ${code}`
  if (!finished && results.length > 0) return 'ended before its tests did'
  return results.length === 0 ? 'holds no test' : undefined
}

/** Runs one test file; resolves to its results, with one more failure if the process itself went wrong. */
function runFile(file) {
  return new Promise((resolve) => {
    const start = performance.now()
    const child = spawn(process.execPath, [`--test-reporter=${pathToFileURL(reporter)}`, join(root, 'dist', file)], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    })
    const run = { file, results: [], finished: false, timedOut: false, output: '', seconds: 0 }
    const collect = (chunk) => {
      run.output += chunk
    }
    child.stdout.setEncoding('utf8').on('data', collect)
    child.stderr.setEncoding('utf8').on('data', collect)
    createInterface({ input: child.stdio[3] }).on('line', (line) => {
      const result = JSON.parse(line)
      if (result.status === 'finished') run.finished = true
      else if (result.status === 'late error') collect(`${result.message}\n`)
      else run.results.push(result)
    })
    const timer = setTimeout(() => {
      run.timedOut = true
      child.kill('SIGKILL')
    }, limitSeconds * 1000)
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      run.seconds = (performance.now() - start) / 1000
      const error = explainEnd({ ...run, code, signal })
      if (error) run.results.push({ name: '(process)', status: 'failed', error })
      resolve(run)
    })
  })
}

const count = (results, status) => results.filter((result) => result.status === status).length

function printRun({ file, results, output, seconds }) {
  const failures = results.filter(({ status }) => status === 'failed')
  const summary = `${count(results, 'passed')} passed`
  console.log(`${failures.length > 0 ? 'FAILED' : 'ok'}  ${nameOf(file)}  ${summary}  ${seconds.toFixed(1)} s`)
  for (const { name, error } of failures) {
    console.log(`\n  ✖ ${name}\n${toSourcePositions(error).replace(/^/gm, '    ')}\n`)
  }
  if (failures.length > 0 && output.trim()) {
    console.log(`  printed by ${nameOf(file)}:\n${toSourcePositions(output.trimEnd()).replace(/^/gm, '    ')}\n`)
  }
}

async function runAll(files) {
  const runs = []
  const queue = [...files]
  const worker = async () => {
    for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
      const run = await runFile(file)
      printRun(run)
      runs.push(run)
    }
  }
  await Promise.all(Array.from({ length: concurrency }, worker))
  return runs
}

function printSummary(runs) {
  const slow = runs.filter(({ seconds }) => seconds >= slowSeconds).sort((a, b) => b.seconds - a.seconds)
  if (slow.length > 0) {
    console.log(`\nSlow files (${slowSeconds} s or more):`)
    for (const { file, seconds } of slow) console.log(`  ${seconds.toFixed(1)} s  ${nameOf(file)}`)
  }
  const skipped = runs.flatMap(({ file, results }) =>
    results.filter(({ status }) => status === 'skipped').map((result) => ({ file, ...result })),
  )
  if (skipped.length > 0) console.log('\nSkipped:')
  for (const { file, name, reason } of skipped)
    console.log(`  ${nameOf(file)}: ${name}: ${reason || 'no reason given'}`)
  const failed = runs.flatMap(({ file, results }) =>
    results.filter(({ status }) => status === 'failed').map(({ name }) => `${nameOf(file)}: ${name}`),
  )
  if (failed.length > 0) console.log(`\nFailed:\n${failed.map((line) => `  ${line}`).join('\n')}`)
}

/** Types only when filters ask for a quick look; everything otherwise. Resolves to the names of failed checks. */
async function failedChecks(filters) {
  if (filters.length === 0) return (await check()).filter(({ ok }) => !ok).map(({ name }) => name)
  const { code, output } = await build()
  if (code !== 0) console.log(`--- types ---\n${output}`)
  return code === 0 ? [] : ['types']
}

const flags = process.argv.slice(2).filter((argument) => argument.startsWith('-'))
const filters = process.argv.slice(2).filter((argument) => !argument.startsWith('-'))
const unknown = flags.filter((flag) => flag !== '--checked' && flag !== '--plain')
if (unknown.length > 0) {
  console.error(`npm test does not know ${unknown.join(' ')}. Usage: npm test [-- [--checked] [--plain] [filter…]]`)
  process.exit(2)
}
if (flags.includes('--checked')) process.env.TENSORLOOM_CHECKED = '1'
// composites that have kernels of their own are expanded like all others
if (flags.includes('--plain')) process.env.TENSORLOOM_PLAIN = '1'

const checks = await failedChecks(filters)
const runs = await runAll(findTests(filters))
printSummary(runs)
if (checks.length > 0) console.log(`\nFailed checks: ${checks.join(', ')} (see above)`)
const results = runs.flatMap((run) => run.results)
const [passed, skipped] = [count(results, 'passed'), count(results, 'skipped')]
const failed = count(results, 'failed') + checks.length
process.exitCode = failed > 0 || passed === 0 ? 1 : 0
console.log(`\n${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`)
