// One thread of a browser's team: told by messages which programs there are and which one to run; threads meet inside it.
import type { WasmMemory } from '../../codegen/wasm/engine.ts'
import { contextAddress } from '../../codegen/wasm/layout.ts'
import { type InstalledProgram, instantiate, type Runner } from './thread-team.ts'

export type BrowserMessage =
  | { readonly kind: 'start'; readonly memory: WasmMemory; readonly participant: number }
  | { readonly kind: 'install'; readonly program: Omit<InstalledProgram, 'bindings'> }
  | { readonly kind: 'remove'; readonly id: number }
  | { readonly kind: 'run'; readonly id: number; readonly isProfiled: boolean }

export type BrowserReply = 'ready' | 'done'

interface WorkerScope {
  postMessage(reply: BrowserReply): void
  addEventListener(kind: 'message', listener: (event: { readonly data: BrowserMessage }) => void): void
}

function listen(scope: WorkerScope): void {
  const runners = new Map<number, Runner>()
  let memory: WasmMemory
  let participant = 0
  scope.addEventListener('message', ({ data }) => {
    switch (data.kind) {
      case 'start':
        ;({ memory, participant } = data)
        scope.postMessage('ready')
        break
      case 'install':
        runners.set(data.program.id, instantiate(data.program, memory))
        break
      case 'remove':
        runners.delete(data.id)
        break
      case 'run':
        runners.get(data.id)!(contextAddress(participant), data.isProfiled)
        if (participant === 0) scope.postMessage('done')
    }
  })
}

listen(globalThis as unknown as WorkerScope)
