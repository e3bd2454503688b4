// The module and optimizer floors under the names that users give them.
export * as nn from '../../src/nn/index.ts'
export * as optim from '../../src/optim/index.ts'
