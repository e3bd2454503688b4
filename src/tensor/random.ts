// Random tensors: counter-based, from a state on the device that every draw moves on, so plain and compiled runs draw the same numbers.
import type { DType } from '../base/dtype.ts'
import { ArgumentError } from '../base/errors.ts'
import { broadcastShapes, checkShape, type Shape } from '../base/shape.ts'
import * as build from '../graph/builders.ts'
import { randomBernoulli, randomIntegers, randomNormal, randomUniform } from '../graph/composites/random.ts'
import { argsort, placesOf } from '../graph/composites/sort.ts'
import { log1p } from '../graph/composites/special.ts'
import type { Node } from '../graph/node.ts'
import type { Session } from '../runtime/session.ts'
import type { Storage } from '../runtime/storage.ts'
import { type SizedArguments, splitSizes } from './arguments.ts'
import { makeTensor, tensorOf } from './core.ts'
import { type CreationOptions, ofNode, sessionFor } from './creation.ts'
import { uniformOnHost } from './host-draws.ts'
import { bytesOfValues } from './host-values.ts'
import { onSessionOpened, openSessions } from './sessions.ts'
import { storeBytes } from './store.ts'
import type { Tensor } from './tensor.ts'

export interface RandomOptions extends CreationOptions {
  /** where the numbers come from; the device's own generator if left out */
  readonly generator?: Generator
}

/** int32 [seed, seed, draws so far, unused] */
const stateOf = (seed: number, draws = 0): Uint8Array =>
  bytesOfValues([seed | 0, Math.floor(seed / 2 ** 32) | 0, draws, 0], 'int32')

/** Numbers that one stream draws on the host: some 30 ms. Beyond that a device is faster, its compiler included. */
const hostLimit = 2 ** 20

/** A stream of random numbers on one device. Its state is a tensor, to be saved and set. */
export class Generator {
  readonly state: Tensor
  readonly #storage: Storage
  /** the state that pending draws count from, what was last written, and how many draws lie between */
  #base: Node | undefined
  #written: Node | undefined
  #draws = 0
  #seed: number
  /** draws since the seed was set, as long as the host knows: at this version of the state it does */
  #drawsInAll = 0
  #knownVersion: number
  #drawnOnHost = 0

