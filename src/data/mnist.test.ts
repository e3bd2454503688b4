// The MNIST family: IDX parsing, where files are looked for, and downloads from a local server with progress, resume and checksum.
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import '../index.ts'
import { DataError, FormatError } from '../base/errors.ts'
import { download } from './download.ts'
import { fashionMnist, mnist, parseIdx } from './index.ts'
import { locate } from './locate.ts'

const root = mkdtempSync(join(tmpdir(), 'tensorloom-data-'))
after(() => rmSync(root, { recursive: true }))
let folders = 0
const folder = () => join(root, String(folders++))

const idx = (type: number, shape: number[], bytes: ArrayLike<number>): Buffer => {
  const header = Buffer.alloc(4 + 4 * shape.length)
  header.set([0, 0, type, shape.length])
  for (const [axis, extent] of shape.entries()) header.writeUInt32BE(extent, 4 + 4 * axis)
  return Buffer.concat([header, Uint8Array.from(bytes)])
}

test('IDX arrays of each type', () => {
  assert.deepEqual(parseIdx(idx(0x08, [2, 2], [1, 2, 3, 255])), {
    shape: [2, 2],
    values: new Uint8Array([1, 2, 3, 255]),
  })
  assert.deepEqual(parseIdx(idx(0x09, [1], [255])).values, new Int8Array([-1]))
  assert.deepEqual(parseIdx(idx(0x0b, [1], [255, 254])).values, new Int16Array([-2]))
  assert.deepEqual(parseIdx(idx(0x0c, [1], [0, 0, 1, 0])).values, new Int32Array([256]))
  assert.deepEqual(parseIdx(idx(0x0d, [1], [0x3f, 0xc0, 0, 0])).values, new Float32Array([1.5]))
  assert.deepEqual(parseIdx(idx(0x0e, [1], [0xbf, 0xf0, 0, 0, 0, 0, 0, 0])).values, new Float64Array([-1]))
})

test('any bytes are an array or a FormatError', () => {
  const whole = idx(0x08, [3, 4], new Uint8Array(12))
  assert.throws(() => parseIdx(whole.subarray(0, 20)), /expected 12 bytes of values for \[3, 4\], got 8/)
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 30 }), fc.nat(27), fc.nat(255), (noise, at, byte) => {
      const changed = Uint8Array.from(whole)
      changed[at] = byte
      for (const bytes of [noise, changed])
        try {
          parseIdx(bytes)
        } catch (error) {
          assert.ok(error instanceof FormatError, String(error))
        }
    }),
  )
})

/** Four files of a tiny family: two images of 2x2 for training, one for testing. */
function writeFamily(place: string): void {
  mkdirSync(place, { recursive: true })
  for (const [name, bytes] of [
    ['train-images-idx3-ubyte', idx(0x08, [2, 2, 2], [0, 51, 102, 255, 1, 2, 3, 4])],
    ['train-labels-idx1-ubyte', idx(0x08, [2], [7, 3])],
    ['t10k-images-idx3-ubyte', idx(0x08, [1, 2, 2], [9, 9, 9, 9])],
    ['t10k-labels-idx1-ubyte', idx(0x08, [1], [1])],
  ] as const)
    writeFileSync(join(place, `${name}.gz`), gzipSync(bytes))
}

test('files of a folder, by its own name or that of other programs', async () => {
  const base = folder()
  for (const place of ['', 'fashion-mnist', 'FashionMNIST/raw', 'data/fashion-mnist']) {
    const dataDir = `${base}-${place.replace('/', '-')}`
    writeFamily(join(dataDir, place))
    const { train, test, classes } = await fashionMnist({ dataDir })
    assert.deepEqual([train.length, test.length, classes[9]], [2, 1, 'Ankle boot'])
    const [images, labels] = await train.getBatch([1, 0])
    assert.deepEqual([images.shape, images.dtype, labels.dtype], [[2, 1, 2, 2], 'float32', 'int64'])
    assert.deepEqual(Array.from((await labels.data()) as BigInt64Array), [3n, 7n])
    const pixels = Array.from((await images.data()) as Float32Array).slice(4)
    assert.deepEqual(pixels, Array.from(new Float32Array([0, 0.2, 0.4, 1])))
    const [image, label] = await train.get(0)
    assert.deepEqual([image.shape, await label.item()], [[1, 2, 2], 7])
    await assert.rejects(train.getBatch([2]), /index from 0 to 1, got 2/)
  }
})

