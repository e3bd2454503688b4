// Every recorded module of PyTorch on the native device.
import { testModules } from './module-parity.ts'

testModules('native')
