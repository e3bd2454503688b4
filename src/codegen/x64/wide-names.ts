// What instruction selection must know of 512-bit vectors beside their size: other names, and choosing by a mask of ones.
import type { Mnemonic } from './instruction-table.ts'

/** Instructions that have another name where vectors have 512 bits. */
const wideNames: Partial<Record<Mnemonic, Mnemonic>> = {
  vpand: 'vpandd',
  vpandn: 'vpandnd',
  vpor: 'vpord',
  vpxor: 'vpxord',
  vroundps: 'vrndscaleps',
  vroundpd: 'vrndscalepd',
}
export const namedFor = (mnemonic: Mnemonic, bytes: number): Mnemonic =>
  bytes === 64 ? (wideNames[mnemonic] ?? mnemonic) : mnemonic

/** Comparisons, which in 512 bits leave a mask of bits and become sequences that spread it. */
export const comparesLanes: ReadonlySet<Mnemonic> = new Set<Mnemonic>([
  ...(['vcmpps', 'vcmppd', 'vpcmpeqd', 'vpcmpgtd', 'vpcmpgtq'] as const),
])

/** vpternlogd: bit by bit, the second where the first is set, else the third */
export const chooseByFirst = 0xca
