// The condition of an access in a vector loop, taken apart: what is known of each lane as the code is written, what all lanes share, and
// what has to be computed lane by lane. Most lanes of a padded window are known, and then cost nothing.
import type { Alu, Expression } from '../../kernel/kernel-node.ts'
import type { Mask } from './forms.ts'
import { addScaled, affineOf } from './select-index.ts'
import { evaluate } from './select-value.ts'
import { isVarying } from './select-varying.ts'
import type { Selection } from './selection.ts'

/** True where a lane is possible and all conditions hold. */
export interface Guard {
  readonly possible: readonly boolean[]
  readonly shared: readonly Expression[]
  readonly varying: readonly Expression[]
}

/** For the group at hand. */
export function guardOf(s: Selection, e: Expression): Guard {
  let possible: readonly boolean[] = Array.from({ length: s.group.lanes }, () => true)
  const [shared, varying]: [Expression[], Expression[]] = [[], []]
  const visit = (part: Expression): void => {
    const bound = part.op === 'reference' ? s.bindings.get(part.binding.id) : undefined
    if (bound?.kind === 'guard') {
      const guard = bound.groups[s.group.index]
      possible = both(possible, guard.possible)
      shared.push(...guard.shared)
      return
    }
    const known = knownLanes(s, part)
    if (known !== undefined) possible = both(possible, known)
    else if (part.op === 'alu' && part.kind === 'and' && part.dtype === 'bool') part.inputs.forEach(visit)
    else (isVarying(s, part) ? varying : shared).push(part)
  }
  visit(e)
  return { possible, shared, varying }
}

const both = (a: readonly boolean[], b: readonly boolean[]): boolean[] => a.map((isOn, lane) => isOn && b[lane])

type Join = (a: boolean, b: boolean) => boolean
const joins: Readonly<Record<string, Join>> = { and: (a, b) => a && b, or: (a, b) => a || b, xor: (a, b) => a !== b }
const relations: Readonly<Record<string, (difference: number) => boolean>> = {
  less: (difference) => difference < 0,
  lessEqual: (difference) => difference <= 0,
  equal: (difference) => difference === 0,
  notEqual: (difference) => difference !== 0,
}

/** What a condition is in each lane, if its indices are numbers or differ by one. */
export function knownLanes(s: Selection, e: Expression): readonly boolean[] | undefined {
  if (e.op === 'literal') return Array.from({ length: s.group.lanes }, () => Number(e.value) !== 0)
  if (e.op !== 'alu') return undefined
  if (e.inputs[0].dtype === 'index' && relations[e.kind]) return comparedLanes(s, e)
  const join = e.dtype === 'bool' && e.inputs[0].dtype === 'bool' ? joins[e.kind] : undefined
  if (!join) return undefined
  const [a, b] = e.inputs.map((input) => knownLanes(s, input))
  return a && b && a.map((isOn, lane) => join(isOn, b[lane]))
}

function comparedLanes(s: Selection, { kind, inputs }: Alu): readonly boolean[] | undefined {
  const { lane } = s
  const found: boolean[] = []
  for (let i = 0; i < s.group.lanes; i++) {
    s.lane = i
    const { constant, terms } = addScaled(affineOf(s, inputs[0]), affineOf(s, inputs[1]), -1)
    if (terms.size > 0) break
    found.push(relations[kind](constant))
  }
  s.lane = lane
  return found.length === s.group.lanes ? found : undefined
}

/** The lanes that count under a guard and the group's predicate; undefined for all. What all lanes share is left out. */
export function maskOf(s: Selection, { possible, varying }: Guard): Mask | undefined {
  const { predicate } = s.group
  const lanes = predicate ? both(possible, predicate.possible) : possible
  const isAll = lanes.every(Boolean)
  if (varying.length === 0 && predicate?.local === undefined)
    return isAll ? undefined : { possible: lanes, local: undefined }
  const parts = varying.map((part) => () => evaluate(s, part))
  if (predicate?.local !== undefined) parts.push(() => s.code.get(predicate.local!))
  if (!isAll) parts.push(() => s.pushMask({ possible: lanes, local: undefined }))
  parts.forEach((push, i) => {
    push()
    if (i > 0) s.emit('v128.and')
  })
  return { possible: lanes, local: s.code.keep('v128') }
}

export const isImpossible = (mask: Mask | undefined): boolean => mask?.possible.some(Boolean) === false

/** Leaves whether all conditions hold that lanes share; there must be one. */
export function pushShared(s: Selection, conditions: readonly Expression[]): void {
  s.alone(() =>
    conditions.forEach((condition, i) => {
      evaluate(s, condition)
      if (i > 0) s.emit('i32.and')
    }),
  )
}

/** Leaves a guard without varying conditions as a mask of the group. */
export function pushGuard(s: Selection, { possible, shared }: Guard): void {
  if (shared.length === 0) {
    s.pushMask({ possible, local: undefined })
    return
  }
  pushShared(s, shared)
  s.splat('mask')
  s.toMask(false)
  if (possible.every(Boolean)) return
  s.pushMask({ possible, local: undefined })
  s.emit('v128.and')
}

/** For every lane of the group, or those of `mask`, with that lane's indices. */
export function eachActiveLane(s: Selection, mask: Mask | undefined, write: (lane: number) => void): void {
  for (let lane = 0; lane < s.group.lanes; lane++) {
    if (mask && !mask.possible[lane]) continue
    const one = (): void => s.atLane(lane, () => write(lane))
    if (mask?.local === undefined) {
      one()
      continue
    }
    s.maskLane(mask.local, lane)
    s.code.block('if', () => s.conditionally(one))
  }
}
