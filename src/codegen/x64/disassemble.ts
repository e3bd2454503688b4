// Machine code to lines of Intel-syntax text, for reading emitted kernels and for tests that look at them.

import { decode, labelsOf } from './decode.ts'
import { formatInstruction, type LabelNamer } from './print.ts'

const nameOf: LabelNamer = ({ id }) => `L${id.toString(16).padStart(4, '0')}`

/**
 * One line per instruction, and a line `L0010:` before each place that is jumped to or loaded from. Bytes that the
 * instruction table does not know, and those from `codeLength` on (the constant pool), become `.byte` lines.
 */
export function disassemble(bytes: Uint8Array, codeLength: number = bytes.length): string[] {
  const lines: { offset: number; text: string }[] = []
  const targets = new Map<number, string>()
  const code = bytes.subarray(0, codeLength)
  for (let offset = 0; offset < codeLength; ) {
    const instruction = decode(code, offset)
    const text = instruction
      ? formatInstruction(instruction.mnemonic, instruction.operands, nameOf)
      : formatBytes(code.subarray(offset, offset + 1))
    for (const label of instruction ? labelsOf(instruction) : []) targets.set(label.id, nameOf(label))
    lines.push({ offset, text })
    offset += instruction?.length ?? 1
  }
  for (const [offset, end] of poolRanges(targets, codeLength, bytes.length)) {
    lines.push({ offset, text: formatBytes(bytes.subarray(offset, end)) })
  }
  return lines.flatMap(({ offset, text }) => {
    const label = targets.get(offset)
    return label === undefined ? [`  ${text}`] : [`${label}:`, `  ${text}`]
  })
}

/** The pool cut at the places that code refers to. */
function poolRanges(targets: ReadonlyMap<number, string>, start: number, end: number): [number, number][] {
  const cuts = [...targets.keys()].filter((offset) => offset > start && offset < end).sort((a, b) => a - b)
  const starts = [start, ...cuts]
  return start === end ? [] : starts.map((offset, i) => [offset, starts[i + 1] ?? end])
}

function formatBytes(bytes: Uint8Array): string {
  return `.byte ${Array.from(bytes, (byte) => `0x${byte.toString(16).padStart(2, '0')}`).join(', ')}`
}
