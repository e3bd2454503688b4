// The typed errors that every floor raises: a sentence (op, expected, got, hint), a stable code and structured details.

export type ErrorDetails = Readonly<Record<string, unknown>>

/** Base of all errors that Tensorloom raises on purpose. `code` is stable; `details` holds what the sentence says, as data. */
export class TensorloomError extends Error {
  readonly code: string
  readonly details: ErrorDetails

  constructor(code: string, message: string, details: ErrorDetails = {}) {
    super(message)
    this.name = new.target.name
    this.code = code
    this.details = details
  }
}

/** Sizes, axes or ranks that do not fit. */
export class ShapeError extends TensorloomError {
  constructor(message: string, details?: ErrorDetails) {
    super('SHAPE', message, details)
  }
}

/** A dtype that the operation does not accept. */
export class DTypeError extends TensorloomError {
  constructor(message: string, details?: ErrorDetails) {
    super('DTYPE', message, details)
  }
}

/** A device that is missing, refused or out of memory. */
export class DeviceError extends TensorloomError {
  constructor(message: string, details?: ErrorDetails) {
    super('DEVICE', message, details)
  }
}

/** A compiler stage that was given, or produced, something malformed. */
export class CompileError extends TensorloomError {
  constructor(message: string, details?: ErrorDetails) {
    super('COMPILE', message, details)
  }
}

/** A file or byte stream that is not what it claims to be. */
export class FormatError extends TensorloomError {
  constructor(message: string, details?: ErrorDetails) {
    super('FORMAT', message, details)
  }
}

/** Data that is in none of the places where it was looked for, and could not be fetched. */
export class DataError extends TensorloomError {
  constructor(message: string, details?: ErrorDetails) {
    super('DATA', message, details)
  }
}

/** A data-dependent index outside its range, found while a program ran; the program changed nothing. */
export class IndexError extends TensorloomError {
  constructor(message: string, details?: ErrorDetails) {
    super('INDEX', message, details)
  }
}

/**
 * An index that `caller` found outside 0..limit-1; `position` is row-major in the index tensor that it was given. A gather may stand for a
 * condition on values: then its caller is a sentence, which says what was expected.
 */
export function indexOutOfRange(caller: string, value: number, limit: number, position: number): TensorloomError {
  const unchanged = 'The program that found it has updated nothing.'
  if (caller.includes(': '))
    return new ArgumentError(`${caller}, got other values in row ${position}. ${unchanged}`, { row: position })
  return new IndexError(
    `${caller}: expected indices from 0 to ${limit - 1}, got ${value} at position ${position} of the index. ${unchanged}`,
    { op: caller, value, limit, position },
  )
}

/** A value that a later update has overwritten; it can no longer be computed. */
export class StaleError extends TensorloomError {
  constructor(message: string, details?: ErrorDetails) {
    super('STALE', message, details)
  }
}

/** A misuse of gradients or of tracing: backward twice, in-place on a leaf, an async traced function. */
export class GradientError extends TensorloomError {
  constructor(message: string, details?: ErrorDetails) {
    super('GRADIENT', message, details)
  }
}

/** Something that PyTorch has and Tensorloom does not, so far. `docs/functions.md` lists it. */
export class NotYetError extends TensorloomError {
  constructor(message: string, details?: ErrorDetails) {
    super('NOT_YET', message, details)
  }
}

/** An argument that is not of the accepted form. */
export class ArgumentError extends TensorloomError {
  constructor(message: string, details?: ErrorDetails) {
    super('ARGUMENT', message, details)
  }
}
