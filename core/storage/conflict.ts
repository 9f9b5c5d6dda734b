/** The error of a second use of something that may be used once. @module */

const brand: unique symbol = Symbol.for('labgate.consume-conflict') as never

/** A code or token was consumed before, or another unit in flight is consuming it. Nothing of the unit was written. */
export class ConsumeConflict extends Error {
  override readonly name = 'ConsumeConflict'
  readonly model: string
  /** Resolves when the unit that was first is done, whatever came of it. */
  readonly settled: Promise<void>
  readonly [brand] = true

  constructor(model: string, settled: Promise<void> = Promise.resolve()) {
    super(`${model} was consumed before`)
    this.model = model
    this.settled = settled
  }
}

/** Whether a thrown value is a {@link ConsumeConflict}. */
export function isConsumeConflict(error: unknown): error is ConsumeConflict {
  return typeof error === 'object' && error !== null && (error as { [brand]?: unknown })[brand] === true
}
