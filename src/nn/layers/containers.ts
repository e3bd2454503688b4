// Containers of modules and parameters: Sequential, ModuleList, ModuleDict, ParameterList, ParameterDict. Their entries are named by position or key, without a field's name
// in between, as in PyTorch.
import { ArgumentError } from '../../base/errors.ts'
import type { Tensor } from '../../tensor/index.ts'
import { type Layer, Module } from '../module.ts'
import { isParameter, parameter } from '../parameter.ts'

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
    `${name}: expected a call of one of its entries, got a call of the container itself. Loop over it.`,
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

const asParameter = (value: Tensor): Tensor => (isParameter(value) ? value : parameter(value))

/** An array of parameters; what is put in becomes one. */
export class ParameterList extends Module {
  static override readonly stateNames = { items: '' }
  readonly items: Tensor[]

  constructor(items: Iterable<Tensor> = []) {
    super()
    this.items = Array.from(items, asParameter)
  }

  forward(): never {
    return noForward('ParameterList')
  }

  push(...items: Tensor[]): this {
    this.items.push(...items.map(asParameter))
    return this
  }

  at(index: number): Tensor | undefined {
    return this.items.at(index)
  }

  get size(): number {
    return this.items.length
  }

  [Symbol.iterator](): Iterator<Tensor> {
    return this.items[Symbol.iterator]()
  }
}

/** Parameters by name; what is put in becomes one. */
export class ParameterDict extends Module {
  static override readonly stateNames = { items: '' }
  readonly items = new Map<string, Tensor>()

  constructor(items: Readonly<Record<string, Tensor>> | Iterable<readonly [string, Tensor]> = {}) {
    super()
    const entries = Symbol.iterator in items ? (items as Iterable<readonly [string, Tensor]>) : Object.entries(items)
    for (const [name, value] of entries) this.set(name, value)
  }

  forward(): never {
    return noForward('ParameterDict')
  }

  get(name: string): Tensor | undefined {
    return this.items.get(name)
  }

  set(name: string, value: Tensor): this {
    this.items.set(name, asParameter(value))
    return this
  }

  [Symbol.iterator](): Iterator<[string, Tensor]> {
    return this.items[Symbol.iterator]()
  }
}
