// Loops, reductions, guards, checks and tiles as machine code.
import { checkCases } from '../test-checks.ts'
import { emissionCases } from '../test-emission.ts'
import { testCases } from '../test-generator.ts'
import { integerCases } from '../test-integers.ts'
import { machineCode } from './test-harness.ts'

testCases({ ...emissionCases, ...integerCases, ...checkCases }, machineCode)
