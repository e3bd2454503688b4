// PyTorch's recorded calls on the reference device.
import { testRecordedCalls } from './recorded-calls.ts'

testRecordedCalls('reference')
