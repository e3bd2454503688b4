// What a training step's graph costs on the host: microseconds to build a node (gradients and update included) and to key it. The step is
// a small character GPT's; nothing is computed. Run by itself it prints both figures, one JSON object a line.
import { pathToFileURL } from 'node:url'
import { constant } from '../src/graph/builders.ts'
import { currentSession, manualSeed, noGrad, type Tensor, tensor, zeros } from '../src/index.ts'
import * as nn from '../src/nn/index.ts'
import { keyGraph } from '../src/runtime/graph-key.ts'

const [batch, time, width, heads, layers, vocabulary] = [8, 32, 64, 4, 4, 65]

class Block extends nn.Module {
  norm1 = new nn.LayerNorm(width)
  query = new nn.Linear(width, width)
  key = new nn.Linear(width, width)
  value = new nn.Linear(width, width)
  out = new nn.Linear(width, width)
  norm2 = new nn.LayerNorm(width)
  up = new nn.Linear(width, 4 * width)
  down = new nn.Linear(4 * width, width)

  forward(x: Tensor): Tensor {
    const y = this.norm1(x)
    const split = (z: Tensor): Tensor => z.reshape(batch, time, heads, width / heads).transpose(1, 2)
    const [q, k, v] = [split(this.query(y)), split(this.key(y)), split(this.value(y))]
    const scores = q.matmul(k.transpose(-1, -2)).mul((width / heads) ** -0.5)
    const mixed = scores.softmax(-1).matmul(v).transpose(1, 2).reshape(batch, time, width)
    const attended = x.add(this.out(mixed))
    return attended.add(this.down(this.up(this.norm2(attended)).relu()))
  }
}

class CharGPT extends nn.Module {
  tokens = new nn.Embedding(vocabulary, width)
  positions = new nn.Embedding(time, width)
  blocks = new nn.Sequential(...Array.from({ length: layers }, () => new Block()))
  norm = new nn.LayerNorm(width)
  head = new nn.Linear(width, vocabulary)

  forward(ids: Tensor, places: Tensor): Tensor {
    return this.head(this.norm(this.blocks(this.tokens(ids).add(this.positions(places)))))
  }
}

export interface GraphCost {
  readonly nodes: number
  /** microseconds a node */
  readonly build: number
  readonly key: number
}

/** Numbers of nodes made so far. */
const nodeCount = (): number => constant(0, 'int32').id

export function measureGraphCost(rounds = 400): GraphCost {
  manualSeed(1)
  const session = currentSession()
  const model = new CharGPT()
  const params = model.parameters()
  const ids = zeros([batch, time], { dtype: 'int64' })
  const places = tensor(
    Array.from({ length: time }, (_, i) => i),
    { dtype: 'int64' },
  )
  session.submit(params.map(({ node }) => node))
  const samples = Array.from({ length: rounds }, () => {
    session.isTracing = true
    const [first, start] = [nodeCount(), performance.now()]
    const loss = nn.functional.crossEntropy(model(ids, places).reshape(batch * time, vocabulary), ids.reshape(-1))
    loss.backward()
    noGrad(() => {
      for (const param of params) param.sub_(param.grad!.mul(0.01))
    })
    const [nodes, built] = [nodeCount() - first, performance.now()]
    const graph = keyGraph([...params.map(({ storage }) => storage.node), loss.node])
    const keyed = performance.now()
    session.rollBackPending()
    session.isTracing = false
    for (const param of params) param.grad = null
    return { nodes, build: ((built - start) / nodes) * 1000, key: ((keyed - built) / graph.order.length) * 1000 }
  })
  const median = (of: (sample: GraphCost) => number): number => samples.map(of).sort((a, b) => a - b)[rounds >> 1]
  return { nodes: samples[0].nodes, build: median((each) => each.build), key: median((each) => each.key) }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { nodes, build, key } = measureGraphCost()
  for (const [name, microseconds, limit] of [
    ['build', build, 1],
    ['key', key, 0.3],
  ] as const)
    console.log(JSON.stringify({ suite: 'graph', name, nodes, microseconds: Number(microseconds.toFixed(3)), limit }))
}
