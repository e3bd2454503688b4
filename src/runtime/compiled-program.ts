// What every device that compiles plans keeps about its programs: the compiler's settings as its options give them, the error that a raised
// check stands for, the stages that print, and which programs are being measured.
import { ArgumentError, CompileError, indexOutOfRange } from '../base/errors.ts'
import type { CompileOptions } from '../compiler/compile.ts'
import { kernelPasses } from '../compiler/optimize/optimize.ts'
import { type Plan, type StageName, stageNames } from '../compiler/plan.ts'
import type { Verifier } from '../compiler/verifier.ts'
import { formatGraph } from '../graph/print.ts'
import type { KernelProfile, Program } from './device.ts'

/** What a device may be opened with that only its compiler reads. */
export interface CompilerSettings {
  /** verify what every compiler stage gives (not in browsers), emit bounds tests around every load and store, poison the arena before each run */
  readonly checked?: boolean
  /** off: composites are expanded, nothing else is rewritten */
  readonly simplify?: boolean
  /** off: every aggregate in a kernel of its own */
  readonly fuse?: boolean
  /** off: composites with kernels of their own are expanded like all others */
  readonly composites?: boolean
  /** off: every value of a program keeps memory of its own */
  readonly reuseMemory?: boolean
  /** passes over kernels to leave out: simplifyExpressions, hoistInvariants, shareExpressions, removeUnused */
  readonly skip?: readonly string[]
}

/** @throws ArgumentError for a pass that there is not */
export function compileOptionsOf(device: string, settings: CompilerSettings, verifier?: Verifier): CompileOptions {
  const { simplify, fuse, composites, reuseMemory, checked = false, skip = [] } = settings
  const names = kernelPasses.map(({ name }) => name)
  const unknown = skip.find((name) => !names.includes(name))
  if (unknown !== undefined)
    throw new ArgumentError(`${device}: expected skip to name passes (${names.join(', ')}), got '${unknown}'.`, {
      unknown,
    })
  return { simplify, fuse, composites, reuseMemory, skip: new Set(skip), verifier: checked ? verifier : undefined }
}

/** What generated code records when a check fails; `code` numbers the checks of the call's kernel. */
export interface RaisedCheck {
  readonly call: number
  readonly code: number
  readonly position: bigint
  readonly value: bigint
}

/** The error that a kernel's check, or else a bounds test of checked mode, stands for. */
export function checkError({ calls, kernels }: Plan, { call, code, position, value }: RaisedCheck): Error {
  const { label, kernel } = calls[call]
  const site = kernels[kernel].checks[code]
  if (site) return indexOutOfRange(site.op, Number(value), site.limit, Number(position))
  return new CompileError(`checked mode: kernel '${label}' would have left its memory at element ${value}.`, {
    kernel: label,
  })
}

export const compiledStages: readonly string[] = ['graph', ...stageNames, 'emit']

/** One stage of a program as text; `printCode` prints what was emitted. */
export function printCompiledStage(
  stage: string,
  { graph, plan }: Pick<Program, 'graph'> & { readonly plan: Plan },
  printCode: () => string,
): string {
  if (stage === 'graph') return formatGraph(graph.outputs.map(({ node }) => node))
  if (stage === 'emit') return printCode()
  if ((stageNames as readonly string[]).includes(stage)) return plan.print(stage as StageName)
  throw new ArgumentError(`print: expected one of ${compiledStages.join(', ')}, got '${stage}'.`, { stage })
}

/** What profiling asks of a program. */
export interface MeasuredProgram {
  readonly plan: Plan
  retain(): void
  finish(): void
  /** starts counting from nothing, or stops */
  setProfiled(profiled: boolean): void
  /** for each call of the plan, since counting started */
  readProfile(): readonly { readonly milliseconds: number; readonly calls: number }[]
}

/** Programs that have run since measuring began. */
export class MeasuredPrograms {
  readonly #lowering: string
  readonly #programs = new Set<MeasuredProgram>()
  isOn = false

  constructor(lowering: string) {
    this.#lowering = lowering
  }

  /** Before each run. Its counts are read at the end, even if nothing else needs the program any more. */
  note(program: MeasuredProgram): void {
    if (!this.isOn || this.#programs.has(program)) return
    program.retain()
    program.setProfiled(true)
    this.#programs.add(program)
  }

  /** What was measured since measuring began; `run` says whether to measure, afresh, from now on. */
  take(run: boolean): KernelProfile[] {
    const rows = [...this.#programs].flatMap((program, order) =>
      program.readProfile().map(({ milliseconds, calls }, i) => ({
        label: program.plan.calls[i].label,
        lowering: this.#lowering,
        program: order,
        calls,
        milliseconds,
      })),
    )
    for (const program of this.#programs) {
      program.setProfiled(false)
      program.finish()
    }
    this.#programs.clear()
    this.isOn = run
    return rows
  }
}
