// Functions of PyTorch that are not there yet: each is a function that says so, and docs/functions.md lists them.
import { NotYetError } from '../../base/errors.ts'

const notYet =
  (name: string) =>
  (..._: readonly unknown[]): never => {
    throw new NotYetError(`${name}: not there yet. docs/functions.md lists what is.`, { op: name })
  }

// losses and layers
export const ctcLoss = /* @__PURE__ */ notYet('ctcLoss')
export const multiMarginLoss = /* @__PURE__ */ notYet('multiMarginLoss')
export const multilabelMarginLoss = /* @__PURE__ */ notYet('multilabelMarginLoss')
export const multilabelSoftMarginLoss = /* @__PURE__ */ notYet('multilabelSoftMarginLoss')
export const embeddingBag = /* @__PURE__ */ notYet('embeddingBag')
export const gridSample = /* @__PURE__ */ notYet('gridSample')
export const affineGrid = /* @__PURE__ */ notYet('affineGrid')
export const maxUnpool1d = /* @__PURE__ */ notYet('maxUnpool1d')
export const maxUnpool2d = /* @__PURE__ */ notYet('maxUnpool2d')
export const maxUnpool3d = /* @__PURE__ */ notYet('maxUnpool3d')
export const lpPool1d = /* @__PURE__ */ notYet('lpPool1d')
export const lpPool2d = /* @__PURE__ */ notYet('lpPool2d')
export const fractionalMaxPool2d = /* @__PURE__ */ notYet('fractionalMaxPool2d')
export const fractionalMaxPool3d = /* @__PURE__ */ notYet('fractionalMaxPool3d')

// statistics and products
export const mode = /* @__PURE__ */ notYet('mode')
export const histc = /* @__PURE__ */ notYet('histc')
export const histogram = /* @__PURE__ */ notYet('histogram')
export const cov = /* @__PURE__ */ notYet('cov')
export const corrcoef = /* @__PURE__ */ notYet('corrcoef')
export const pdist = /* @__PURE__ */ notYet('pdist')
export const kron = /* @__PURE__ */ notYet('kron')
export const cross = /* @__PURE__ */ notYet('cross')
export const renorm = /* @__PURE__ */ notYet('renorm')
export const trapezoid = /* @__PURE__ */ notYet('trapezoid')
export const indexReduce = /* @__PURE__ */ notYet('indexReduce')

// special functions
export const i0 = /* @__PURE__ */ notYet('i0')
export const igamma = /* @__PURE__ */ notYet('igamma')
export const igammac = /* @__PURE__ */ notYet('igammac')
export const nextafter = /* @__PURE__ */ notYet('nextafter')
export const gcd = /* @__PURE__ */ notYet('gcd')
export const lcm = /* @__PURE__ */ notYet('lcm')
export const poisson = /* @__PURE__ */ notYet('poisson')

// decompositions and transforms
export const inverse = /* @__PURE__ */ notYet('inverse')
export const det = /* @__PURE__ */ notYet('det')
export const logdet = /* @__PURE__ */ notYet('logdet')
export const cholesky = /* @__PURE__ */ notYet('cholesky')
export const qr = /* @__PURE__ */ notYet('qr')
export const svd = /* @__PURE__ */ notYet('svd')
export const matrixExp = /* @__PURE__ */ notYet('matrixExp')
export const stft = /* @__PURE__ */ notYet('stft')
export const istft = /* @__PURE__ */ notYet('istft')
