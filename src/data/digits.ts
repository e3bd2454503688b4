// The bundled handwritten digits (UCI, CC BY 4.0; see data/digits): 1,797 images of 8x8, the last 360 of them for testing.
import { readFile } from 'node:fs/promises'
import { FormatError } from '../base/errors.ts'
import { fromHost, type Tensor } from '../tensor/index.ts'
import { TensorDataset } from './dataset.ts'
import { decompressed } from './decompress.ts'

/** Images [count, 1, 8, 8], float32 from 0 to 1, and labels [count], int64 from 0 to 9. */
export type DigitsDataset = TensorDataset<[images: Tensor, labels: Tensor]>

const pixels = 64
const brightest = 16
const testRows = 360

// from src/data as it is written, and from dist/src/data as it is compiled
const places = ['../../data/digits/digits.csv.gz', '../../../data/digits/digits.csv.gz']

async function readBundled(): Promise<string> {
  for (const place of places) {
    const file = await readFile(new URL(place, import.meta.url)).catch(() => undefined)
    if (file) return new TextDecoder('latin1').decode(await decompressed(file, 'digits'))
  }
  throw new FormatError('digits: expected data/digits/digits.csv.gz in the package, got no such file.')
}

/** Rows of 64 pixels from 0 to 16 and a label. */
function parseRows(text: string): number[][] {
  const rows = text.trimEnd().split('\n')
  return rows.map((line, index) => {
    const values = line.split(',').map(Number)
    const isRight =
      values.length === pixels + 1 &&
      values.every((value, i) => Number.isInteger(value) && value >= 0 && value <= (i < pixels ? brightest : 9))
    if (!isRight)
      throw new FormatError(
        `digits: expected 64 pixels from 0 to 16 and a digit in row ${index + 1}, got '${line.slice(0, 40)}…'.`,
      )
    return values
  })
}

function toDataset(rows: readonly number[][]): DigitsDataset {
  const images = new Float32Array(rows.length * pixels)
  rows.forEach((row, i) => {
    for (let j = 0; j < pixels; j++) images[i * pixels + j] = row[j] / brightest
  })
  const labels = BigInt64Array.from(rows, (row) => BigInt(row[pixels]))
  return new TensorDataset(fromHost(images, [rows.length, 1, 8, 8]), fromHost(labels, [rows.length]))
}

/** Reads the digits: 1,437 rows for training and the last 360 for testing, by other writers. */
export async function digits(): Promise<{ train: DigitsDataset; test: DigitsDataset }> {
  const rows = parseRows(await readBundled())
  return { train: toDataset(rows.slice(0, -testRows)), test: toDataset(rows.slice(-testRows)) }
}
