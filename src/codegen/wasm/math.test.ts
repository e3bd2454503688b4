// Accuracy of exp, log, sin, cos and pow as WebAssembly.
import { accuracyCases } from '../test-accuracy.ts'
import { testCases } from '../test-generator.ts'
import { webAssembly } from './test-harness.ts'

testCases(accuracyCases, webAssembly)
