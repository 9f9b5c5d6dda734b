/** Finds what runs outside by its label: what belongs to a record is adopted, what belongs to none is shown, then taken away. @module */
import type { Found, Json } from '@labgate/contract'
import { WorkspaceEntity } from '../storage/workspace-entities.ts'
import type { Place } from './places.ts'
import type { Room } from './room.ts'
import type { Supervisor } from './supervisor.ts'

/** Looks once at every place; a place that does not answer is passed over. */
export async function reap(room: Room, supervisor: Pick<Supervisor, 'wake' | 'isBusy'>): Promise<void> {
  for (const place of room.places.all()) {
    if (!place.runner.capabilities().discover) continue
    try {
      for await (const found of place.runner.discover(AbortSignal.timeout(60_000)))
        await reapOne(room, { place, found, supervisor })
    } catch (error) {
      room.log.warn({ runner: place.id, err: error }, 'a runner did not say what runs there')
    }
  }
}

async function reapOne(
  room: Room,
  { place, found, supervisor }: { place: Place; found: Found<Json>; supervisor: Pick<Supervisor, 'wake' | 'isBusy'> },
): Promise<void> {
  const { records, log } = room
  if (supervisor.isBusy(found.instance)) return
  const row = await records.row(found.instance)
  const kept = { runnerState: found.state, runnerStateVersion: place.runner.state.version }
  if (row === undefined) return takeIn(room, { place, found })
  if (row.endedAt) {
    // Its record says it is over: a remove that did not reach it, or a machine that came back.
    log.warn({ workspace: row.id, runner: place.id }, 'what was left of an ended workspace is taken away')
    await place.runner.terminate(found.state, { graceSeconds: room.config.grace })
    await place.runner.remove(found.state, { volumes: false })
    return
  }
  // A launch was killed before it wrote down what it had made.
  const isAdopted =
    row.runnerState === null &&
    (await records.update(row.id, kept, { when: ({ runnerState, endedAt }) => runnerState === null && !endedAt }))
  if (isAdopted) supervisor.wake(row.id)
}

/** Without a record: a database that was put back, or somebody's hand. Admins see it until its lease ends. */
async function takeIn(room: Room, { place, found }: { place: Place; found: Found<Json> }): Promise<void> {
  const { storage, clock, config, log } = room
  log.warn({ workspace: found.instance, runner: place.id }, 'a workspace without a record was found')
  const account = found.account === undefined ? undefined : await room.accounts.find(found.account)
  if (account === undefined) {
    await place.runner.terminate(found.state, { graceSeconds: config.grace })
    await place.runner.remove(found.state, { volumes: false })
    return
  }
  const now = clock.now()
  await storage.transaction(async (em) => {
    if ((await em.count(WorkspaceEntity, { id: found.instance })) > 0) return
    const end = new Date(now.getTime() + config.lease.first * 1000)
    const row = em.create(WorkspaceEntity, {
      ...{ id: found.instance, account: account.id, profile: '', runner: place.id, title: '', size: '', image: null },
      ...{
        memoryBytes: 0,
        milliCpus: 0,
        limits: {},
        state: 'orphaned',
        wanted: 'running',
        stopReason: null,
        planHash: null,
      },
      ...{ runnerState: found.state, runnerStateVersion: place.runner.state.version, secrets: null, trouble: null },
      ...{ createdAt: now, startedAt: null, readyAt: null, lastActivityAt: null, leaseEndsAt: end, leaseLimitAt: end },
      ...{ warnedAt: null, unknownSince: null, endedAt: null },
    })
    await room.records.updateIn(em, row, {}, [{ kind: 'orphaned' }])
  })
}
