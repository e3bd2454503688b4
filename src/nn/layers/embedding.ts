// Embedding: rows of a table by index. https://docs.pytorch.org/docs/stable/generated/torch.nn.Embedding.html
import type { DType } from '../../base/dtype.ts'
import { embedding, noGrad, type Tensor, zeros } from '../../tensor/index.ts'
import { normal_ } from '../initialise.ts'
import { Module } from '../module.ts'
import { parameter } from '../parameter.ts'
import { describe } from '../print-module.ts'

export interface EmbeddingOptions {
  /** a row that starts at zero and gets no gradient */
  readonly paddingIdx?: number
  readonly dtype?: DType
}

export class Embedding extends Module {
  readonly numEmbeddings: number
  readonly embeddingDim: number
  readonly paddingIdx: number | undefined
  /** [numEmbeddings, embeddingDim] */
  weight: Tensor

  constructor(numEmbeddings: number, embeddingDim: number, { paddingIdx, dtype = 'float32' }: EmbeddingOptions = {}) {
    super()
    this.numEmbeddings = numEmbeddings
    this.embeddingDim = embeddingDim
    this.paddingIdx = paddingIdx !== undefined && paddingIdx < 0 ? paddingIdx + numEmbeddings : paddingIdx
    this.weight = parameter(zeros([numEmbeddings, embeddingDim], { dtype }))
    this.resetParameters()
  }

  resetParameters(): void {
    normal_(this.weight)
    const { paddingIdx } = this
    if (paddingIdx !== undefined) noGrad(() => this.weight.select(0, paddingIdx).zero_())
  }

  /** indices: integers of any shape, to [...shape, embeddingDim] */
  forward(indices: Tensor): Tensor {
    return embedding(indices, this.weight, { paddingIdx: this.paddingIdx })
  }

  override extraRepr(): string {
    return `${this.numEmbeddings}, ${this.embeddingDim}${this.paddingIdx === undefined ? '' : `, ${describe({ paddingIdx: this.paddingIdx })}`}`
  }
}
