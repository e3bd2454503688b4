import assert from 'node:assert/strict'
import { beforeEach, test } from 'node:test'
import { CompileError, DeviceError, GradientError, StaleError } from '../base/errors.ts'
import { createReferenceDevice } from '../devices/reference/reference-device.ts'
import {
  closeDevices,
  compile,
  guard,
  noGrad,
  ones,
  randn,
  registerDevice,
  setDevice,
  type Tensor,
  tensor,
  zeros,
} from './index.ts'

registerDevice('reference', createReferenceDevice)
registerDevice('other', createReferenceDevice)

beforeEach(() => {
  closeDevices()
  setDevice('reference')
})

test('replays run no JavaScript: two traces, one program, right values', async () => {
  let runs = 0
  const double = compile((x: Tensor) => {
    runs++
    return x.mul(2)
  })
  for (let i = 0; i < 5; i++) assert.deepEqual(await double(tensor([i, 1])).toArray(), [2 * i, 2])
  assert.deepEqual([runs, double.traces, double.compiles, double.programs.length], [2, 2, 1, 1])
})

test('nested arguments and results; other values are guarded', async () => {
  const fn = compile(({ pair, scale }: { pair: Tensor[]; scale: number }, name: string) => ({
    sum: pair[0].add(pair[1]).mul(scale),
    first: pair[0],
    name,
    list: [pair[1].neg()],
  }))
  const [a, b] = [tensor([1]), tensor([2])]
  const { sum, first, name, list } = fn({ pair: [a, b], scale: 3 }, 'x')
  assert.deepEqual([await sum.toArray(), await list[0].toArray(), name], [[9], [-2], 'x'])
  assert.equal(first, a)
  assert.deepEqual(await fn({ pair: [b, b], scale: 3 }, 'x').sum.toArray(), [12])
  assert.equal(fn({ pair: [b, a], scale: 4 }, 'y').first, b)
  assert.deepEqual(await fn({ pair: [a, b], scale: 4 }, 'y').sum.toArray(), [12])
  assert.equal(fn.programs.length, 3)
})

test('shapes, dtypes, grad mode, train flags and frozen parameters are guarded', async () => {
  const w = tensor([3], { requiresGrad: true })
  const state = { training: true }
  const fn = compile((x: Tensor) => {
    guard(() => state.training)
    return state.training ? x.mul(w) : x.add(w)
  })
  assert.equal(fn(ones([1])).requiresGrad, true)
  assert.equal(fn(ones([2])).requiresGrad, true)
  assert.equal(fn(ones([1], { dtype: 'float64' })).dtype, 'float64')
  assert.equal(noGrad(() => fn(ones([1]))).requiresGrad, false)
  w.requiresGrad_(false)
  assert.equal(fn(ones([1])).requiresGrad, false)
  assert.equal(fn.programs.length, 5)
  state.training = false
  assert.deepEqual(await fn(ones([1])).toArray(), [4])
  state.training = true
  assert.deepEqual(await fn(ones([1])).toArray(), [3])
  assert.equal(fn.programs.length, 6)
})

test('arguments: views, lazy values and the same tensor twice', async () => {
  const fn = compile((x: Tensor, y: Tensor) => x.sub(y))
  const base = tensor([
    [1, 2],
    [3, 4],
  ])
  const lazy = base.add(10)
  assert.deepEqual(await fn(base.select(0, 1), lazy.select(0, 0)).toArray(), [-8, -8])
  assert.deepEqual(await fn(base.select(1, 0), base.select(1, 1)).toArray(), [-1, -1])
  assert.deepEqual(await fn(lazy, base).toArray(), [
    [10, 10],
    [10, 10],
  ])
  assert.deepEqual(await fn(lazy, lazy).toArray(), [
    [0, 0],
    [0, 0],
  ])
  assert.deepEqual(await lazy.toArray(), [
    [11, 12],
    [13, 14],
  ])
})

test('arguments and captured tensors are written in place', async () => {
  const total = zeros([2])
  const add = compile((x: Tensor, target: Tensor) => {
    total.add_(x)
    target.copy_(x)
    return total
  })
  const [p, q] = [zeros([2]), zeros([2])]
  assert.equal(add(tensor([1, 2]), p), total)
  add(tensor([3, 4]), q)
  assert.deepEqual(
    [await total.toArray(), await p.toArray(), await q.toArray()],
    [
      [4, 6],
      [1, 2],
      [3, 4],
    ],
  )
  assert.throws(() => add(tensor([3, 4]), ones([2, 2]).select(0, 0)), /a view/)
})

