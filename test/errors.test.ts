// The sentences that users read when something is wrong: op, what was expected, what came, and what to do. One row each, on every device.
// size: one table of sentences, a row for each
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readArguments } from '../src/cli/arguments.ts'
import { parse } from '../src/formats/safetensors/index.ts'
import {
  ArgumentError,
  arange,
  availableDevices,
  cat,
  closeDevices,
  compile,
  DeviceError,
  type DType,
  DTypeError,
  einsum,
  FormatError,
  fromHost,
  GradientError,
  grad,
  IndexError,
  nn,
  noGrad,
  ones,
  optim,
  type Shape,
  ShapeError,
  setDevice,
  stack,
  type Tensor,
  type TensorloomError,
  tensor,
  where,
  zeros,
} from '../src/index.ts'

type ErrorClass = new (...args: never[]) => TensorloomError
type Row = readonly [name: string, type: ErrorClass, sentence: RegExp, act: (device: string) => unknown]

const f = nn.functional
const leaf = (...shape: readonly number[]): Tensor => ones(shape, { requiresGrad: true })
const classes = (...values: readonly number[]): Tensor => tensor(values, { dtype: 'int64' })
const other = (device: string): string => availableDevices().find((name) => name !== device) ?? device
const wrong = <T>(value: unknown): T => value as T

const shapes: readonly Row[] = [
  [
    'broadcasting',
    ShapeError,
    /^add: expected shapes that broadcast together, got \[2, 3\] and \[4\]: axis -1 has 3 and 4\. Sizes must be equal, or one of them 1\.$/,
    () => ones([2, 3]).add(ones([4])),
  ],
  [
    'matmul',
    ShapeError,
    /^matmul: expected \[\.\.\., m, k\] and \[\.\.\., k, n\], got \[2, 3\] and \[4, 5\]\. The last axis of a \(3\) meets/,
    () => ones([2, 3]).matmul(ones([4, 5])),
  ],
  [
    'linear',
    ShapeError,
    /^linear: expected x to end in 784 \(weight is \[128, 784\]\), got \[64, 28, 28\]\. Flatten it first: x\.flatten\(1\)\.$/,
    () => new nn.Linear(784, 128)(ones([64, 28, 28])),
  ],
  [
    'reshape',
    ShapeError,
    /^reshape: expected a shape of 6 elements for \[2, 3\], got \[4, 2\], which has 8\. Leave one size to be found with -1\.$/,
    () => ones([2, 3]).reshape([4, 2]),
  ],
  [
    'expand',
    ShapeError,
    /^expand: expected axis 0 to stay 2 .* got \[4, 3\] for \[2, 3\]\. To repeat a longer axis use x\.repeat/,
    () => ones([2, 3]).expand([4, 3]),
  ],
  [
    'cat',
    ShapeError,
    /^cat: expected shapes that are equal but for axis 0, got \[2, 3\] and \[2, 4\]\.$/,
    () => cat([ones([2, 3]), ones([2, 4])]),
  ],
  [
    'stack',
    ShapeError,
    /^stack: expected tensors of one shape, got \[2, 3\] and \[2, 4\]\.$/,
    () => stack([ones([2, 3]), ones([2, 4])]),
  ],
  [
    'einsum',
    ShapeError,
    /^einsum: expected one size for 'j', got 3 and 4\.$/,
    () => einsum('ij,jk->ik', ones([2, 3]), ones([4, 5])),
  ],
  [
    'ragged arrays',
    ShapeError,
    /^tensor: expected nested arrays of one length at each level, got a different one at level 1/,
    () => tensor([[1, 2], [3]]),
  ],
  [
    'number of values',
    ShapeError,
    /^fromHost: expected 4 values for shape \[2, 2\], got 3\.$/,
    () => fromHost([1, 2, 3], [2, 2]),
  ],
  [
    'negative size',
    ShapeError,
    /^zeros: expected sizes that are whole numbers from 0, got \[-1, 2\]\.$/,
    () => zeros([-1, 2]),
  ],
  [
    'no list of sizes',
    ShapeError,
    /^ones: expected a list of sizes such as \[2, 3\], got abc\.$/,
    () => ones(wrong<Shape>('abc')),
  ],
  [
    'in place, too large',
    ShapeError,
    /^add_: expected a value that broadcasts to \[2\], got \[3, 2\]\.$/,
    () => ones([2]).add_(ones([3, 2])),
  ],
  [
    'conv2d channels',
    ShapeError,
    /^conv2d: expected x to have 3 channels on axis 1 \(weight is \[8, 3, 3, 3\], 1 group\), got \[1, 4, 8, 8\]\.$/,
    () => new nn.Conv2d(3, 8, 3)(ones([1, 4, 8, 8])),
  ],
  [
    'crossEntropy target',
    ShapeError,
    /^crossEntropy: expected a target of shape \[4\], one class index for each prediction of x \[4, 10\], got \[5\]\.$/,
    () => f.crossEntropy(ones([4, 10]), zeros([5], { dtype: 'int64' })),
  ],
  [
    'LSTM features',
    ShapeError,
    /^LSTM: expected x of 3 dimensions, or 2 without a batch, the last 4, got \[5, 3, 7\]\.$/,
    () => new nn.LSTM(4, 6)(ones([5, 3, 7])),
  ],
  [
    'topk',
    ShapeError,
    /^topk: expected k from 0 to 3, the size of axis -1 of \[3\], got 5\.$/,
    () => ones([3]).topk(5),
  ],
]

