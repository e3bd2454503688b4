// A GPT that learns to write like Shakespeare, character by character: 4 layers, 128 wide, context 64, batch 12, 2,000 steps.
// Run: npm run build && node dist/examples/char-gpt.js [steps]
// Reached with seed 1337: validation loss 1.80 after 2,000 steps.
import { tinyShakespeare } from '../src/data/index.ts'
import { arange, compile, manualSeed, nn, noGrad, optim, randint, type Tensor, tensor } from '../src/index.ts'

const steps = Number(process.argv[2] ?? 2000)
const [layers, width, heads, context, batch] = [4, 128, 4, 64, 12]

class Block extends nn.Module {
  norm1 = new nn.LayerNorm(width, { bias: false })
  qkv = new nn.Linear(width, 3 * width, { bias: false })
  project = new nn.Linear(width, width, { bias: false })
  norm2 = new nn.LayerNorm(width, { bias: false })
  up = new nn.Linear(width, 4 * width, { bias: false })
  down = new nn.Linear(4 * width, width, { bias: false })

  forward(x: Tensor): Tensor {
    const shape = [x.shape[0], context, heads, width / heads]
    const split = this.qkv(this.norm1(x)).split(width, 2)
    const [q, k, v] = split.map((part) => part.reshape(shape).transpose(1, 2))
    const seen = nn.functional.scaledDotProductAttention(q, k, v, { isCausal: true })
    const mixed = x.add(this.project(seen.transpose(1, 2).reshape(x.shape)))
    return mixed.add(this.down(this.up(this.norm2(mixed)).gelu()))
  }
}

class GPT extends nn.Module {
  token: nn.Embedding
  position = new nn.Embedding(context, width)
  blocks = new nn.Sequential(...Array.from({ length: layers }, () => new Block()))
  norm = new nn.LayerNorm(width, { bias: false })

  constructor(vocabulary: number) {
    super()
    this.token = new nn.Embedding(vocabulary, width)
    for (const [name, weight] of this.namedParameters())
      if (!name.includes('norm'))
        nn.init.normal_(weight, 0, /project|down/.test(name) ? 0.02 / Math.sqrt(2 * layers) : 0.02)
  }

  /** ids [batch, context] to logits [batch, context, vocabulary]; the last product shares the embedding's table. */
  forward(ids: Tensor): Tensor {
    const x = this.token(ids).add(this.position(arange(context)))
    return nn.functional.linear(this.norm(this.blocks(x)), this.token.weight)
  }
}

manualSeed(1337)
const text = await tinyShakespeare()
const alphabet = [...new Set(text)].sort()
const codes = new Map(alphabet.map((letter, code) => [letter, code]))
const data = tensor(Int32Array.from(text, (letter) => codes.get(letter)!))
const [train, test] = data.split([Math.floor(0.9 * text.length), text.length - Math.floor(0.9 * text.length)])

const model = new GPT(alphabet.length)
const optimizer = new optim.AdamW(model.parameters(), { betas: [0.9, 0.99], weightDecay: 0.1 })
const schedule = new optim.OneCycleLR(optimizer, {
  maxLr: 3e-3,
  totalSteps: steps,
  pctStart: 0.1,
  cycleMomentum: false,
})

/** Loss of predicting, in the rows of `source` that begin at `starts`, each character from those before it. */
function lossAt(source: Tensor, starts: Tensor): Tensor {
  const ids = source.index(starts.unsqueeze(1).add(arange(context + 1)))
  const logits = model(ids.slice(':', ':-1'))
  return nn.functional.crossEntropy(logits.flatten(0, 1), ids.slice(':', '1:').flatten())
}
const step = compile(() => {
  const loss = lossAt(train, randint(0, train.shape[0] - context, [batch]))
  optimizer.zeroGrad()
  loss.backward()
  nn.utils.clipGradNorm_(model.parameters(), 1)
  optimizer.step()
  return loss
})
for (let i = 1; i <= steps; i++) {
  const loss = step()
  schedule.step()
  if (i % 100 === 0 || i === steps) console.log(`step ${i}/${steps}  loss ${(await loss.item()).toFixed(4)}`)
}

const rows = Math.floor((test.shape[0] - 1) / context)
const validate = compile((starts: Tensor) => noGrad(() => lossAt(test, starts)))
let total = 0
for (let row = 0; row + batch <= rows; row += batch)
  total += await validate(arange(row, row + batch).mul(context)).item()
console.log(`validation loss ${(total / Math.floor(rows / batch)).toFixed(4)}`)

/** Draws the next character from what the model thinks of the last position. */
const next = compile((ids: Tensor) => noGrad(() => model(ids).select(1, -1).softmax(-1).multinomial(1)))
const written = [...text.slice(-context)].map((letter) => codes.get(letter)!)
for (let i = 0; i < 200; i++) written.push(await next(tensor([written.slice(-context)]).to('int32')).item())
console.log(written.slice(context).reduce((line, code) => line + alphabet[code], ''))
