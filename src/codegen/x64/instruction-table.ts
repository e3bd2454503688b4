// The one table of x86-64 instructions, from mnemonic to encodings. The encoder, the decoder and the printer read it.
//
// A row is `header roles operands`, after the manual's own notation:
//   header    dot-separated: `vex` and/or an EVEX encoding with its W (`e0` `e1`; `u0` `u1` if it takes no opmask), `lock`, `w1`, the mandatory prefix
//             (66 f3 f2), the map (0f 0f38 0f3a), then the opcode with /digit, or with /xx for a fixed second byte.
//   roles     where each operand goes, in order: R ModRM.reg, M ModRM.rm, V VEX.vvvv, O low bits of the opcode, I immediate,
//             S register in an immediate byte, D pc-relative, X implied.
//   operands  r8..r64, rm8..rm64, m8..m512, x y z k and xm32.. (register or memory), al cl eax rax, one, immediates (s8
//             sign-extended, u8, i8 i16 i32 i64 as wide as the operand), rel32, mem (any memory), vx vy vz (gather memory).
//             Generic sizes: r rm m a (32 and 64 bits); v vm vv, h hm (half), qm (quarter), em (eighth) for each vector width.
// Rows are tried in order, so the shortest encoding comes first, as an assembler would choose it.

import { type Form, parseRows } from './form.ts'
import { integerTable } from './integer-table.ts'
import { vectorTable } from './vector-table.ts'

export const instructionTable = { ...integerTable, ...vectorTable } as const satisfies Record<
  string,
  string | readonly string[]
>

export type Mnemonic = keyof typeof instructionTable

const forms = new Map<string, readonly Form[]>()

/** The encodings of a mnemonic; parsed at its first use, so that loading this module costs nothing. */
export function formsOf(mnemonic: Mnemonic): readonly Form[] {
  let parsed = forms.get(mnemonic)
  if (parsed === undefined) {
    if (!Object.hasOwn(instructionTable, mnemonic)) return []
    forms.set(mnemonic, (parsed = parseRows(mnemonic, instructionTable[mnemonic])))
  }
  return parsed
}

export function allForms(): Form[] {
  return (Object.keys(instructionTable) as Mnemonic[]).flatMap((mnemonic) => formsOf(mnemonic))
}
