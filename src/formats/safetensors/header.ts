// From the header's JSON text to checked entries. Own reader, because JSON.parse keeps the last of duplicate keys, accepts
// fractions where sizes belong, and builds whatever the file says before anything can be refused.
import { FormatError } from '../../base/errors.ts'

/** One row of the header as the file spells it. */
export interface HeaderEntry {
  readonly name: string
  readonly dtype: string
  readonly shape: readonly number[]
  readonly begin: number
  readonly end: number
}

export interface Header {
  readonly metadata: ReadonlyMap<string, string>
  readonly entries: readonly HeaderEntry[]
}

/** The schema's bound on sizes and offsets: 48 bits. */
const largestSize = 2 ** 48 - 1
const space = /[ \t\n\r]*/y
const numberPattern = /-?\d[\d.eE+-]*/y
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON forbids raw control characters in strings
const stringPattern = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y

class HeaderReader {
  readonly #text: string
  #position = 0

  constructor(text: string) {
    this.#text = text
  }

  fail(expected: string): never {
    const rest = this.#text.slice(this.#position, this.#position + 24)
    const got = rest === '' ? 'the end of the header' : JSON.stringify(rest)
    throw new FormatError(
      `safetensors: expected ${expected} at character ${this.#position} of the header, got ${got}.`,
      {
        position: this.#position,
      },
    )
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#position
    const found = pattern.exec(this.#text)?.[0]
    if (found !== undefined) this.#position += found.length
    return found
  }

  /** Takes `mark` if it is next. */
  take(mark: string): boolean {
    this.#match(space)
    if (!this.#text.startsWith(mark, this.#position)) return false
    this.#position += mark.length
    return true
  }

  expect(mark: string): void {
    if (!this.take(mark)) this.fail(`'${mark}'`)
  }

  string(what: string): string {
    this.#match(space)
    const start = this.#position
    const literal = this.#match(stringPattern)
    if (literal === undefined) this.fail(what)
    const value = JSON.parse(literal) as string
    if (!/\p{Surrogate}/u.test(value)) return value
    this.#position = start
    return this.fail(`${what} without half a surrogate pair`)
  }

  size(what: string): number {
    this.#match(space)
    const start = this.#position
    const literal = this.#match(numberPattern)
    const value = Number(literal)
    if (literal !== undefined && /^(0|[1-9]\d*)$/.test(literal) && value <= largestSize) return value
    this.#position = start
    return this.fail(`${what}, a whole number from 0 to 2^48 - 1,`)
  }

  sizes(what: string): number[] {
    this.expect('[')
    const values: number[] = []
    if (this.take(']')) return values
    do values.push(this.size(what))
    while (this.take(','))
    this.expect(']')
    return values
  }

  /** Reads `{"key": …, …}`; `read` takes each value. No key may come twice. */
  object(read: (key: string) => void): void {
    this.expect('{')
    const seen = new Set<string>()
    if (this.take('}')) return
    do {
      const key = this.string('a key')
      if (seen.has(key))
        throw new FormatError(`safetensors: expected each key once, got ${JSON.stringify(key)} twice.`, { key })
      seen.add(key)
      this.expect(':')
      read(key)
    } while (this.take(','))
    this.expect('}')
  }

  end(): void {
    this.#match(space)
    if (this.#position < this.#text.length) this.fail('nothing more')
  }
}

function readEntry(reader: HeaderReader, name: string): HeaderEntry {
  let dtype: string | undefined
  let shape: number[] | undefined
  let offsets: number[] | undefined
  reader.object((key) => {
    if (key === 'dtype') dtype = reader.string('a dtype')
    else if (key === 'shape') shape = reader.sizes('a size')
    else if (key === 'data_offsets') offsets = reader.sizes('an offset')
    else reader.fail(`a value of 'dtype', 'shape' or 'data_offsets' rather than of ${JSON.stringify(key)}`)
  })
  if (dtype === undefined || shape === undefined || offsets?.length !== 2)
    throw new FormatError(
      `safetensors: expected tensor ${JSON.stringify(name)} to have dtype, shape and two data_offsets, got ` +
        `dtype ${dtype ?? 'missing'}, shape ${shape ? 'present' : 'missing'}, ${offsets?.length ?? 'no'} data_offsets.`,
      { name },
    )
  return { name, dtype, shape, begin: offsets[0], end: offsets[1] }
}

/** Reads the header's text; whether its offsets make sense is for the caller. */
export function readHeader(text: string): Header {
  const reader = new HeaderReader(text)
  const metadata = new Map<string, string>()
  const entries: HeaderEntry[] = []
  if (!text.startsWith('{')) reader.fail(`'{' as the first character`)
  reader.object((name) => {
    if (name === '__metadata__') reader.object((key) => metadata.set(key, reader.string('a string')))
    else entries.push(readEntry(reader, name))
  })
  reader.end()
  return { metadata, entries }
}
