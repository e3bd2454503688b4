// safetensors bytes: eight bytes of header length, a JSON header, then the tensors without gaps. From bytes to checked
// places of tensors and back; no tensor and no file is touched here. https://github.com/huggingface/safetensors#format
import { bytesOf, type DType, dtypes, dtypeTable } from '../../base/dtype.ts'
import { FormatError } from '../../base/errors.ts'
import { formatShape, type Shape } from '../../base/shape.ts'
import { type HeaderEntry, readHeader } from './header.ts'

/** A tensor as the file holds it: little-endian, row-major, halves as bit patterns. */
export interface RawTensor {
  readonly dtype: DType
  readonly shape: Shape
  readonly bytes: Uint8Array
}

/** Where a tensor lies, counted from the first byte after the header. */
export interface Placement {
  readonly dtype: DType
  readonly shape: Shape
  readonly begin: number
  readonly end: number
}

export interface Layout {
  readonly metadata: ReadonlyMap<string, string>
  readonly tensors: ReadonlyMap<string, Placement>
  /** first byte of the data */
  readonly dataStart: number
}

export const prefixBytes = 8
/** The reference implementation's bound, against files that ask for absurd memory. */
export const largestHeader = 100_000_000

const dtypeOfWire = new Map<string, DType>(dtypes.map((dtype) => [dtypeTable[dtype].wire, dtype]))

/** The header's length from the file's first bytes, checked against the file's size. */
export function headerLength(prefix: Uint8Array, fileBytes: number): number {
  if (prefix.length < prefixBytes || fileBytes < prefixBytes)
    throw new FormatError(`safetensors: expected at least ${prefixBytes} bytes, got ${fileBytes}.`, { fileBytes })
  const length = new DataView(prefix.buffer, prefix.byteOffset, prefixBytes).getBigUint64(0, true)
  if (length > BigInt(largestHeader))
    throw new FormatError(
      `safetensors: expected a header of at most ${largestHeader} bytes, got ${length}. Is this a safetensors file?`,
      { length },
    )
  if (Number(length) > fileBytes - prefixBytes)
    throw new FormatError(
      `safetensors: expected a header of ${length} bytes, got a file of ${fileBytes}. It may be cut off.`,
      { length, fileBytes },
    )
  return Number(length)
}

function placeEntry(entry: HeaderEntry): Placement {
  const { name, shape, begin, end } = entry
  const dtype = dtypeOfWire.get(entry.dtype)
  const quoted = JSON.stringify(name)
  if (dtype === undefined)
    throw new FormatError(
      `safetensors: expected the dtype of ${quoted} to be one of ${[...dtypeOfWire.keys()].join(', ')}, got ` +
        `${JSON.stringify(entry.dtype)}.`,
      { name, dtype: entry.dtype },
    )
  let bytes = bytesOf(dtype)
  for (const extent of shape) {
    bytes *= extent
    if (bytes > Number.MAX_SAFE_INTEGER)
      throw new FormatError(`safetensors: expected ${quoted} to have fewer than 2^53 bytes, got more.`, { name })
  }
  if (end < begin || end - begin !== bytes)
    throw new FormatError(
      `safetensors: expected ${quoted} of ${entry.dtype} ${formatShape(shape)} to hold ${bytes} bytes, got data_offsets ` +
        `[${begin}, ${end}].`,
      { name, begin, end, bytes },
    )
  return { dtype, shape, begin, end }
}

/** Every byte of the data must belong to exactly one tensor. */
function checkCover(entries: readonly HeaderEntry[], dataBytes: number): void {
  let covered = 0
  for (const { name, begin, end } of entries.toSorted((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (begin !== covered)
      throw new FormatError(
        `safetensors: expected tensors without ${begin < covered ? 'overlaps' : 'holes'}, got ${JSON.stringify(name)} at ` +
          `${begin} where ${covered} is the next byte.`,
        { name, begin, covered },
      )
    covered = end
  }
  if (covered !== dataBytes)
    throw new FormatError(
      `safetensors: expected ${covered} bytes of tensors, got ${dataBytes}. ` +
        (covered > dataBytes ? 'The file may be cut off.' : 'Bytes that belong to no tensor are not allowed.'),
      { covered, dataBytes },
    )
}

/** Checks the header's bytes against the file's size. */
export function readLayout(headerBytes: Uint8Array, fileBytes: number): Layout {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(headerBytes)
  } catch {
    throw new FormatError('safetensors: expected a header in UTF-8, got bytes that are not.')
  }
  const { metadata, entries } = readHeader(text)
  const tensors = new Map(entries.map((entry) => [entry.name, placeEntry(entry)]))
  const dataStart = prefixBytes + headerBytes.length
  checkCover(entries, fileBytes - dataStart)
  return { metadata, tensors, dataStart }
}

/** Eight bytes of length and the padded header for tensors laid out in the given order. */
export function writeHeader(
  tensors: Iterable<readonly [string, Pick<RawTensor, 'dtype' | 'shape'> & { readonly bytes: { length: number } }]>,
  metadata?: Readonly<Record<string, string>>,
): Uint8Array {
  const rows: string[] = []
  const row = (key: string, value: unknown) => rows.push(`${JSON.stringify(key)}:${JSON.stringify(value)}`)
  if (metadata !== undefined) row('__metadata__', metadata)
  let begin = 0
  for (const [name, { dtype, shape, bytes }] of tensors) {
    const end = begin + bytes.length
    row(name, { dtype: dtypeTable[dtype].wire, shape, data_offsets: [begin, end] })
    begin = end
  }
  const json = new TextEncoder().encode(`{${rows.join(',')}}`)
  const length = Math.ceil(json.length / 8) * 8 // so that the data starts on a multiple of eight
  const header = new Uint8Array(prefixBytes + length).fill(0x20)
  new DataView(header.buffer).setBigUint64(0, BigInt(length), true)
  header.set(json, prefixBytes)
  return header
}
