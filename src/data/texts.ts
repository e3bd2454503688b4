// Small texts and tables to learn from: found or fetched as the MNIST family is, handed out as one string.
import { type DataFile, type DataSource, type LocateOptions, readData } from './locate.ts'

const open = async (source: DataSource, file: DataFile, options?: LocateOptions): Promise<string> =>
  new TextDecoder().decode(await readData(source, file, options))

const textsAt = (mirror: string): DataSource => ({ name: 'text', aliases: [], mirrors: [mirror] })

/** 1.1 million characters of Shakespeare's plays (A. Karpathy, char-rnn). */
export const tinyShakespeare = (options?: LocateOptions): Promise<string> =>
  open(
    textsAt('https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare'),
    {
      name: 'tinyshakespeare.txt',
      remote: 'input.txt',
      sha256: '86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed',
    },
    options,
  )

/** 32,033 first names, one a line (A. Karpathy, makemore). */
export const names = (options?: LocateOptions): Promise<string> =>
  open(
    textsAt('https://raw.githubusercontent.com/karpathy/makemore/master'),
    { name: 'names.txt', sha256: '0a30b5557f192f32ab962680889aac5f6fda0f4cecf40a6d0b5694f58ea8cc4d' },
    options,
  )

/** 344 penguins of three species with their measures, comma-separated with a header line (Palmer Station, CC0). */
export const penguins = (options?: LocateOptions): Promise<string> =>
  open(
    {
      name: 'tabular',
      aliases: [],
      mirrors: ['https://raw.githubusercontent.com/allisonhorst/palmerpenguins/main/inst/extdata'],
    },
    { name: 'penguins.csv', sha256: 'f204db2c753b0937caac3cb35258562c14f073e4bbc76be24b4c51ce22767a93' },
    options,
  )
