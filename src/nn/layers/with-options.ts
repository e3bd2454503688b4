// The base of layers that are a function and its options.
import { Module } from '../module.ts'
import { describe } from '../print-module.ts'

/** Keeps options for a function, and prints them. */
export abstract class WithOptions<O extends object> extends Module {
  readonly options: O

  constructor(options: O = {} as O) {
    super()
    this.options = options
  }

  override extraRepr(): string {
    return describe(this.options as Readonly<Record<string, unknown>>)
  }
}
