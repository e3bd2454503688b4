// safetensors in memory: round trips, what the reference accepts and refuses, and mutations: a value or a FormatError, nothing else.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { bytesOf, dtypes } from '../../base/dtype.ts'
import { FormatError } from '../../base/errors.ts'
import { sizeOf } from '../../base/shape.ts'
import type { RawTensor } from './layout.ts'
import { parse, serialize } from './serialize.ts'

/** A file with this header text, unpadded, and so many bytes of data. */
function fileOf(header: string | Uint8Array, dataBytes = 0): Uint8Array {
  const json = typeof header === 'string' ? new TextEncoder().encode(header) : header
  const file = new Uint8Array(8 + json.length + dataBytes)
  new DataView(file.buffer).setBigUint64(0, BigInt(json.length), true)
  file.set(json, 8)
  return file
}

const refuses = (file: Uint8Array, sentence: RegExp) =>
  assert.throws(
    () => parse(file),
    (error: unknown) => error instanceof FormatError && error.code === 'FORMAT' && sentence.test(error.message),
    String(sentence),
  )

const rawTensor: fc.Arbitrary<RawTensor> = fc
  .record({ dtype: fc.constantFrom(...dtypes), shape: fc.array(fc.nat(4), { maxLength: 4 }) })
  .chain(({ dtype, shape }) => {
    const length = sizeOf(shape) * bytesOf(dtype)
    return fc.uint8Array({ minLength: length, maxLength: length }).map((bytes) => ({ dtype, shape, bytes }))
  })
const wellFormed = fc.string({ unit: 'grapheme' }).filter((name) => name !== '__metadata__')
const rawTensors = fc.array(fc.tuple(wellFormed, rawTensor), { maxLength: 6 }).map((entries) => new Map(entries))
const metadata = fc.dictionary(wellFormed, wellFormed)

test('every set of tensors comes back bit for bit, its data on a multiple of eight', () => {
  fc.assert(
    fc.property(rawTensors, metadata, (tensors, notes) => {
      const file = serialize(tensors, notes)
      const parsed = parse(file)
      assert.deepEqual(Object.fromEntries(parsed.metadata), { ...notes })
      assert.equal(parsed.tensors.size, tensors.size)
      for (const [name, { dtype, shape, bytes }] of tensors) {
        const found = parsed.tensors.get(name)!
        assert.deepEqual([found.dtype, found.shape], [dtype, shape])
        assert.deepEqual([...found.bytes], [...bytes])
        if (bytes.length > 0) assert.equal((found.bytes.byteOffset - file.byteOffset) % bytesOf(dtype), 0)
      }
    }),
    { numRuns: 200 },
  )
})

test('the order of names does not change the bytes', () => {
  const bytes = new Uint8Array(4)
  const a: RawTensor = { dtype: 'float32', shape: [1], bytes }
  const b: RawTensor = { dtype: 'float16', shape: [2], bytes }
  assert.deepEqual(serialize({ x: a, y: b }), serialize({ y: b, x: a }))
})

test('an empty file, padding, metadata and odd names are accepted', () => {
  assert.equal(parse(fileOf('{}')).tensors.size, 0)
  assert.equal(parse(fileOf('{}      ')).tensors.size, 0)
  const file = fileOf(
    '{"__metadata__":{"a":"b"}, "__proto__" : {"shape":[2 , 1],"data_offsets":[0,2],"dtype":"U8"}}',
    2,
  )
  assert.deepEqual(parse(file).tensors.get('__proto__')?.shape, [2, 1])
  const escaped = fileOf('{"\\u00e9\\ud83d\\ude00":{"dtype":"BOOL","shape":[],"data_offsets":[0,1]}}', 1)
  assert.deepEqual([...parse(escaped).tensors.keys()], ['é😀'])
})

test('a zero-sized tensor takes no bytes', () => {
  const header =
    '{"a":{"dtype":"F32","shape":[0,3],"data_offsets":[4,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
  assert.equal(parse(fileOf(header, 4)).tensors.get('a')?.bytes.length, 0)
})

