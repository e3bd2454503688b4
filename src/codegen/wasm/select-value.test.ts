// Every arithmetic kind on every dtype as WebAssembly.
import { testCases } from '../test-generator.ts'
import { valueCases } from '../test-values.ts'
import { webAssembly } from './test-harness.ts'

testCases(valueCases, webAssembly)
