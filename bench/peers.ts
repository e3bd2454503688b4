// The programs that users would pick instead: each is a process that is asked for the times of a case, and answers when it has measured
// them. Protocol and installation: bench/peers/README.md. A peer that is not there is said by name.
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Options } from './arguments.ts'
import type { Case } from './suite.ts'
import type { SuiteName } from './suites.ts'
import type { Sample } from './timing.ts'

export const peerNames = ['torch', 'torchCompile', 'ort', 'jaxjs', 'tfjs'] as const
export type PeerName = (typeof peerNames)[number]

export interface Peer {
  readonly name: PeerName
  /** Undefined where the peer cannot do this work. */
  sample(suite: SuiteName, work: Case, seconds: number): Promise<Sample | undefined>
}

interface Recipe {
  readonly title: string
  /** a Python that the user names, or our own Node */
  readonly runs: 'python' | 'node'
  readonly words: readonly string[]
  /** all, if left out */
  readonly suites?: readonly string[]
  /** what waiting for it costs, where that is too much to do unasked */
  readonly onlyAsked?: string
}

const recipes: Readonly<Record<PeerName, Recipe>> = {
  torch: { title: 'PyTorch', runs: 'python', words: ['bench/peers/torch_peer.py'] },
  torchCompile: {
    title: 'torch.compile',
    runs: 'python',
    words: ['bench/peers/torch_peer.py', '--compile'],
    onlyAsked: 'it compiles C++ for seconds to minutes a case',
  },
  ort: { title: 'onnxruntime-node', runs: 'node', words: ['bench/peers/ort.mjs'], suites: ['gemm', 'conv', 'infer'] },
  jaxjs: { title: 'jax-js', runs: 'node', words: ['bench/peers/jaxjs.mjs'], suites: ['gemm', 'train'] },
  tfjs: { title: 'TensorFlow.js', runs: 'node', words: ['bench/peers/tfjs.mjs'], suites: ['gemm', 'train'] },
}

/** A line of a peer: what it is or why it is not there, then one answer to each request. */
type Line = { readonly peer: string } | { readonly missing: string } | Sample | { readonly unsupported: string }

export class Peers {
  readonly #options: Options
  readonly #note: (text: string) => void
  readonly #open = new Map<PeerName, Process | undefined>()

  constructor(options: Options, note: (text: string) => void) {
    this.#options = options
    this.#note = note
  }

  /** Those that know this suite, were asked for and are installed; the others are said. */
  async of(suite: SuiteName): Promise<Peer[]> {
    const wanted = peerNames.filter((name) => recipes[name].suites?.includes(suite) ?? true)
    const found: Peer[] = []
    for (const name of wanted) {
      if (!this.#open.has(name)) this.#open.set(name, await this.#start(name))
      const running = this.#open.get(name)
      if (running) found.push({ name, sample: (...request) => this.#ask(name, running, ...request) })
    }
    return found
  }

  close(): void {
    for (const running of this.#open.values()) running?.end()
  }

  async #start(name: PeerName): Promise<Process | undefined> {
    const { title, runs, words, onlyAsked } = recipes[name]
    const { peers, threads } = this.#options
    const skip = (reason: string) => this.#note(`${name} (${title}) not timed: ${reason}.`)
    if (peers ? !peers.includes(name) : onlyAsked) {
      skip(peers ? '--peers leaves it out' : `${onlyAsked}; ask with --peers ${name}`)
      return undefined
    }
    const program = runs === 'node' ? process.execPath : process.env.TENSORLOOM_PEER_PYTHON
    if (!program) {
      skip('TENSORLOOM_PEER_PYTHON names no Python that has it (bench/peers/README.md)')
      return undefined
    }
    if (!existsSync(words[0])) {
      skip(`there is no ${words[0]}`)
      return undefined
    }
    const running = new Process(program, [...words, '--threads', String(threads)])
    const greeting = await running.read()
    if ('peer' in greeting) {
      this.#note(`${name}: ${greeting.peer}`)
      return running
    }
    skip('missing' in greeting ? greeting.missing : JSON.stringify(greeting))
    running.end()
    return undefined
  }

  async #ask(name: PeerName, running: Process, suite: SuiteName, { name: title, work }: Case, seconds: number) {
    const answer = await running.ask({ suite, name: title, work, seconds })
    if ('times' in answer) return answer
    running.say(
      `${name}, ${title}: ${'unsupported' in answer ? answer.unsupported : JSON.stringify(answer)}`,
      this.#note,
    )
    return undefined
  }
}

/** A program that answers each line with a line. */
class Process {
  readonly #child: ChildProcess
  readonly #lines: AsyncIterator<string>
  readonly #said = new Set<string>()
  #failure = ''

  constructor(program: string, words: readonly string[]) {
    this.#child = spawn(program, words, { stdio: ['pipe', 'pipe', 'inherit'] })
    this.#child.on('error', (error) => {
      this.#failure = error.message
    })
    // a peer that died says so by its missing answer
    this.#child.stdin!.on('error', () => {})
    this.#lines = createInterface({ input: this.#child.stdout! })[Symbol.asyncIterator]()
  }

  async read(): Promise<Line> {
    const { value, done } = await this.#lines.next()
    if (!done) return JSON.parse(value) as Line
    return { missing: this.#failure || `its process ended with exit code ${this.#child.exitCode}` }
  }

  async ask(request: unknown): Promise<Line> {
    this.#child.stdin!.write(`${JSON.stringify(request)}\n`)
    const answer = await this.read()
    return 'missing' in answer ? { unsupported: answer.missing } : answer
  }

  /** Once each. */
  say(text: string, note: (text: string) => void): void {
    if (!this.#said.has(text)) note(text)
    this.#said.add(text)
  }

  end(): void {
    this.#child.stdin!.end()
  }
}
