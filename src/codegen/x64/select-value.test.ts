// Every arithmetic kind on every dtype as machine code.
import { testCases } from '../test-generator.ts'
import { valueCases } from '../test-values.ts'
import { machineCode } from './test-harness.ts'

testCases(valueCases, machineCode)
