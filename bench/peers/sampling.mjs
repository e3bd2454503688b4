// Peer only: no part of the package. What every peer in Node does: greet, then answer each request with times (README.md).
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'

const mostRuns = 20000

const say = (answer) => console.log(JSON.stringify(answer))

export const threads = Number(parseArgs({ options: { threads: { type: 'string', default: '2' } } }).values.threads)

async function sample(run, warmUps, seconds) {
  for (let i = 0; i < warmUps; i++) await run()
  const times = []
  const end = performance.now() + seconds * 1000
  while ((performance.now() < end || times.length < 2) && times.length < mostRuns) {
    const start = performance.now()
    await run()
    times.push(Number((performance.now() - start).toFixed(5)))
  }
  return { times }
}

/**
 * @param open resolves to what this peer is called
 * @param build a suite and its work in; resolves to a function that does it once, or to undefined where the peer cannot
 */
export async function serve(open, build) {
  try {
    say({ peer: await open() })
  } catch (error) {
    say({ missing: error.message.split('\n')[0] })
    return
  }
  let known = ''
  let run
  for await (const line of createInterface({ input: process.stdin })) {
    const { suite, name, work, seconds } = JSON.parse(line)
    const isNew = known !== `${suite} ${name}`
    try {
      if (isNew) run = await build(suite, work)
      known = `${suite} ${name}`
      say(run ? await sample(run, isNew ? 3 : 1, seconds) : { unsupported: `no ${suite} of this kind` })
    } catch (error) {
      known = ''
      say({ unsupported: error.message.split('\n')[0] })
    }
  }
}
