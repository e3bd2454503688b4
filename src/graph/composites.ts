// All composites by name: what functions over nodes call besides the builders, and what loads every row of the composite table.
export { abs, detach, relu } from './composites/basics.ts'
export { erf, expm1, log1p, sigmoid, tanh } from './composites/special.ts'
export { windowGrad } from './composites/window-grad.ts'
