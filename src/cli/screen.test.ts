// What the main job draws: the line chart and the progress bar.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { renderLineChart, ticks } from './line-chart.ts'
import { Progress } from './progress.ts'

test('ticks are round numbers inside the range', () => {
  assert.deepEqual(ticks(0, 352), [0, 100, 200, 300])
  assert.deepEqual(ticks(0, 2.4), [0, 0.5, 1, 1.5, 2])
  assert.deepEqual(ticks(0, 0.003), [0, 0.001, 0.002, 0.003])
  assert.ok(ticks(1, 1).length >= 1)
})

test('a chart is well-formed, escaped, and leaves out what is not finite', () => {
  const points: [number, number][] = [
    [1, 2],
    [2, Number.NaN],
    [3, 1],
  ]
  const svg = renderLineChart({
    title: 'a < b & c',
    xLabel: 'x',
    yLabel: 'y',
    lines: [{ label: 'l', color: 'red', points }],
  })
  assert.match(svg, /^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg"/)
  assert.ok(svg.includes('a &#60; b &#38; c'))
  assert.ok(!svg.includes('NaN'))
  assert.equal(svg.match(/points="([^"]*)"/)?.[1].split(' ').length, 4)
  const empty = renderLineChart({ title: '', xLabel: '', yLabel: '', lines: [] })
  assert.ok(!/NaN|Infinity/.test(empty))
})

test('a bar on a terminal only; lines everywhere', () => {
  const clear = '\u001b[2K'
  for (const isTTY of [true, false]) {
    let written = ''
    const progress = new Progress({ isTTY, columns: 80, write: (text) => (written += text) })
    progress.update('epoch 1/2', 2, 4)
    progress.line('done')
    const bar = `\r${clear}epoch 1/2 ${'█'.repeat(12)}${'░'.repeat(12)} 2/4\r${clear}`
    assert.equal(written, isTTY ? `${bar}done\n` : 'done\n')
  }
})
