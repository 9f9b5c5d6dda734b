/**
 * The room's own life: which process looks after workspaces, how often, and what becomes of those of a person who goes.
 * Of several processes on one database one leads; the others write wishes down, and it finds them within a second.
 * @module
 */
import { type AccountId, Fault } from '@labgate/contract'
import { WorkspaceEntity } from '../storage/workspace-entities.ts'
import { toStop } from './ending.ts'
import { createHearing, type Hearing } from './hearing.ts'
import { reap } from './reaper.ts'
import type { Room } from './room.ts'
import type { Supervisor } from './supervisor.ts'
import type { Watch } from './watch.ts'

/** How often the database is asked for wishes of others. */
const tickMs = 1000
/** At every so many looks each place is asked for what it has. */
const looksToReap = 10
/** How long whoever erases a person waits beyond the app's time to end. */
const letGoSeconds = 60

/** What the life goes on with. */
export interface LifeParts {
  readonly room: Room
  readonly supervisor: Supervisor
  readonly watch: Watch
}

/** The room's own life. */
export interface Life {
  /** Goes on where the last process was, and looks at everything every `poll` seconds. */
  open(): Promise<void>
  /** Nothing that runs is ended by this. */
  close(): Promise<void>
  /** Ends all of an account that may not act any more, and waits until nothing of it is left. @throws Fault ERR_CONFLICT */
  letGo(account: AccountId): Promise<void>
  /** One look at everything, for tests and commands. */
  look(): Promise<void>
}

/** Makes it. */
export function createLife(parts: LifeParts): Life {
  const { room, supervisor, watch } = parts
  const { alone } = room.storage
  const timers: NodeJS.Timeout[] = []
  const failed = (error: unknown) => room.log.error({ err: error }, 'the look at workspaces failed')
  const hearing = createHearing(room, watch)
  const look = createLook(parts, hearing)
  const tick = createTick(parts, look)
  let ticking: Promise<void> = Promise.resolve()
  return {
    look,
    async open() {
      if (room.profiles.size === 0 && (await room.storage.workspaceRows.living()).length === 0) return
      await alone.hold()
      void look().catch(failed)
      timers.push(setInterval(() => void look().catch(failed), room.config.poll * 1000))
      const next = () => {
        ticking = tick().catch(failed)
      }
      timers.push(setInterval(next, tickMs))
    },
    async close() {
      for (const timer of timers) clearInterval(timer)
      await hearing.stop()
      await supervisor.stop()
      await ticking
      await look.last()
      room.direct.closeAll()
      await watch.flush().catch(failed)
      await alone.release()
    },
    letGo: (account) => letGo(parts, account),
  }
}

/** One look after the other; whoever asks while one is under way waits for that one. */
function createLook({ room, supervisor, watch }: LifeParts, hearing: Hearing) {
  let looks = 0
  let looking: Promise<void> | undefined
  const one = async () => {
    if (!(await room.storage.alone.hold())) {
      room.direct.closeAll()
      await hearing.stop()
      return watch.flush()
    }
    await room.direct.settle(await room.records.living())
    // Every place is asked for what it has at the start, and now and then.
    if (looks++ % looksToReap === 0) await reap(room, supervisor)
    await watch.look()
    hearing.settle()
    await dropOld(room)
  }
  const look = () => {
    looking ??= one().finally(() => {
      looking = undefined
    })
    return looking
  }
  return Object.assign(look, { last: () => looking?.catch(() => undefined) ?? Promise.resolve() })
}

/** Cheap: nothing is read unless somebody else has written. */
function createTick({ room, supervisor }: LifeParts, look: () => Promise<void>): () => Promise<void> {
  const { storage, records } = room
  let seen = -1
  return async () => {
    const led = storage.alone.holds()
    if (!led && (await storage.alone.hold())) return look()
    const version = storage.dataVersion()
    if (version === seen) return
    seen = version
    await records.catchUp()
    if (!led) return
    for (const id of await storage.workspaceRows.pending())
      if (supervisor.isBusy(id)) await interruptLate(room, supervisor, id)
      else supervisor.wake(id)
  }
}

/** A worker of ours that does not know yet that the wish has changed. */
async function interruptLate({ records }: Room, supervisor: Supervisor, id: string): Promise<void> {
  const row = await records.row(id)
  if (row && row.wanted !== 'running' && row.state !== 'stopping') supervisor.interrupt(id)
}

/** Ends what runs for an account. */
export async function endAll(room: Room, supervisor: Supervisor, account: AccountId): Promise<void> {
  for (const row of await room.records.living()) {
    if (row.account !== account) continue
    const isNew = await toStop(room, row, { reason: 'account' })
    if (isNew) supervisor.interrupt(row.id)
    // One that was to be started anew is not.
    else if (row.stopReason === 'restart')
      await room.records.update(row.id, { stopReason: 'account' }, { when: (now) => now.stopReason === 'restart' })
  }
}

/** What a person has stored can be erased when nothing uses it any more. */
async function letGo({ room, supervisor }: LifeParts, account: AccountId): Promise<void> {
  // A command may be all that runs.
  await room.storage.alone.hold()
  await endAll(room, supervisor, account)
  const left = async () => (await room.records.living()).filter((row) => row.account === account)
  for (const { id } of await left()) supervisor.wake(id)
  const end = performance.now() + (room.config.grace + letGoSeconds) * 1000
  while ((await left()).length > 0) {
    if (performance.now() > end)
      throw new Fault(
        'ERR_CONFLICT',
        'Workspaces of this account still run where nobody answers. Mend that, or remove them by force.',
      )
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** Records of what ended long ago go; the audit trail keeps its lines. */
async function dropOld({ storage, clock, config }: Room): Promise<void> {
  const before = new Date(clock.now().getTime() - config.keep * 1000)
  if ((await storage.em().count(WorkspaceEntity, { endedAt: { $lt: before } })) === 0) return
  await storage.transaction(async (em) => {
    await em.nativeDelete(WorkspaceEntity, { endedAt: { $lt: before } })
  })
}
