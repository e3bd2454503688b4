// Element positions along one axis of a shape: what masks and index comparisons are made of. Nothing is read from memory.
import type { Shape } from '../../base/shape.ts'
import { alongAxis, iota } from '../builders.ts'
import type { Node } from '../node.ts'

/** int32 of `shape`, each element its own index on `axis`. */
export const positionsAlong = (shape: Shape, axis: number): Node => alongAxis(iota(shape[axis], 'int32'), axis, shape)
