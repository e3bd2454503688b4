// Bits of 2/π, by which the angles that are too large for multiples of π/2 are reduced (Payne and Hanek, 1983).

/** Bits behind the point, in little-endian order, so that any 64 of them from a whole byte on are one load. */
export const fractionBits = 1166
export const windowBits = 192
/** exponent of a float64's last bit, plus this, is its biased exponent */
export const exponentBias = 1075

let inverse: Uint8Array | undefined

/** floor(2/π * 2^fractionBits), by Machin's formula in whole numbers with 64 bits to spare. */
export function inverseBits(): Uint8Array {
  if (inverse) return inverse
  const one = 1n << BigInt(fractionBits + 64)
  const inverseTangent = (x: bigint) => {
    let [sum, power] = [0n, one / x]
    for (let k = 1n; power !== 0n; k += 2n) {
      sum += k % 4n === 1n ? power / k : -(power / k)
      power /= x * x
    }
    return sum
  }
  const pi = 4n * (4n * inverseTangent(5n) - inverseTangent(239n))
  let bits = (2n * one * (1n << BigInt(fractionBits))) / pi
  inverse = new Uint8Array(Math.ceil((fractionBits + windowBits) / 256) * 32)
  for (let i = 0; bits > 0n; i++, bits >>= 8n) inverse[i] = Number(bits & 255n)
  return inverse
}
