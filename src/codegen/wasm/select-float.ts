// Float operations on one value or on lanes. Maximum and minimum propagate NaN; only multiplyAdd is fused, where the engine has relaxed
// vectors.
import type { Alu, AluKind, Expression } from '../../kernel/kernel-node.ts'
import { isWide, shapeOf } from './forms.ts'
import { LaneMath } from './lane-math.ts'
import { laneFunctions } from './library-math.ts'
import { operation } from './select-value.ts'
import type { Selection } from './selection.ts'

type FloatForm = 'f32' | 'f64'

const named: Partial<Record<AluKind, string>> = {
  add: 'add',
  sub: 'sub',
  mul: 'mul',
  div: 'div',
  sqrt: 'sqrt',
  floor: 'floor',
  neg: 'neg',
  abs: 'abs',
}
const comparisons: Partial<Record<AluKind, string>> = { less: 'lt', lessEqual: 'le', equal: 'eq', notEqual: 'ne' }

/** `inputs` are what `push` leaves, for what is known of them. */
export function floatOperation(
  s: Selection,
  { kind, inputs }: Pick<Alu, 'kind' | 'inputs'>,
  form: FloatForm,
  push: (i: number) => void,
): void {
  if (kind === 'max' || kind === 'min') {
    const order = isNumber(inputs[0]) ? [1, 0] : [0, 1]
    for (const i of order) push(i)
    floatExtremum(s, kind, form, inputs.some(isNumber))
    return
  }
  const name = named[kind]
  const comparison = comparisons[kind]
  const count =
    kind === 'multiplyAdd' ? 3 : (name && !unary.has(kind)) || comparison || kind === 'pow' || kind === 'mod' ? 2 : 1
  for (let i = 0; i < count; i++) push(i)
  if (name) operation(s, form, name)
  else if (comparison) {
    operation(s, form, comparison)
    if (s.group.lanes > 1) s.toMask(isWide(form))
  } else if (kind === 'multiplyAdd') multiplyAdd(s, form)
  else if ((kind === 'exp' || kind === 'log') && s.group.lanes > 1) writeInPlace(s, kind, form)
  else if (vectorFunctions.has(kind)) callVector(s, kind, form, count)
  else if (kind === 'sin' || kind === 'cos' || kind === 'mod') callScalar(s, kind, form, count)
  else throw s.fail(`${kind} is not defined for floats`)
}

const isNumber = (e: Expression): boolean => e.op === 'literal' && !Number.isNaN(Number(e.value))

/**
 * Of two values on the stack, of which `isBounded` says that the upper one is no NaN. WebAssembly's own maximum is eight instructions on
 * x86; its pseudo-maximum is one, which keeps a NaN of the lower one.
 */
export function floatExtremum(s: Selection, kind: 'max' | 'min', form: FloatForm, isBounded: boolean): void {
  const shape = shapeOf[form]
  if (s.group.lanes === 1) {
    s.emit(`${form}.${kind}`)
    return
  }
  if (isBounded) {
    s.emit(`${shape}.p${kind}`)
    return
  }
  const upper = s.code.local('v128')
  s.code.tee(upper)
  s.emit(`${shape}.p${kind}`)
  s.code.get(upper)
  s.code.get(upper)
  s.emit(`${shape}.ne`)
  s.emit('v128.or')
}

const unary: ReadonlySet<AluKind> = new Set(['sqrt', 'floor', 'neg', 'abs'])
/** Functions of the library that take and give vectors. */
const vectorFunctions: ReadonlySet<AluKind> = new Set(['exp', 'log', 'pow'])

/** a * b + c, of three values on the stack. */
function multiplyAdd(s: Selection, form: FloatForm): void {
  const shape = shapeOf[form]
  const alone = s.group.lanes === 1
  if (!s.options.relaxed) {
    const c = s.code.keep(alone ? form : 'v128')
    operation(s, form, 'mul')
    s.code.get(c)
    operation(s, form, 'add')
    return
  }
  if (alone) {
    const [c, b] = [s.code.keep(form), s.code.keep(form)]
    s.splat(form)
    for (const local of [b, c]) {
      s.code.get(local)
      s.splat(form)
    }
  }
  s.emit(`${shape}.relaxed_madd`)
  if (alone) s.emit(`${shape}.extract_lane`, 0)
}

function writeInPlace(s: Selection, kind: 'exp' | 'log', form: FloatForm): void {
  const m = new LaneMath(s.code, form, (bytes) => s.constant(bytes))
  const { write } = laneFunctions[`${kind}${form === 'f32' ? 'Float32' : 'Float64'}`]
  m.give(write(m, m.parameter(s.code.keep('v128'))))
}

/** One value alone goes through all lanes, so that it comes out as it does among others. */
function callVector(s: Selection, kind: AluKind, form: FloatForm, count: number): void {
  const target = s.library.get(`${kind}${form === 'f32' ? 'Float32' : 'Float64'}`)
  if (s.group.lanes > 1) {
    s.code.call(target)
    return
  }
  const second = count === 2 ? s.code.keep(form) : undefined
  s.splat(form)
  if (second !== undefined) {
    s.code.get(second)
    s.splat(form)
  }
  s.code.call(target)
  s.emit(`${shapeOf[form]}.extract_lane`, 0)
}

/** Functions of one float64; float32 is widened and rounded once. */
function callScalar(s: Selection, kind: 'sin' | 'cos' | 'mod', form: FloatForm, count: number): void {
  const target = s.library.get(`${kind}Float64`)
  const narrow = form === 'f32'
  const { lanes } = s.group
  const locals = Array.from({ length: count }, () => s.code.keep(lanes === 1 ? form : 'v128')).reverse()
  for (let lane = 0; lane < lanes; lane++) {
    for (const local of locals) {
      s.code.get(local)
      if (lanes > 1) s.emit(`${shapeOf[form]}.extract_lane`, lane)
      if (narrow) s.emit('f64.promote_f32')
    }
    s.code.call(target)
    if (narrow) s.emit('f32.demote_f64')
    if (lanes > 1) s.emit(`${shapeOf[form]}.${lane === 0 ? 'splat' : 'replace_lane'}`, lane === 0 ? undefined : lane)
  }
}
