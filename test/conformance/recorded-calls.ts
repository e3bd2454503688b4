// Replays PyTorch's recorded calls on one device: values, dtypes and shapes, float64 gradients, and calls that must fail.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isFloat } from '../../src/base/dtype.ts'
import { TensorloomError } from '../../src/base/errors.ts'
import { fromHost, grad, type Tensor } from '../../src/index.ts'
import { cases, type Results } from './cases.ts'
import { difference } from './compare.ts'
import { Arguments, type ErrorSample, errors, type Sample, samples, storedTensor } from './samples.ts'
import { skipOf } from './skips.ts'

interface Replayed {
  readonly sample: Sample
  readonly outputs: readonly Tensor[]
  readonly gradients: readonly Tensor[]
  readonly args: Arguments
}

const listOf = (results: Results): readonly Tensor[] => (Array.isArray(results) ? results : [results as Tensor])
const nameOf = ({ op, variant }: Sample): string => (variant ? `${op} (${variant})` : op)

async function replay(sample: Sample, name: string): Promise<Replayed> {
  const args = new Arguments(sample, name)
  const outputs = listOf(await cases[sample.op](args.args, args.keywords, name))
  return { sample, args, outputs, gradients: sample.gradients ? gradientsOf(outputs, args.leaves) : [] }
}

/** Of the sum of all differentiable outputs times cos(i + 1). */
function gradientsOf(outputs: readonly Tensor[], leaves: readonly Tensor[]): Tensor[] {
  const differentiable = outputs.filter((output) => output.requiresGrad && isFloat(output.dtype))
  const gradOutputs = differentiable.map((output) =>
    fromHost(
      Float64Array.from({ length: output.numel() }, (_, i) => Math.cos(i + 1)),
      output.shape,
      { dtype: output.dtype, device: output.device },
    ),
  )
  return grad(differentiable, leaves, { gradOutputs, allowUnused: true })
}

async function problemsOf({ sample, outputs, gradients, args }: Replayed): Promise<string[]> {
  if (outputs.length !== sample.outputs.length) return [`${outputs.length} outputs, expected ${sample.outputs.length}`]
  const compared = [
    ...outputs.map((output, i) => difference(sample.op, `output ${i}`, output, storedTensor(sample.outputs[i]))),
    ...(sample.mutated ?? []).map(({ arg, tensor }) =>
      difference(sample.op, `argument ${arg}`, args.args[arg] as Tensor, storedTensor(tensor)),
    ),
    ...gradients.map((gradient, i) => {
      const key = sample.gradients![i]
      return key === null ? undefined : difference(sample.op, `gradient ${i}`, gradient, storedTensor(key))
    }),
  ]
  return (await Promise.all(compared)).filter((problem) => problem !== undefined)
}

/** Builds all samples of an op, computes them as one program, then compares. */
async function replayAll(list: readonly Sample[], name: string): Promise<string[]> {
  const problems: string[] = []
  const complain = (sample: Sample, problem: string): void => {
    problems.push(
      `${nameOf(sample)} ${sample.dtype} #${list.indexOf(sample)}: ${problem}\n  ${JSON.stringify([sample.args, sample.kwargs])}`,
    )
  }
  const replayed: Replayed[] = []
  for (const sample of list)
    try {
      replayed.push(await replay(sample, name))
    } catch (error) {
      complain(sample, String(error instanceof TensorloomError ? error.message : (error as Error).stack))
    }
  const nodes = replayed.flatMap(({ outputs, gradients }) => [...outputs, ...gradients].map(({ node }) => node))
  if (replayed.length > 0 && replayed[0].outputs.length > 0) replayed[0].outputs[0].session.submit(nodes)
  for (const each of replayed) for (const problem of await problemsOf(each)) complain(each.sample, problem)
  return problems
}

function groupBy<T>(items: readonly T[], key: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const item of items) groups.set(key(item), [...(groups.get(key(item)) ?? []), item])
  return groups
}

/** How a call that must fail went wrong: it should be refused at the call, or by the device where an index is out of range. */
async function acceptance(sample: ErrorSample, name: string): Promise<string | undefined> {
  try {
    const args = new Arguments(sample, name)
    for (const result of listOf(await cases[sample.op](args.args, args.keywords, name))) await result.data()
    return 'accepted'
  } catch (error) {
    return error instanceof TensorloomError ? undefined : `threw ${(error as Error).stack?.split('\n').slice(0, 2)}`
  }
}

/** One test for each function, and one for the calls that must fail, on the device `name`. */
export function testRecordedCalls(name: string): void {
  describe(`OpInfo on ${name}`, { concurrency: false }, () => {
    const byOp = groupBy(
      samples.filter((sample) => !skipOf(sample)),
      ({ op }) => op,
    )
    for (const [op, list] of byOp)
      it(`${op} agrees with PyTorch on ${list.length} samples`, async () => {
        const problems = await replayAll(list, name)
        assert.equal(problems.length, 0, problems.slice(0, 10).join('\n'))
      })

    it('refuses what PyTorch refuses', async () => {
      const problems: string[] = []
      for (const sample of errors) {
        if (skipOf(sample)) continue
        const problem = await acceptance(sample, name)
        if (problem)
          problems.push(`${problem}: ${JSON.stringify({ ...sample, message: sample.message.slice(0, 150) })}`)
      }
      assert.equal(problems.length, 0, problems.join('\n'))
    })
  })
}
