/** What the system sends to end a process: the first time in order, the second time at once. @module */

const numbers = { SIGINT: 2, SIGTERM: 15 } as const
type Stop = keyof typeof numbers

/** Listens for SIGTERM and SIGINT until it is released. */
export function stopSignals(): { readonly signal: AbortSignal; release(): void } {
  const controller = new AbortController()
  const heard = (name: Stop): void => {
    // 128 + n is what a shell shows for a process that signal n ended.
    if (controller.signal.aborted) process.exit(128 + numbers[name])
    controller.abort(new Error(`told to stop (${name})`))
  }
  const names = Object.keys(numbers) as Stop[]
  for (const name of names) process.on(name, heard)
  return {
    signal: controller.signal,
    release() {
      for (const name of names) process.removeListener(name, heard)
    },
  }
}
