// Contents of a file that may be gzip: decompressed if it is, as they are otherwise.
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { FormatError } from '../base/errors.ts'

const inflate = promisify(gunzip)
/** No data set of this package is larger; a small file that claims to be is an attack on memory. */
const maxBytes = 2 ** 31 - 1

export async function decompressed(bytes: Uint8Array, name: string): Promise<Uint8Array> {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes
  try {
    return await inflate(bytes, { maxOutputLength: maxBytes })
  } catch (error) {
    throw new FormatError(`${name}: expected gzip data, got ${(error as Error).message}. Is the file complete?`, {
      name,
    })
  }
}
