// Copies named tensors into a module's own, after all names and shapes have been compared, so that a misfit changes nothing.
import { ArgumentError } from '../base/errors.ts'
import { formatShape, sameShape } from '../base/shape.ts'
import { noGrad, type Tensor } from '../tensor/index.ts'

export type StateDict = Map<string, Tensor>
/** A state dict, a map or an object of tensors by name. */
export type StateSource = ReadonlyMap<string, Tensor> | Readonly<Record<string, Tensor>>

export interface LoadReport {
  /** names of the module that the state lacks */
  readonly missing: readonly string[]
  /** names in the state that the module lacks */
  readonly unexpected: readonly string[]
}

const namesShown = 8
const list = (names: readonly string[]): string =>
  names.slice(0, namesShown).join(', ') + (names.length > namesShown ? `, … (${names.length} in all)` : '')

export function loadState(owner: string, own: StateDict, source: StateSource, strict: boolean): LoadReport {
  const given = source instanceof Map ? (source as ReadonlyMap<string, Tensor>) : new Map(Object.entries(source))
  const missing = [...own.keys()].filter((name) => !given.has(name))
  const unexpected = [...given.keys()].filter((name) => !own.has(name))
  const shared = [...own].filter(([name]) => given.has(name))
  const mismatched = shared
    .filter(([name, target]) => !sameShape(target.shape, given.get(name)!.shape))
    .map(
      ([name, { shape }]) => `${name} is ${formatShape(shape)} here and ${formatShape(given.get(name)!.shape)} there`,
    )
  const complaints = [
    ...(strict && missing.length > 0 ? [`missing ${list(missing)}`] : []),
    ...(strict && unexpected.length > 0 ? [`unexpected ${list(unexpected)}`] : []),
    ...(mismatched.length > 0 ? [`shapes differ: ${list(mismatched)}`] : []),
  ]
  if (complaints.length > 0)
    throw new ArgumentError(
      `loadStateDict: expected the names and shapes of ${owner}, got ${complaints.join('; ')}. ` +
        (mismatched.length > 0
          ? 'Was the state saved from a model of another size?'
          : 'Pass { strict: false } to load what fits.'),
      { missing, unexpected, mismatched },
    )
  noGrad(() => {
    for (const [name, target] of shared) target.copy_(given.get(name)!)
  })
  return { missing, unexpected }
}
