// What runs here, as data and as lines to print: `console.log(device())`.
import type { Device } from '../runtime/device.ts'

export class DeviceReport {
  /** what runs now */
  readonly name: string
  readonly threads: number
  /** of the processor: its name, which vector extensions it has and the system lets it use */
  readonly features: Readonly<Record<string, string | number | boolean>>
  /** bytes of the data caches that one thread sees */
  readonly caches: { readonly l1: number; readonly l2: number; readonly l3: number }
  /** devices that were asked and refused, with the reason */
  readonly refused: readonly { readonly name: string; readonly reason: string }[]

  constructor({ name, target, features }: Device, refusals: ReadonlyMap<string, string>) {
    const { threads, l1, l2, l3 } = target
    this.name = name
    this.threads = threads
    this.features = features
    this.caches = { l1, l2, l3 }
    this.refused = Array.from(refusals, ([refused, reason]) => ({ name: refused, reason }))
  }

  toString(): string {
    const features = Object.entries(this.features).map(([name, value]) =>
      typeof value === 'boolean' ? `${value ? '' : 'no '}${name}` : String(value),
    )
    const caches = Object.entries(this.caches).map(([level, bytes]) => `${level.toUpperCase()} ${formatBytes(bytes)}`)
    return [
      `device ${this.name}, ${this.threads} ${this.threads === 1 ? 'thread' : 'threads'}`,
      ...(features.length > 0 ? [`processor: ${features.join(', ')}`] : []),
      `caches: ${caches.join(', ')}`,
      ...this.refused.map(({ name, reason }) => `refused: ${reason.startsWith(name) ? '' : `${name}: `}${reason}`),
    ].join('\n')
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString()
  }
}

const formatBytes = (bytes: number): string =>
  bytes >= 2 ** 20 ? `${+(bytes / 2 ** 20).toFixed(1)} MiB` : `${bytes / 2 ** 10} KiB`
