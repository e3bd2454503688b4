// Optimizers and learning-rate schedules, under PyTorch's names.
export { Adam, type AdamOptions, AdamW } from './adam.ts'
export { type GroupInput, Optimizer, type OptimizerState, type ParamsInput } from './optimizer.ts'
export type { ParamGroup } from './param-group.ts'
export { CosineAnnealingLR, LambdaLR, LRScheduler, type SchedulerState, StepLR } from './schedulers.ts'
export { SGD, type SGDOptions } from './sgd.ts'
