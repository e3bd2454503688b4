// Named raw tensors to a safetensors file and back. A file is either the old one or the whole new one, whatever happens to
// the process or the machine; reading takes one tensor at a time, so size is bounded by memory alone.
import { type FileHandle, open, rename, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { FormatError } from '../../base/errors.ts'
import { headerLength, prefixBytes, type RawTensor, readLayout, writeHeader } from './layout.ts'
import { checkedEntries, type Metadata, type RawTensors, type SafetensorsFile } from './serialize.ts'

/** A read or write of more than 2 GiB is cut short by the system. */
const largestTransfer = 2 ** 30

async function readAt(file: FileHandle, position: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length)
  for (let done = 0; done < length; ) {
    const { bytesRead } = await file.read(bytes, done, Math.min(length - done, largestTransfer), position + done)
    if (bytesRead === 0)
      throw new FormatError(
        `safetensors: expected ${length} bytes at ${position}, got ${done}. Was the file shortened?`,
      )
    done += bytesRead
  }
  return bytes
}

/** Reads a file's tensors, each with bytes of its own. */
export async function readFile(path: string): Promise<SafetensorsFile> {
  const file = await open(path, 'r')
  try {
    const { size } = await file.stat()
    const length = headerLength(await readAt(file, 0, Math.min(prefixBytes, size)), size)
    const layout = readLayout(await readAt(file, prefixBytes, length), size)
    const tensors = new Map<string, RawTensor>()
    for (const [name, { dtype, shape, begin, end }] of layout.tensors)
      tensors.set(name, { dtype, shape, bytes: await readAt(file, layout.dataStart + begin, end - begin) })
    return { metadata: layout.metadata, tensors }
  } finally {
    await file.close()
  }
}

async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length; )
    done += (await file.write(bytes, done, Math.min(bytes.length - done, largestTransfer))).bytesWritten
}

/** Makes a rename in `folder` last through a power failure, on systems that let a folder be opened. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => undefined)
  if (handle === undefined) return
  try {
    await handle.sync().catch(() => undefined)
  } finally {
    await handle.close()
  }
}

let filesWritten = 0

/** Writes a temporary file beside `path`, flushes it to the disk, then renames it over `path`. */
export async function writeFile(tensors: RawTensors, path: string, metadata?: Metadata): Promise<void> {
  const entries = checkedEntries(tensors)
  const header = writeHeader(entries, metadata)
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}-${filesWritten++}.tmp`)
  const file = await open(temporary, 'wx')
  try {
    try {
      await writeAll(file, header)
      for (const [, { bytes }] of entries) await writeAll(file, bytes)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
  } catch (error) {
    await unlink(temporary).catch(() => undefined)
    throw error
  }
  await syncFolder(dirname(path))
}
