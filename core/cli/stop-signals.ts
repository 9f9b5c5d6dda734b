/** What the system sends to end a process: the first time in order, the second time at once. @module */

const numbers = { SIGINT: 2, SIGTERM: 15 } as const
type Stop = keyof typeof numbers

/** One Ctrl-C, or one stop of a service, can reach a process twice: from the system and from who started it. */
const sameMs = 300

/** Listens for SIGTERM and SIGINT until it is released. */
export function stopSignals(): { readonly signal: AbortSignal; release(): void } {
  const controller = new AbortController()
  let first = 0
  const heard = (name: Stop): void => {
    const isAgain = controller.signal.aborted && performance.now() - first > sameMs
    // 128 + n is what a shell shows for a process that signal n ended.
    if (isAgain) process.exit(128 + numbers[name])
    if (controller.signal.aborted) return
    first = performance.now()
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
