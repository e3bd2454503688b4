// The longer tier of the random graphs: `npm run fuzz -- [--seed n] [--minutes m] [--longest steps]`. Prints each failing graph, made as
// small as it gets, with the seed that gives it again; ends with code 1 if there was one.
import fc from 'fast-check'
import { kernelPasses } from '../src/compiler/optimize/optimize.ts'
import { openNativeDevice } from '../src/devices/native/native-device.ts'
import type { Device } from '../src/runtime/device.ts'
import { recipes } from '../test/fuzz/arbitrary.ts'
import { checkInterpreted, checkOnDevice, referenceOf, variants } from '../test/fuzz/check-graph.ts'
import { buildGradientGraph, buildGraph, type Recipe } from '../test/fuzz/random-graph.ts'

const graphsPerRound = 50

interface Tier {
  readonly name: string
  readonly recipes: fc.Arbitrary<Recipe>
  check(recipe: Recipe): Promise<void>
}

function tiersOf(longest: number): Tier[] {
  const tiers: Tier[] = [
    {
      name: 'passes',
      recipes: recipes(longest),
      check: async (recipe) => {
        const random = buildGraph(recipe, 2000)
        checkInterpreted(random, referenceOf(random), Object.keys(variants))
      },
    },
    {
      name: 'gradients',
      recipes: recipes(longest),
      check: async (recipe) => {
        const random = buildGradientGraph(recipe, 1000)
        if (random) checkInterpreted(random, referenceOf(random), ['all on', 'no simplify', 'no fuse'])
      },
    },
  ]
  const settings = [
    { name: 'native', size: 'small', options: { threads: 2 }, limit: 20_000 },
    { name: 'large', size: 'large', options: { threads: 2 }, limit: 200_000 },
    { name: '3 threads', size: 'large', options: { threads: 3 }, limit: 60_000 },
    { name: 'checked', size: 'small', options: { threads: 2, checked: true }, limit: 8000 },
    { name: 'no simplify', size: 'small', options: { threads: 1, simplify: false }, limit: 4000 },
    { name: 'no fuse', size: 'small', options: { threads: 1, fuse: false }, limit: 4000 },
    { name: 'no passes', size: 'small', options: { threads: 1, skip: kernelPasses.map((p) => p.name) }, limit: 4000 },
  ] as const
  for (const { name, size, options, limit } of settings) {
    const device = openNativeDevice(options)
    if ('refused' in device) console.log(`${name}: skipped, ${device.refused}`)
    else tiers.push({ name, recipes: recipes(longest, size), check: (recipe) => checkOn(device, recipe, limit) })
  }
  return tiers
}

async function checkOn(device: Device, recipe: Recipe, limit: number): Promise<void> {
  const random = buildGraph(recipe, limit)
  await checkOnDevice(device, random, referenceOf(random))
}

function numberAfter(flag: string, fallback: number): number {
  const at = process.argv.indexOf(flag)
  const value = at < 0 ? fallback : Number(process.argv[at + 1])
  if (Number.isFinite(value)) return value
  throw new Error(`fuzz: expected a number after ${flag}, got ${process.argv[at + 1]}.`)
}

async function main(): Promise<void> {
  const [seed, minutes, longest] = [numberAfter('--seed', 1), numberAfter('--minutes', 5), numberAfter('--longest', 16)]
  const tiers = tiersOf(longest)
  const end = performance.now() + minutes * 60_000
  let [graphs, failures] = [0, 0]
  for (let round = seed; performance.now() < end; round++) {
    for (const { name, recipes: arbitrary, check } of tiers) {
      const parameters = { numRuns: graphsPerRound, seed: round }
      const details = await fc.check(fc.asyncProperty(arbitrary, check), parameters)
      graphs += details.numRuns
      if (!details.failed) continue
      failures++
      const error = details.errorInstance as Error
      console.log(
        `\n--- ${name}, --seed ${round} --longest ${longest} ---\n${error.message}\n${error.stack?.split('\n    at ').slice(1, 6).join('\n  ')}`,
      )
      console.log(JSON.stringify(details.counterexample))
    }
  }
  console.log(`${graphs} graphs from seed ${seed}, ${failures} failures`)
  process.exit(failures > 0 ? 1 : 0)
}

await main()
