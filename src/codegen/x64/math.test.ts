// Accuracy of exp, log, sin, cos and pow as machine code.
import { accuracyCases } from '../test-accuracy.ts'
import { testCases } from '../test-generator.ts'
import { machineCode } from './test-harness.ts'

testCases(accuracyCases, machineCode)
