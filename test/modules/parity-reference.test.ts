// Every recorded module of PyTorch on the reference device.
import { testModules } from './module-parity.ts'

testModules('reference')
