// Where a data set's files are: the folder given, TENSORLOOM_DATA, the cache directory, else a download into the cache.
import { access, readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { DataError } from '../base/errors.ts'
import { decompressed } from './decompress.ts'
import { download, type OnProgress } from './download.ts'

export interface DataFile {
  readonly name: string
  /** of the contents, decompressed */
  readonly sha256: string
  /** what mirrors call it, if not the same */
  readonly remote?: string
}

export interface DataSource {
  /** such as `fashion-mnist`: the name of its folder */
  readonly name: string
  /** names of folders that other programs keep it in */
  readonly aliases: readonly string[]
  /** addresses that `/file` is appended to, tried in turn */
  readonly mirrors: readonly string[]
}

export interface LocateOptions {
  /** a folder that holds the files, or a folder of that name */
  readonly dataDir?: string
  /** where downloads are kept; `tensorloom` in the user's cache directory unless given */
  readonly cacheDir?: string
  readonly mirrors?: readonly string[]
  /** false refuses to use the network */
  readonly download?: boolean
  readonly onProgress?: OnProgress
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  )

const defaultCache = (): string => join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'tensorloom')

/** The folders below `folder` that may hold the files. */
const placesIn = (folder: string, { name, aliases }: DataSource): string[] => [
  folder,
  join(folder, name),
  join(folder, 'data', name),
  ...aliases.map((alias) => join(folder, alias)),
]

/** The path of `file`, packed or not. @throws DataError when it is in none of the places and cannot be downloaded */
export async function locate(source: DataSource, file: DataFile, options: LocateOptions = {}): Promise<string> {
  const { dataDir, cacheDir = defaultCache() } = options
  const folders = [dataDir, process.env.TENSORLOOM_DATA, cacheDir].filter((folder) => folder !== undefined)
  for (const place of folders.flatMap((folder) => placesIn(folder, source)))
    for (const path of [join(place, file.name), join(place, file.name.replace(/\.gz$/, ''))])
      if (await exists(path)) return path
  if (dataDir !== undefined)
    throw new DataError(
      `${source.name}: expected ${file.name} in ${dataDir} or its folder ${source.name}, got no such file.`,
      { dataDir, file: file.name },
    )
  const path = join(cacheDir, source.name, file.name)
  await downloadFromAny(source, file, path, options)
  return path
}

async function downloadFromAny(source: DataSource, file: DataFile, path: string, options: LocateOptions) {
  const { mirrors = source.mirrors, onProgress } = options
  const reasons: string[] = []
  for (const mirror of options.download === false ? [] : mirrors)
    try {
      return await download({ url: `${mirror}/${file.remote ?? file.name}`, path, sha256: file.sha256, onProgress })
    } catch (error) {
      if (!(error instanceof DataError)) throw error
      reasons.push(error.message)
    }
  throw new DataError(
    `${source.name}: expected ${file.name} in the cache or from the network, got neither. ` +
      `${reasons.join(' ')}${reasons.length > 0 ? ' ' : ''}Give the folder that has it: --data-dir FOLDER, { dataDir } or TENSORLOOM_DATA.`,
    { file: file.name, reasons },
  )
}

/** The contents of `file`, unpacked. */
export async function readData(source: DataSource, file: DataFile, options?: LocateOptions): Promise<Uint8Array> {
  const path = await locate(source, file, options)
  return decompressed(await readFile(path), path)
}
