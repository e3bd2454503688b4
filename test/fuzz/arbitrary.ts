// fast-check arbitraries of recipes for random graphs.
import fc from 'fast-check'
import { type Recipe, stepNames } from './random-graph.ts'

const seed = fc.nat(0x7fffffff)
const small = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 1, max: 7 }) },
  { weight: 1, arbitrary: fc.constantFrom(8, 9, 16, 17, 33) },
)
const large = fc.oneof(
  { weight: 2, arbitrary: fc.integer({ min: 1, max: 9 }) },
  { weight: 3, arbitrary: fc.constantFrom(15, 16, 31, 48, 64, 65, 97, 130, 200) },
)

/** Up to `longest` steps on small leaves of any rank, or on large ones of at most two axes. */
export const recipes = (longest: number, size: 'small' | 'large' = 'small'): fc.Arbitrary<Recipe> =>
  fc.record({
    shapes: fc.array(
      size === 'small'
        ? fc.array(small, { maxLength: 4, size: 'max' })
        : fc.array(large, { minLength: 1, maxLength: 2 }),
      { minLength: 1, maxLength: 3 },
    ),
    steps: fc.array(fc.record({ name: fc.constantFrom(...stepNames), seed }), {
      minLength: 1,
      maxLength: longest,
      size: 'max',
    }),
    seed,
  })
