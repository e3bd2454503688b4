import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bfloat16Bits, bfloat16Value, float16Bits, float16Value, roundToBfloat16, roundToFloat16 } from './half.ts'

const formats = [
  { name: 'float16', toBits: float16Bits, toValue: float16Value, infinity: 0x7c00, largest: 65504 },
  { name: 'bfloat16', toBits: bfloat16Bits, toValue: bfloat16Value, infinity: 0x7f80, largest: 2 ** 128 - 2 ** 120 },
]

for (const { name, toBits, toValue, infinity, largest } of formats) {
  test(`${name}: all 65536 patterns survive the way to a value and back, NaNs as NaN`, () => {
    for (let bits = 0; bits < 0x10000; bits++) {
      const value = toValue(bits)
      assert.equal(Math.fround(value), value)
      if ((bits & 0x7fff) > infinity) assert.ok(Number.isNaN(value) && (toBits(value) & 0x7fff) > infinity)
      else assert.equal(toBits(value), bits)
    }
  })

  test(`${name}: values between neighbours round to the nearer one, halfway to the even one`, () => {
    for (let bits = 0; bits < infinity - 1; bits++) {
      const low = toValue(bits)
      const gap = toValue(bits + 1) - low
      assert.equal(toBits(low + gap * 0.25), bits)
      assert.equal(toBits(low + gap * 0.75), bits + 1)
      assert.equal(toBits(low + gap * 0.5), bits % 2 === 0 ? bits : bits + 1)
      assert.equal(toBits(-(low + gap * 0.75)), 0x8000 | (bits + 1))
    }
  })

  test(`${name}: the ends`, () => {
    assert.equal(toValue(infinity - 1), largest)
    assert.equal(toBits(Number.POSITIVE_INFINITY), infinity)
    assert.equal(toBits(Number.NEGATIVE_INFINITY), 0x8000 | infinity)
    assert.equal(toBits(1e39), infinity)
    assert.equal(toBits(-0), 0x8000)
    assert.ok(Object.is(toValue(0x8000), -0))
    assert.equal(toBits(toValue(1) / 4), 0)
  })
}

test('rounding a value is the way to its bits and back', () => {
  for (let i = 0; i < 20000; i++) {
    const value = Math.fround(Math.sin(i) * 10 ** ((i % 25) - 15))
    assert.equal(roundToFloat16(value), float16Value(float16Bits(value)))
    assert.equal(roundToBfloat16(value), bfloat16Value(bfloat16Bits(value)))
  }
})

test('halves: what is halfway past the largest value is infinite', () => {
  assert.equal(roundToFloat16(65519.996), 65504)
  assert.equal(roundToFloat16(65520), Number.POSITIVE_INFINITY)
  assert.equal(roundToBfloat16(1 + 2 ** -8), 1)
  assert.equal(roundToBfloat16(1 + 3 * 2 ** -8), 1 + 2 ** -6)
})
