// Tensorloom: the tensor floor joined to the devices of this runtime.
import { defaultDevices, deviceSettings } from '#default-devices'
import { registerDevice, setDefaultChoice } from './tensor/sessions.ts'

for (const { name, open } of defaultDevices) registerDevice(name, open)
setDefaultChoice(deviceSettings())

export * from './base/errors.ts'
export * as nn from './nn/index.ts'
export * as optim from './optim/index.ts'
export * from './tensor/index.ts'
