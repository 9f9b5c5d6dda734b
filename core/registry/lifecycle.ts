/** Time limits around what a plugin does in its own time. @module */
import type { Lifecycle } from '@labgate/contract'
import type { Instance } from './instance.ts'

/** What `create` returned, as far as every kind has it. */
export function lifecycleOf(instance: Instance): Lifecycle {
  if (instance.kind === 'auth') return instance.method
  return instance.kind === 'authz' ? instance.adapter : instance.runner
}

/** Starts within `milliseconds`; the signal aborts then, or when `stopping` does. */
export async function startWithin(
  lifecycle: Lifecycle,
  milliseconds: number,
  stopping: AbortSignal | undefined,
): Promise<void> {
  const limit = new AbortController()
  const signal = stopping === undefined ? limit.signal : AbortSignal.any([limit.signal, stopping])
  signal.throwIfAborted()
  try {
    await within(milliseconds, lifecycle.start?.(signal))
  } catch (error) {
    limit.abort(error)
    throw error
  }
}

/** Waits for `work` at most `milliseconds`; work that goes on after that is left alone, its failure swallowed by the race. */
export async function within<T>(milliseconds: number, work: Promise<T> | undefined): Promise<T | undefined> {
  if (work === undefined) return undefined
  const { promise, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(`took longer than ${milliseconds / 1000} s`)), milliseconds)
  try {
    return await Promise.race([work, promise])
  } finally {
    clearTimeout(timer)
  }
}
