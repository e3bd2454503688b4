// The example programs, shortened: each learns something in a few steps, is under 100 lines and says what it reaches in full.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const shared = process.env.TENSORLOOM_DATA ?? '../shared'

interface Example {
  readonly name: string
  /** in place of the full number of steps or epochs */
  readonly steps: string
  /** the file below `shared` that it reads */
  readonly data?: string
  /** the figure that it prints */
  readonly figure: RegExp
  readonly isGood: (figure: number) => boolean
}

const examples: readonly Example[] = [
  {
    name: 'char-gpt',
    steps: '60',
    data: 'data/text/tinyshakespeare.txt',
    figure: /validation loss (\S+)/,
    isGood: (loss) => loss < 3,
  },
  {
    name: 'names',
    steps: '500',
    data: 'data/text/names.txt',
    figure: /validation loss (\S+)/,
    isGood: (loss) => loss < 2.5,
  },
  { name: 'sine-lstm', steps: '100', figure: /step 100\/100 {2}loss (\S+)/, isGood: (loss) => loss < 0.1 },
  {
    name: 'penguins',
    steps: '10',
    data: 'data/tabular/penguins.csv',
    figure: /test accuracy (\S+)/,
    isGood: (accuracy) => accuracy > 0.9,
  },
]

for (const { name, steps, data, figure, isGood } of examples) {
  test(`${name} is short and says what it reaches`, () => {
    const source = readFileSync(`examples/${name}.ts`, 'utf8')
    assert.ok(source.trimEnd().split('\n').length < 100)
    assert.match(source, /^\/\/ Reached with seed \d+: .*\d/m)
    assert.match(source, /manualSeed\(\d+\)/)
  })

  const isMissing = data !== undefined && !existsSync(`${shared}/${data}`)
  test(`${name} learns`, { skip: isMissing && `needs ${data} in ../shared or TENSORLOOM_DATA` }, () => {
    const program = fileURLToPath(new URL(`../examples/${name}.js`, import.meta.url))
    const env = { ...process.env, TENSORLOOM_DATA: shared }
    const { status, stdout, stderr } = spawnSync(process.execPath, [program, steps], { encoding: 'utf8', env })
    assert.equal(status, 0, stderr)
    assert.ok(isGood(Number(figure.exec(stdout)?.[1])), stdout)
  })
}