const axes: readonly Row[] = [
  [
    'axis',
    ShapeError,
    /^sum: expected an axis from -2 to 1 \(the tensor has 2 dimensions\), got 2\.$/,
    () => ones([2, 3]).sum(2),
  ],
  ['axis twice', ShapeError, /^sum: expected each axis once, got \[0, 0\]\.$/, () => ones([2, 3]).sum([0, -2])],
  ['softmax axis', ShapeError, /^softmax: expected an axis from -2 to 1 .* got 2\.$/, () => ones([2, 3]).softmax(2)],
  [
    'permute',
    ShapeError,
    /^permute: expected each axis of \[2, 3\] once, got \[0, 0\]\. To swap two axes use x\.transpose\(a, b\)\.$/,
    () => ones([2, 3]).permute(0, 0),
  ],
  [
    'select',
    ShapeError,
    /^select: expected a position from -4 to 3 on axis 0 of \[4, 2\], got 9\.$/,
    () => ones([4, 2]).select(0, 9),
  ],
  [
    'slice text',
    ArgumentError,
    /^slice: expected a range like '1:3', .* got 'a:b'\. A single position is a number: x\.slice\(0\)\.$/,
    () => ones([4]).slice('a:b'),
  ],
  [
    'maximum of nothing',
    ShapeError,
    /^max: expected at least one element to choose from, got \[0, 3\], which is empty on axis 0\.$/,
    () => zeros([0, 3]).max(0),
  ],
]

const dtypes: readonly Row[] = [
  [
    'unknown dtype',
    DTypeError,
    /^ones: expected a dtype \(bool, .*float64\), got 'float33'\.$/,
    () => ones([2], { dtype: wrong<DType>('float33') }),
  ],
  [
    'unknown conversion',
    ArgumentError,
    /^to: expected a dtype \(bool, .*\) or a device \(.*reference.*\), got 'complex64'\.$/,
    () => ones([2]).to('complex64'),
  ],
  [
    'index dtype',
    DTypeError,
    /^gather: expected an index of dtype int32 or int64, got float32\. Convert it first/,
    () => ones([2, 3]).gather(0, ones([1, 3])),
  ],
  [
    'condition',
    DTypeError,
    /^where: expected a condition of dtype bool, got float32\. Compare first: x\.ne\(0\)\.$/,
    () => where(ones([2]), 1, 2),
  ],
  [
    'class indices',
    DTypeError,
    /^crossEntropy: expected class indices \(an integer dtype\), .* got float32 \[4\]\. Convert them first: target\.to\('int64'\)\.$/,
    () => f.crossEntropy(ones([4, 10]), ones([4])),
  ],
  [
    'in place, narrower',
    DTypeError,
    /^add_: expected a result that int64 can hold, got float32\. Use the function that returns a new tensor/,
    () => classes(1).add_(0.5),
  ],
  [
    'gradient of integers',
    DTypeError,
    /^requiresGrad: expected a floating point tensor, got int64\. Only floating point/,
    () => zeros([2], { dtype: 'int64', requiresGrad: true }),
  ],
]

