// Which expressions differ between the lanes of the vector loop being selected. Everything else is computed once, as a scalar.
import type { Expression } from '../../kernel/kernel-node.ts'
import type { Selection } from './select-state.ts'

export function isVarying(s: Selection, e: Expression): boolean {
  const loop = s.vectorLoop
  if (loop === undefined) return false
  let known = loop.varying.get(e)
  if (known === undefined) loop.varying.set(e, (known = decide(s, e)))
  return known
}

function decide(s: Selection, e: Expression): boolean {
  switch (e.op) {
    case 'literal':
    case 'size':
      return false
    case 'index':
      return e.variable.id === s.vectorLoop!.variable || (s.variables.get(e.variable.id)?.lane ?? 0) !== 0
    case 'alu':
      return e.inputs.some((input) => isVarying(s, input))
    case 'load':
      return (
        isVarying(s, e.index) ||
        (e.guard !== undefined && isVarying(s, e.guard)) ||
        (e.otherwise !== undefined && isVarying(s, e.otherwise))
      )
    case 'read':
      return s.vectorLoop!.owned.has(e.accumulator) || s.accumulators.get(e.accumulator)?.perLane === true
    case 'reference': {
      const bound = s.bindings.get(e.binding.id)
      return bound !== undefined && (bound.varying || (bound.affine?.lane ?? 0) !== 0)
    }
  }
}
