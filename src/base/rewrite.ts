// The rewrite engine: a DAG and rules keyed by op go in, the DAG with no rule left to fire comes out. Generic over the node type,
// so that the tensor graph and the kernel vocabulary share it.
import { CompileError } from './errors.ts'

export interface Rule<N> {
  /** for counts and errors */
  readonly name: string
  /** The replacement, or undefined when the rule does not fit. The node's inputs are already rewritten. */
  apply(node: N): N | undefined
}

/** Rules by op, tried in order; those under '*' are tried after them on every node. */
export type RuleTable<N> = Readonly<Record<string, readonly Rule<N>[]>>

export interface RewriteOptions<N> {
  opOf(node: N): string
  inputsOf(node: N): readonly N[]
  /** The same node over other inputs. */
  rebuild(node: N, inputs: readonly N[]): N
  readonly rules: RuleTable<N>
  /** The one node that stands for all equal ones, asked once for each node that is new to the walk. */
  intern?(node: N): N
  /** Firings after which the rules are taken to run in circles. */
  readonly stepLimit?: number
  /** Receives how often each rule fired. */
  readonly counts?: Map<string, number>
}

/** Rewrites what `roots` reach, inputs first, until no rule fits; gives the roots' replacements in order. */
export function rewrite<N>(roots: readonly N[], options: RewriteOptions<N>): N[] {
  const walk = new RewriteWalk(options)
  return roots.map((root) => walk.finish(root))
}

class RewriteWalk<N> {
  readonly #options: RewriteOptions<N>
  readonly #everywhere: readonly Rule<N>[]
  readonly #finished = new Map<N, N>()
  /** for a node that is still on the stack: itself over rewritten inputs, and what a rule made of that */
  readonly #replaced = new Map<N, { readonly current: N; readonly next: N }>()
  #steps = 0

  constructor(options: RewriteOptions<N>) {
    this.#options = options
    this.#everywhere = options.rules['*'] ?? []
  }

  /** The final form of `root`; an explicit stack, since graphs are deeper than the call stack. */
  finish(root: N): N {
    const stack = [root]
    while (stack.length > 0) {
      const node = stack[stack.length - 1]
      const waitFor = this.#finished.has(node) ? undefined : this.#advance(node)
      if (waitFor === undefined) stack.pop()
      else stack.push(...waitFor)
    }
    return this.#finished.get(root) as N
  }

  /** Finishes `node`, or gives the nodes that must be finished before it. */
  #advance(node: N): readonly N[] | undefined {
    const { inputsOf, rebuild, intern } = this.#options
    const replacement = this.#replaced.get(node)
    if (replacement !== undefined) {
      const final = this.#finished.get(replacement.next)
      if (final === undefined) throw this.#circle(node)
      this.#replaced.delete(node)
      return this.#settle([node, replacement.current], final)
    }
    const inputs = inputsOf(node)
    const unfinished = inputs.filter((input) => !this.#finished.has(input))
    if (unfinished.length > 0) return unfinished.reverse()
    const rewritten = inputs.map((input) => this.#finished.get(input) as N)
    const changed = rewritten.some((input, i) => input !== inputs[i])
    let current = changed ? rebuild(node, rewritten) : node
    if (intern) current = intern(current)
    if (current !== node && this.#finished.has(current)) return this.#settle([node], this.#finished.get(current) as N)
    const next = this.#fire(current)
    if (next === undefined) return this.#settle([node, current], current)
    const final = this.#finished.get(next)
    if (final !== undefined) return this.#settle([node, current], final)
    this.#replaced.set(node, { current, next })
    return [next]
  }

  #settle(nodes: readonly N[], final: N): undefined {
    for (const node of nodes) this.#finished.set(node, final)
  }

  #fire(node: N): N | undefined {
    const { opOf, rules, counts, stepLimit = 1_000_000 } = this.#options
    for (const list of [rules[opOf(node)] ?? [], this.#everywhere])
      for (const rule of list) {
        const next = rule.apply(node)
        if (next === undefined || next === node) continue
        if (++this.#steps > stepLimit)
          throw new CompileError(
            `rewrite: expected the rules to come to rest, got more than ${stepLimit} firings, the last of ${rule.name}. ` +
              'Two rules undo each other, or one makes its own pattern again.',
            { rule: rule.name, stepLimit },
          )
        counts?.set(rule.name, (counts.get(rule.name) ?? 0) + 1)
        return next
      }
    return undefined
  }

  #circle(node: N): CompileError {
    const op = this.#options.opOf(node)
    return new CompileError(
      `rewrite: expected a rule for ${op} to give a node that does not contain its own pattern, got one that does. ` +
        'Rebuild the matched node instead of wrapping it.',
      { op },
    )
  }
}
