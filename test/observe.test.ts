// What can be seen of a run: device report, profile as table and trace, stages of programs printed and switched off one by one.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import {
  availableDevices,
  closeDevices,
  compile,
  currentSession,
  type DeviceOptions,
  device,
  fromHost,
  nn,
  noGrad,
  profile,
  setDevice,
  type Tensor,
  tensor,
} from '../src/index.ts'

const folder = mkdtempSync(join(tmpdir(), 'tensorloom-'))
after(() => rmSync(folder, { recursive: true }))

const wave = (...shape: readonly number[]): Tensor => {
  const size = shape.reduce((product, extent) => product * extent, 1)
  return fromHost(
    Float32Array.from({ length: size }, (_, i) => Math.sin(i * i + 1)),
    shape,
  )
}

/** Loss, logits and gradients of a small network: every kind of kernel but scan. */
function network() {
  const model = new nn.Sequential(new nn.Linear(12, 16), new nn.ReLU(), new nn.LayerNorm(16), new nn.Linear(16, 5))
  const parameters = [...model.parameters()]
  noGrad(() => {
    for (const parameter of parameters) parameter.copy_(wave(...parameter.shape))
  })
  const [x, y] = [wave(8, 12), tensor([0, 1, 2, 3, 4, 0, 1, 2], { dtype: 'int64' })]
  return async (): Promise<number[]> => {
    for (const parameter of parameters) parameter.grad = null
    const logits = model(x) as Tensor
    const loss = nn.functional.crossEntropy(logits, y)
    loss.backward()
    const values: number[] = []
    for (const each of [loss, logits, ...parameters.map(({ grad }) => grad!)])
      values.push(...Array.from(await each.data(), Number))
    return values
  }
}

async function runWith(name: string, options: DeviceOptions): Promise<number[]> {
  closeDevices()
  setDevice(name, options)
  return network()()
}

test('device() prints what runs, and why others do not', () => {
  const report = device()
  assert.match(report.toString(), new RegExp(`^device ${report.name}, ${report.threads} threads?\n`))
  assert.match(report.toString(), /caches: L1 \d+ KiB, L2 \S+ [KM]iB, L3 /)
  if (report.name === 'native') assert.match(report.toString(), /processor: .*avx2, .*fma, .*avx512/)
  const child = `import { device } from ${JSON.stringify(new URL('../src/index.js', import.meta.url).href)}; console.log(device())`
  const off = execFileSync(process.execPath, ['--input-type=module', '-e', child], {
    env: { ...process.env, TENSORLOOM_NATIVE: 'off', TENSORLOOM_DEVICE: '' },
    encoding: 'utf8',
  })
  assert.match(off, /^device wasm, \d+ threads?\n/)
  assert.match(off, /refused: native: switched off by TENSORLOOM_NATIVE=off/)
})

for (const name of availableDevices())
  test(`profile: rows, table and Chrome trace (${name})`, async () => {
    setDevice(name)
    const run = network()
    await run()
    const report = await profile(async () => {
      await run()
      return (await run()).length
    })
    assert.equal(report.result, (await run()).length)
    assert.ok(report.rows.length > 3)
    const shares = report.rows.reduce((sum, { share }) => sum + share, 0)
    assert.ok(Math.abs(shares - 1) < 1e-9 && report.kernelMilliseconds <= report.milliseconds)
    assert.ok(report.rows.every(({ calls, device: on }) => calls >= 2 && on === name))
    assert.ok(report.rows.every(({ lowering }) => (lowering === 'interpreter') === (name === 'reference')))
    const lines = String(report).split('\n')
    assert.match(lines[0], /^kernel +code +calls +ms +share$/)
    assert.equal(lines.length, report.rows.length + 3)
    assert.equal(new Set(lines.slice(0, -2).map(({ length }) => length)).size, 1)
    const path = join(folder, `${name}.json`)
    await report.save(path)
    const { traceEvents } = JSON.parse(readFileSync(path, 'utf8'))
    const events = traceEvents.filter(({ ph }: { ph: string }) => ph === 'X')
    assert.ok(events.length >= report.rows.length)
    let end = 0
    for (const { ts, dur, name: label } of events) {
      assert.ok(typeof label === 'string' && Math.abs(ts - end) < 1e-6 && dur >= 0)
      end = ts + dur
    }
  })

