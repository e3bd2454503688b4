// Named raw tensors to safetensors bytes and back, in memory. Any malformed input is a FormatError.
import { bytesOf } from '../../base/dtype.ts'
import { FormatError } from '../../base/errors.ts'
import { formatShape, sizeOf } from '../../base/shape.ts'
import { headerLength, prefixBytes, type RawTensor, readLayout, writeHeader } from './layout.ts'

export type RawTensors = ReadonlyMap<string, RawTensor> | Readonly<Record<string, RawTensor>>
export type Metadata = Readonly<Record<string, string>>

export interface SafetensorsFile {
  readonly metadata: ReadonlyMap<string, string>
  readonly tensors: ReadonlyMap<string, RawTensor>
}

export const entriesOf = <T>(named: ReadonlyMap<string, T> | Readonly<Record<string, T>>): [string, T][] =>
  named instanceof Map ? [...named] : Object.entries(named)

/** Widest dtype first, then by name, so that every tensor lies on a multiple of its element's size. */
export function checkedEntries(tensors: RawTensors): [string, RawTensor][] {
  const entries = entriesOf(tensors)
  for (const [name, { dtype, shape, bytes }] of entries) {
    const quoted = JSON.stringify(name)
    if (name === '__metadata__' || /\p{Surrogate}/u.test(name))
      throw new FormatError(`safetensors: expected a name of well-formed text other than __metadata__, got ${quoted}.`)
    const expected = sizeOf(shape) * bytesOf(dtype)
    if (bytes.length !== expected)
      throw new FormatError(
        `safetensors: expected ${expected} bytes for ${quoted} of ${dtype} ${formatShape(shape)}, got ${bytes.length}.`,
        { name },
      )
  }
  const byName = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)
  return entries.sort(([nameA, a], [nameB, b]) => bytesOf(b.dtype) - bytesOf(a.dtype) || byName(nameA, nameB))
}

/** The bytes of a safetensors file. */
export function serialize(tensors: RawTensors, metadata?: Metadata): Uint8Array {
  const entries = checkedEntries(tensors)
  const header = writeHeader(entries, metadata)
  const file = new Uint8Array(entries.reduce((size, [, { bytes }]) => size + bytes.length, header.length))
  file.set(header)
  let position = header.length
  for (const [, { bytes }] of entries) {
    file.set(bytes, position)
    position += bytes.length
  }
  return file
}

/** The tensors of a safetensors file as views of `file`, in the order of its header. */
export function parse(file: Uint8Array): SafetensorsFile {
  const length = headerLength(file.subarray(0, prefixBytes), file.length)
  const layout = readLayout(file.subarray(prefixBytes, prefixBytes + length), file.length)
  const tensors = new Map<string, RawTensor>()
  for (const [name, { dtype, shape, begin, end }] of layout.tensors)
    tensors.set(name, { dtype, shape, bytes: file.subarray(layout.dataStart + begin, layout.dataStart + end) })
  return { metadata: layout.metadata, tensors }
}
