// The tensor floor as the floors above see it.
export type { DType } from '../base/dtype.ts'
export type { Shape } from '../base/shape.ts'
export type { Axes, Operand, ReduceOptions } from './arguments.ts'
export { type AutocastOptions, autocast } from './autocast.ts'
export { jvp, type ProductOptions, type Tensors, vjp } from './autograd.ts'
export { type BackwardOptions, grad, runBackward } from './backward.ts'
export { type CompileCounters, type Compiled, compile } from './compile.ts'
export * from './creation.ts'
export { defineFunction, type FunctionContext, type FunctionDefinition } from './custom-function.ts'
export { defineOp, type Op, type OpCall, type OpDefinition } from './define-op.ts'
export { DeviceReport } from './device-report.ts'
export type { UniqueOptions } from './families/counting.ts'
export type { ValuesAndIndices, VarianceOptions } from './families/reduction.ts'
export { flopsOf } from './flops.ts'
export * from './functions/arranging.ts'
export * from './functions/distances.ts'
export { einsum } from './functions/einsum.ts'
export * from './functions/images.ts'
export * from './functions/joining.ts'
export * from './functions/losses.ts'
export * from './functions/methods.ts'
export * from './functions/neural.ts'
export * from './functions/normalisation.ts'
export * from './functions/not-yet.ts'
export * from './functions/pair-losses.ts'
export * from './functions/pooling.ts'
export * from './functions/sampling.ts'
export { tensordot } from './functions/tensordot.ts'
export { enableGrad, isGradEnabled, noGrad, refusePromise } from './grad-mode.ts'
export { type GradcheckOptions, gradcheck, gradgradcheck } from './gradcheck.ts'
export type { TypedArray } from './host-values.ts'
export { type Index, type IndexList, newAxis, type Slice } from './indexing.ts'
export type { NestedArray } from './nested-array.ts'
export { profile } from './profile.ts'
export * from './random.ts'
export {
  availableDevices,
  closeDevices,
  currentSession,
  type DeviceOptions,
  device,
  type OpenDevice,
  registerDevice,
  setDevice,
} from './sessions.ts'
export { Tensor } from './tensor.ts'
export { guard } from './tracing.ts'