const entry = (dtype: string, shape: string, offsets: string) =>
  `{"dtype":"${dtype}","shape":${shape},"data_offsets":${offsets}}`
const one = (shape: string, offsets: string, dtype = 'F32') => `{"a":${entry(dtype, shape, offsets)}}`

const malformed: [what: string, file: Uint8Array, sentence: RegExp][] = [
  ['no bytes', new Uint8Array(0), /expected at least 8 bytes, got 0/],
  ['seven bytes', new Uint8Array(7), /at least 8 bytes/],
  ['an absurd header', new Uint8Array(8).fill(255), /header of at most 100000000 bytes, got 18446744073709551615/],
  ['a header past the end', fileOf('{}').subarray(0, 9), /expected a header of 2 bytes, got a file of 9/],
  ['no header', fileOf(''), /'\{' as the first character.*the end of the header/],
  ['a space first', fileOf(' {}'), /'\{' as the first character/],
  ['a byte order mark', fileOf('\ufeff{}'), /'\{' as the first character/],
  ['bad UTF-8', fileOf(Uint8Array.of(0x7b, 0xff, 0x7d)), /expected a header in UTF-8/],
  ['an array', fileOf('[]'), /'\{' as the first/],
  ['text after it', fileOf('{}x'), /expected nothing more at character 2/],
  ['a trailing comma', fileOf('{"__metadata__":{},}'), /expected a key/],
  ['an unclosed string', fileOf('{"a'), /expected a key/],
  ['a raw control character', fileOf('{"a\n":1}'), /expected a key/],
  ['half a surrogate pair', fileOf('{"\\ud800":1}'), /without half a surrogate pair/],
  ['metadata of numbers', fileOf('{"__metadata__":{"a":1}}'), /expected a string/],
  ['a null', fileOf('{"a":null}'), /expected '\{'/],
  [
    'duplicate names',
    fileOf(`{"a":${entry('U8', '[1]', '[0,1]')},"a":${entry('U8', '[1]', '[0,1]')}}`, 1),
    /once, got "a" twice/,
  ],
  [
    'escaped duplicates',
    fileOf(`{"a":${entry('U8', '[1]', '[0,1]')},"\\u0061":${entry('U8', '[1]', '[0,1]')}}`, 1),
    /"a" twice/,
  ],
  ['duplicate fields', fileOf('{"a":{"dtype":"U8","dtype":"U8","shape":[],"data_offsets":[0,1]}}', 1), /"dtype" twice/],
  ['duplicate metadata', fileOf('{"__metadata__":{"a":"1","a":"2"}}'), /"a" twice/],
  [
    'an unknown field',
    fileOf('{"a":{"dtype":"U8","shape":[],"strides":[1],"data_offsets":[0,1]}}', 1),
    /rather than of "strides"/,
  ],
  ['no dtype', fileOf('{"a":{"shape":[],"data_offsets":[0,1]}}', 1), /dtype missing/],
  ['no offsets', fileOf('{"a":{"dtype":"U8","shape":[]}}', 1), /no data_offsets/],
  ['one offset', fileOf(one('[1]', '[4]'), 4), /1 data_offsets/],
  ['an unknown dtype', fileOf(one('[1]', '[0,4]', 'F8_E4M3'), 4), /BOOL, U8, .*got "F8_E4M3"/],
  ['a dtype of the prototype', fileOf(one('[1]', '[0,4]', 'constructor'), 4), /got "constructor"/],
  ['a negative size', fileOf(one('[-1]', '[0,4]'), 4), /whole number from 0 to 2\^48 - 1/],
  ['a fraction', fileOf(one('[1.0]', '[0,4]'), 4), /whole number/],
  ['an exponent', fileOf(one('[1e0]', '[0,4]'), 4), /whole number/],
  ['a leading zero', fileOf(one('[01]', '[0,4]'), 4), /whole number/],
  ['a size past 48 bits', fileOf(one('[281474976710656]', '[0,4]'), 4), /whole number/],
  ['an unsafe size', fileOf(one('[99999999999999999999]', '[0,4]'), 4), /whole number/],
  ['a product past 2^53', fileOf(one('[99999999999,99999999999,0]', '[0,0]')), /fewer than 2\^53 bytes/],
  ['offsets in reverse', fileOf(one('[1]', '[4,0]'), 4), /hold 4 bytes, got data_offsets \[4, 0\]/],
  ['offsets that miss the shape', fileOf(one('[2]', '[0,4]'), 4), /hold 8 bytes/],
  ['a hole at the start', fileOf(one('[1]', '[4,8]'), 8), /without holes, got "a" at 4 where 0/],
  [
    'an overlap',
    fileOf(`{"a":${entry('U8', '[4]', '[0,4]')},"b":${entry('U8', '[4]', '[2,6]')}}`, 6),
    /without overlaps, got "b" at 2/,
  ],
  [
    'the same bytes twice',
    fileOf(`{"a":${entry('U8', '[4]', '[0,4]')},"b":${entry('U8', '[4]', '[0,4]')}}`, 4),
    /without overlaps/,
  ],
  [
    'a hole between',
    fileOf(`{"a":${entry('U8', '[2]', '[0,2]')},"b":${entry('U8', '[2]', '[4,6]')}}`, 6),
    /without holes/,
  ],
  ['data that is cut off', fileOf(one('[1]', '[0,4]'), 3), /expected 4 bytes of tensors, got 3.*cut off/],
  ['bytes left over', fileOf(one('[1]', '[0,4]'), 5), /belong to no tensor/],
]

