// Downloads a file: goes on where an earlier try stopped, checks the SHA-256 of what came, and puts the file in place whole or not at all.
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { mkdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { DataError } from '../base/errors.ts'
import { decompressed } from './decompress.ts'

/** Called with the bytes that are there and, if the server tells, the bytes of the whole file. */
export type OnProgress = (file: string, done: number, total: number | undefined) => void

export interface DownloadRequest {
  readonly url: string
  /** where the file goes; what has come so far is kept beside it as `path.part` */
  readonly path: string
  /** of the contents, decompressed if they are gzip: recompressing a file must not change what it is */
  readonly sha256: string
  readonly onProgress?: OnProgress
}

const tries = 3
/** A connection that sends nothing for this long counts as lost. */
const idleMilliseconds = 30_000

/** @throws DataError when the file cannot be fetched, or is another than expected */
export async function download(request: DownloadRequest): Promise<void> {
  const { url, path, sha256 } = request
  const part = `${path}.part`
  await mkdir(dirname(path), { recursive: true })
  for (let attempt = 1; ; attempt++)
    try {
      await fetchRest(request, part)
      break
    } catch (error) {
      if (error instanceof DataError || attempt === tries) throw unreachable(url, error)
    }
  const actual = createHash('sha256')
    .update(await decompressed(await readFile(part), url))
    .digest('hex')
  if (actual !== sha256) {
    await rm(part)
    throw new DataError(
      `download: expected ${url} to have contents of SHA-256 ${sha256}, got ${actual}. Nothing was kept; try again or another mirror.`,
      { url, sha256, actual },
    )
  }
  await rename(part, path)
}

function unreachable(url: string, error: unknown): DataError {
  if (error instanceof DataError) return error
  const { message, cause } = error as Error & { cause?: Error & { code?: string } }
  const reason = cause?.code ?? cause?.message ?? message
  return new DataError(`download: expected to reach ${url}, got ${reason}. Is there a network?`, { url, reason })
}

/** Appends to `part` what it lacks. */
async function fetchRest({ url, path, onProgress }: DownloadRequest, part: string): Promise<void> {
  const have = await stat(part).then(
    ({ size }) => size,
    () => 0,
  )
  const watch = new AbortController()
  const response = await fetch(url, { headers: have > 0 ? { range: `bytes=${have}-` } : {}, signal: watch.signal })
  if (response.status === 416) {
    // all of it is here, or more than there is: the checksum tells
    await response.body?.cancel()
    return
  }
  if (!response.ok || response.body === null)
    throw new DataError(`download: expected ${url} to be there, got HTTP status ${response.status}.`, { url })
  const start = response.status === 206 ? have : 0
  const length = response.headers.get('content-length')
  const total = length === null ? undefined : start + Number(length)
  await append(response.body, part, { start, watch, onBytes: (done) => onProgress?.(path, done, total) })
}

interface Appending {
  readonly start: number
  readonly watch: AbortController
  onBytes(done: number): void
}

async function append(body: ReadableStream<Uint8Array>, part: string, { start, watch, onBytes }: Appending) {
  const file = createWriteStream(part, { flags: start > 0 ? 'a' : 'w' })
  const giveUp = () => watch.abort(new Error(`nothing for ${idleMilliseconds / 1000} s`))
  let timer = setTimeout(giveUp, idleMilliseconds)
  let done = start
  try {
    for await (const chunk of body as unknown as AsyncIterable<Uint8Array>) {
      clearTimeout(timer)
      timer = setTimeout(giveUp, idleMilliseconds)
      if (!file.write(chunk)) await once(file, 'drain')
      done += chunk.length
      onBytes(done)
    }
  } finally {
    clearTimeout(timer)
    await new Promise<void>((resolve, reject) => {
      file.once('error', reject)
      file.end(() => resolve())
    })
  }
}
