// IDX, the format of the MNIST family: a type, extents, then values row by row, most significant byte first. Bytes in, an array out.
// http://yann.lecun.com/exdb/mnist/ (section "the IDX file format")
import { FormatError } from '../base/errors.ts'
import { type Shape, sizeOf } from '../base/shape.ts'

export type IdxValues = Uint8Array | Int8Array | Int16Array | Int32Array | Float32Array | Float64Array

export interface IdxArray {
  readonly shape: Shape
  readonly values: IdxValues
}

/** Element types by the third byte of a file. */
const typeTable: Readonly<Record<number, { readonly bytes: number; read(view: DataView, count: number): IdxValues }>> =
  {
    8: { bytes: 1, read: ({ buffer, byteOffset }, count) => new Uint8Array(buffer, byteOffset, count).slice() },
    9: { bytes: 1, read: ({ buffer, byteOffset }, count) => new Int8Array(buffer, byteOffset, count).slice() },
    11: { bytes: 2, read: (view, count) => Int16Array.from({ length: count }, (_, i) => view.getInt16(i * 2)) },
    12: { bytes: 4, read: (view, count) => Int32Array.from({ length: count }, (_, i) => view.getInt32(i * 4)) },
    13: { bytes: 4, read: (view, count) => Float32Array.from({ length: count }, (_, i) => view.getFloat32(i * 4)) },
    14: { bytes: 8, read: (view, count) => Float64Array.from({ length: count }, (_, i) => view.getFloat64(i * 8)) },
  }

/** @throws FormatError unless `bytes` are one whole IDX array; `name` is what the sentence calls them */
export function parseIdx(bytes: Uint8Array, name = 'idx'): IdxArray {
  const refuse = (expected: string, got: string): never => {
    throw new FormatError(`${name}: expected ${expected}, got ${got}. Is this an IDX file?`, { name })
  }
  if (bytes.length < 4) refuse('an IDX header of 4 bytes', `${bytes.length} bytes`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const [type, rank] = [typeTable[bytes[2]], bytes[3]]
  if (bytes[0] !== 0 || bytes[1] !== 0 || type === undefined)
    refuse('an IDX header 00 00 TYPE RANK', Array.from(bytes.subarray(0, 4), (byte) => byte.toString(16)).join(' '))
  const start = 4 + 4 * rank
  if (bytes.length < start) refuse(`${rank} extents`, `a file of ${bytes.length} bytes`)
  const shape = Array.from({ length: rank }, (_, axis) => view.getUint32(4 + 4 * axis))
  const count = sizeOf(shape)
  if (bytes.length - start !== count * type.bytes)
    refuse(`${count * type.bytes} bytes of values for [${shape.join(', ')}]`, String(bytes.length - start))
  return { shape, values: type.read(new DataView(bytes.buffer, bytes.byteOffset + start), count) }
}
