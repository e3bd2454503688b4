// Runs ten training steps of a small network in a browser, on a page that may share memory and on one that may not, and in Node on the
// same device; prints devices, times and losses, and ends with 1 where losses differ. Usage: node tools/browser-run.mjs [chromium]
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { browserCore } from './browser-core.mjs'
import { root } from './build.mjs'

const tolerance = 1e-5
const limitSeconds = 60
const isolation = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' }

/** What both sides run; text, because the page gets it over the wire. */
const program = `
export async function train({ compile, device, manualSeed, nn, optim, randn, randint }) {
  manualSeed(0)
  const model = new nn.Sequential(new nn.Linear(784, 128), new nn.ReLU(), new nn.Linear(128, 10))
  const optimizer = new optim.SGD(model.parameters(), { lr: 0.1 })
  const [x, y] = [randn([64, 784]), randint(0, 10, [64])]
  const step = compile(() => {
    optimizer.zeroGrad()
    const loss = nn.functional.crossEntropy(model(x), y)
    loss.backward()
    void optimizer.step()
    return loss
  })
  const losses = []
  for (let i = 0; i < 10; i++) losses.push(await step().item())
  const times = []
  for (let i = 0; i < 300; i++) {
    const start = performance.now()
    await step().item()
    times.push(performance.now() - start)
  }
  times.sort((a, b) => a - b)
  const { name, threads, features } = device()
  return { name, threads, features, losses, milliseconds: times[150] }
}
`
const page = `<!doctype html><script type="module">
import * as tensorloom from './tensorloom.js'
import { train } from './program.js'
const report = (result) => fetch('/result', { method: 'POST', body: JSON.stringify(result) })
train(tensorloom).then(report, (error) => report({ error: String(error?.stack ?? error) }))
</script>`

/** Serves the core, and resolves to what the page reports. */
function serve(headers) {
  const files = { '/': [page, 'text/html'], '/program.js': [program, 'text/javascript'] }
  let report
  const result = new Promise((resolve) => {
    report = resolve
  })
  const server = createServer((request, response) => {
    if (request.method === 'POST') {
      let body = ''
      request.on('data', (part) => {
        body += part
      })
      request.on('end', () => {
        response.end()
        report(JSON.parse(body))
      })
      return
    }
    const core = ['/tensorloom.js', '/browser-worker.js'].find((name) => name === request.url)
    const [content, type] = core
      ? [readFileSync(join(root, 'dist/browser', core)), 'text/javascript']
      : (files[request.url] ?? ['', 'text/plain'])
    response.writeHead(content === '' ? 404 : 200, { 'Content-Type': type, ...headers }).end(content)
  })
  return { server, result }
}

async function runPage(browser, headers) {
  const { server, result } = serve(headers)
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const profile = mkdtempSync(join(tmpdir(), 'tensorloom-browser-'))
  const words = ['--headless', '--no-sandbox', '--disable-gpu', `--user-data-dir=${profile}`]
  const child = spawn(browser, [...words, `http://127.0.0.1:${server.address().port}/`], { stdio: 'ignore' })
  const failed = new Promise((resolve) => {
    child.on('error', (error) => resolve({ error: `${browser} does not start: ${error.message}` }))
    setTimeout(() => resolve({ error: `no answer within ${limitSeconds} s` }), limitSeconds * 1000).unref()
  })
  const outcome = await Promise.race([result, failed])
  const ended = new Promise((resolve) => child.once('exit', resolve))
  if (child.pid !== undefined && child.kill()) await ended
  server.close()
  rmSync(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
  return outcome
}

async function runNode() {
  const tensorloom = await import(pathToFileURL(join(root, 'dist/src/index.js')).href)
  tensorloom.setDevice('wasm', { threads: 1 })
  const { train } = await import(`data:text/javascript,${encodeURIComponent(program)}`)
  const outcome = await train(tensorloom)
  tensorloom.closeDevices()
  return outcome
}

const { missing } = await browserCore()
if (missing) throw new Error(missing)
const browser = process.argv[2] ?? 'chromium'
const expected = await runNode()
console.log(`Node: ${JSON.stringify(expected)}`)
for (const [name, headers] of [
  ['isolated', isolation],
  ['not isolated', {}],
]) {
  const outcome = await runPage(browser, headers)
  console.log(`${name}: ${JSON.stringify(outcome)}`)
  const isSame = outcome.losses?.every(
    (loss, i) => Math.abs(loss - expected.losses[i]) <= tolerance * expected.losses[i],
  )
  if (!isSame) process.exitCode = 1
}
