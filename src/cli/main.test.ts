// The main job as a process: exit codes and sentences, what it prints, what it leaves behind, and the same bits for the same seed.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { parse } from '../formats/safetensors/serialize.ts'

const program = fileURLToPath(new URL('./main.js', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'tensorloom-main-'))
after(() => rmSync(folder, { recursive: true }))

const start = (...words: string[]) => spawnSync(process.execPath, [program, ...words], { encoding: 'utf8' })

test('--help tells the options and ends well', () => {
  const { status, stdout } = start('--help')
  assert.equal(status, 0)
  assert.match(stdout, /--epochs N/)
})

test('what it cannot do is said in a sentence, with exit code 2', () => {
  for (const [words, sentence] of [
    [['--speed', 'high'], /Unknown option '--speed'/],
    [['--epochs', 'many'], /--epochs: expected a whole number/],
    [['--device', 'abacus'], /expected one of .*got 'abacus'/],
  ] as const) {
    const { status, stderr, stdout } = start(...words)
    assert.equal(status, 2, stderr)
    assert.match(stderr, sentence)
    assert.equal(stdout, '')
  }
})

test('data that is nowhere is said in a sentence, with exit code 1', () => {
  const { status, stderr } = start('--dataset', 'mnist', '--data-dir', folder)
  assert.equal(status, 1)
  assert.match(stderr, /^mnist: expected train-images-idx3-ubyte.gz in .*, got no such file\.$/m)
})

test('two epochs of the MLP: lines, loss curve, weights that give the same logits, and again the same', () => {
  const runs = ['first', 'second'].map((name) => {
    const output = join(folder, name)
    const { status, stdout, stderr } = start('--model', 'mlp', '--epochs', '2', '--seed', '1', '--output', output)
    assert.equal(status, 0, stderr)
    assert.ok(!stdout.includes('\u001b'), 'no control characters where there is no terminal')
    const lines = stdout.trimEnd().split('\n')
    assert.match(lines[0], /^device \S+, \d+ threads?$/)
    const epochs = lines.filter((line) =>
      /^epoch \d\/2 {2}loss \d\.\d{4} {2}train \d\.\d{4} {2}test \d\.\d{4} {2}/.test(line),
    )
    assert.equal(epochs.length, 2)
    assert.ok(lines.some((line) => /^compile \d+\.\d\d s, then \d+\.\d\d ms per step$/.test(line)))
    assert.ok(lines.some((line) => /bit-identical logits \(3600 compared\)$/.test(line)))
    const accuracy = /^test accuracy (\d\.\d{4})$/.exec(lines.at(-1)!)?.[1]
    assert.ok(Number(accuracy) > 0.7, lines.at(-1))
    assert.deepEqual(readdirSync(output).sort(), ['loss.svg', 'weights.safetensors'])
    return readFileSync(join(output, 'weights.safetensors'))
  })
  assert.deepEqual(runs[0], runs[1])
  const names = [...parse(runs[0]).tensors.keys()]
  assert.ok(names.includes('layers.1.weight') && names.includes('layers.2.running_mean'))
})
