// Numbers, names and vectors in, the bytes of the binary format out: LEB128 and what is built from it.

export class Bytes {
  #data = new Uint8Array(256)
  length = 0

  byte(...values: number[]): this {
    for (const value of values) {
      if (this.length === this.#data.length) this.#grow(this.length + 1)
      this.#data[this.length++] = value
    }
    return this
  }

  append(bytes: Uint8Array): this {
    if (this.length + bytes.length > this.#data.length) this.#grow(this.length + bytes.length)
    this.#data.set(bytes, this.length)
    this.length += bytes.length
    return this
  }

  #grow(least: number): void {
    const larger = new Uint8Array(Math.max(least, this.#data.length * 2))
    larger.set(this.#data.subarray(0, this.length))
    this.#data = larger
  }

  /** LEB128 of a number from 0 to 2^53. */
  unsigned(value: number): this {
    let rest = value
    while (rest >= 0x80) {
      this.byte((rest % 0x80) | 0x80)
      rest = Math.floor(rest / 0x80)
    }
    return this.byte(rest)
  }

  /** Signed LEB128. */
  signed(value: bigint): this {
    let rest = value
    for (;;) {
      const low = Number(rest & 0x7fn)
      rest >>= 7n
      if ((rest === 0n && low < 0x40) || (rest === -1n && low >= 0x40)) return this.byte(low)
      this.byte(low | 0x80)
    }
  }

  float(value: number, bytes: 4 | 8): this {
    const view = new DataView(new ArrayBuffer(bytes))
    if (bytes === 4) view.setFloat32(0, value, true)
    else view.setFloat64(0, value, true)
    return this.append(new Uint8Array(view.buffer))
  }

  name(text: string): this {
    const bytes = new TextEncoder().encode(text)
    return this.unsigned(bytes.length).append(bytes)
  }

  /** A count and the items. */
  vector<T>(items: readonly T[], write: (item: T) => void): this {
    this.unsigned(items.length)
    for (const item of items) write(item)
    return this
  }

  /** `content` behind its size. */
  sized(content: Bytes): this {
    return this.unsigned(content.length).append(content.done())
  }

  done(): Uint8Array {
    return this.#data.slice(0, this.length)
  }
}
