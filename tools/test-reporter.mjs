// Events of node:test in, one JSON line per finished test out on file descriptor 3, where tools/test.mjs listens.
// A reporter of our own, since what a test prints must never be mistaken for its result.
import { writeSync } from 'node:fs'
import { inspect } from 'node:util'

const channel = 3

function describeError(error) {
  const cause = error?.cause ?? error
  return cause instanceof Error ? (cause.stack ?? String(cause)) : typeof cause === 'string' ? cause : inspect(cause)
}

function toResult({ type, data }, path) {
  const { skip, todo, details } = data
  const name = [...path.slice(0, data.nesting), data.name].join(' › ')
  if (skip !== undefined && skip !== false) return { name, status: 'skipped', reason: skip === true ? '' : skip }
  if (todo !== undefined && todo !== false) return { name, status: 'skipped', reason: `to do: ${todo}` }
  if (type === 'test:fail') {
    // A parent fails with its children; only they say why.
    if (details.error?.failureType === 'subtestsFailed') return undefined
    return { name, status: 'failed', error: describeError(details.error) }
  }
  return details.type === 'suite' ? undefined : { name, status: 'passed' }
}

export default async function* report(source) {
  const path = []
  for await (const event of source) {
    if (event.type === 'test:start') path[event.data.nesting] = event.data.name
    // What is thrown after a test has ended is told only here; it ends the process with code 1.
    if (event.type === 'test:diagnostic' && /^Error: /.test(event.data.message)) {
      writeSync(channel, `${JSON.stringify({ status: 'late error', message: event.data.message })}\n`)
    }
    if (event.type !== 'test:pass' && event.type !== 'test:fail') continue
    const result = toResult(event, path)
    if (result) writeSync(channel, `${JSON.stringify(result)}\n`)
  }
  writeSync(channel, '{"status":"finished"}\n')
  yield ''
}
