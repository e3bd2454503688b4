// All builders of graph nodes by the name that they have everywhere above: tensor functions, composites and gradients call these.
export * from './builders/aggregate.ts'
export * from './builders/elementwise.ts'
export * from './builders/index.ts'
export * from './builders/leaves.ts'
export * from './builders/movement.ts'
export { cast, promoteOperands, resultDType } from './builders/promote.ts'
export * from './builders/scan.ts'
export * from './builders/structure.ts'
