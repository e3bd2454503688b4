// Whether a value differs between the lanes of the vector loop at hand.
import type { Expression } from '../../kernel/kernel-node.ts'
import type { Selection } from './selection.ts'

export function isVarying(s: Selection, e: Expression): boolean {
  const loop = s.vectorLoop
  if (loop === undefined) return false
  const known = loop.varying.get(e)
  if (known !== undefined) return known
  const varying = compute(s, e)
  loop.varying.set(e, varying)
  return varying
}

function compute(s: Selection, e: Expression): boolean {
  switch (e.op) {
    case 'literal':
    case 'size':
      return false
    case 'index':
      return e.variable.id === s.vectorLoop!.variable
    case 'alu':
      return e.inputs.some((input) => isVarying(s, input))
    case 'load':
      return [e.index, e.guard, e.otherwise].some((part) => part !== undefined && isVarying(s, part))
    case 'read':
      return s.vectorLoop!.owned.has(e.accumulator.id) || (s.accumulators.get(e.accumulator.id)?.perLane ?? false)
    case 'reference': {
      const bound = s.bindings.get(e.binding.id)
      if (bound === undefined) throw s.fail(`${e.binding.name} is used before it is bound`)
      if (bound.kind === 'guard') return true
      return bound.kind === 'index' ? isVarying(s, bound.value) : bound.varying
    }
  }
}
