// compile: a function of tensors goes in; a function that runs as one cached program comes out. Replays run none of its JavaScript.
import { CompileError } from '../base/errors.ts'
import type { Program } from '../runtime/device.ts'
import { type Arguments, prepareArguments } from './compile-arguments.ts'
import { CompiledCall } from './compiled-call.ts'
import { type StorageRange, Trace } from './trace.ts'
import { tracer } from './tracing.ts'

type AnyFunction = (...args: never[]) => unknown

export interface CompileCounters {
  /** how often the function has run: twice for each kind of call */
  readonly traces: number
  /** programs compiled on account of it */
  readonly compiles: number
  /** one for each kind of call that is remembered, the latest first */
  readonly programs: readonly Program[]
}

export type Compiled<F extends AnyFunction> = ((...args: Parameters<F>) => ReturnType<F>) & CompileCounters

const callLimit = 64

/**
 * Makes one program of everything that `fn` does: its results, updates in place, gradients and random draws. It is traced when first
 * called, and again when what it depends on changes: structure, shapes and dtypes of the arguments, arguments other than tensors, train
 * flags, which parameters require grad, which have a gradient, and grad mode. Other variables that it reads are taken to be constant.
 *
 * `fn` must be synchronous and must not read values; results are read outside. Updates happen in place: what was computed lazily from the
 * old values must be read before the next call, and raises a StaleError afterwards.
 */
export function compile<F extends AnyFunction>(fn: F): Compiled<F> {
  const compiled = new CompiledFunction(fn)
  const call = (...args: Parameters<F>): ReturnType<F> => compiled.call(args) as ReturnType<F>
  return Object.defineProperties(call, {
    name: { value: fn.name },
    traces: { get: () => compiled.traces },
    compiles: { get: () => compiled.compiles },
    programs: { get: () => compiled.programs },
  }) as Compiled<F>
}

class CompiledFunction implements CompileCounters {
  traces = 0
  compiles = 0
  readonly #fn: AnyFunction
  readonly #checksReplays = checksReplays()
  #calls: CompiledCall[] = []
  readonly #made: StorageRange[] = []

  constructor(fn: AnyFunction) {
    this.#fn = fn
  }

  get programs(): Program[] {
    return this.#calls.map(({ program }) => program)
  }

  call(values: readonly unknown[]): unknown {
    // a part of the function that calls it
    if (tracer()) return this.#fn(...(values as never[]))
    const args = prepareArguments(values)
    const known = this.#calls.find((call) => call.matches(args))
    if (known && this.#checksReplays) this.#checkReplay(known, args)
    const call = known ?? this.#traceTwice(args)
    if (call !== this.#calls[0]) this.#remember(call)
    return call.run(args)
  }

  /** What the first run leaves in variables, such as an optimizer's new state, is there from the second on. */
  #traceTwice(args: Arguments): CompiledCall {
    this.#run(args)
    return this.#trace(args)
  }

  #run(args: Arguments) {
    const trace = new Trace(args, this.#made)
    this.traces++
    try {
      return { trace, traced: trace.run(this.#fn) }
    } finally {
      this.#made.push(trace.made)
    }
  }

  #trace(args: Arguments): CompiledCall {
    const { trace, traced } = this.#run(args)
    const { programs } = args.session
    const before = programs.compiles
    const call = new CompiledCall(trace, traced, args)
    this.compiles += programs.compiles - before
    return call
  }

  #remember(call: CompiledCall): void {
    this.#calls = [call, ...this.#calls.filter((other) => other !== call)]
    if (this.#calls.length > callLimit) this.#calls.pop()!.release()
  }

  #checkReplay(known: CompiledCall, args: Arguments): void {
    const again = this.#trace(args)
    again.release()
    if (!again.isSameAs(known))
      throw new CompileError(
        `compile: expected ${this.#fn.name || 'the function'} to do the same as when it was traced, got a different program. ` +
          'Something that it reads has changed: pass it as an argument.',
      )
  }
}

/** TENSORLOOM_DEBUG=retrace traces every call again. */
function checksReplays(): boolean {
  const { process } = globalThis as { process?: { env?: Record<string, string | undefined> } }
  return process?.env?.TENSORLOOM_DEBUG?.split(',').includes('retrace') ?? false
}
