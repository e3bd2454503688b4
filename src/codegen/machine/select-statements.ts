// In which order a kernel's statements become code, for any generator. A vector loop is written in groups of lanes: statements in a row are
// written group by group; loops, conditions that all lanes share, products and barriers are written once around all groups.
import type { Expression, If, Statement } from '../../kernel/kernel-node.ts'

type Of<Op extends Statement['op']> = Extract<Statement, { readonly op: Op }>

/** What a generator writes for each statement; `S` is its state, `G` a group of lanes. */
export interface StatementWriters<S, G> {
  readonly scalarGroup: G
  /** whether lanes of the loop that is being written differ in this value */
  isVarying(s: S, value: Expression): boolean
  /** before each statement */
  begin(s: S, statement: Statement): void
  // once around all groups
  for(s: S, loop: Of<'for'>, groups: readonly G[]): void
  ifShared(s: S, statement: If, groups: readonly G[]): void
  tileMultiply(s: S, statement: Of<'tileMultiply'>): void
  barrier(s: S): void
  // for the group at hand
  let(s: S, statement: Of<'let'>): void
  declare(s: S, statement: Of<'declare'>): void
  accumulate(s: S, statement: Of<'accumulate'>): void
  store(s: S, statement: Of<'store'>): void
  check(s: S, statement: Of<'check'>): void
  /** a condition that differs between lanes */
  ifVarying(s: S, statement: If): void
}

interface SelectionState<G> {
  group: G
  fail(sentence: string): Error
}

export type SelectStatements<S, G> = (s: S, list: readonly Statement[], groups: readonly G[]) => void

/** The function that writes a list of statements for the groups of a loop, or for the one scalar group outside of vector loops. */
export function statementSelector<S extends SelectionState<G>, G extends { readonly lanes: number }>(
  writers: StatementWriters<S, G>,
): SelectStatements<S, G> {
  const isShared = (s: S, statement: Statement, groups: readonly G[]): boolean =>
    statement.op === 'if'
      ? groups[0].lanes === 1 || !writers.isVarying(s, statement.condition)
      : statement.op === 'for' || statement.op === 'tileMultiply' || statement.op === 'barrier'

  return (s, list, groups) => {
    for (let i = 0; i < list.length; ) {
      if (isShared(s, list[i], groups)) {
        s.group = writers.scalarGroup
        selectShared(writers, s, list[i++], groups)
        continue
      }
      let end = i + 1
      while (end < list.length && !isShared(s, list[end], groups)) end++
      for (const group of groups) {
        s.group = group
        for (let at = i; at < end; at++) selectForGroup(writers, s, list[at])
      }
      i = end
    }
  }
}

function selectShared<S extends SelectionState<G>, G extends { readonly lanes: number }>(
  writers: StatementWriters<S, G>,
  s: S,
  statement: Statement,
  groups: readonly G[],
): void {
  writers.begin(s, statement)
  switch (statement.op) {
    case 'for':
      writers.for(s, statement, groups)
      break
    case 'if':
      writers.ifShared(s, statement, groups)
      break
    case 'tileMultiply':
      if (groups[0].lanes > 1) throw s.fail('tileMultiply stands inside a vector loop')
      writers.tileMultiply(s, statement)
      break
    case 'barrier':
      writers.barrier(s)
      break
  }
}

function selectForGroup<S extends SelectionState<G>, G>(
  writers: StatementWriters<S, G>,
  s: S,
  statement: Statement,
): void {
  writers.begin(s, statement)
  switch (statement.op) {
    case 'let':
      writers.let(s, statement)
      break
    case 'declare':
      writers.declare(s, statement)
      break
    case 'accumulate':
      writers.accumulate(s, statement)
      break
    case 'store':
      writers.store(s, statement)
      break
    case 'check':
      writers.check(s, statement)
      break
    case 'if':
      writers.ifVarying(s, statement)
      break
    default:
      throw s.fail(`${statement.op} cannot stand among statements of one group`)
  }
}

/** Whether a statement writes to a buffer of the call, which only one participant may do outside parallel loops. */
export function writesParams(statement: Statement): boolean {
  switch (statement.op) {
    case 'store':
      return statement.memory.op === 'param'
    case 'tileMultiply':
      return statement.c.memory.op === 'param'
    case 'for':
    case 'if':
      return statement.body.some(writesParams)
    default:
      return false
  }
}