test('profile: one at a time, and off again after an exception', async () => {
  await assert.rejects(
    profile(() => profile(() => 0)),
    /profile: expected one profile at a time/,
  )
  await assert.rejects(
    profile(() => {
      throw new RangeError('mine')
    }),
    RangeError,
  )
  assert.equal((await profile(() => 1)).result, 1)
})

if (availableDevices().includes('native')) {
  const variants: Readonly<Record<string, DeviceOptions>> = {
    'no simplify': { simplify: false },
    'no fuse': { fuse: false },
    'no reuse of memory': { reuseMemory: false },
    'no simplifyExpressions': { skip: ['simplifyExpressions'] },
    'no hoistInvariants': { skip: ['hoistInvariants'] },
    'no shareExpressions': { skip: ['shareExpressions'] },
    'no removeUnused': { skip: ['removeUnused'] },
    'nothing but what must be': {
      simplify: false,
      fuse: false,
      composites: false,
      reuseMemory: false,
      skip: ['simplifyExpressions', 'hoistInvariants', 'shareExpressions', 'removeUnused'],
    },
  }

  for (const [title, options] of Object.entries(variants))
    test(`stages: ${title}, the same values`, async () => {
      const expected = await runWith('reference', {})
      const got = await runWith('native', { ...options, checked: true })
      assert.equal(got.length, expected.length)
      got.forEach((value, i) => {
        assert.ok(
          Math.abs(value - expected[i]) <= 2e-5 + 2e-5 * Math.abs(expected[i]),
          `${i}: ${value}, ${expected[i]}`,
        )
      })
    })

  test('stages: each prints, of sessions and of compiled functions', async () => {
    closeDevices()
    setDevice('native')
    await network()()
    const step = compile((x: Tensor) => x.mul(2).sum())
    await step(wave(40)).item()
    const cached = currentSession().programs.list()
    assert.ok(cached.length >= 2)
    assert.ok(cached.includes(step.programs[0]))
    for (const program of cached)
      for (const stage of program.stages) assert.ok(program.print(stage).length > 0, `${stage} prints nothing`)
    const [program] = step.programs
    assert.match(program.print('graph'), /= mul\(.*\n(.*\n)*return/)
    assert.match(program.print('schedule'), /^K1 row: /)
    assert.match(program.print('memory'), /arena \d+ bytes$/)
    assert.match(program.print('emit'), /vmulps|vaddps/)
    assert.throws(() => program.print('parse'), /expected one of graph, simplify, .* emit, got 'parse'/)
  })

  test('stages: options are refused when they come too late or name no pass', () => {
    closeDevices()
    assert.throws(() => setDevice('native', { skip: ['inline'] }), /expected skip to name passes \(.*\), got 'inline'/)
    setDevice('native', { threads: 1 })
    assert.throws(
      () => setDevice('native', { fuse: false }),
      /expected fuse of 'native' to stay .*got false.*closeDevices/,
    )
    setDevice('native', { threads: 1 })
    closeDevices()
  })

  test('stages: the environment asks for prints on standard error', () => {
    const child = `import { compile, setDevice, ones } from ${JSON.stringify(new URL('../src/index.js', import.meta.url).href)}
      setDevice('native'); await ones([3]).exp().sum().item()`
    const run = (words: string) =>
      execFileSync(process.execPath, ['--input-type=module', '-e', `${child}`], {
        env: { ...process.env, TENSORLOOM_DEBUG: words, TENSORLOOM_DEVICE: '' },
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'],
      })
    assert.equal(run('schedule'), '')
    const shown = execFileSync('sh', ['-c', '"$0" --input-type=module -e "$1" 2>&1', process.execPath, child], {
      env: { ...process.env, TENSORLOOM_DEBUG: 'schedule,memory', TENSORLOOM_DEVICE: '' },
      encoding: 'utf8',
    })
    assert.match(shown, /^--- native program 1: schedule\nK1 /)
    assert.match(shown, /--- native program 1: memory\n/)
    assert.doesNotMatch(shown, /: lower\n/)
    assert.throws(() => run('everything'), /TENSORLOOM_DEBUG: expected any of graph, .*got 'everything'/)
  })
}
