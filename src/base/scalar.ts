// Words shared by the tensor graph and the kernel vocabulary.

export type Scalar = number | bigint | boolean
export type ReduceKind = 'sum' | 'prod' | 'max' | 'min'
