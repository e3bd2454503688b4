// Loops of bytes on machine code; that they take 32 at once is seen in the code.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { alu, loadOf, storeTo } from '../../kernel/builders.ts'
import { byteCases } from '../test-bytes.ts'
import { kernelOf, loopOver, param, testCases } from '../test-generator.ts'
import { emitKernel } from './emit-kernel.ts'
import { machineCode } from './test-harness.ts'

testCases(byteCases, machineCode)

test('bytes are not widened', () => {
  const [a, b, out] = [0, 1, 2].map((slot) => param(slot, 'bool', 256))
  const loop = loopOver('vector', 256, 128, (i) => [storeTo(out, i, alu('or', 'bool', loadOf(a, i), loadOf(b, i)))])
  const printed = emitKernel(kernelOf([a, b, out], [loop]), {
    checked: false,
    features: { f16c: true, avx512: false },
  }).print()
  assert.match(printed, /vpor ymm/)
  assert.doesNotMatch(printed, /vpmovzx|vpshufb/)
})
