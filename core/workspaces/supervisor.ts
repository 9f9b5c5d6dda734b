/**
 * One worker for each workspace that has something to be done: it brings it from where its record says it is to where
 * its owner wants it. Everything that matters stands in the record, so that a process that was killed goes on where it
 * was. Only the process that leads has workers.
 * @module
 */
import { drive } from './driving.ts'
import type { Room } from './room.ts'

/** Drives workspaces. */
export interface Supervisor {
  /** Goes on with a workspace: after a wish, a crash, a look from outside. Calls while it works are remembered. */
  wake(id: string): void
  /** Breaks off what a worker waits for, because the wish has changed, and wakes it. */
  interrupt(id: string): void
  /** Whether a worker is at it just now. */
  isBusy(id: string): boolean
  /** Does something with it while no worker is at it, and none begins; `false` when one is. */
  during(id: string, work: () => Promise<void>): Promise<boolean>
  /** Breaks off every worker and waits for them; what they were at goes on at the next start. */
  stop(): Promise<void>
}

interface Worker {
  controller: AbortController
  again: boolean
  done: Promise<void>
}

class Leaving extends Error {}

/** Makes the supervisor of a room; `leads` says whether this process is the one that has workers. */
export function createSupervisor(room: Room, leads: () => boolean): Supervisor {
  const workers = new Map<string, Worker>()
  let leaving = false

  const work = async (id: string, worker: Worker): Promise<void> => {
    do {
      worker.again = false
      worker.controller = new AbortController()
      try {
        await drive(room, id, worker.controller.signal)
      } catch (error) {
        if (leaving) return
        if (!worker.controller.signal.aborted)
          room.log.error({ workspace: id, err: error }, 'a workspace could not go on')
      }
    } while (worker.again && !leaving)
  }
  const employ = (id: string, task: (worker: Worker) => Promise<void>): Promise<void> => {
    const worker: Worker = { controller: new AbortController(), again: false, done: Promise.resolve() }
    workers.set(id, worker)
    worker.done = task(worker).finally(() => {
      workers.delete(id)
      if (worker.again) wake(id)
    })
    return worker.done
  }
  const wake = (id: string): void => {
    if (leaving || !leads()) return
    const at = workers.get(id)
    if (at) at.again = true
    else void employ(id, (worker) => work(id, worker))
  }
  return {
    wake,
    interrupt(id) {
      const at = workers.get(id)
      wake(id)
      at?.controller.abort(new Leaving('its owner wants something else'))
    },
    isBusy: (id) => workers.has(id),
    async during(id, task) {
      if (leaving || workers.has(id)) return false
      await employ(id, task)
      return true
    },
    async stop() {
      leaving = true
      for (const { controller } of workers.values()) controller.abort(new Leaving('Labgate stops'))
      await Promise.allSettled([...workers.values()].map(({ done }) => done))
    },
  }
}
