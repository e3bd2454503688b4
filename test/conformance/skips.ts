// What the recorded samples hold that is not replayed, and why. The counts are checked: they may only go down.

export interface Skip {
  readonly op: string | readonly string[]
  readonly reason: string
  /** how many samples it covers, of calls that must succeed and of calls that must fail */
  readonly count: number
  /** which calls of the op; all if left out */
  readonly when?: (call: Call) => boolean
}

interface Call {
  readonly op: string
  readonly dtype?: string
  readonly args: readonly unknown[]
  readonly kwargs: Readonly<Record<string, unknown>>
  readonly error?: string
  readonly special?: boolean
}

interface Spec {
  readonly shape: readonly number[]
  readonly dtype: string
}

const isTensor = (value: unknown): value is Spec => typeof value === 'object' && value !== null && 'shape' in value
const fails = ({ error }: Call): boolean => error !== undefined
const hasFractions = ({ kwargs }: Call): boolean =>
  [kwargs.alpha, kwargs.beta].some((factor) => !Number.isInteger(factor ?? 1))

export const skips: readonly Skip[] = [
  {
    op: ['atan2', 'eq', 'ne', 'lt', 'le', 'gt', 'ge', 'fmod', 'remainder', 'max', 'min', 'maximum', 'minimum', 'pow'],
    reason: 'PyTorch refuses numbers here; ours are refused by their types, or taken as operands',
    count: 29,
    when: (call) => fails(call) && call.args.some((value) => typeof value === 'number') && call.error === 'TypeError',
  },
  {
    op: ['linspace', 'logspace'],
    reason: 'JavaScript cannot tell a count of 1.0 from one of 1',
    count: 2,
    when: (call) => fails(call) && typeof call.args[2] === 'object',
  },
  {
    op: 'narrow',
    reason: 'a start that is a tensor would make the shape depend on values',
    count: 13,
    when: ({ args }) => isTensor(args[2]),
  },
  {
    op: ['baddbmm', 'addbmm'],
    reason: 'PyTorch cuts fractional factors of integers to 0; here they are refused',
    count: 3,
    when: (call) => ['int64', 'int32'].includes(call.dtype ?? '') && hasFractions(call),
  },
  {
    op: 'batchNorm',
    reason: 'PyTorch takes an empty vector without a channel axis',
    count: 3,
    when: ({ args: [x] }) => isTensor(x) && x.shape.length === 1,
  },
  {
    op: 'gather',
    reason: 'PyTorch takes an empty index of any dtype',
    count: 7,
    when: ({ args: [, , index] }) => isTensor(index) && index.dtype === 'uint8',
  },
  {
    op: 'localResponseNorm',
    reason: 'PyTorch averages integers with truncation; here floats are expected',
    count: 2,
    when: ({ dtype }) => dtype === 'int64',
  },
  {
    op: 'gelu',
    reason: "PyTorch's vectorised float32 gives NaN at infinity",
    count: 1,
    when: ({ special, dtype }) => special === true && dtype === 'float32',
  },
  {
    op: ['topk', 'kthvalue'],
    reason: 'which of equal integers is taken is not specified',
    count: 7,
    when: ({ dtype }) => dtype === 'int32' || dtype === 'int64',
  },
  {
    op: ['amax', 'amin', 'aminmax'],
    reason: 'more than 64 dimensions are not refused',
    count: 6,
    when: ({ args: [x] }) => isTensor(x) && x.shape.length > 64,
  },
]

/** The first skip that covers a call. */
export const skipOf = (call: Call): Skip | undefined =>
  skips.find(
    ({ op, when }) =>
      (typeof op === 'string' ? op === call.op : op.includes(call.op)) && (when === undefined || when(call)),
  )
