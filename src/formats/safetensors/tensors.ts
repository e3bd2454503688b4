// Named tensors to a safetensors file and back, bit for bit.
import { fromBytes, type Tensor } from '../../tensor/index.ts'
import { readFile, writeFile } from './file.ts'
import type { RawTensor } from './layout.ts'
import { entriesOf, type Metadata } from './serialize.ts'

export type NamedTensors = ReadonlyMap<string, Tensor> | Readonly<Record<string, Tensor>>

/** What devices store is what the file stores: little-endian, row-major, halves as bit patterns. */
async function rawOf(named: NamedTensors): Promise<Map<string, RawTensor>> {
  const raw = new Map<string, RawTensor>()
  for (const [name, { node, session, shape, dtype }] of entriesOf<Tensor>(named))
    raw.set(name, { dtype, shape, bytes: await session.read(node) })
  return raw
}

/** Writes tensors, such as `model.stateDict()`. The file is the old one or the new one at any time, never a part. */
export async function save(tensors: NamedTensors, path: string, metadata?: Metadata): Promise<void> {
  await writeFile(await rawOf(tensors), path, metadata)
}

/** A byte of a bool that is neither 0 nor 1 would mean different things to different kernels. */
const normalised = ({ dtype, bytes }: RawTensor): Uint8Array =>
  dtype === 'bool' ? bytes.map((byte) => Number(byte !== 0)) : bytes

/** Reads a file's tensors. @throws FormatError when it is not a well-formed safetensors file */
export async function load(path: string): Promise<Map<string, Tensor>> {
  const { tensors } = await readFile(path)
  return new Map(
    Array.from(tensors, ([name, raw]) => [name, fromBytes(normalised(raw), raw.shape, { dtype: raw.dtype })]),
  )
}
