// A fast 32-bit mixing hash for structural keys; equality is always verified afterwards, so collisions only cost time.

export const hashSeed = 0x2545f491

/** Mixes one 32-bit word into a running hash (MurmurHash3's round). */
export function mix(hash: number, word: number): number {
  let k = Math.imul(word | 0, 0xcc9e2d51)
  k = Math.imul((k << 15) | (k >>> 17), 0x1b873593)
  const h = hash ^ k
  return (Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64) | 0
}

const scratch = new DataView(new ArrayBuffer(8))

export function mixNumber(hash: number, value: number): number {
  if ((value | 0) === value && !Object.is(value, -0)) return mix(hash, value)
  scratch.setFloat64(0, value)
  return mix(mix(hash, scratch.getInt32(0)), scratch.getInt32(4))
}

export function mixString(hash: number, value: string): number {
  let result = mix(hash, value.length)
  for (let i = 0; i < value.length; i++) result = mix(result, value.charCodeAt(i))
  return result
}

/** Mixes plain data: numbers, strings, booleans, BigInts, arrays and flat objects (by field order). */
export function mixValue(hash: number, value: unknown): number {
  switch (typeof value) {
    case 'number':
      return mixNumber(hash, value)
    case 'string':
      return mixString(hash, value)
    case 'boolean':
      return mix(hash, value ? 3 : 5)
    case 'bigint':
      return mixString(mix(hash, 7), value.toString())
    case 'object': {
      if (value === null) return mix(hash, 11)
      const hashed = (value as { readonly hash?: unknown }).hash
      if (typeof hashed === 'number') return mix(hash, hashed)
      let result = mix(hash, 13)
      if (Array.isArray(value)) {
        for (const item of value) result = mixValue(result, item)
        return mix(result, value.length)
      }
      for (const key in value) result = mixValue(mixString(result, key), (value as Record<string, unknown>)[key])
      return result
    }
    default:
      return mix(hash, 17)
  }
}
