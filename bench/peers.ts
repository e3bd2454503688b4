// PyTorch beside us: runs a script of bench/peers in the Python that TENSORLOOM_PEER_PYTHON names, and reads its lines.
import { spawn } from 'node:child_process'
import type { Options } from './arguments.ts'

export interface Peers {
  /** Milliseconds of each peer that knows `name`; run between our own measurements, so that both see the same weather. */
  timesOf(name: string): Promise<Readonly<Record<string, number>> | undefined>
}

const scripts = { gemm: 'bench/peers/torch_kernels.py', train: 'bench/peers/torch_steps.py' } as const

export function openPeers(suite: keyof typeof scripts, options: Options, note: (text: string) => void): Peers {
  const python = process.env.TENSORLOOM_PEER_PYTHON
  if (!python) {
    note(`${suite}: PyTorch not timed: TENSORLOOM_PEER_PYTHON names no Python that has it (bench/peers/README.md).`)
    return { timesOf: async () => undefined }
  }
  return { timesOf: (name) => runPeer(python, scripts[suite], name, options) }
}

async function runPeer(python: string, script: string, name: string, { threads, seconds }: Options) {
  const words = [script, '--only', name, '--threads', String(threads), '--seconds', String(seconds)]
  const lines = (await outputOf(python, words)).split('\n').filter((text) => text !== '')
  const rows = lines.map((text) => JSON.parse(text) as { readonly name: string; readonly ms: number })
  const row = rows.find((candidate) => candidate.name === name)
  if (!row) throw new Error(`${script}: expected a line for ${name}, got ${lines.length} other lines.`)
  return { torch: row.ms }
}

/** What a program prints; its complaints go to ours. */
export function outputOf(program: string, words: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, words, { stdio: ['ignore', 'pipe', 'inherit'] })
    let output = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
    child.on('error', reject)
    child.on('close', (code) => {
      if (code === 0) resolve(output)
      else reject(new Error(`${program} ${words[0]} ended with exit code ${code}.`))
    })
  })
}
