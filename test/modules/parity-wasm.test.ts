// Every recorded module of PyTorch on the wasm device.
import { testModules } from './module-parity.ts'

testModules('wasm')
