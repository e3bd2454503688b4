// Numbers behind exp, log, pow, sin and cos, from Cephes (expf.c, logf.c) and fdlibm (e_log.c, k_sin.c, k_cos.c): what a code generator
// does with them depends on its instructions, what they are does not.

/** float32; coefficients from the highest power down */
export const single = {
  log2High: 0.693359375,
  log2Low: -2.1219444005469057e-4,
  exp: [1.98756915e-4, 0.0013981999507, 0.0083334519073, 0.041665795894, 0.16666665459, 0.50000001201],
  log: [
    ...[0.070376836292, -0.1151461031, 0.1167699874, -0.12420140846, 0.14249322787],
    ...[-0.16668057665, 0.20000714765, -0.24999993993, 0.33333331174],
  ],
  smallestNormal: 2 ** -126,
  bitsOfRootHalf: 0x3f3504f3,
  /** beyond these exp is infinite or 0 */
  expRange: { lowest: -104, highest: 89 },
} as const

/** float64 */
export const double = {
  log2High: 0.6931471803691238,
  log2Low: 1.9082149292705877e-10,
  /** 1/13!, …, 1/2! */
  exp: Array.from({ length: 12 }, (_, i) => {
    let factorial = 1
    for (let k = 2; k <= 13 - i; k++) factorial *= k
    return 1 / factorial
  }),
  log: [
    ...[0.14798198605116586, 0.15313837699209373, 0.1818357216161805, 0.22222198432149784],
    ...[0.2857142874366239, 0.3999999999940942, 0.6666666666666735],
  ],
  /** 2/21, …, 2/5, 2/3: of the series of log((1 + s) / (1 - s)) behind 2s */
  logSeries: Array.from({ length: 10 }, (_, i) => 2 / (21 - 2 * i)),
  sin: [
    ...[1.58969099521155e-10, -2.5050760253406863e-8, 2.7557313707070068e-6],
    ...[-1.984126982985795e-4, 0.00833333333332249, -0.16666666666666632],
  ],
  cos: [
    ...[-1.1359647557788195e-11, 2.087572321298175e-9, -2.7557314351390663e-7],
    ...[2.480158728947673e-5, -0.001388888888887411, 0.0416666666666666],
  ],
  smallestNormal: 2 ** -1022,
  /** beyond these exp is infinite or 0 */
  expRange: { lowest: -746, highest: 710 },
  /** added to a small whole number, it leaves that number in the low bits */
  wholeInLowBits: 1.5 * 2 ** 52,
} as const
