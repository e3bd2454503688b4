// PyTorch's recorded calls on the wasm device.
import { testRecordedCalls } from './recorded-calls.ts'

testRecordedCalls('wasm')
