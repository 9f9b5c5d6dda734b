/** What the system sends to a process: to end it, the first time in order, the second time at once; and to read its config again. @module */
import type { Io } from './command.ts'

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

/** SIGHUP, from the first moment on: one that comes during the start must not end the process. */
export interface HangUps {
  /** Does it at each, and now if one came already. */
  heed(work: () => void): void
  release(): void
}

/** Listens for SIGHUP, unless a person started it in a terminal: that sends it when it is closed, and means the end. */
export function hangUpSignals(io: Pick<Io, 'isTty'>): HangUps {
  let [came, work]: [boolean, (() => void) | undefined] = [false, undefined]
  const heard = () => {
    came = true
    work?.()
  }
  if (!io.isTty && process.stdin.isTTY !== true) process.on('SIGHUP', heard)
  return {
    heed(given) {
      work = given
      if (came) given()
    },
    release: () => void process.removeListener('SIGHUP', heard),
  }
}