  constructor(seed: number, device?: string | Session) {
    const session = typeof device === 'object' ? device : sessionFor(device)
    this.#storage = storeBytes(session, stateOf(checkSeed(seed)), [4], 'int32')
    this.#storage.keepsVersions = true
    this.state = tensorOf(this.#storage)
    this.#seed = seed
    this.#knownVersion = this.#storage.version
  }

  get session(): Session {
    return this.#storage.session
  }

  /** Starts the stream of a seed. */
  manualSeed(seed: number): this {
    this.session.hostWrite(this.#storage, stateOf(checkSeed(seed)))
    this.#seed = seed
    this.#drawsInAll = 0
    this.#knownVersion = this.#storage.version
    return this
  }

  /** The seed that the stream started from. */
  initialSeed(): number {
    return this.#seed
  }

  /** Starts a stream of a seed of its own choice, and says which. */
  seed(): number {
    const chosen = Math.floor(Math.random() * 2 ** 32)
    this.manualSeed(chosen)
    return chosen
  }

  /** A copy of the state, for `setState`. */
  getState(): Tensor {
    return this.state.clone()
  }

  setState(state: Tensor): this {
    this.state.copy_(state)
    return this
  }

  /** Whether nobody but this object has written the state since the seed was set, nor was a failed program's write taken back. */
  get #isKnown(): boolean {
    const { node, version } = this.#storage
    return !this.session.isTracing && version === this.#knownVersion && !(this.#draws > 0 && node === this.#base)
  }

  /** The next draw of `rand().mul(high - low).add(low)`, computed on the host; undefined where a device should do it. */
  drawUniform(size: number, low: number, high: number): Float32Array | undefined {
    if (!this.#isKnown || this.#drawnOnHost + size > hostLimit) return undefined
    this.#drawnOnHost += size
    const values = uniformOnHost(size, this.#seed, this.#drawsInAll++, low, high)
    this.session.hostWrite(this.#storage, stateOf(this.#seed, this.#drawsInAll))
    this.#knownVersion = this.#storage.version
    return values
  }

  /** The node of one draw; the state moves on by one for whoever draws next. */
  draw(make: (state: Node, draw: number) => Node): Node {
    const isKnown = this.#isKnown
    if (this.#base === undefined || this.#storage.node !== this.#written) {
      this.#base = this.state.node
      this.#draws = 0
    }
    const node = make(this.#base, this.#draws++)
    const counter = build.equal(build.iota(4, 'int32'), 2)
    this.#written = build.add(this.#base, build.mul(build.cast(counter, 'int32'), this.#draws))
    this.#storage.write(this.#written)
    this.#drawsInAll++
    if (isKnown) this.#knownVersion = this.#storage.version
    return node
  }
}

function checkSeed(seed: number): number {
  if (!Number.isSafeInteger(seed) || seed < 0)
    throw new ArgumentError(`manualSeed: expected a whole number from 0 to 2^53 - 1, got ${seed}.`, { seed })
  return seed
}

let seed = Math.floor(Math.random() * 2 ** 32)
const generators = new WeakMap<Session, Generator>()
// made with the session, so that a compiled function that draws finds a state older than itself
onSessionOpened((session) => {
  generators.set(session, new Generator(seed, session))
})

/** Starts the generators of all devices anew (torch.manual_seed). */
export function manualSeed(next: number): void {
  seed = checkSeed(next)
  for (const session of openSessions()) defaultGenerator(session).manualSeed(seed)
}

/** The generator that random functions on a device use. */
export const defaultGenerator = (device?: string | Session): Generator =>
  generators.get(typeof device === 'object' ? device : sessionFor(device))!

function drawn(shape: Shape, options: RandomOptions, make: (state: Node, draw: number, dtype: DType) => Node): Tensor {
  checkShape('random', shape)
  const generator = options.generator ?? defaultGenerator(options.device)
  const { dtype = 'float32', requiresGrad = false } = options
  const node = generator.draw((state, draw) => make(state, draw, dtype))
  return makeTensor(generator.session, node).requiresGrad_(requiresGrad)
}

/** Evenly from [0, 1). */
export const rand = (...given: SizedArguments<RandomOptions>): Tensor => {
  const [shape, options] = splitSizes(given)
  return drawn(shape, options, (state, draw, dtype) => randomUniform(state, shape, draw, dtype))
}

/** Standard normal. */
export const randn = (...given: SizedArguments<RandomOptions>): Tensor => {
  const [shape, options] = splitSizes(given)
  return drawn(shape, options, (state, draw, dtype) => randomNormal(state, shape, draw, dtype))
}

/** Normal with means and standard deviations: numbers and a shape, or tensors of one number for each element. */
export function normal(mean: number, std: number, shape: Shape, options?: RandomOptions): Tensor
export function normal(mean: Tensor, std?: Tensor | number, options?: RandomOptions): Tensor
export function normal(mean: number, std: Tensor, options?: RandomOptions): Tensor
export function normal(
  mean: Tensor | number,
  std: Tensor | number = 1,
  third?: Shape | RandomOptions,
  fourth: RandomOptions = {},
): Tensor {
  if (typeof std === 'number' && !(std >= 0))
    throw new ArgumentError(`normal: expected a standard deviation from 0, got ${std}.`, { op: 'normal', std })
  if (typeof mean === 'number' && typeof std === 'number')
    return drawn(third as Shape, fourth, (state, draw, dtype) =>
      build.add(build.mul(randomNormal(state, third as Shape, draw, dtype), std), mean),
    )
  const tensors = [mean, std].filter((each): each is Tensor => typeof each === 'object')
  const [first] = tensors
  const shape = broadcastShapes('normal', ...tensors.map((each) => each.shape))
  const options = { dtype: first.dtype, device: first.device, ...(third as RandomOptions | undefined) }
  return randn(shape, options).mul(std).add(mean)
}

/** Evenly from [low, high). */
export const uniform = (low: number, high: number, shape: Shape, options: RandomOptions = {}): Tensor => {
  if (!(low <= high))
    throw new ArgumentError(`uniform: expected low up to high, got ${low} and ${high}.`, { low, high })
  return drawn(shape, options, (state, draw, dtype) =>
    build.add(build.mul(randomUniform(state, shape, draw, dtype), high - low), low),
  )
}

/** Exponentially distributed with a rate: the time to wait for what happens `rate` times in one. */
export const exponential = (rate: number, shape: Shape, options: RandomOptions = {}): Tensor => {
  if (!(rate > 0)) throw new ArgumentError(`exponential: expected a rate above 0, got ${rate}.`, { rate })
  return drawn(shape, options, (state, draw, dtype) =>
    build.mul(log1p(build.neg(randomUniform(state, shape, draw, dtype))), -1 / rate),
  )
}

/** Whole numbers from `low` (0 if left out) to `high - 1`, int64 unless the options say otherwise. */
export function randint(high: number, shape: Shape, options?: RandomOptions): Tensor
export function randint(low: number, high: number, shape: Shape, options?: RandomOptions): Tensor
export function randint(
  first: number,
  second: number | Shape,
  third?: Shape | RandomOptions,
  fourth?: RandomOptions,
): Tensor {
  const [low, high, shape, options] =
    typeof second === 'number'
      ? [first, second, third as Shape, fourth]
      : [0, first, second, third as RandomOptions | undefined]
  return drawn(shape, { dtype: 'int64', ...options }, (state, draw, dtype) =>
    randomIntegers(state, shape, draw, low, high, dtype),
  )
}

export interface BernoulliOptions {
  readonly generator?: Generator
  /** one probability for all elements, whatever x holds */
  readonly p?: number
}

/** 1 with the probability that each element of x gives (or with p), else 0. */
export function bernoulli(x: Tensor, { generator = defaultGenerator(x.session), p }: BernoulliOptions = {}): Tensor {
  if (p !== undefined && !(p >= 0 && p <= 1))
    throw new ArgumentError(`bernoulli: expected a probability from 0 to 1, got ${p}.`, { op: 'bernoulli', p })
  const node = generator.draw((state, draw) => randomBernoulli(state, x.shape, draw, p ?? x.node))
  return makeTensor(generator.session, build.cast(node, x.dtype))
}

const likeOptions = (other: Tensor, options: RandomOptions): RandomOptions => ({
  dtype: other.dtype,
  device: other.device,
  ...options,
})
export const randLike = (other: Tensor, options: RandomOptions = {}): Tensor =>
  rand(other.shape, likeOptions(other, options))
export const randnLike = (other: Tensor, options: RandomOptions = {}): Tensor =>
  randn(other.shape, likeOptions(other, options))
export const randintLike = (other: Tensor, low: number, high: number, options: RandomOptions = {}): Tensor =>
  randint(low, high, other.shape, likeOptions(other, options))

/** 0 … n-1 in random order, int64: the order of random keys, ties (which are rare) by position. */
export function randperm(n: number, options: RandomOptions = {}): Tensor {
  const generator = options.generator ?? defaultGenerator(options.device)
  const [size] = checkShape('randperm', [n])
  const keys = generator.draw((state, draw) => randomIntegers(state, [size], draw, 0, 2 ** 31, 'int64'))
  const places = placesOf(argsort(build.cast(keys, 'int32')))
  return ofNode(build.cast(places, options.dtype ?? 'int64'), {
    ...options,
    device: generator.state.device,
  })
}
