// Peer only: no part of the package. A graph of ONNX operators, built node by node; the bytes of its model out.
// Field numbers: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto

const elementTypes = { float32: 1, int64: 7 }
const attributeTypes = { float: 1, int: 2, ints: 7 }

function varint(value) {
  const bytes = []
  for (let rest = BigInt.asUintN(64, BigInt(value)); ; rest >>= 7n) {
    if (rest < 128n) return Buffer.from([...bytes, Number(rest)])
    bytes.push(Number(rest & 127n) | 128)
  }
}

const integer = (field, value) => Buffer.concat([varint(field << 3), varint(value)])
function bytes(field, ...parts) {
  const content = Buffer.concat(parts.map((part) => Buffer.from(part)))
  return Buffer.concat([varint((field << 3) | 2), varint(content.length), content])
}
function float(field, value) {
  const buffer = Buffer.alloc(4)
  buffer.writeFloatLE(value)
  return Buffer.concat([varint((field << 3) | 5), buffer])
}

function attribute(name, value) {
  const [type, ...fields] = Array.isArray(value)
    ? ['ints', ...value.map((each) => integer(8, each))]
    : Number.isInteger(value)
      ? ['int', integer(3, value)]
      : ['float', float(2, value)]
  return bytes(5, bytes(1, name), ...fields, integer(20, attributeTypes[type]))
}

function valueInfo(field, name, dtype, shape) {
  const dims = shape.map((extent) => bytes(1, integer(1, extent)))
  return bytes(field, bytes(1, name), bytes(2, bytes(1, integer(1, elementTypes[dtype]), bytes(2, ...dims))))
}

export class Graph {
  #nodes = []
  #weights = []
  #inputs = []
  #count = 0

  input(shape, dtype = 'float32') {
    const name = this.#name()
    this.#inputs.push({ name, shape, dtype })
    return name
  }

  /** A constant of the model: `values`, or small numbers that nothing depends on. */
  weight(shape, values) {
    const count = shape.reduce((product, extent) => product * extent, 1)
    const data = values ?? Float32Array.from({ length: count }, () => (Math.random() - 0.5) / 10)
    const name = this.#name()
    const dtype = data instanceof BigInt64Array ? 'int64' : 'float32'
    const raw = Buffer.from(data.buffer, data.byteOffset, data.byteLength)
    const dims = shape.map((extent) => integer(1, extent))
    this.#weights.push(bytes(5, ...dims, integer(2, elementTypes[dtype]), bytes(8, name), bytes(9, raw)))
    return name
  }

  /** A node's outputs, as many as `count`; an output that is not wanted has no name. */
  addAll(op, inputs, attributes, wanted) {
    const outputs = wanted.map((isWanted) => (isWanted ? this.#name() : ''))
    this.#nodes.push(
      bytes(
        1,
        ...inputs.map((name) => bytes(1, name)),
        ...outputs.map((name) => bytes(2, name)),
        bytes(4, op),
        ...Object.entries(attributes).map(([name, value]) => attribute(name, value)),
      ),
    )
    return outputs
  }

  add(op, inputs, attributes = {}) {
    return this.addAll(op, inputs, attributes, [true])[0]
  }

  /** The model whose result is `output`, and what it is to be fed with. */
  finish(output) {
    const inputs = this.#inputs.map(({ name, shape, dtype }) => valueInfo(11, name, dtype, shape))
    // a result without a shape: the runtime infers it
    const result = bytes(12, bytes(1, output), bytes(2, bytes(1, integer(1, elementTypes.float32))))
    const graph = bytes(7, ...this.#nodes, bytes(2, 'graph'), ...this.#weights, ...inputs, result)
    return { model: Buffer.concat([integer(1, 9), graph, bytes(8, integer(2, 20))]), inputs: this.#inputs }
  }

  #name() {
    this.#count++
    return `v${this.#count}`
  }
}
