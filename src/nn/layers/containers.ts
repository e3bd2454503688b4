// Containers of modules: Sequential, ModuleList, ModuleDict. Their entries are named by position or key, without a field's name
// in between, as in PyTorch.
import { ArgumentError } from '../../base/errors.ts'
import type { Tensor } from '../../tensor/index.ts'
import { type Layer, Module } from '../module.ts'

/** Calls one layer after the other. */
export class Sequential extends Module {
  static override readonly stateNames = { layers: '' }
  readonly layers: Layer[]

  constructor(...layers: Layer[]) {
    super()
    this.layers = layers
  }

  forward(x: Tensor): Tensor {
    return this.layers.reduce((value, layer) => layer(value), x)
  }

  [Symbol.iterator](): Iterator<Layer> {
    return this.layers[Symbol.iterator]()
  }

  /** The layer at `index`, which may count from the end. */
  at(index: number): Layer | undefined {
    return this.layers.at(index)
  }
}

const noForward = (name: string): never => {
  throw new ArgumentError(
    `${name}: expected a call of one of its modules, got a call of the list itself. Loop over it.`,
  )
}

/** An array of modules; plain arrays as fields work too, this one also names entries without the field. */
export class ModuleList<M extends Module = Module> extends Module {
  static override readonly stateNames = { items: '' }
  readonly items: M[]

  constructor(items: Iterable<M> = []) {
    super()
    this.items = [...items]
  }

  forward(): never {
    return noForward('ModuleList')
  }

  push(...items: M[]): this {
    this.items.push(...items)
    return this
  }

  at(index: number): M | undefined {
    return this.items.at(index)
  }

  get size(): number {
    return this.items.length
  }

  [Symbol.iterator](): Iterator<M> {
    return this.items[Symbol.iterator]()
  }
}

/** Modules by name. */
export class ModuleDict<M extends Module = Module> extends Module {
  static override readonly stateNames = { items: '' }
  readonly items: Map<string, M>

  constructor(items: Readonly<Record<string, M>> | Iterable<readonly [string, M]> = {}) {
    super()
    const entries = Symbol.iterator in items ? (items as Iterable<readonly [string, M]>) : Object.entries(items)
    this.items = new Map(entries)
  }

  forward(): never {
    return noForward('ModuleDict')
  }

  get(name: string): M | undefined {
    return this.items.get(name)
  }

  set(name: string, module: M): this {
    this.items.set(name, module)
    return this
  }

  [Symbol.iterator](): Iterator<[string, M]> {
    return this.items[Symbol.iterator]()
  }
}
