// The callable object under every Module: the constructor returns a function that carries the fields and has the class's
// prototype, so `model(x)` works, fields stay plain properties, and no Proxy stands between a field and its reader.

interface Invocable {
  invoke(...args: unknown[]): unknown
}

export abstract class Callable {
  constructor() {
    const self = ((...args: unknown[]) => (self as unknown as Invocable).invoke(...args)) as unknown as this
    // An arrow function's own properties, which would hide fields of these names.
    delete (self as { name?: unknown }).name
    delete (self as { length?: unknown }).length
    Object.setPrototypeOf(self, new.target.prototype)
    // biome-ignore lint/correctness/noConstructorReturn: the function is the object; derived fields are defined on it
    return self
  }
}
