// float16 and bfloat16 held in JavaScript numbers: exact conversions to and from bit patterns, round to nearest even.
// Values come in through float32, as in PyTorch and in F16C, so a float64 is rounded twice; NaNs come out as the quiet one.

const float = new Float32Array(1)
const bits = new Uint32Array(float.buffer)

/** Adding and taking away 2^52 rounds a smaller non-negative double to a whole number, ties to even. */
const roundingUnit = 2 ** 52

/** Bit pattern of the float16 nearest to `value`. */
export function float16Bits(value: number): number {
  float[0] = value
  const sign = (bits[0] >>> 16) & 0x8000
  const magnitude = bits[0] & 0x7fffffff
  if (magnitude > 0x7f800000) return sign | 0x7e00
  if (magnitude >= 0x477ff000) return sign | 0x7c00 // 65520 and above are nearer to 2^16
  if (magnitude < 0x38800000) return sign | (Math.abs(float[0]) * 2 ** 24 + roundingUnit - roundingUnit)
  return sign | ((magnitude + 0xfff + ((magnitude >>> 13) & 1) - 0x38000000) >>> 13)
}

/** Value of a float16 bit pattern; every one is exact in float32. */
export function float16Value(pattern: number): number {
  const exponent = pattern & 0x7c00
  if (exponent === 0) return (pattern & 0x8000 ? -1 : 1) * (pattern & 0x3ff) * 2 ** -24
  const magnitude = ((pattern & 0x7fff) << 13) + (exponent === 0x7c00 ? 0x70000000 : 0x38000000)
  bits[0] = ((pattern & 0x8000) << 16) | magnitude
  return float[0]
}

export function roundToFloat16(value: number): number {
  float[0] = value
  const magnitude = bits[0] & 0x7fffffff
  if (magnitude < 0x38800000 || magnitude >= 0x477ff000) return float16Value(float16Bits(value))
  bits[0] = (bits[0] + 0xfff + ((bits[0] >>> 13) & 1)) & 0xffffe000
  return float[0]
}

/** Bit pattern of the bfloat16 nearest to `value`. */
export function bfloat16Bits(value: number): number {
  float[0] = value
  const pattern = bits[0]
  if ((pattern & 0x7fffffff) > 0x7f800000) return ((pattern >>> 16) & 0x8000) | 0x7fc0
  return (pattern + 0x7fff + ((pattern >>> 16) & 1)) >>> 16
}

/** Value of a bfloat16 bit pattern: the upper half of a float32. */
export function bfloat16Value(pattern: number): number {
  bits[0] = pattern << 16
  return float[0]
}

export const roundToBfloat16 = (value: number): number => bfloat16Value(bfloat16Bits(value))
