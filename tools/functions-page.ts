// The case table and PyTorch's recorded samples in, docs/functions.md out: every function of ours beside PyTorch's, how it is called,
// whether it differentiates, and how many samples it passes. A test holds the committed page against it.
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import * as t from '../src/index.ts'
import * as missing from '../src/tensor/functions/not-yet.ts'
import { cases } from '../test/conformance/cases.ts'
import { errors, type Sample, samples } from '../test/conformance/samples.ts'
import { skipOf, skips } from '../test/conformance/skips.ts'

export const functionsPath = 'docs/functions.md'

/** Cases whose names tell two functions of PyTorch apart that share one. */
const shownAs: Readonly<Record<string, string>> = {
  index: 'x.index, x.indexMasked',
  unfold: 'unfold',
  'Tensor.unfold': 'x.unfold',
  var: 'variance, x.var',
}
/** Cases whose results' shapes depend on values. */
const promised = new Set('nonzero argwhere unique uniqueConsecutive bincount maskedSelect'.split(' '))

const isMethod = (name: string): boolean => name in t.Tensor.prototype
const isFunction = (name: string): boolean => typeof (t as Record<string, unknown>)[name] === 'function'

const listed = (names: readonly string[]): string => names.map((name) => `\`${name}\``).join(', ')

function callOf(name: string): string {
  if (shownAs[name]) return listed(shownAs[name].split(', '))
  const ways = [...(isFunction(name) ? [name] : []), ...(isMethod(name) ? [`x.${name}`] : [])]
  return listed(ways) + (promised.has(name) ? ' (promise)' : '')
}

function dtypesOf(list: readonly Sample[]): string {
  const order = ['float64', 'float32', 'bfloat16', 'float16', 'int64', 'int32', 'bool']
  const present = new Set<string>(list.map(({ dtype }) => dtype))
  return order.filter((dtype) => present.has(dtype)).join(' ')
}

interface Row {
  readonly name: string
  readonly text: string
  readonly passed: number
  readonly recorded: number
}

function rowOf(name: string): Row | undefined {
  const list = samples.filter(({ op }) => op === name)
  if (list.length === 0) return undefined
  const passed = list.filter((sample) => !skipOf(sample)).length
  const refused = errors.filter((sample) => sample.op === name && !skipOf(sample)).length
  const peers = [...new Set(list.map(({ torch }) => torch))].map((torch) => `\`${torch}\``).join(', ')
  const gradient = list.some(({ gradients }) => gradients?.some((key) => key !== null)) ? 'yes' : ''
  const counts = `${passed === list.length ? passed : `${passed} of ${list.length}`}${refused ? ` + ${refused} errors` : ''}`
  const text = `| ${callOf(name)} | ${peers} | ${gradient} | ${dtypesOf(list)} | ${counts} |`
  return { name, text, passed, recorded: list.length }
}

/** Functions whose values no sample can fix, or that make tensors from plain values; tests of their own hold them. */
const testedApart = {
  'Made from values':
    'tensor fromHost empty emptyLike onesLike zerosLike fullLike rand randn randint randperm randLike randnLike randintLike bernoulli multinomial normal uniform exponential',
  'Filled in place':
    'x.uniform_ x.normal_ x.exponential_ x.bernoulli_ x.random_ x.set x.indexPut_ x.indexFill_ x.indexCopy_ x.maskedFill_ x.maskedScatter_ x.scatter_ x.scatterAdd_ x.scatterReduce_ x.put_ x.copy_ x.fill_ x.zero_',
  'With random parts': 'dropout dropout1d dropout2d dropout3d alphaDropout featureAlphaDropout rrelu gumbelSoftmax',
} as const

/** The whole page. */
export function generateFunctionsPage(): string {
  const rows = Object.keys(cases).flatMap((name) => rowOf(name) ?? [])
  rows.sort((a, b) => a.name.localeCompare(b.name, 'en'))
  const [passed, recorded] = [
    rows.reduce((sum, row) => sum + row.passed, 0),
    rows.reduce((sum, row) => sum + row.recorded, 0),
  ]
  const share = ((100 * passed) / recorded).toFixed(1)
  return `# Functions

Made by \`npm run docs\` from the case table (\`test/conformance/cases.ts\`) and PyTorch's own OpInfo samples
(\`test/fixtures/torch/opinfo.json\`). Every function works on the devices reference, native and wasm, and \`test/conformance\` replays
its samples on each of them: values, dtypes, shapes and, in float64, gradients, within PyTorch's tolerances.
**${passed} of ${recorded} samples pass (${share} %)**, of ${rows.length} functions; what is left out is at the end of the page, with the reason.

Names are PyTorch's in camelCase. What PyTorch takes by position is positional here, what it takes by keyword goes into an options object
at the end. \`x.name\` is a method. Functions whose result's shape depends on values read the tensor, and so give a promise.
Errors: calls that PyTorch refuses and that are refused here, by a typed error at the call.

| ours | PyTorch's | gradient | dtypes of the samples | samples passed |
|---|---|---|---|---|
${rows.map(({ text }) => text).join('\n')}

## Held by tests of their own

${Object.entries(testedApart)
  .map(([what, names]) => `- ${what}: ${listed(names.split(' '))}.`)
  .join('\n')}

## Samples left out

${skips.map(({ op, reason, count }) => `- ${listed(typeof op === 'string' ? [op] : op)}: ${reason} (${count}).`).join('\n')}

## Not there yet

Each of these raises a \`NotYetError\` that says so: ${listed(Object.keys(missing).sort())};
\`norm\` with \`'nuc'\`, \`interpolate\` with \`antialias\`, writes through several masks at once.
Complex numbers, sparse tensors and the rest of \`torch.linalg\`, \`torch.fft\` and \`torch.special\` have no names here yet.
`
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(functionsPath, generateFunctionsPage())
