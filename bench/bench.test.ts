// The benchmarks' own arithmetic, and short runs: lines must have the promised fields, and peers that are missing must be said.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { readArguments } from './arguments.ts'
import { floorOf, type Machine } from './machine.ts'
import { peerNames } from './peers.ts'
import { suiteNames, suites } from './suites.ts'
import { summarize } from './timing.ts'
import { trainingWork } from './training-work.ts'

test('words become options, and wrong ones a sentence', () => {
  assert.deepEqual(readArguments(['--suite', 'gemm', '--threads', '2', '--json']), {
    suites: ['gemm'],
    device: 'native',
    threads: 2,
    seconds: 1,
    only: '',
    json: true,
  })
  assert.deepEqual(readArguments([])?.suites, suiteNames)
  assert.deepEqual(readArguments(['--peers', 'torch,ort'])?.peers, ['torch', 'ort'])
  assert.deepEqual(readArguments(['--peers', 'none'])?.peers, [])
  assert.equal(readArguments(['--help']), undefined)
  assert.throws(() => readArguments(['--suite', 'cooking']), /--suite: expected one of gemm, .*train.*, got 'cooking'/)
  assert.throws(() => readArguments(['--peers', 'abacus']), /--peers: expected one of torch, .*tfjs, got 'abacus'/)
  assert.throws(() => readArguments(['--threads', '0']), /--threads: expected a whole number from 1, got '0'/)
  assert.throws(() => readArguments(['--seconds', 'long']), /--seconds: expected a positive number, got 'long'/)
})

test('a median and a minimum, to four digits', () => {
  assert.deepEqual(summarize([{ times: [3, 1.00004, 9] }, { times: [8, 2.00001] }]), { ms: 3, minMs: 1 })
  assert.deepEqual(
    summarize([
      { times: [1], peakMiB: 7 },
      { times: [2], peakMiB: 5 },
    ]).peakMiB,
    7,
  )
})

test('the floor is the slower of arithmetic and traffic, at the rate of the level that holds the bytes', () => {
  const machine: Machine = {
    threads: 1,
    gflops: 100,
    copies: [
      { level: 'L2', footprint: 1e6, gbs: 100 },
      { level: 'DRAM', footprint: 1e8, gbs: 10 },
    ],
  }
  assert.equal(floorOf(machine, 1e9, 0), 10)
  assert.equal(floorOf(machine, 0, 1e6), 0.01)
  assert.equal(floorOf(machine, 0, 2e6), 0.2)
  assert.equal(floorOf(machine, 0, 1e9), 100)
  assert.equal(floorOf(undefined, 1, 1), null)
})

test('the work of a small MLP, counted by hand', () => {
  const [first, second] = [64 * 784 * 128, 64 * 128 * 10]
  const parameters = 784 * 128 + 128 + 128 * 10 + 10
  // forward and weight gradient of both layers, input gradient of the second only; parameters read and written
  assert.deepEqual(trainingWork('mlp-784-128-10-b64-sgd'), {
    flops: 2 * (2 * first + 3 * second),
    bytes: 2 * 4 * parameters,
  })
})

test('every case has a name of its own in its suite, and work that JSON can carry to a peer', () => {
  const options = readArguments([])!
  for (const suite of suiteNames) {
    const cases = suites[suite](options)
    const names = cases.map(({ name, group }) => `${group} ${name}`)
    assert.equal(new Set(names).size, names.length, suite)
    for (const { work } of cases) assert.deepEqual(JSON.parse(JSON.stringify(work)), work)
  }
})

/** A short run of small products on the reference device, with `python` for PyTorch's: its rows and its remarks. */
function runGemm(only: string, python: string) {
  const main = fileURLToPath(new URL('./main.js', import.meta.url))
  const words = ['--suite', 'gemm', '--device', 'reference', '--only', only, '--seconds', '0.01', '--peers', 'torch']
  const env = { ...process.env, TENSORLOOM_PEER_PYTHON: python }
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...words, '--json'], { encoding: 'utf8', env })
  assert.equal(status, 0, stderr)
  const lines = stdout.trim().split('\n')
  return { rows: lines.map((line) => JSON.parse(line)), remarks: stderr }
}

test('a run prints JSON lines and nothing else, and says by name which peers are missing', () => {
  const { rows, remarks } = runGemm('gemm-16', '')
  assert.deepEqual(
    rows.map(({ suite, name, device }) => [suite, name, device]),
    ['gemm-16', 'gemm-16-nt', 'gemm-16-tn', 'gemm-16-tt'].map((name) => ['gemm', name, 'reference']),
  )
  const fields = ['suite', 'name', 'device', 'threads', 'ms', 'minMs', 'gflops', 'gbs', 'floorMs', 'peers', 'minPeers']
  for (const row of rows) {
    assert.deepEqual(Object.keys(row), fields)
    assert.ok(row.minMs > 0 && row.minMs <= row.ms)
    assert.deepEqual(row.peers, {})
  }
  assert.match(remarks, /torch \(PyTorch\) not timed: TENSORLOOM_PEER_PYTHON names no Python/)
  for (const name of peerNames.slice(1)) assert.match(remarks, new RegExp(`${name} .*not timed`))
})

/** A program that stands in for Python, and answers requests with `answer`. */
function fakePeer(greeting: object, answer: object): string {
  const folder = mkdtempSync(join(tmpdir(), 'peer-'))
  after(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'python')
  const script = `#!${process.execPath}
console.log(${JSON.stringify(JSON.stringify(greeting))})
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  JSON.parse(line).work.n === 16 && console.log(${JSON.stringify(JSON.stringify(answer))})
})`
  writeFileSync(path, script, { mode: 0o755 })
  return path
}

test('a peer is asked in turns with us; its median and least time stand beside ours', () => {
  const { rows, remarks } = runGemm('gemm-16-tt', fakePeer({ peer: 'an abacus' }, { times: [7, 1e6, 5] }))
  assert.deepEqual(rows[0].peers, { torch: 7 })
  assert.deepEqual(rows[0].minPeers, { torch: 5 })
  assert.match(remarks, /torch: an abacus/)
  assert.match(remarks, /gemm tt: geometric mean of torch \/ ours, one case: \d/)
})

test('a peer that cannot be had, cannot do a case, or dies is said, and the run goes on', () => {
  assert.match(runGemm('gemm-16-tt', fakePeer({ missing: 'no torch' }, {})).remarks, /torch .*not timed: no torch/)
  const { rows, remarks } = runGemm('gemm-16-tt', fakePeer({ peer: 'an abacus' }, { unsupported: 'too large' }))
  assert.deepEqual(rows[0].peers, {})
  assert.match(remarks, /torch, gemm-16-tt: too large/)
  assert.match(runGemm('gemm-16-tt', '/nowhere/python').remarks, /torch .*not timed: .*ENOENT/)
})
