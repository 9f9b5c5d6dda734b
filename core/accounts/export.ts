/** Everything kept about a person, of the core and of every plugin, as one JSON. No secret, no digest of one. @module */

import { type AccountId, Fault, type Json } from '@labgate/contract'
import type { AuditLine } from '../storage/audit.ts'
import { AccountEntity, IdentityEntity, MembershipEntity } from '../storage/entities.ts'
import type { Reads } from '../storage/late-orm.ts'
import {
  AcceptanceEntity,
  AccessRequestEntity,
  ApiTokenEntity,
  GrantEntity,
  GroupManagerEntity,
} from '../storage/ledger-entities.ts'
import { AccountInvitationEntity, AccountManagerEntity, ProfileAnswerEntity } from '../storage/life-entities.ts'
import type { Storage } from '../storage/storage.ts'
import { WorkspaceEntity, WorkspaceEventEntity, WorkspaceGuestEntity } from '../storage/workspace-entities.ts'
import { inSmallLetters } from './accounts.ts'
import type { Actor } from './actor.ts'
import type { LifeNeeds } from './data-holders.ts'
import { mergedInto } from './erase.ts'
import { assertAdminIn } from './standing.ts'

/** What is kept about somebody; instants are ISO 8601. */
export interface AccountExport {
  readonly format: 'labgate-account-1'
  readonly exportedAt: string
  readonly account: Json
  /** Accounts that were merged into it. */
  readonly merged: readonly Json[]
  readonly identities: readonly Json[]
  readonly answers: readonly Json[]
  readonly groups: readonly Json[]
  readonly managedGroups: readonly Json[]
  /** By whom, and since when, the person is managed. */
  readonly managers: readonly Json[]
  /** Whom the person manages, by id, and since when. */
  readonly managed: readonly Json[]
  readonly grants: readonly Json[]
  readonly acceptances: readonly Json[]
  readonly requests: readonly Json[]
  readonly tokens: readonly Json[]
  readonly sessions: readonly Json[]
  readonly consents: readonly Json[]
  /** What services hold now: kind, client, scope, times. */
  readonly issued: readonly Json[]
  /** The language that was chosen; `null`: none. */
  readonly language: string | null
  readonly serviceAccounts: readonly Json[]
  readonly invitations: readonly Json[]
  /** What was started, with what happened to it; what is stored there is an archive of its own. */
  readonly workspaces: readonly Json[]
  /** Workspaces of others that the person was let into. */
  readonly guestOf: readonly Json[]
  readonly history: readonly Json[]
  /** By instance. */
  readonly plugins: Readonly<Record<string, readonly Json[]>>
  /** Instances that could not say what they hold. */
  readonly missing: readonly string[]
}

const issuedModels = ['Session', 'Grant', 'AccessToken', 'RefreshToken', 'AuthorizationCode', 'DeviceCode']

/** Makes the exporting. */
export function createExport(needs: LifeNeeds): (actor: Actor, account: AccountId) => Promise<AccountExport> {
  const { storage, clock, change } = needs
  return async (actor, id) => {
    // In the trail first: whoever takes everything about somebody leaves a line, come what may.
    await change<void>(actor, undefined, async (em) => {
      if (actor.kind !== 'account' || actor.account !== id) await assertAdminIn(em, actor)
      if ((await em.count(AccountEntity, { id })) === 0) throw new Fault('ERR_NOT_FOUND', 'There is no such account.')
      return {
        ...{ result: undefined, type: 'account.exported', account: id, target: {} },
        before: undefined,
        after: undefined,
      }
    })
    const ids = [id, ...(await mergedInto(storage.em(), id))]
    const { plugins, missing } = await ofPlugins(needs, ids)
    const own = await ofCore(needs, ids)
    return { format: 'labgate-account-1', exportedAt: clock.now().toISOString(), ...own, plugins, missing }
  }
}

/** A row as JSON, less what opens something or is nobody's to read. */
function rowJson(row: object, less: readonly string[] = []): Json {
  const kept = Object.entries(row).filter(([name, value]) => value !== undefined && !less.includes(name))
  return JSON.parse(JSON.stringify(Object.fromEntries(kept))) as Json
}

const fresh = { disableIdentityMap: true } as const
/** What the house counts by, and what only the house needs. */
const inner = ['account', 'revision']

async function ofCore(needs: LifeNeeds, ids: readonly AccountId[]) {
  const { storage } = needs
  const em = storage.em()
  const account = { $in: [...ids] }
  const rows = await em.find(AccountEntity, { id: account }, fresh)
  const [own, ...others] = ids.flatMap((id) => rows.find((row) => row.id === id) ?? [])
  const all = (found: readonly object[], less = inner) => found.map((row) => rowJson(row, less))
  return {
    account: rowJson(own ?? {}, inner),
    merged: all(others),
    // What is kept of an upstream is a key to it.
    identities: all(await em.find(IdentityEntity, { account }, fresh), [...inner, 'kept']),
    answers: all(await em.find(ProfileAnswerEntity, { account }, fresh)),
    groups: all(await em.find(MembershipEntity, { account }, fresh)),
    managedGroups: all(await em.find(GroupManagerEntity, { account }, fresh)),
    managers: all(await em.find(AccountManagerEntity, { account }, fresh)),
    managed: all(await em.find(AccountManagerEntity, { manager: account }, fresh), ['manager']),
    grants: all(await grantsOf(em, ids)),
    acceptances: all(await em.find(AcceptanceEntity, { account }, fresh)),
    requests: all(await em.find(AccessRequestEntity, { account }, fresh)),
    tokens: all(await em.find(ApiTokenEntity, { account }, fresh), [...inner, 'digest']),
    ...(await ofSignIns(needs, ids)),
    serviceAccounts: all(await em.find(AccountEntity, { parent: account }, fresh), ['revision']),
    invitations: all(await invitationsOf(em, ids, rows), ['digest']),
    workspaces: await workspacesOf(em, ids),
    guestOf: all(await em.find(WorkspaceGuestEntity, { account }, fresh)),
    history: await historyOf(storage, ids),
  }
}

