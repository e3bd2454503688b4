// A computation in, a way to time it out: one program that writes its results over those of the last run. PyTorch's allocator hands a
// call the memory that the last one left, still warm; here the collector decides when that is (a row of the `compile` suite has it).
import { compile, type Tensor } from '../src/index.ts'
import { repeated, type Sampler } from './timing.ts'

export interface Overwriting {
  readonly sample: Sampler
  readonly results: readonly Tensor[]
}

export function overwriting(evaluate: () => readonly Tensor[]): Overwriting {
  const results = evaluate().map((result) => result.clone().realize())
  const step = compile(() => {
    for (const [i, value] of evaluate().entries()) results[i].copy_(value)
  })
  const run = () => {
    step()
    return results[0].session.synchronize()
  }
  return { sample: repeated(run), results }
}
