// The tensor floor on the reference device, for the tests beside its files.
import { createReferenceDevice } from '../devices/reference/reference-device.ts'
import { registerDevice, type Tensor, tensor } from './index.ts'

registerDevice('reference', createReferenceDevice)

export * from './index.ts'

export const float64Tensor = (values: readonly number[]): Tensor => tensor(values, { dtype: 'float64' })
