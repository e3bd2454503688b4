// Uniform random numbers computed on the host, bit for bit those that a device would draw: so that small weights need no program.
// The algorithm is that of graph/composites/threefry.ts, over numbers instead of nodes.

const parity = 0x1bd11bda
const rounds = 13
const rotations = [13, 15, 26, 6, 17, 29, 16, 24]
/** digits of a float32 fraction */
const digits = 24

/** First word of Threefry-2x32. */
function firstWord(keys: Int32Array, counter: number, draw: number): number {
  let a = (counter + keys[0]) | 0
  let b = (draw + keys[1]) | 0
  for (let round = 0; round < rounds; round++) {
    a = (a + b) | 0
    const bits = rotations[round & 7]
    b = ((b << bits) | (b >>> (32 - bits))) ^ a
    if ((round & 3) !== 3) continue
    const injection = (round + 1) >> 2
    a = (a + keys[injection % 3]) | 0
    b = (b + keys[(injection + 1) % 3] + injection) | 0
  }
  return a
}

/** `size` float32 numbers evenly from [low, high): what `rand().mul(high - low).add(low)` gives for this draw. */
export function uniformOnHost(size: number, seed: number, draw: number, low: number, high: number): Float32Array {
  const [key0, key1] = [seed | 0, Math.floor(seed / 2 ** 32) | 0]
  const keys = Int32Array.of(key0, key1, key0 ^ key1 ^ parity)
  const values = new Float32Array(size)
  const [range, start] = [Math.fround(high - low), Math.fround(low)]
  for (let i = 0; i < size; i++) {
    const fraction = (firstWord(keys, i, draw) >>> (32 - digits)) * 2 ** -digits
    values[i] = Math.fround(fraction * range) + start
  }
  return values
}
