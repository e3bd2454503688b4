// Summaries: shapes, parameters, flops by hand, what prints, and that nothing runs or changes.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { currentSession, nn, type Tensor } from '../index.ts'

const network = () =>
  new nn.Sequential(
    new nn.Conv2d(1, 4, 3, { padding: 1 }),
    new nn.BatchNorm2d(4),
    new nn.ReLU(),
    new nn.MaxPool2d(2),
    new nn.Flatten(),
    new nn.Linear(4 * 4 * 4, 10),
  )

test('rows, totals and flops', () => {
  const model = network()
  model.at(1)!.requiresGrad_(false)
  const summary = model.summary([2, 1, 8, 8])
  const convolution = 2 * 2 * 4 * 64 * 9
  const linear = 2 * 2 * 64 * 10
  assert.deepEqual(
    summary.rows.map(({ name, type, flops }) => [name, type, flops]),
    [
      ['', 'Sequential', convolution + linear],
      ['0', 'Conv2d', convolution],
      ['1', 'BatchNorm2d', 0],
      ['2', 'ReLU', 0],
      ['3', 'MaxPool2d', 0],
      ['4', 'Flatten', 0],
      ['5', 'Linear', linear],
    ],
  )
  assert.deepEqual(summary.rows[4].outputShape, [2, 4, 4, 4])
  assert.equal(summary.parameters, 40 + 8 + 650)
  assert.equal(summary.trainableParameters, 40 + 650)
  const text = String(summary)
  assert.match(text, /^Layer +Output shape +Parameters +Flops\n─+\nSequential +\[2, 10\] +698 +11\.8 k\n {2}0: Conv2d/)
  assert.match(text, /Parameters: 698, 8 of them frozen/)
})

test('it runs nothing, and leaves modes and statistics as they were', () => {
  const model = network()
  model.at(2)!.eval()
  const { compiles } = currentSession().programs
  model.summary([2, 1, 8, 8])
  assert.equal(currentSession().programs.compiles, compiles)
  assert.deepEqual(
    model.children().map(({ training }) => training),
    [true, true, false, true, true, true],
  )
})

test('a module that is called twice counts twice, shared parameters once, and one that is not called shows so', () => {
  class Twice extends nn.Module {
    inner = new nn.Linear(3, 3, { bias: false })
    tied = this.inner
    unused = new nn.Linear(3, 3)
    forward(x: Tensor): Tensor {
      return this.inner(this.inner(x))
    }
  }
  const [whole, inner, unused] = new Twice().summary([5, 3]).rows
  assert.deepEqual([whole.parameters, inner.flops, unused.outputShape], [9 + 12, 2 * (2 * 5 * 9), null])
})

test('inputs of integers, loops and depth', () => {
  const model = new nn.Sequential(new nn.Embedding(10, 4), new nn.Flatten())
  assert.deepEqual(model.summary([2, 3], { dtype: 'int64' }).rows[2].outputShape, [2, 12])
  const lstm = new nn.LSTM(3, 4)
  assert.equal(lstm.summary([5, 2, 3]).flops, 5 * 2 * 2 * 16 * (3 + 4))
  assert.equal(model.summary([2, 3], { dtype: 'int64', depth: 0 }).rows.length, 1)
})
