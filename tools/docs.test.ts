// The committed pages against what they claim: docs/architecture.md is what the stages print now, and the code of README and tutorial runs.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { generateArchitecture, pagePath, templatePath } from './docs.ts'

const readme = readFileSync('README.md', 'utf8')

test('docs/architecture.md is up to date', async () => {
  const generated = await generateArchitecture(readFileSync(templatePath, 'utf8'))
  const committed = readFileSync(pagePath, 'utf8')
  if (generated === committed) return
  const [now, then] = [generated.split('\n'), committed.split('\n')]
  const line = now.findIndex((text, i) => text !== then[i])
  assert.fail(
    `${pagePath} is out of date from line ${line + 1} on: run \`npm run docs\`.\n- ${then[line]}\n+ ${now[line]}`,
  )
})

/** The README imports the package by name, the example its sources. */
const asPublished = (source: string): string =>
  source
    .replace(/^(\/\/.*\n)+/, '')
    .replaceAll("'../src/index.ts'", "'tensorloom'")
    .replaceAll(/'\.\.\/src\/([\w/-]+)\/index\.ts'/g, "'tensorloom/$1'")
    .trim()

test("the README's code is examples/readme.ts, and that runs", () => {
  const code = /```ts\n([\s\S]+?)```/.exec(readme)?.[1].trim()
  assert.equal(code, asPublished(readFileSync('examples/readme.ts', 'utf8')))
  const example = fileURLToPath(new URL('../examples/readme.js', import.meta.url))
  const { status, stdout, stderr } = spawnSync(process.execPath, [example], { encoding: 'utf8' })
  assert.equal(status, 0, stderr)
  assert.ok(Number(/test accuracy (\S+)/.exec(stdout)?.[1]) > 0.9, stdout)
})

/** Blocks of a page as one program, without the empty lines that pages may break differently. */
const withoutGaps = (code: string): string => code.replaceAll(/\n\s*\n/g, '\n').trim()

test("the tutorial's code is examples/tutorial.ts, and that runs", () => {
  const page = readFileSync('docs/tutorial.md', 'utf8')
  const blocks = Array.from(page.matchAll(/```ts\n([\s\S]+?)```/g), ([, code]) => code)
  const source = readFileSync('examples/tutorial.ts', 'utf8')
  assert.equal(withoutGaps(blocks.join('\n')), withoutGaps(asPublished(source)))
  const cwd = mkdtempSync(join(tmpdir(), 'tensorloom-tutorial-'))
  try {
    const example = fileURLToPath(new URL('../examples/tutorial.js', import.meta.url))
    const { status, stdout, stderr } = spawnSync(process.execPath, [example], { encoding: 'utf8', cwd })
    assert.equal(status, 0, stderr)
    const [, trained] = /test accuracy (\S+)/.exec(stdout)!
    assert.ok(Number(trained) > 0.9, stdout)
    assert.equal(/reloaded: (\S+)/.exec(stdout)?.[1], trained)
    for (const [, output] of page.matchAll(/```text\n([\s\S]+?)```/g)) assert.ok(stdout.includes(output), output)
  } finally {
    rmSync(cwd, { recursive: true })
  }
})

test('files and scripts that the README and the pages name exist', () => {
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> }
  const pages = ['docs/tutorial.md', 'docs/coming-from.md', pagePath].map((path) => readFileSync(path, 'utf8'))
  for (const page of [readme, ...pages]) {
    for (const [, path] of page.matchAll(/`((?:src|test|docs|bench|tools|examples)\/[\w./-]*)`/g))
      assert.ok(existsSync(path), path)
    for (const [, link] of page.matchAll(/\]\((?!https?:|#)([^)#]+)/g))
      assert.ok(existsSync(link) || existsSync(`docs/${link}`), link)
    for (const [, script] of page.matchAll(/npm run ([\w:]+)/g)) assert.ok(scripts[script], script)
  }
})
