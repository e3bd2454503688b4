// Loops, reductions, guards, checks and tiles as WebAssembly.
import { checkCases } from '../test-checks.ts'
import { emissionCases } from '../test-emission.ts'
import { testCases } from '../test-generator.ts'
import { integerCases } from '../test-integers.ts'
import { webAssembly } from './test-harness.ts'

testCases({ ...emissionCases, ...integerCases, ...checkCases }, webAssembly)
