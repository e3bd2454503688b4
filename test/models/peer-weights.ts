// In: a fill specification from test/fixtures/steps/losses.json. Out: the numbers that PyTorch started from, bit for bit.
// Why: training runs can be compared with the peer without committing megabytes. The Python twin is bench/peers/torch_cases.py.

export interface UniformFill {
  readonly shape: readonly number[]
  readonly fill: 'uniform'
  readonly seed: number
  readonly bound: number
}

export interface ConstantFill {
  readonly shape: readonly number[]
  readonly fill: 'constant'
  readonly value: number
}

export interface IntegerFill {
  readonly shape: readonly number[]
  readonly fill: 'integer'
  readonly seed: number
  readonly classes: number
}

export type FloatFill = UniformFill | ConstantFill

/** One entry of `cases` in losses.json. */
export interface StepCase {
  readonly input: UniformFill | IntegerFill
  readonly target: IntegerFill
  readonly optimizer: { readonly name: 'SGD' | 'Adam' | 'AdamW'; readonly lr: number; readonly momentum?: number }
  readonly loss: 'crossEntropy'
  readonly parameters: readonly (FloatFill & { readonly name: string })[]
  readonly losses: readonly number[]
  readonly losses64: readonly number[]
  readonly firstGradientNorms: readonly number[]
  /** Leading steps over which PyTorch's own float32 and float64 losses agree to 5e-5 relative. */
  readonly comparableSteps: number
}

/** MurmurHash3's finalizer: a bijection of 32-bit integers in which every input bit changes half of the output bits. */
function mix(value: number): number {
  let h = value
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

/** `count` numbers in [0, 1) with 24 bits each, hence exact in float32. */
export function peerUniform(seed: number, count: number): Float32Array {
  const start = Math.imul(seed, 0x9e3779b9)
  return Float32Array.from({ length: count }, (_, i) => (mix((start + i) | 0) >>> 8) / 2 ** 24)
}

/** Weights and dense inputs as float32, row-major; labels and token ids as int64. */
export function peerFill(spec: IntegerFill): BigInt64Array
export function peerFill(spec: FloatFill): Float32Array
export function peerFill(spec: FloatFill | IntegerFill): Float32Array | BigInt64Array
export function peerFill(spec: FloatFill | IntegerFill): Float32Array | BigInt64Array {
  const count = spec.shape.reduce((product, extent) => product * extent, 1)
  if (spec.fill === 'constant') return new Float32Array(count).fill(spec.value)
  const uniform = peerUniform(spec.seed, count)
  if (spec.fill === 'integer') return BigInt64Array.from(uniform, (u) => BigInt(Math.floor(u * spec.classes)))
  return uniform.map((u) => (2 * u - 1) * spec.bound)
}