/** How a runner finds it is the house's, and its secrets open the app. */
const ofTheHouse = [...inner, 'runnerState', 'runnerStateVersion', 'planHash', 'secrets']

async function workspacesOf(em: Reads, ids: readonly AccountId[]): Promise<Json[]> {
  const rows = await em.find(WorkspaceEntity, { account: { $in: [...ids] } }, fresh)
  const events = await em.find(
    WorkspaceEventEntity,
    { workspace: { $in: rows.map(({ id }) => id) } },
    { ...fresh, orderBy: { number: 'asc' } },
  )
  const of = Map.groupBy(events, ({ workspace }) => workspace)
  return rows.map((row) => rowJson({ ...row, events: of.get(row.id) ?? [] }, ofTheHouse))
}

async function ofSignIns({ storage, consents, languages }: LifeNeeds, ids: readonly AccountId[]) {
  const sessions: Json[] = []
  const given: Json[] = []
  const issued: Json[] = []
  for (const id of ids) {
    const rows = await storage.sessions.listByAccount(id)
    sessions.push(...rows.map((row) => rowJson(row, ['account', 'handle', 'parent', 'providerUid', 'id'])))
    given.push(...(await consents.list(id)).map((consent) => rowJson(consent)))
    for (const model of issuedModels)
      issued.push(...(await storage.artifacts.listByAccount(id, model)).map((payload) => issuedJson(model, payload)))
  }
  const [own = ''] = ids
  return { sessions, consents: given, issued, language: (await languages.of(own)) ?? null }
}

/** Its id is the token itself. */
function issuedJson(kind: string, payload: Json): Json {
  const { clientId, scope, iat, exp } = payload as Readonly<Record<string, Json | undefined>>
  return rowJson({ kind, clientId, scope, iat, exp })
}

async function grantsOf(em: Reads, ids: readonly AccountId[]) {
  const identities = await em.find(IdentityEntity, { account: { $in: [...ids] }, removedAt: null }, fresh)
  const names = identities.flatMap(({ instance, subject, facts }) => [
    `name:${instance}:${subject}`,
    ...facts
      .filter(({ claim, trust }) => claim === 'email' && trust === 'verified')
      .map(({ value }) => `name:${instance}:${inSmallLetters(String(value))}`),
  ])
  const subject = { $in: [...ids.map((id) => `account:${id}`), ...names] }
  return em.find(GrantEntity, { subject }, { ...fresh, orderBy: { id: 'asc' } })
}

async function invitationsOf(
  em: Reads,
  ids: readonly AccountId[],
  rows: readonly { email?: string | null | undefined; emailVerified: boolean }[],
) {
  const emails = rows.flatMap(({ email, emailVerified }) => (email && emailVerified ? inSmallLetters(email) : []))
  const where = { $or: [{ email: { $in: emails } }, { acceptedBy: { $in: [...ids] } }] }
  return em.find(AccountInvitationEntity, where, fresh)
}

async function historyOf({ audit }: Storage, ids: readonly AccountId[]): Promise<Json[]> {
  const lines: Json[] = []
  for (const party of ids) {
    let before: number | undefined
    do {
      const page = await audit.list({ party, before, limit: 1000 })
      lines.push(...page.map((line) => lineJson(line, ids)))
      before = page.length === 1000 ? page.at(-1)?.id : undefined
    } while (before !== undefined)
  }
  return lines
}

/** From where others acted is theirs; what the person did to others is told without what it was. */
function lineJson({ address, detail, account, ...line }: AuditLine, ids: readonly AccountId[]): Json {
  const isOwn = line.actor === undefined || ids.includes(line.actor)
  const isAbout = account !== undefined && ids.includes(account)
  return rowJson({ ...line, ...(isOwn ? { address } : {}), ...(isAbout ? { account, detail } : {}) })
}

async function ofPlugins({ holders }: LifeNeeds, ids: readonly AccountId[]) {
  const plugins: Record<string, Json[]> = {}
  const missing: string[] = []
  for (const { id, lifecycle } of holders.all()) {
    if (lifecycle === undefined) missing.push(id)
    const found: Json[] = []
    for (const account of ids) {
      // A plugin that fails must not keep people from all the rest.
      const isWhole = await collect(lifecycle?.export?.(account), found).catch(() => false)
      if (!isWhole && !missing.includes(id)) missing.push(id)
    }
    if (found.length > 0) plugins[id] = found
  }
  return { plugins, missing }
}

async function collect(from: AsyncIterable<Json> | undefined, into: Json[]): Promise<boolean> {
  for await (const one of from ?? []) into.push(one)
  return true
}