const sizes: readonly Row[] = [
  [
    'too many elements',
    ShapeError,
    /^zeros: expected at most 2\^40 elements, got \[1000000, 1000000, 1000000\]\. Is a size in the wrong place\?$/,
    () => zeros([1e6, 1e6, 1e6]),
  ],
  [
    'too long a range',
    ShapeError,
    /^arange: expected at most 2\^40 elements, got \[1000000000000000\]/,
    () => arange(1e15),
  ],
  [
    'a result beyond memory',
    DeviceError,
    /expected .*(of at most .* MB .* left, got 2199023\.\d MB|of at most 4294967296 bytes, got float32 \[1048576, 524288\]).*Use a smaller batch/,
    () =>
      zeros([2 ** 20, 2 ** 19])
        .add(1)
        .data(),
  ],
  [
    'a step beyond memory',
    DeviceError,
    /expected .*(left, got 6\d{4}\.\d MB|of at most 4294967296 bytes, got float32 \[131072, 131072\]).*Use a smaller batch/,
    () => huge().data(),
  ],
  ['threads', DeviceError, /^native: expected 1 to 1024 threads, got 0\.$|^setDevice: '?/, () => refuseThreads()],
]

/** [2^17, 2^17] float32: 64 GiB. */
const huge = (): Tensor =>
  ones([2 ** 17, 2])
    .matmul(ones([2, 2 ** 17]))
    .softmax(1)
    .add(1)

function refuseThreads(): void {
  if (!availableDevices().includes('native')) throw new DeviceError("setDevice: 'native' cannot be had here.")
  closeDevices()
  setDevice('native', { threads: 0 })
}

const twice = (): void => {
  const loss = leaf(2).mul(2).sum()
  loss.backward()
  loss.backward()
}

const gradients: readonly Row[] = [
  [
    'backward twice',
    GradientError,
    /^backward: expected a graph that was not used yet, got one that an earlier backward freed\. Pass \{ retainGraph: true \}/,
    twice,
  ],
  [
    'backward of no graph',
    GradientError,
    /^backward: expected a tensor that requires grad, got one that does not\. Was it computed inside noGrad/,
    () => ones([1]).backward(),
  ],
  [
    'backward of many elements',
    ShapeError,
    /^backward: expected one element \(a loss\) or a gradient argument, got shape \[2\]\. Reduce it first: loss\.mean\(\)\.$/,
    () => leaf(2).mul(2).backward(),
  ],
  [
    'gradient of another shape',
    ShapeError,
    /^backward: expected a gradient of shape \[2\], got \[3\]\.$/,
    () =>
      leaf(2)
        .mul(2)
        .backward(ones([3])),
  ],
  [
    'gradient of another device',
    DeviceError,
    /^backward: expected a gradient on (\w+), got one on \w+\. Move it with to\('\1'\)\.$/,
    (device) =>
      leaf(2)
        .mul(2)
        .backward(ones([2], { device: other(device) })),
  ],
  [
    'grad of what is unused',
    GradientError,
    /^grad: expected outputs that depend on input 0 \(shape \[2\]\), got outputs that do not\. Pass \{ allowUnused: true \}/,
    () => grad(leaf(2).sum(), leaf(2)),
  ],
  [
    'in place on a leaf',
    GradientError,
    /^add_: expected a tensor that may change in place, got a leaf that requires grad\. Wrap the update in noGrad/,
    () => leaf(2).add_(1),
  ],
  [
    'in place on a view of a leaf',
    GradientError,
    /^add_: .* got a view of a leaf that requires grad\. Wrap the update in noGrad/,
    () => leaf(2).slice('0:1').add_(1),
  ],
  [
    'a result as leaf',
    GradientError,
    /^requiresGrad: expected a leaf tensor, got the result of an operation\. Use detach\(\)/,
    () => leaf(2).mul(2).requiresGrad_(false),
  ],
  [
    'async noGrad',
    GradientError,
    /^noGrad: expected a synchronous function, got one that returns a Promise\. .* await before or after it instead\.$/,
    () => noGrad(async () => 1),
  ],
  [
    'async compile',
    GradientError,
    /^compile: expected a synchronous function, got one that returns a Promise\./,
    () => compile(async (x: Tensor) => x)(ones([2])),
  ],
  [
    'a read inside compile',
    GradientError,
    /^item: expected no reads inside compile\(\), got one\. .* return the tensor and read it outside\.$/,
    () => compile((x: Tensor) => void x.item())(ones([1])),
  ],
]

const values: readonly Row[] = [
  [
    'item of many elements',
    ShapeError,
    /^item: expected a tensor with one element, got shape \[2\]\. Use data\(\) or toArray\(\)\.$/,
    () => ones([2]).item(),
  ],
  [
    'embedding row',
    IndexError,
    /^embedding: expected indices from 0 to 3, got 9 at position 1 of the index/,
    () => f.embedding(classes(1, 9), ones([4, 2])).data(),
  ],
  [
    'class out of range',
    IndexError,
    /^crossEntropy: expected indices from 0 to 9, got 12 at position 1 of the index/,
    () => f.crossEntropy(ones([2, 10]), classes(1, 12)).item(),
  ],
  [
    'a string operand',
    ArgumentError,
    /^add: expected a tensor or a number, got string\.$/,
    () => ones([2]).add(wrong<Tensor>('3')),
  ],
  [
    'a number for a tensor',
    ArgumentError,
    /^matmul: expected a tensor, got number\.$/,
    () => ones([2]).matmul(wrong<Tensor>(3)),
  ],
  [
    'no data',
    ArgumentError,
    /^tensor: expected numbers, booleans or BigInts, got string\.$/,
    () => tensor(wrong<number[]>(['a'])),
  ],
  [
    'dropout',
    ArgumentError,
    /^dropout: expected a probability from 0 to 1, got 1\.5\.$/,
    () => f.dropout(ones([2]), { p: 1.5 }),
  ],
  [
    'optimizer',
    ArgumentError,
    /^optimizer: expected lr to be at least 0, got -1\.$/,
    () => new optim.SGD([leaf(2)], { lr: -1 }),
  ],
  [
    'missing weights',
    ArgumentError,
    /^loadStateDict: expected the names and shapes of Linear, got missing weight, bias\. Pass \{ strict: false \}/,
    () => new nn.Linear(2, 3).loadStateDict({}),
  ],
]

const devices: readonly Row[] = [
  ['unknown device', DeviceError, /^setDevice: expected one of .*reference.*, got 'tpu'\.$/, () => setDevice('tpu')],
  [
    'tensor on an unknown device',
    DeviceError,
    /^device: expected one of .*reference.*, got 'tpu'\.$/,
    () => ones([2], { device: 'tpu' }),
  ],
  [
    'two devices',
    DeviceError,
    /^add: expected tensors on one device, got (\w+) and \w+\. Move one with to\('\1'\)\.$/,
    (device) => ones([2]).add(ones([2], { device: other(device) })),
  ],
  [
    'two devices in a list',
    DeviceError,
    /^cat: expected tensors on one device, got \w+ and \w+\.$/,
    (device) => cat([ones([2]), ones([2], { device: other(device) })]),
  ],
  [
    'two devices in compile',
    DeviceError,
    /^compile: expected arguments on one device, got (\w+) and \w+\. Move one with to\('\1'\)\.$/,
    (device) => compile((x: Tensor, _y: Tensor) => x)(ones([1]), ones([1], { device: other(device) })),
  ],
]

const files: readonly Row[] = [
  ['safetensors, too short', FormatError, /^safetensors: expected .*got/, () => parse(new Uint8Array(4))],
  ['safetensors, no header', FormatError, /^safetensors: expected .*got/, () => parse(new Uint8Array(64).fill(0xff))],
  [
    'flag',
    ArgumentError,
    /^Unknown option '--foo'\. Expected --dataset, --data-dir, --model, --epochs, .*--help\.$/,
    () => readArguments(['--foo']),
  ],
  [
    'flag value',
    ArgumentError,
    /^--epochs: expected a whole number from 1 to 4294967295, got 'x'\.$/,
    () => readArguments(['--epochs', 'x']),
  ],
  [
    'flag choice',
    ArgumentError,
    /^--model: expected one of cnn, mlp, got 'rnn'\.$/,
    () => readArguments(['--model', 'rnn']),
  ],
]

const needsTwoDevices = /another device|two devices/
const rows = [...shapes, ...axes, ...dtypes, ...sizes, ...gradients, ...values, ...devices, ...files]

for (const device of availableDevices())
  for (const [name, type, sentence, act] of rows) {
    if (needsTwoDevices.test(name) && availableDevices().length < 2) continue
    test(`sentence: ${name} (${device})`, async () => {
      setDevice(device)
      await assert.rejects(
        async () => act(device),
        (error: TensorloomError) => {
          assert.ok(error instanceof type, `expected a ${type.name}, got ${error.name}: ${error.message}`)
          assert.match(error.message, sentence)
          assert.match(error.code, /^[A-Z]+$/)
          return true
        },
      )
    })
  }

test('a detached parameter may change in place', async () => {
  const weight = leaf(2)
  weight.detach().add_(1)
  assert.deepEqual(await weight.toArray(), [2, 2])
  assert.equal(weight.isLeaf && weight.requiresGrad, true)
})