for (const [what, file, sentence] of malformed) test(`refuses ${what}`, () => refuses(file, sentence))

test('a hundred thousand brackets are refused, not recursed into', () => {
  refuses(fileOf(`{"a":${'['.repeat(100_000)}`), /expected '\{'/)
})

test('mutated files give a value or a FormatError', () => {
  const mutation = fc.record({
    at: fc.nat(),
    byte: fc.nat(255),
    kind: fc.constantFrom('set', 'insert', 'delete', 'cut'),
  })
  fc.assert(
    fc.property(rawTensors, fc.array(mutation, { minLength: 1, maxLength: 4 }), (tensors, mutations) => {
      let file = [...serialize(tensors, { note: 'x' })]
      for (const { at, byte, kind } of mutations) {
        const position = at % (file.length + 1)
        if (kind === 'set') file[Math.min(position, file.length - 1)] = byte
        else if (kind === 'insert') file.splice(position, 0, byte)
        else if (kind === 'delete') file.splice(position, 1)
        else file = file.slice(0, position)
        if (file.length === 0) break
      }
      try {
        for (const { bytes, dtype, shape } of parse(Uint8Array.from(file)).tensors.values())
          assert.equal(bytes.length, sizeOf(shape) * bytesOf(dtype))
      } catch (error) {
        assert.ok(error instanceof FormatError, String(error))
      }
    }),
    { numRuns: 1000 },
  )
})

test('mutated header text gives a value or a FormatError', () => {
  const piece = fc.constantFrom(
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '"',
    '\\',
    '0',
    '1',
    '-',
    '.',
    'e9',
    ' ',
    '"a"',
    'null',
    '\u0000',
  )
  const header = `{"__metadata__":{"k":"v"},"a":${entry('F32', '[1]', '[0,4]')}}`
  fc.assert(
    fc.property(fc.nat(header.length), fc.nat(3), fc.array(piece, { maxLength: 3 }), (at, removed, pieces) => {
      const text = header.slice(0, at) + pieces.join('') + header.slice(at + removed)
      try {
        parse(fileOf(text, 4))
      } catch (error) {
        assert.ok(error instanceof FormatError, String(error))
      }
    }),
    { numRuns: 2000 },
  )
})

test('writing refuses names and bytes that make no sense', () => {
  const bytes = new Uint8Array(3)
  assert.throws(
    () => serialize({ a: { dtype: 'float32', shape: [1], bytes } }),
    /expected 4 bytes for "a" of float32 \[1\], got 3/,
  )
  assert.throws(() => serialize({ __metadata__: { dtype: 'uint8', shape: [3], bytes } }), /other than __metadata__/)
  assert.throws(() => serialize({ '\ud800': { dtype: 'uint8', shape: [3], bytes } }), /well-formed/)
})
