// The committed pages against what they claim: docs/architecture.md is what the stages print now, and the README's code runs.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
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

test('files and scripts that the README and the architecture page name exist', () => {
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> }
  for (const page of [readme, readFileSync(pagePath, 'utf8')]) {
    for (const [, path] of page.matchAll(/`((?:src|test|docs|bench|tools|examples)\/[\w./-]*)`/g))
      assert.ok(existsSync(path), path)
    for (const [, link] of page.matchAll(/\]\((?!https?:|#)([^)#]+)/g))
      assert.ok(existsSync(link) || existsSync(`docs/${link}`), link)
    for (const [, script] of page.matchAll(/npm run ([\w:]+)/g)) assert.ok(scripts[script], script)
  }
})
