// The device that every other is checked against: it evaluates a program's graph node by node with the op table's reference
// semantics, in place at submit. All ten dtypes, no code generation, no threads.

import { dtypes } from '../../base/dtype.ts'
import { ArgumentError, DeviceError } from '../../base/errors.ts'
import { formatShape } from '../../base/shape.ts'
import type { Graph } from '../../compiler/graph.ts'
import { nodeBytes } from '../../compiler/plan-memory.ts'
import type { Target } from '../../compiler/target.ts'
import { type Evaluation, prepareEvaluation } from '../../graph/evaluate.ts'
import type { HostArray } from '../../graph/host-array.ts'
import { decodeHost, encodeHost } from '../../graph/host-bytes.ts'
import { topologicalOrder } from '../../graph/node.ts'
import { formatGraph } from '../../graph/print.ts'
import type { Bindings, Device, DeviceBuffer, Failure, KernelProfile, Program } from '../../runtime/device.ts'

/** Plausible numbers of a small machine: nothing is compiled for them here, but stages printed for this target look real. */
const referenceTarget: Target = {
  dtypes: new Set(dtypes),
  vectorBytes: 32,
  vectorRegisters: 16,
  l1: 32 * 1024,
  l2: 1024 * 1024,
  l3: 8 * 1024 * 1024,
  threads: 1,
  tiles: { float32: [{ mr: 6, nr: 16, lanes: 8, rate: 32 }], float64: [{ mr: 6, nr: 8, lanes: 4, rate: 16 }] },
}

/** JavaScript says no to a large array with a RangeError. */
function withinMemory<T>(body: () => T): T {
  try {
    return body()
  } catch (error) {
    if (!(error instanceof RangeError) || !/array/i.test(error.message)) throw error
    throw new DeviceError(
      `reference: expected values that fit into memory, got one too large (${error.message}). Use a smaller batch.`,
    )
  }
}

/** The longest array that every engine grants. */
const largestValue = 2 ** 32

function expectRoom(graph: Graph): void {
  for (const node of topologicalOrder(graph.outputs.map((output) => output.node)))
    if (nodeBytes(node) > largestValue)
      throw new DeviceError(
        `reference: expected values of at most ${largestValue} bytes, got ${node.dtype} ${formatShape(node.shape)} of ` +
          `${nodeBytes(node)}. Use a smaller batch, or a device that computes it in parts.`,
        { shape: node.shape, dtype: node.dtype },
      )
}

class ReferenceBuffer implements DeviceBuffer {
  readonly bytes: number
  #memory: Uint8Array | undefined

  constructor(bytes: number) {
    this.bytes = bytes
    this.#memory = withinMemory(() => new Uint8Array(bytes))
  }

  get memory(): Uint8Array {
    if (this.#memory === undefined)
      throw new DeviceError(`reference: expected a live buffer, got one of ${this.bytes} bytes that was released.`)
    return this.#memory
  }

  release(): void {
    this.#memory = undefined
  }
}

const memoryOf = (buffer: DeviceBuffer): Uint8Array => {
  if (buffer instanceof ReferenceBuffer) return buffer.memory
  throw new DeviceError('reference: expected a buffer of the reference device, got one of another device.')
}

class ReferenceProgram implements Program {
  readonly graph: Graph
  readonly evaluation: Evaluation
  readonly kernelCount: number
  readonly arenaBytes = 0
  readonly stages = ['graph']
  readonly compileMilliseconds: number

  constructor(graph: Graph) {
    const start = performance.now()
    expectRoom(graph)
    this.graph = graph
    const roots = graph.outputs.map((output) => output.node)
    this.evaluation = prepareEvaluation(roots, graph.leaves)
    this.kernelCount = this.evaluation.steps
    this.compileMilliseconds = performance.now() - start
  }

  print(stage: string): string {
    if (stage === 'graph') return formatGraph(this.graph.outputs.map((output) => output.node))
    throw new ArgumentError(
      `print: expected stage 'graph', got '${stage}'. The reference device evaluates the graph as it is; it has no later stages.`,
      { stage },
    )
  }

  release(): void {}
}

interface Tally {
  calls: number
  milliseconds: number
}

class ReferenceDevice implements Device {
  readonly name = 'reference'
  readonly target = referenceTarget
  readonly features = {}
  readonly inFlight = 0
  #submissions = 0
  #failure: Failure | undefined
  #tallies: Map<string, Tally> | undefined

  allocate(bytes: number): DeviceBuffer {
    return new ReferenceBuffer(bytes)
  }

  write(buffer: DeviceBuffer, bytes: Uint8Array): void {
    const memory = memoryOf(buffer)
    if (bytes.length > memory.length)
      throw new DeviceError(`write: expected at most ${memory.length} bytes, the buffer's size, got ${bytes.length}.`)
    memory.set(bytes)
  }

  compile(graph: Graph): Program {
    return new ReferenceProgram(graph)
  }

  submit(program: Program, bindings: Bindings): number {
    if (!(program instanceof ReferenceProgram))
      throw new DeviceError('submit: expected a program of the reference device, got one of another device.')
    const submission = ++this.#submissions
    if (this.#failure !== undefined) return submission
    const destinations = destinationsOf(program.graph, bindings)
    try {
      const values = withinMemory(() => this.#evaluate(program, bindings))
      // an output may be a leaf's own value: encode all before the first write
      values.map(encodeHost).forEach((bytes, i) => {
        destinations[i].set(bytes)
      })
    } catch (error) {
      if (!(error instanceof Error)) throw error
      this.#failure = { error, submission }
    }
    return submission
  }

  #evaluate({ graph, evaluation }: ReferenceProgram, bindings: Bindings): HostArray[] {
    const leaves = graph.leaves.map((leaf, slot) => decodeHost(leaf.dtype, leaf.shape, memoryOf(bindings.leaves[slot])))
    const tallies = this.#tallies
    if (tallies === undefined) return evaluation.run(leaves)
    return evaluation.run(leaves, ({ op }, milliseconds) => {
      const tally = tallies.get(op) ?? { calls: 0, milliseconds: 0 }
      tallies.set(op, tally)
      tally.calls++
      tally.milliseconds += milliseconds
    })
  }

  takeFailure(): Failure | undefined {
    const failure = this.#failure
    this.#failure = undefined
    return failure
  }

  async read(buffer: DeviceBuffer): Promise<Uint8Array> {
    return this.readNow(buffer)
  }

  readNow(buffer: DeviceBuffer): Uint8Array {
    return memoryOf(buffer).slice()
  }

  async synchronize(): Promise<void> {}

  /** What was measured since measuring began; `run` says whether to measure, afresh, from now on. */
  profile(run: boolean): readonly KernelProfile[] {
    const tallies = this.#tallies ?? new Map<string, Tally>()
    this.#tallies = run ? new Map() : undefined
    return [...tallies].map(([label, tally]) => ({ label, lowering: 'interpreter', ...tally }))
  }

  close(): void {
    this.#tallies = undefined
  }
}

/** Where each output's bytes go: the buffer of its target leaf, or its own. */
function destinationsOf(graph: Graph, bindings: Bindings): Uint8Array[] {
  return graph.outputs.map(({ target }, i) => {
    const buffer = target === undefined ? bindings.outputs[i] : bindings.leaves[target]
    if (buffer === undefined) throw new DeviceError(`submit: expected a buffer for output ${i}, got none.`)
    return memoryOf(buffer)
  })
}

export const createReferenceDevice = (): Device => new ReferenceDevice()
