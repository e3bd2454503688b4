// storeBytes: host bytes go in, a storage that the device holds comes out, without running a program.
import { bytesOf, type DType } from '../base/dtype.ts'
import { type Shape, sizeOf } from '../base/shape.ts'
import * as build from '../graph/builders.ts'
import type { Session } from '../runtime/session.ts'
import { Storage } from '../runtime/storage.ts'

export function storeBytes(session: Session, bytes: Uint8Array, shape: Shape, dtype: DType): Storage {
  const storage = new Storage(session, build.full(shape, 0, dtype))
  const buffer = session.device.allocate(sizeOf(shape) * bytesOf(dtype))
  session.device.write(buffer, bytes)
  storage.commit(buffer)
  return storage
}
