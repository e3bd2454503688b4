// One operation on lane values, by the form in which its operands are held.
import type { AluKind, KernelDType } from '../../kernel/kernel-node.ts'
import { floatOperation } from './select-float.ts'
import { integerOperation, maskOperation, wideIntegerOperation } from './select-integer.ts'
import type { LaneValue, Selection } from './select-state.ts'

export function operate(s: Selection, kind: AluKind, dtype: KernelDType, inputs: readonly LaneValue[]): LaneValue {
  switch (inputs[0].form) {
    case 'f32':
    case 'f64':
      return floatOperation(s, kind, inputs)
    case 'i32':
      return integerOperation(s, kind, dtype, inputs)
    case 'i64':
      return wideIntegerOperation(s, kind, inputs)
    case 'mask':
      return maskOperation(s, kind, inputs)
  }
}
