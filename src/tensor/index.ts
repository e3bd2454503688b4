// The tensor floor as the floors above see it.
export type { DType } from '../base/dtype.ts'
export type { Shape } from '../base/shape.ts'
export type { Axes, Operand, ReduceOptions } from './arguments.ts'
export { type BackwardOptions, grad, runBackward } from './backward.ts'
export { type CompileCounters, type Compiled, compile } from './compile.ts'
export * from './creation.ts'
export type { ValuesAndIndices, VarianceOptions } from './families/reduction.ts'
export { einsum } from './functions/einsum.ts'
export * from './functions/joining.ts'
export * from './functions/losses.ts'
export * from './functions/methods.ts'
export * from './functions/neural.ts'
export { enableGrad, isGradEnabled, noGrad, refusePromise } from './grad-mode.ts'
export type { TypedArray } from './host-values.ts'
export { type Index, newAxis, type Slice } from './indexing.ts'
export type { NestedArray } from './nested-array.ts'
export * from './random.ts'
export {
  availableDevices,
  closeDevices,
  currentSession,
  type DeviceOptions,
  type DeviceReport,
  device,
  type OpenDevice,
  registerDevice,
  setDevice,
} from './sessions.ts'
export { Tensor } from './tensor.ts'
export { guard } from './tracing.ts'
