// Something that outlives its release while queued work uses it: buffers of a device, for one.

export abstract class Retained {
  #uses = 0
  #released = false

  /** Queued work needs it from here on. */
  retain(): void {
    this.#uses++
  }

  /** One piece of work that retained it is over. */
  finish(): void {
    this.#uses--
    this.#freeIfUnused()
  }

  /** Nobody will use it again. */
  release(): void {
    if (this.#released) return
    this.#released = true
    this.#freeIfUnused()
  }

  #freeIfUnused(): void {
    if (this.#released && this.#uses === 0) this.free()
  }

  /** Gives back what it holds; called once. */
  protected abstract free(): void
}
