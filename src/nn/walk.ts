// Walks a module's fields, arrays and maps in field order and names what it meets as PyTorch's state_dict does.
import { ArgumentError } from '../base/errors.ts'
import { Tensor } from '../tensor/index.ts'
import type { Module } from './module.ts'
import { isParameter } from './parameter.ts'

export type Kind = 'parameter' | 'buffer' | 'module'

/** Something a module holds directly, under the name that state dicts use for it. */
export interface Member {
  readonly kind: Kind
  readonly name: string
  readonly value: Tensor | Module
  /** puts another value in its place */
  readonly replace: (value: Tensor) => void
}

export interface Holder {
  /** state-dict names of fields that are not spelled as PyTorch spells them */
  readonly names: Readonly<Record<string, string>>
  readonly buffers: ReadonlyMap<string, unknown>
  isModule(value: unknown): value is Module
}

/** Members of `module` itself; modules inside it are given, not entered. */
export function membersOf(module: Module, holder: Holder): Member[] {
  const members: Member[] = []
  const visit = (name: string, value: unknown, isBuffer: boolean, replace: (value: Tensor) => void): void => {
    if (isBuffer) {
      if (value instanceof Tensor) members.push({ kind: 'buffer', name, value, replace })
    } else if (holder.isModule(value)) members.push({ kind: 'module', name, value, replace })
    else if (isParameter(value)) members.push({ kind: 'parameter', name, value, replace })
    else if (Array.isArray(value))
      value.forEach((item, index) => {
        visit(joinName(name, String(index)), item, false, (next) => {
          value[index] = next
        })
      })
    else if (value instanceof Map)
      for (const [key, item] of value) visit(joinName(name, String(key)), item, false, (next) => value.set(key, next))
  }
  const fields = module as unknown as Record<string, unknown>
  for (const field of Object.keys(fields))
    visit(holder.names[field] ?? field, fields[field], holder.buffers.has(field), (next) => {
      fields[field] = next
    })
  return members
}

/** All modules at and below `module` with their names, parents first; one that is met twice is listed once. */
export function* walkModules(module: Module, prefix = '', seen = new Set<Module>()): Generator<[string, Module]> {
  if (seen.has(module)) return
  seen.add(module)
  yield [prefix, module]
  for (const { kind, name, value } of module.members())
    if (kind === 'module') yield* walkModules(value as Module, joinName(prefix, name), seen)
}

/** All tensors of one or both kinds with their full names, in field order, tied ones under each name. */
export function* walkTensors(
  module: Module,
  wanted: (member: Member, owner: Module) => boolean,
  prefix = '',
  path: readonly Module[] = [],
): Generator<[string, Member]> {
  if (path.includes(module))
    throw new ArgumentError(
      `${module.constructor.name}: expected modules that form a tree, got '${prefix}' holding a module that holds it. ` +
        'Keep references to parents out of fields: use a private field (#parent) instead.',
      { name: prefix },
    )
  // PyTorch lists a module's own tensors before those of its children.
  const members = module.members()
  for (const kind of ['parameter', 'buffer'] as const)
    for (const member of members)
      if (member.kind === kind && wanted(member, module)) yield [joinName(prefix, member.name), member]
  for (const { kind, name, value } of members)
    if (kind === 'module') yield* walkTensors(value as Module, wanted, joinName(prefix, name), [...path, module])
}

export const joinName = (prefix: string, name: string): string =>
  prefix === '' ? name : name === '' ? prefix : `${prefix}.${name}`