test('TENSORLOOM_DATA and the cache directory', async () => {
  const [data, cacheDir] = [folder(), folder()]
  writeFamily(join(data, 'mnist'))
  writeFamily(join(cacheDir, 'fashion-mnist'))
  process.env.TENSORLOOM_DATA = data
  try {
    assert.equal((await mnist({ download: false })).train.length, 2)
    assert.equal((await fashionMnist({ cacheDir, download: false })).train.length, 2)
  } finally {
    delete process.env.TENSORLOOM_DATA
  }
})

test('one clear sentence when the files are nowhere', async () => {
  await assert.rejects(mnist({ dataDir: root }), (error: Error) => {
    assert.ok(error instanceof DataError)
    assert.match(error.message, /^mnist: expected train-images-idx3-ubyte.gz in .*, got no such file\.$/)
    return true
  })
  const nowhere = { cacheDir: folder(), mirrors: ['http://127.0.0.1:9'] }
  await assert.rejects(
    mnist(nowhere),
    /in the cache or from the network, got neither\. download: expected to reach http:\/\/127.0.0.1:9\/train.*got .+\. Is there a network\? Give the folder that has it: --data-dir FOLDER/,
  )
})

async function serving(listener: RequestListener, body: (address: string) => Promise<void>): Promise<void> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  try {
    await body(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  } finally {
    server.closeAllConnections()
    server.close()
  }
}

const contents = randomBytes(200_000)
const packed = gzipSync(contents)
const sha256 = createHash('sha256').update(contents).digest('hex')

test('a download tells its progress and arrives whole', () =>
  serving(
    (_, response) => response.writeHead(200, { 'content-length': packed.length }).end(packed),
    async (address) => {
      const seen: [number, number | undefined][] = []
      const path = join(folder(), 'x.gz')
      await download({ url: `${address}/x.gz`, path, sha256, onProgress: (_, ...numbers) => seen.push(numbers) })
      assert.deepEqual(readFileSync(path), packed)
      assert.deepEqual(seen.at(-1), [packed.length, packed.length])
      assert.ok(!existsSync(`${path}.part`))
    },
  ))

test('a broken connection goes on where it stopped', () => {
  const ranges: (string | undefined)[] = []
  return serving(
    ({ headers: { range } }, response) => {
      ranges.push(range)
      const start = Number(/\d+/.exec(range ?? '0')![0])
      const isFirst = ranges.length === 1
      response.writeHead(range ? 206 : 200, { 'content-length': packed.length - start })
      if (isFirst) response.write(packed.subarray(0, 50_000), () => setTimeout(() => response.destroy(), 50))
      else response.end(packed.subarray(start))
    },
    async (address) => {
      const path = join(folder(), 'x.gz')
      await download({ url: `${address}/x.gz`, path, sha256 })
      assert.deepEqual(readFileSync(path), packed)
      assert.equal(ranges[0], undefined)
      assert.match(ranges[1]!, /^bytes=[1-9]\d*-$/)
    },
  )
})

test('a server that ignores ranges starts again', () =>
  serving(
    (_, response) => response.writeHead(200).end(packed),
    async (address) => {
      const path = join(folder(), 'x.gz')
      mkdirSync(join(path, '..'))
      writeFileSync(`${path}.part`, 'something else')
      await download({ url: `${address}/x.gz`, path, sha256 })
      assert.deepEqual(readFileSync(path), packed)
    },
  ))

test('wrong contents and missing files are refused, and nothing is kept', () =>
  serving(
    ({ url }, response) => response.writeHead(url === '/wrong' ? 200 : 404).end('not it'),
    async (address) => {
      const path = join(folder(), 'x')
      const fetched = (name: string) => download({ url: `${address}/${name}`, path, sha256 })
      await assert.rejects(fetched('wrong'), /expected .*\/wrong to have contents of SHA-256 .*Nothing was kept/)
      await assert.rejects(fetched('gone'), /got HTTP status 404/)
      assert.ok(!existsSync(path) && !existsSync(`${path}.part`))
    },
  ))

test('a located file comes from the second mirror when the first fails, and from the cache the next time', () => {
  let requests = 0
  return serving(
    ({ url }, response) => {
      requests++
      response.writeHead(url === '/good/x.gz' ? 200 : 500).end(packed)
    },
    async (address) => {
      const source = { name: 'tiny', aliases: [], mirrors: [`${address}/bad`, `${address}/good`] }
      const cacheDir = folder()
      const path = await locate(source, { name: 'x.gz', sha256 }, { cacheDir })
      assert.equal(path, join(cacheDir, 'tiny', 'x.gz'))
      assert.equal(await locate(source, { name: 'x.gz', sha256 }, { cacheDir }), path)
      assert.equal(requests, 2)
    },
  )
})
