// What composites say when a call is wrong: the class, and a sentence with what was expected, what came and what to do.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ArgumentError, DTypeError, ShapeError } from '../../src/base/errors.ts'
import { placeholder } from '../../src/graph/builders.ts'
import type { Reduction } from '../../src/graph/composites/reduction.ts'
import * as c from '../../src/graph/composites.ts'

const f = (...shape: number[]) => placeholder(shape, 'float32')
const i = (...shape: number[]) => placeholder(shape, 'int64')

type Class = new (...args: never[]) => Error
const rows: readonly (readonly [string, Class, RegExp, () => unknown])[] = [
  [
    'softmax of integers',
    DTypeError,
    /^softmax: expected a float dtype, got int64\. Convert it first/,
    () => c.softmax(i(3), 0),
  ],
  ['softmax axis', ShapeError, /^softmax: expected an axis from -2 to 1 .*got 2\.$/, () => c.softmax(f(2, 3), 2)],
  [
    'argmax of nothing',
    ShapeError,
    /^argmax: expected at least one element to choose from, got \[2, 0\]/,
    () => c.argmax(f(2, 0), 1),
  ],
  [
    'argmax of bools',
    DTypeError,
    /^argmax: expected a numeric dtype, got bool\./,
    () => c.argmax(placeholder([2], 'bool')),
  ],
  [
    'layerNorm shape',
    ShapeError,
    /^layerNorm: expected x to end in \[5\], got \[2, 4\]\. The normalized shape/,
    () => c.layerNorm(f(2, 4), [5]),
  ],
  [
    'layerNorm weight',
    ShapeError,
    /^layerNorm: expected weight to have the normalized shape \[4\], got \[3\]/,
    () => c.layerNorm(f(2, 4), [4], { weight: f(3) }),
  ],
  ['groupNorm groups', ArgumentError, /divides the 7 channels of \[2, 7, 4\], got 2/, () => c.groupNorm(f(2, 7, 4), 2)],
  [
    'batchNorm of one value',
    ShapeError,
    /more than one value per channel when training, got \[1, 3\]\..*model\.eval/,
    () => c.batchNormTraining(f(1, 3)),
  ],
  [
    'batchNorm weight',
    ShapeError,
    /one value for each of the 3 channels of \[2, 3\], got \[2\]/,
    () => c.batchNormTraining(f(2, 3), { weight: f(2) }),
  ],
  [
    'conv2d channels',
    ShapeError,
    /^conv2d: expected x to have 3 channels on axis 1 \(weight is \[8, 3, 3, 3\], 1 group\), got \[2, 1, 8, 8\]/,
    () => c.conv2d(f(2, 1, 8, 8), f(8, 3, 3, 3)),
  ],
  [
    'conv2d kernel',
    ShapeError,
    /^conv2d: expected at least 5 elements on spatial axis 1 .* got 4 with padding/,
    () => c.conv2d(f(1, 1, 6, 4), f(1, 1, 5, 5)),
  ],
  [
    'conv2d rank',
    ShapeError,
    /^conv2d: expected x to be \[batch, channels, \.\.\.\].*got \[8, 8\]/,
    () => c.conv2d(f(8, 8), f(1, 1, 3, 3)),
  ],
  [
    'conv2d dtypes',
    DTypeError,
    /^conv2d: expected inputs of one dtype, got int64 and float32/,
    () => c.conv2d(i(1, 1, 4, 4), f(1, 1, 3, 3)),
  ],
  [
    'conv2d groups',
    ArgumentError,
    /groups that divides the 4 output channels .* got 3/,
    () => c.conv2d(f(1, 3, 4, 4), f(4, 1, 3, 3), undefined, { groups: 3 }),
  ],
  [
    'conv2d stride',
    ArgumentError,
    /stride to be a whole number from 1, or 2 of them, got -1/,
    () => c.conv2d(f(1, 1, 4, 4), f(1, 1, 3, 3), undefined, { stride: -1 }),
  ],
  [
    'conv2d same',
    ArgumentError,
    /stride 1 with padding 'same', got \[2, 2\]/,
    () => c.conv2d(f(1, 1, 4, 4), f(1, 1, 3, 3), undefined, { stride: 2, padding: 'same' }),
  ],
  [
    'conv2d bias',
    ShapeError,
    /bias with one value for each of the 2 output channels, got float32 \[3\]/,
    () => c.conv2d(f(1, 1, 4, 4), f(2, 1, 3, 3), f(3)),
  ],
  [
    'convTranspose2d',
    ShapeError,
    /^convTranspose2d: expected x \[batch, 2, \.\.\.\]/,
    () => c.convTranspose2d(f(1, 3, 4, 4), f(2, 1, 3, 3)),
  ],
  [
    'maxPool2d window',
    ShapeError,
    /^maxPool2d: expected height and width to hold a window of \[5, 5\]/,
    () => c.maxPool2d(f(1, 1, 4, 4), 5),
  ],
  [
    'maxPool2d padding',
    ArgumentError,
    /padding of at most half the kernel \[2, 2\], got \[2, 2\]/,
    () => c.maxPool2d(f(1, 4, 4), 2, { padding: 2 }),
  ],
  [
    'maxPool2d rank',
    ShapeError,
    /\[channels, height, width\], without axes of size 0 but the batch, got \[1, 0, 10\]/,
    () => c.maxPool2d(f(1, 0, 10), 1),
  ],
  [
    'avgPool2d divisor',
    ArgumentError,
    /divisorOverride other than 0, got 0/,
    () => c.avgPool2d(f(3, 3, 3), 2, { divisorOverride: 0 }),
  ],
  [
    'adaptiveAvgPool2d size',
    ArgumentError,
    /output size from 0, or \[height, width\], got \[-1,0\]/,
    () => c.adaptiveAvgPool2d(f(1, 1, 1, 1), [-1, 0]),
  ],
  [
    'crossEntropy target',
    ShapeError,
    /target of shape \[4\], one class index for each prediction of x \[4, 10\], got \[5\]/,
    () => c.crossEntropy(f(4, 10), i(5)),
  ],
  [
    'crossEntropy float target',
    DTypeError,
    /class indices \(an integer dtype\), or probabilities of the shape of x, got float32 \[4\]/,
    () => c.crossEntropy(f(4, 10), f(4)),
  ],
  [
    'crossEntropy weight',
    ShapeError,
    /one weight for each of the 10 classes, got \[4\]/,
    () => c.crossEntropy(f(4, 10), i(4), { weight: f(4) }),
  ],
  [
    'reduction',
    ArgumentError,
    /reduction to be 'mean', 'sum' or 'none', got 'abc'/,
    () => c.l1Loss(f(2), f(2), 'abc' as Reduction),
  ],
  [
    'mseLoss shapes',
    ShapeError,
    /^mseLoss: expected a target of x's shape \[4, 1\], got \[4\]\. .*squeeze/,
    () => c.mseLoss(f(4, 1), f(4)),
  ],
  [
    'attention widths',
    ShapeError,
    /q \[\.\.\., queries, width\], k .* got \[2, 3, 4\], \[2, 3, 5\]/,
    () => c.scaledDotProductAttention(f(2, 3, 4), f(2, 3, 5), f(2, 3, 5)),
  ],
  [
    'attention mask',
    ShapeError,
    /mask that broadcasts to \[\.\.\., queries, keys\] \[2, 3, 3\], got \[5, 2, 3, 3\]/,
    () => c.scaledDotProductAttention(f(2, 3, 4), f(2, 3, 4), f(2, 3, 4), { mask: f(5, 2, 3, 3) }),
  ],
  [
    'attention mask and causal',
    ArgumentError,
    /a mask or isCausal, got both/,
    () => c.scaledDotProductAttention(f(3, 4), f(3, 4), f(3, 4), { mask: f(3, 3), isCausal: true }),
  ],
  [
    'gelu variant',
    ArgumentError,
    /approximate to be 'none' or 'tanh', got 'asdf'/,
    () => c.gelu(f(1), 'asdf' as 'tanh'),
  ],
  ['tril of a vector', ShapeError, /^tril: expected at least 2 dimensions, got \[4\]/, () => c.tril(f(4))],
  [
    'embedding weight',
    ShapeError,
    /weight of \[rows, width\], got \[1, 1, 1\]/,
    () => c.embedding(i(2, 2), f(1, 1, 1)),
  ],
  ['embedding padding row', ArgumentError, /paddingIdx from -5 to 4, got 5/, () => c.embedding(i(2), f(5, 2), 5)],
  [
    'lstm weights',
    ShapeError,
    /^lstm: expected weightHh to be \[16, 4\] \(4 hidden, 3 features\), got \[4, 16\]/,
    () => c.recurrent('lstm', f(5, 2, 3), [f(1, 2, 4), f(1, 2, 4)], [{ weightIh: f(16, 3), weightHh: f(4, 16) }]),
  ],
  [
    'cell state',
    ShapeError,
    /^gruCell: expected x \[batch, features\] and states \[batch, hidden\], got \[5, 3\] and \[1, 4\]\.$/,
    () => c.recurrentCell('gru', f(5, 3), [f(1, 4)], { weightIh: f(12, 3), weightHh: f(12, 4) }),
  ],
  [
    'lstm state',
    ShapeError,
    /states \[1, batch, hidden\], got x \[5, 2, 3\], h \[2, 4\]/,
    () => c.recurrent('lstm', f(5, 2, 3), [f(2, 4), f(2, 4)], [{ weightIh: f(16, 3), weightHh: f(16, 4) }]),
  ],
]

for (const [name, type, sentence, call] of rows)
  test(`sentence: ${name}`, () => {
    assert.throws(call, (error: Error) => {
      assert.ok(error instanceof type, `expected a ${type.name}, got ${error.name}: ${error.message}`)
      assert.match(error.message, sentence)
      return true
    })
  })
