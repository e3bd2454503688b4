// The host: processor facts, code pages that are never writable and executable at once, and the reasons it refuses with.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Assembler } from '../../codegen/x64/assembler.ts'
import { rax, rdi, rsi } from '../../codegen/x64/operands.ts'
import { openNativeHost } from './native-host.ts'

const answer = openNativeHost()
const options = { skip: answer.refused ?? false }
const host = answer.host!

after(() => answer.host?.close())

const emitSum = (plus: number) => {
  const a = new Assembler()
  a.emit('mov', rax, rdi)
  a.emit('add', rax, rsi)
  a.emit('add', rax, plus)
  a.emit('ret')
  return a.finish()
}
const mappings = () => readFileSync('/proc/self/maps', 'utf8').split('\n')
const sibling = (name: string) =>
  new URL(`./${name}${import.meta.url.slice(import.meta.url.lastIndexOf('.'))}`, import.meta.url)
const refusal = (args: string[], env: Record<string, string> = {}) => {
  const url = JSON.stringify(sibling('native-host'))
  const program = `const { openNativeHost } = await import(${url}); console.log(openNativeHost().refused)`
  const { stdout, stderr } = spawnSync(process.execPath, [...args, '--input-type=module', '-e', program], {
    env: { ...process.env, ...env },
  })
  return String(stdout).trim() || String(stderr)
}

test('installed functions run, and are gone after their release', options, () => {
  const code = host.installCode([emitSum(0), emitSum(100)])
  const [sum, sumPlus] = code.addresses.map((address) => host.callable(address, 2))
  assert.deepEqual([sum(2, 3), sumPlus(2, 3), sum(-5, 2), sum(2 ** 40, 1)], [5, 105, -3, 2 ** 40 + 1])
  assert.deepEqual(
    code.addresses.map((address) => address % 64),
    [0, 0],
  )
  const page = `${code.base.toString(16).padStart(12, '0')}-`
  assert.match(mappings().find((line) => line.startsWith(page)) ?? '', / r-xp /)
  host.releaseCode(code)
  assert.throws(() => host.releaseCode(code), /expects installed code, once/)
})

test('no page is writable and executable', options, () => {
  // V8 has such pages for its own code, which --jitless turns off.
  const { stdout, stderr } = spawnSync(process.execPath, [
    '--jitless',
    fileURLToPath(sibling('test-child')),
    'mappings',
  ])
  const { all, shared } = JSON.parse(String(stdout) || String(stderr))
  assert.ok(all > 20)
  assert.deepEqual(shared, [])
})

test('the processor facts agree with the system', options, () => {
  const flags = new Set(/^flags\s*: (.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1].split(' '))
  const { cpu } = host
  assert.deepEqual([cpu.avx2, cpu.fma, cpu.f16c], [flags.has('avx2'), flags.has('fma'), flags.has('f16c')])
  assert.equal(
    cpu.avx512,
    ['avx512f', 'avx512bw', 'avx512dq', 'avx512vl'].every((flag) => flags.has(flag)),
  )
  assert.match(readFileSync('/proc/cpuinfo', 'utf8'), new RegExp(`vendor_id\\s*: ${cpu.vendor}`))
  assert.ok(cpu.cacheBytes.l1 >= 16 * 1024 && cpu.cacheBytes.l1 <= 256 * 1024, String(cpu.cacheBytes.l1))
  assert.ok(cpu.cacheBytes.l2 > cpu.cacheBytes.l1)
})

test('the clock runs at a plausible rate, and threads default to what the process may use', options, () => {
  assert.ok(host.ticksPerSecond() > 0.5e9 && host.ticksPerSecond() < 10e9, String(host.ticksPerSecond()))
  assert.equal(host.defaultThreads, host.processors)
  for (const threads of [0, 1.5, 5000]) assert.throws(() => host.createPool({ threads }), /expected 1 to 1024 threads/)
})

test('it refuses with one sentence where it cannot work', () => {
  assert.equal(refusal([], { TENSORLOOM_NATIVE: 'off' }), 'native: switched off by TENSORLOOM_NATIVE=off')
  const stable = process.allowedNodeEnvironmentFlags.has('--permission')
  const permission = [stable ? '--permission' : '--experimental-permission', '--allow-fs-read=*', '--no-warnings']
  if (process.platform === 'linux' && process.arch === 'x64') {
    assert.equal(refusal(permission), 'native: this Node runs with --permission and without --allow-addons')
  }
})

test('closing gives every mapping back', options, async () => {
  const count = () => mappings().length
  const cycle = async () => {
    const { host } = openNativeHost()
    host!.createPool({ threads: 3 }).runInPlace(0, 0)
    host!.memory.allocate(10_000_000)
    await host!.close()
  }
  await cycle()
  const before = count()
  for (let i = 0; i < 5; i++) await cycle()
  assert.ok(count() <= before + 4, `${count()} mappings, ${before} before`)
})
