// Random bits by counting: Threefry-2x32 (Salmon, Moraes, Dror and Shaw, Parallel Random Numbers: As Easy as 1, 2, 3, SC 2011).
// A key and a counter go in, two words that nobody can tell from chance come out: the same on every device, in any order.
import { add, and, or, shiftLeft, shiftRight, xor } from '../builders.ts'
import type { Node } from '../node.ts'

export type Words = readonly [Node, Node]

const rotations = [13, 15, 26, 6, 17, 29, 16, 24]
const parity = 0x1bd11bda

/** Thirteen rounds pass BigCrush (table 2 of the paper); twenty are its margin of safety, needed where results are secrets. */
const defaultRounds = 13

/** x >>> bits, on int32. */
export const shiftRightLogical = (x: Node, bits: number): Node => and(shiftRight(x, bits), 2 ** (32 - bits) - 1)

const rotateLeft = (x: Node, bits: number): Node => or(shiftLeft(x, bits), shiftRightLogical(x, 32 - bits))

/** All words are int32, read as unsigned. */
export function threefry2x32(key: Words, counter: Words, rounds = defaultRounds): Words {
  const keys = [key[0], key[1], xor(xor(key[0], key[1]), parity)]
  let [a, b] = [add(counter[0], keys[0]), add(counter[1], keys[1])]
  for (let round = 0; round < rounds; round++) {
    a = add(a, b)
    b = xor(rotateLeft(b, rotations[round % 8]), a)
    if (round % 4 !== 3) continue
    const injection = (round + 1) / 4
    a = add(a, keys[injection % 3])
    b = add(b, add(keys[(injection + 1) % 3], injection))
  }
  return [a, b]
}
