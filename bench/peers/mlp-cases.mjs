// Peer only: no part of the package. The cases of `torch_cases.py` that peers without convolutions or loops can train, and their batches.

export const mlps = {
  'mlp-784-128-10-b64-sgd': { widths: [784, 128, 10], batch: 64, optimizer: 'sgd', rate: 0.1 },
  'mlp-784-512-512-10-b128-adam': { widths: [784, 512, 512, 10], batch: 128, optimizer: 'adam', rate: 1e-3 },
}

/** Weights [inputs, outputs] and biases of each layer, images and labels; numbers of the right size, since only time is compared. */
export function startOf({ widths, batch }) {
  const uniform = (count, bound) => Float32Array.from({ length: count }, () => (2 * Math.random() - 1) * bound)
  const layers = widths.slice(1).map((outputs, i) => ({
    shape: [widths[i], outputs],
    weight: uniform(widths[i] * outputs, widths[i] ** -0.5),
    bias: uniform(outputs, widths[i] ** -0.5),
  }))
  const labels = Int32Array.from({ length: batch }, () => Math.floor(10 * Math.random()))
  return { layers, images: uniform(batch * widths[0], 1.7), labels }
}
