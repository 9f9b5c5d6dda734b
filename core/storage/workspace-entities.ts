/** The tables of workspaces: what runs for whom, what happened to it, who else may enter, and how much anybody may have. @module */
import type { Json, LaunchTrouble } from '@labgate/contract'
import { defineEntity, type InferEntity, p } from '@mikro-orm/core'
import { AccountEntity } from './entities.ts'

/**
 * Where a workspace is in its life. `requested` to `lost` hold their share of the quota; `stopped`, `failed` and
 * `expired` are ends; `orphaned` was found outside without a record and waits for somebody to look at it.
 */
export type WorkspaceState =
  | 'requested'
  | 'reserved'
  | 'starting'
  | 'ready'
  | 'idle'
  | 'stopping'
  | 'lost'
  | 'stopped'
  | 'failed'
  | 'expired'
  | 'orphaned'

/** Why a workspace failed; for the person. */
export interface Trouble {
  readonly code: LaunchTrouble
  readonly message: string
  readonly hint: string
  readonly retryable: boolean
  /** The last lines that the app wrote. */
  readonly logs: readonly string[]
}

/** A workspace. The row is the reservation: it holds its share from the moment it is there. */
export const WorkspaceEntity = defineEntity({
  name: 'Workspace',
  tableName: 'workspace',
  indexes: [{ name: 'workspace_state_index', properties: ['state'] }],
  properties: {
    /** Small letters and digits: part of host names, container names and labels. */
    id: p.text().primary(),
    account: () => p.manyToOne(AccountEntity).mapToPk().deleteRule('cascade').index(),
    profile: p.text(),
    /** The instance of a runner plugin. */
    runner: p.text(),
    title: p.text().default(''),
    /** Name of the size among those of the profile. */
    size: p.text(),
    image: p.text().nullable(),
    /** Its share: bytes, thousandths of a CPU, and the rest of the limits. */
    memoryBytes: p.bigint('number'),
    milliCpus: p.integer().default(0),
    limits: p.json<Json>(),
    state: p.text().$type<WorkspaceState>(),
    /** What its owner wants: a crash between the wish and the deed loses neither. */
    wanted: p.text().$type<'running' | 'stopped' | 'removed'>().default('running'),
    /** Why it is to stop: `owner`, `lease`, `idle`, `admin`, `account`, `trouble`, `ended` (by itself). */
    stopReason: p.text().nullable(),
    /** Digest of the runner's plan: another one makes a new container. */
    planHash: p.text().nullable(),
    /** The runner's state and the version of its form; `null` while nothing exists outside. */
    runnerState: p.json<Json>().nullable(),
    runnerStateVersion: p.integer().nullable(),
    /** Secrets of the launch, sealed. */
    secrets: p.blob().nullable(),
    /** Where the app was last reached past the proxy; the same is tried again. */
    directPort: p.integer().nullable(),
    /** When its credential was shown to its owner: once in each life. */
    directShownAt: p.datetime().nullable(),
    trouble: p.json<Trouble>().nullable(),
    createdAt: p.datetime(),
    startedAt: p.datetime().nullable(),
    readyAt: p.datetime().nullable(),
    lastActivityAt: p.datetime().nullable(),
    leaseEndsAt: p.datetime(),
    /** Its lease goes no further, however often it is extended. */
    leaseLimitAt: p.datetime(),
    warnedAt: p.datetime().nullable(),
    /** Since when the runner cannot say what became of it. */
    unknownSince: p.datetime().nullable(),
    endedAt: p.datetime().nullable(),
  },
})

/** One thing that happened to a workspace, numbered from 1, for its page and for whoever looks later. */
export const WorkspaceEventEntity = defineEntity({
  name: 'WorkspaceEvent',
  tableName: 'workspace_event',
  primaryKeys: ['workspace', 'number'],
  properties: {
    workspace: () => p.manyToOne(WorkspaceEntity).mapToPk().primary().deleteRule('cascade'),
    number: p.integer().primary(),
    at: p.datetime(),
    /** A state, or `progress`, `warned`, `extended`, `message`, `trouble`. */
    kind: p.text(),
    /** For people; plain text. */
    text: p.text().default(''),
  },
})

/** Somebody whom the owner let in. */
export const WorkspaceGuestEntity = defineEntity({
  name: 'WorkspaceGuest',
  tableName: 'workspace_guest',
  primaryKeys: ['workspace', 'account'],
  properties: {
    workspace: () => p.manyToOne(WorkspaceEntity).mapToPk().primary().deleteRule('cascade'),
    account: () => p.manyToOne(AccountEntity).mapToPk().primary().deleteRule('cascade').index(),
    invitedAt: p.datetime(),
  },
})

/** How much may run at once, as set in the console; what the config says counts where there is no row. */
export const WorkspaceQuotaEntity = defineEntity({
  name: 'WorkspaceQuota',
  tableName: 'workspace_quota',
  properties: {
    /** `site`, `user` (each person, unless named), `account:ID`, `group:SLUG` (its members together). */
    scope: p.text().primary(),
    instances: p.integer().nullable(),
    memoryBytes: p.bigint('number').nullable(),
    milliCpus: p.integer().nullable(),
    updatedAt: p.datetime(),
  },
})

/** The entities of this file, in the order the tables are made. */
export const workspaceEntities = [
  WorkspaceEntity,
  WorkspaceEventEntity,
  WorkspaceGuestEntity,
  WorkspaceQuotaEntity,
] as const

export type WorkspaceRow = InferEntity<typeof WorkspaceEntity>
export type WorkspaceEventRow = InferEntity<typeof WorkspaceEventEntity>
export type WorkspaceQuotaRow = InferEntity<typeof WorkspaceQuotaEntity>
