// fast-check arbitraries of recipes for random graphs.
import fc from 'fast-check'
import { type Recipe, stepNames } from './random-graph.ts'

const seed = fc.nat(0x7fffffff)
const extent = fc.oneof({ weight: 8, arbitrary: fc.integer({ min: 1, max: 7 }) }, { weight: 1, arbitrary: fc.constantFrom(8, 9, 16, 17, 33) })
const shape = fc.array(extent, { maxLength: 4 })

export const recipes = (longest: number): fc.Arbitrary<Recipe> =>
  fc.record({
    shapes: fc.array(shape, { minLength: 1, maxLength: 3 }),
    steps: fc.array(fc.record({ name: fc.constantFrom(...stepNames), seed }), {
      minLength: 1,
      maxLength: longest,
      size: 'max',
    }),
    seed,
  })
