/** Waiting in line within a process, by name. @module */

/** Makes a line: of those who ask under one key, one runs at a time, in the order they came. */
export function inLine() {
  const last = new Map<string, Promise<void>>()
  return async <T>(key: string, work: () => Promise<T>): Promise<T> => {
    const { promise: done, resolve: release } = Promise.withResolvers<void>()
    const before = last.get(key)
    last.set(key, done)
    await before
    try {
      return await work()
    } finally {
      release()
      if (last.get(key) === done) last.delete(key)
    }
  }
}
