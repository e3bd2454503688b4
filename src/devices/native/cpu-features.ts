// Asks the processor what it is: vector extensions that the system also saves, cache sizes, vendor.
// The probe is emitted code (CPUID and XGETBV have no counterpart in JavaScript); the decoding is plain arithmetic on its answers.

import { readFileSync } from 'node:fs'
import { Assembler } from '../../codegen/x64/assembler.ts'
import { eax, ebx, ecx, edi, edx, esi, mem, r8, rbx, rdx } from '../../codegen/x64/operands.ts'

export interface CpuFeatures {
  readonly vendor: string
  readonly avx2: boolean
  readonly fma: boolean
  readonly f16c: boolean
  /** avx512 f, bw, dq and vl, together with the system's saving of zmm and mask registers. */
  readonly avx512: boolean
  /** Data cache sizes in bytes, as one core sees them. */
  readonly cacheBytes: { readonly l1: number; readonly l2: number; readonly l3: number }
}

export interface CpuidRegisters {
  readonly eax: number
  readonly ebx: number
  readonly ecx: number
  readonly edx: number
}

export interface CpuProbe {
  cpuid(leaf: number, subleaf: number): CpuidRegisters
  /** Low word of XCR0: which register states the system saves. */
  stateMask(): number
}

/** `void cpuid(edi leaf, esi subleaf, rdx uint32_t[4])` and `uint64_t xgetbv()`, the low word of register 0. */
export function emitCpuProbe(): { cpuid: Uint8Array; stateMask: Uint8Array } {
  const cpuid = new Assembler()
  cpuid.emit('push', rbx)
  cpuid.emit('mov', r8, rdx)
  cpuid.emit('mov', eax, edi)
  cpuid.emit('mov', ecx, esi)
  cpuid.emit('cpuid')
  for (const [i, register] of [eax, ebx, ecx, edx].entries())
    cpuid.emit('mov', mem({ base: r8, disp: 4 * i }), register)
  cpuid.emit('pop', rbx)
  cpuid.emit('ret')
  const stateMask = new Assembler()
  stateMask.emit('xor', ecx, ecx)
  stateMask.emit('xgetbv')
  stateMask.emit('mov', eax, eax)
  stateMask.emit('ret')
  return { cpuid: cpuid.finish(), stateMask: stateMask.finish() }
}

const vectorState = 0b110
const wideVectorState = 0b11100110

export function readCpuFeatures(probe: CpuProbe): CpuFeatures {
  const { eax: lastLeaf, ebx, ecx, edx } = probe.cpuid(0, 0)
  const vendor = String.fromCharCode(
    ...[ebx, edx, ecx].flatMap((word) => [0, 8, 16, 24].map((s) => (word >>> s) & 255)),
  )
  const basic = probe.cpuid(1, 0)
  const extended = lastLeaf >= 7 ? probe.cpuid(7, 0) : { ebx: 0 }
  const savesState = bit(basic.ecx, 27)
  const saved = savesState ? probe.stateMask() : 0
  const vectors = (saved & vectorState) === vectorState && bit(basic.ecx, 28)
  const wide = (saved & wideVectorState) === wideVectorState
  return {
    vendor,
    avx2: vectors && bit(extended.ebx, 5),
    fma: vectors && bit(basic.ecx, 12),
    f16c: vectors && bit(basic.ecx, 29),
    avx512: wide && [16, 17, 30, 31].every((flag) => bit(extended.ebx, flag)),
    cacheBytes: readCaches(probe, lastLeaf, vendor),
  }
}

const bit = (word: number, index: number) => ((word >>> index) & 1) === 1

/** Leaf 4 (Intel) and 0x8000001D (AMD) list the caches alike; a hypervisor may hide both, then the system's own list serves. */
function readCaches(probe: CpuProbe, lastLeaf: number, vendor: string): CpuFeatures['cacheBytes'] {
  const amd = /AMD|Hygon/.test(vendor)
  const leaf = amd ? 0x8000001d : 4
  const available = amd ? probe.cpuid(0x80000000, 0).eax >= leaf : lastLeaf >= 4
  const sizes = available ? cachesFromCpuid(probe, leaf) : new Map<number, number>()
  const size = (level: number, otherwise: number) => sizes.get(level) || cacheFromSystem(level) || otherwise
  return { l1: size(1, 32 * 1024), l2: size(2, 256 * 1024), l3: size(3, 0) }
}

function cachesFromCpuid(probe: CpuProbe, leaf: number): Map<number, number> {
  const sizes = new Map<number, number>()
  for (let subleaf = 0; subleaf < 16; subleaf++) {
    const { eax, ebx, ecx } = probe.cpuid(leaf, subleaf)
    const type = eax & 31
    if (type === 0) break
    const ways = (ebx >>> 22) + 1
    const partitions = ((ebx >>> 12) & 1023) + 1
    const lineBytes = (ebx & 4095) + 1
    if (type !== 2) sizes.set((eax >>> 5) & 7, ways * partitions * lineBytes * (ecx + 1))
  }
  return sizes
}

function cacheFromSystem(level: number): number {
  for (let index = 0; index < 8; index++) {
    const read = (name: string) =>
      readFileSync(`/sys/devices/system/cpu/cpu0/cache/index${index}/${name}`, 'utf8').trim()
    try {
      if (Number(read('level')) === level && read('type') !== 'Instruction') return parseSize(read('size'))
    } catch {
      return 0
    }
  }
  return 0
}

function parseSize(text: string): number {
  const scale = { K: 1024, M: 1024 * 1024 }[text.slice(-1)] ?? 1
  return Number.parseInt(text, 10) * scale
}
