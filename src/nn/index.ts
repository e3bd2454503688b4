// Neural network modules, their initialisation and functional forms, under PyTorch's names.
export * as utils from './clip.ts'
export * as functional from './functional.ts'
export * as init from './initialise.ts'
export * from './layers/activation.ts'
export * from './layers/attention.ts'
export * from './layers/batch-norm.ts'
export * from './layers/containers.ts'
export * from './layers/convolution.ts'
export * from './layers/dropout.ts'
export * from './layers/embedding.ts'
export * from './layers/linear.ts'
export * from './layers/losses.ts'
export * from './layers/normalisation.ts'
export * from './layers/padding.ts'
export * from './layers/pair-losses.ts'
export * from './layers/pooling.ts'
export * from './layers/recurrent.ts'
export {
  type CellOptions,
  GRUCell,
  LSTMCell,
  type LSTMState,
  RNNCell,
  type RNNCellOptions,
} from './layers/recurrent-cell.ts'
export * from './layers/shape.ts'
export * from './layers/transformer.ts'
export { type ForwardHook, type ForwardPreHook, type HookHandle, type Layer, Module } from './module.ts'
export { parameter } from './parameter.ts'
export type { LoadReport, StateDict, StateSource } from './state-dict.ts'
export { ModelSummary, type SummaryOptions, type SummaryRow } from './summary.ts'
