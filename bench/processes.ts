// A program and its words in, what it printed out: for measurements that need a process of their own.
import { spawn } from 'node:child_process'

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
