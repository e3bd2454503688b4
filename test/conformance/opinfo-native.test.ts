// PyTorch's recorded calls on the native device.
import { testRecordedCalls } from './recorded-calls.ts'

testRecordedCalls('native')
