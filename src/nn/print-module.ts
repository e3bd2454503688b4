// A module as text, one line per layer, as PyTorch prints it.
import type { Module } from './module.ts'

const indent = (text: string): string => text.replaceAll('\n', '\n  ')

export function printModule(module: Module): string {
  const extra = module.extraRepr()
  const children = [...module.namedChildren()].map(([name, child]) => `(${name}): ${indent(printModule(child))}`)
  const lines = extra === '' ? children : [extra, ...children]
  if (children.length === 0) return `${module.constructor.name}(${extra})`
  return `${module.constructor.name}(\n  ${lines.join('\n  ')}\n)`
}

/** `inFeatures=4, bias=true` from pairs; absent values are left out. */
export const describe = (fields: Readonly<Record<string, unknown>>): string =>
  Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${Array.isArray(value) ? `[${value.join(', ')}]` : String(value)}`)
    .join(', ')
