/** The way to an app, asked at every request: who may, is read each time; what follows from the record, is kept. @module */
import type { AccountId, Endpoint } from '@labgate/contract'
import type { WorkspaceRow } from '../storage/workspace-entities.ts'
import { within } from './bounded.ts'
import { credentialsOf, type Room, secretsOf } from './room.ts'
import type { Way, Workspaces } from './workspaces.ts'

/** How long an endpoint counts without being asked for anew: an engine that was restarted may have moved a port. */
const endpointMs = 10_000
const slowSeconds = 15

/** Finds ways. */
export interface Ways extends Pick<Workspaces, 'way'> {
  /** What was kept led nowhere. */
  forget(id: string): void
}

interface Kept {
  readonly life: string
  readonly row: WorkspaceRow
  readonly way: Way
  readonly until: number
}

/** Makes the finding of ways. */
export function createWays(room: Room): Ways {
  const kept = new Map<string, Kept>()
  return {
    forget: (id) => void kept.delete(id),
    async way(id, visitor) {
      const row = await room.storage.workspaceRows.find(id)
      if (row === undefined || !(await mayEnter(room, row, visitor))) {
        if (row === undefined || !isUp(row)) kept.delete(id)
        return undefined
      }
      const life = lifeOf(row)
      const known = kept.get(id)
      if (known?.life === life && known.until > performance.now()) return known.way
      const way = await wayOf(room, row, life)
      if (way === undefined) return undefined
      kept.set(id, { life, row, way, until: performance.now() + endpointMs })
      return way
    },
  }
}

/** One that is lost may be there all the same: its place does not say, and that cuts nobody off. */
export function isUp({ state, wanted }: Pick<WorkspaceRow, 'state' | 'wanted'>): boolean {
  return (state === 'ready' || state === 'idle' || state === 'lost') && wanted === 'running'
}

async function mayEnter(room: Room, row: WorkspaceRow, visitor: AccountId): Promise<boolean> {
  // Its lease is asked here, too: whoever ends it may be late.
  if (!isUp(row) || !room.profiles.has(row.profile) || row.leaseEndsAt <= room.clock.now()) return false
  if (row.account === visitor) return room.accounts.mayAct(visitor)
  // Where workspaces share an origin, whoever comes in could act as the owner in all of theirs.
  if (!room.config.origin?.includes('://*.')) return false
  if (!(await room.storage.workspaceRows.isGuest(row.id, visitor))) return false
  return (await room.accounts.mayAct(visitor)) && room.accounts.mayAct(row.account)
}

/** Another one after each start and each move. */
function lifeOf({ account, readyAt, runnerState, runnerStateVersion }: WorkspaceRow): string {
  return JSON.stringify([account, readyAt?.getTime(), runnerStateVersion, runnerState])
}

async function wayOf(room: Room, row: WorkspaceRow, life: string): Promise<Way | undefined> {
  const profile = room.profiles.get(row.profile)
  const workspace = await room.records.find(row.id)
  if (profile === undefined || workspace === undefined) return undefined
  const endpoint: Endpoint = await within(room.places.endpointOf(row), { seconds: slowSeconds })
  const headers = credentialsOf(profile, secretsOf(room, row))
  return { workspace, profile, endpoint, basePath: room.addressOf(row.id).basePath, headers, life }
}
