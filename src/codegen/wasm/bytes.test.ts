// Loops of bytes on WebAssembly.
import { byteCases } from '../test-bytes.ts'
import { testCases } from '../test-generator.ts'
import { webAssembly } from './test-harness.ts'

testCases(byteCases, webAssembly)