test('state that the first call makes is kept: momentum', async () => {
  const w = tensor([1], { dtype: 'float64', requiresGrad: true })
  let momentum: Tensor | undefined
  const step = compile(() => {
    w.grad = null
    w.square().sum().backward()
    momentum ??= zeros([1], { dtype: 'float64' })
    const buffer = momentum
    noGrad(() => {
      buffer.mul_(0.5).add_(w.grad!)
      w.sub_(buffer.mul(0.1))
    })
  })
  let [weight, velocity] = [1, 0]
  for (let i = 0; i < 4; i++) {
    step()
    velocity = 0.5 * velocity + 2 * weight
    weight -= 0.1 * velocity
  }
  assert.ok(Math.abs((await w.item()) - weight) < 1e-12)
  assert.ok(Math.abs((await momentum!.item()) - velocity) < 1e-12)
})

test('a value that calls hand on in a variable is refused', () => {
  let hidden: Tensor = zeros([2])
  const step = compile((x: Tensor) => {
    hidden = hidden.add(x)
    return hidden
  })
  assert.throws(() => step(ones([2])), /updated in place/)
})

test('gradients: assigned, accumulated, cleared, and their presence guarded', async () => {
  const w = tensor([2], { requiresGrad: true })
  const backward = compile((x: Tensor) => {
    w.mul(x).sum().backward()
  })
  backward(tensor([1]))
  const first = w.grad!
  assert.deepEqual(await first.toArray(), [1])
  backward(tensor([10]))
  backward(tensor([100]))
  assert.deepEqual(await w.grad!.toArray(), [111])
  w.grad = null
  backward(tensor([5]))
  assert.deepEqual(await w.grad!.toArray(), [5])
  assert.equal(backward.programs.length, 2)
  const clear = compile(() => {
    w.grad = null
  })
  clear()
  assert.equal(w.grad, null)
})

test('an exception leaves everything as it was', async () => {
  const w = tensor([2], { requiresGrad: true })
  const count = zeros([])
  const step = compile((fails: boolean) => {
    count.add_(1)
    w.square().sum().backward()
    noGrad(() => w.sub_(w.grad!))
    if (fails) throw new RangeError('no')
  })
  assert.throws(() => step(true), RangeError)
  assert.equal(w.grad, null)
  assert.deepEqual([await count.item(), await w.toArray()], [0, [2]])
  step(false)
  assert.deepEqual([await count.item(), await w.toArray()], [1, [-2]])
})

test('compiled functions may call each other', async () => {
  const inner = compile((x: Tensor) => x.add(1))
  const outer = compile((x: Tensor) => inner(x).mul(inner(x)))
  assert.deepEqual(await outer(tensor([2])).toArray(), [9])
  assert.deepEqual([inner.programs.length, outer.programs.length], [0, 1])
})

test('what cannot be compiled is refused with a sentence', async () => {
  const x = tensor([1], { requiresGrad: true })
  assert.throws(() => compile(async () => x.mul(2))(), GradientError)
  assert.throws(() => compile(() => x.item())(), /no reads inside compile/)
  assert.throws(() => compile((y: Tensor) => y.mul(2))(x.mul(2)), /detach\(\)/)
  const [outside, state] = [x.mul(2), zeros([1])]
  assert.throws(() => compile(() => outside.mul(2))(), /detach\(\)/)
  assert.throws(() => compile(() => state.copyFrom([3]))(), /from the host/)
  assert.throws(() => compile((a: Tensor, b: Tensor) => a.add(b))(x, ones([1], { device: 'other' })), DeviceError)
  const result = compile(() => x.square().sum())()
  assert.throws(() => result.backward(), GradientError)
  assert.deepEqual(await x.toArray(), [1])
})

test('what was lazily computed from the old values is stale, not wrong', async () => {
  const w = tensor([1], { requiresGrad: true })
  const step = compile(() => noGrad(() => void w.mul_(2)))
  const [lazy, kept] = [w.add(1), w.clone()]
  step()
  await assert.rejects(lazy.data(), StaleError)
  assert.deepEqual([await kept.toArray(), await w.toArray()], [[1], [2]])
})

test('random draws differ from call to call', async () => {
  const draw = compile(() => randn([3]))
  const [a, b] = [draw(), draw()]
  assert.notDeepEqual(await a.toArray(), await b.toArray())
})

test('TENSORLOOM_DEBUG=retrace finds what a guard does not see', () => {
  let power = 2
  process.env.TENSORLOOM_DEBUG = 'retrace'
  try {
    const fn = compile((x: Tensor) => x.pow(power))
    fn(tensor([3]))
    fn(tensor([3]))
    power = 3
    assert.throws(() => fn(tensor([3])), CompileError)
  } finally {
    delete process.env.TENSORLOOM_DEBUG
  }
})
