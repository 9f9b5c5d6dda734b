/** Finds what runs outside by its label: what belongs to a record is adopted, what belongs to none is shown, then taken away. @module */
import type { Found, Json } from '@labgate/contract'
import type { WorkspaceRow } from '../storage/workspace-entities.ts'
import { workspaceIn } from '../storage/workspace-writes.ts'
import { within } from './bounded.ts'
import { anew, clear } from './ending.ts'
import { leaseFrom, leasesIn } from './leases.ts'
import type { Place } from './places.ts'
import type { Room } from './room.ts'
import type { Supervisor } from './supervisor.ts'

/** How a workspace is named; labels of others may say anything. */
const named = /^w[a-z0-9]{15}$/
const seconds = 60

interface Outside {
  readonly place: Place
  readonly found: Found<Json>
}

/** Looks once at every place; a place that does not answer is passed over. */
export async function reap(room: Room, supervisor: Pick<Supervisor, 'wake' | 'during'>): Promise<void> {
  await Promise.all(room.places.all().map((place) => reapAt(room, place, supervisor)))
}

async function reapAt(room: Room, place: Place, supervisor: Pick<Supervisor, 'wake' | 'during'>): Promise<void> {
  const { runner, id } = place
  try {
    if (!runner.capabilities().discover) return
    const all: Found<Json>[] = []
    const search = async () => {
      for await (const found of runner.discover(AbortSignal.timeout(seconds * 1000))) all.push(found)
    }
    await within(search(), { seconds: seconds + 5 })
    for (const found of all) {
      if (!named.test(found.instance)) continue
      // Nobody begins anything with it while it is judged.
      await supervisor.during(found.instance, () =>
        reapOne(room, { place, found }, supervisor).catch((error: unknown) =>
          room.log.warn(
            { runner: id, workspace: found.instance, err: error },
            'what was found could not be dealt with',
          ),
        ),
      )
    }
  } catch (error) {
    room.log.warn({ runner: id, err: error }, 'a runner did not say what runs there')
  }
}

async function reapOne(room: Room, outside: Outside, supervisor: Pick<Supervisor, 'wake'>): Promise<void> {
  const { records, log } = room
  const { place, found } = outside
  const row = await records.row(found.instance)
  if (row === undefined) return takeIn(room, outside)
  if (row.endedAt) {
    // Its record says it is over: a remove that did not reach it, or a machine that came back.
    log.warn({ workspace: row.id, runner: place.id }, 'what was left of an ended workspace is taken away')
    return clear(room, { runner: place.runner, state: found.state })
  }
  if (row.runner !== place.id) return seenByAnother(room, { row, outside }, supervisor)
  // A launch was killed before it wrote down what it had made.
  const kept = { runnerState: found.state, runnerStateVersion: place.runner.state.version }
  const when = (now: typeof row) => now.runnerState === null && !now.endedAt && now.planHash !== null
  if (row.runnerState === null && (await records.update(row.id, kept, { when }))) supervisor.wake(row.id)
}

/**
 * Two instances of a plugin may look at one engine, and each sees what the other has started: that is none of its
 * business, and goes at the latest when its record ends. One whose own instance is not there any more was renamed.
 */
async function seenByAnother(
  { records, places, log }: Room,
  { row, outside: { place, found } }: { readonly row: WorkspaceRow; readonly outside: Outside },
  supervisor: Pick<Supervisor, 'wake'>,
): Promise<void> {
  if (places.all().some(({ id }) => id === row.runner)) return
  const kept = { runner: place.id, runnerState: found.state, runnerStateVersion: place.runner.state.version }
  const when = (now: WorkspaceRow) => now.runner === row.runner && !now.endedAt
  if (!(await records.update(row.id, kept, { when }))) return
  log.warn(
    { workspace: row.id, from: row.runner, runner: place.id },
    'a workspace of a runner that is gone was taken over',
  )
  supervisor.wake(row.id)
}

/** Without a record: a database that was put back, or somebody's hand. Admins see it until its lease ends. */
async function takeIn(room: Room, { place, found }: Outside): Promise<void> {
  const { storage, clock, log } = room
  log.warn({ workspace: found.instance, runner: place.id }, 'a workspace without a record was found')
  const account = found.account === undefined ? undefined : await room.accounts.find(found.account)
  // Nobody could be told of it.
  if (account === undefined) return clear(room, { runner: place.runner, state: found.state })
  const now = clock.now()
  const leases = await leasesIn(room)
  await storage.transaction(async (em) => {
    if (await workspaceIn(em, found.instance)) return
    const { leaseEndsAt: end } = leaseFrom(now, undefined, leases)
    const row = {
      ...anew,
      ...{ id: found.instance, account: account.id, profile: '', runner: place.id, title: '', size: '', image: null },
      ...{ memoryBytes: 0, milliCpus: 0, limits: {}, state: 'orphaned' as const },
      ...{ runnerState: found.state, runnerStateVersion: place.runner.state.version },
      ...{ createdAt: now, leaseEndsAt: end, leaseLimitAt: end },
    }
    await room.records.insertIn(em, row, [{ kind: 'orphaned' }])
  })
}
