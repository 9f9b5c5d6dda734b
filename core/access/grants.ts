/** Grants: the lines of the ledger. They are added and ended, never altered, so that it can always be said who gave what, when. @module */
import { type Clock, Fault, isFault, type Json, type Level } from '@labgate/contract'
import type { EntityManager } from '@mikro-orm/sqlite'
import { type Actor, actorName, type PageAsk, type Paged, pageLimit, sourceOf } from '../accounts/actor.ts'
import type { Change } from '../accounts/changes.ts'
import { afterNumber, pageOf, searchWhere } from '../accounts/paging.ts'
import { AccountEntity, GroupEntity } from '../storage/entities.ts'
import type { Reads } from '../storage/late-orm.ts'
import {
  DatasetAliasEntity,
  DatasetEntity,
  DatasetVersionEntity,
  GrantEntity,
  type GrantRow,
  TermsEntity,
  TermsTextEntity,
} from '../storage/ledger-entities.ts'
import type { Storage } from '../storage/storage.ts'
import { shown } from './input.ts'
import { readConditions } from './lines.ts'
import { formatSubject, type Grant, type NewGrant, parseSubject, type Subject } from './model.ts'
import { type CheckedGrant, checkGrant, conditionsJson } from './new-grant.ts'
import { type Sight, sightWhere } from './sight.ts'
import { assertKeptBy } from './source.ts'

/** All grants. */
export interface Grants {
  /**
   * Newest first. `search`: part of the subject, of its account's name, of the dataset or the reason. `datasets`: only
   * of these. `seenBy`: only what somebody with these rights sees. `state`: default `current`, those that were not ended (they may lie ahead or be over by their conditions).
   */
  list(
    ask: PageAsk & {
      readonly dataset?: string | undefined
      readonly datasets?: readonly string[] | undefined
      readonly seenBy?: Sight | undefined
      readonly level?: Level | undefined
      readonly subject?: Subject | undefined
      readonly state?: 'current' | 'ended' | 'all' | undefined
    },
  ): Promise<Paged<Grant>>
  find(id: number): Promise<Grant | undefined>
  /**
   * Adds a grant; the same one made twice is one. `dataset`: slug or alias.
   * @throws Fault ERR_INPUT, ERR_NOT_FOUND (dataset, version, group, account, terms), ERR_FORBIDDEN
   */
  add(actor: Actor, grant: NewGrant): Promise<Grant>
  /** Ends a grant; one that is ended stays as it is. @throws Fault ERR_NOT_FOUND, ERR_CONFLICT when the config keeps it */
  end(actor: Actor, id: number): Promise<Grant>
}

/** What the grants stand on. */
export interface GrantNeeds {
  readonly storage: Storage
  readonly clock: Clock
  readonly change: Change
}

// Small tables are searched once; of each grant only the subject is looked at, and a reason if there is one. Subjects
// are compared as they are: but for account ids, which nobody types, they are in lower case.
const searched = [
  `subject like ? escape '\\'`,
  `dataset in (select slug from dataset where lower(slug) like ? escape '\\')`,
  `(why <> '' and lower(why) like ? escape '\\')`,
  `subject in (select 'account:' || a.id from account a where lower(a.username) like ? escape '\\')`,
  `subject in (select 'account:' || a.id from account a where lower(a.display_name) like ? escape '\\')`,
]

/** Makes the grants on a storage. */
export function createGrants(needs: GrantNeeds): Grants {
  const { storage } = needs
  return {
    async list(ask) {
      const em = storage.em()
      const size = pageLimit(ask)
      const before = afterNumber(ask.after)
      const from = before === undefined ? {} : { id: { $lt: before } }
      const rows = await em.find(
        GrantEntity,
        { $and: [whereOf(ask), from] },
        { orderBy: { id: 'desc' }, limit: size + 1, disableIdentityMap: true },
      )
      // A search that finds little has looked at everything once; that is enough.
      const isWhole = before === undefined && rows.length <= size
      const total = isWhole ? rows.length : await em.count(GrantEntity, whereOf(ask))
      const page = pageOf(rows, { size, total, keyOf: ({ id }) => String(id) })
      return { ...page, rows: page.rows.map(grantOf) }
    },
    async find(id) {
      const row = await rowOf(storage.em(), id)
      return row === undefined ? undefined : grantOf(row)
    },
    add: (actor, grant) => add(needs, actor, grant),
    end: (actor, id) => end(needs, actor, id),
  }
}

function whereOf({
  search,
  dataset,
  datasets,
  seenBy,
  level,
  subject,
  state = 'current',
}: Parameters<Grants['list']>[0]) {
  return {
    ...searchWhere(search, searched),
    ...(subject === undefined ? {} : { subject: formatSubject(subject) }),
    ...(state === 'all' ? {} : { endedAt: state === 'current' ? null : { $ne: null } }),
    $and: [
      ...(dataset === undefined ? [] : [{ dataset }]),
      ...(datasets === undefined ? [] : [{ dataset: { $in: [...datasets] } }]),
      ...(seenBy === undefined ? [] : [sightWhere(seenBy)]),
      ...(level === undefined ? [] : [{ level }]),
    ],
  }
}

async function add({ clock, change }: GrantNeeds, actor: Actor, asked: NewGrant): Promise<Grant> {
  const checked = checkGrant(asked)
  const subject = formatSubject(checked.subject)
  const act = async (em: EntityManager) =>
    ({
      on: 'grant',
      do: 'add',
      dataset: (await slugOf(em, checked.dataset)) ?? checked.dataset,
      level: checked.level,
      subject,
      withinGroup: checked.conditions.withinGroup,
    }) as const
  return change(actor, act, async (em) => {
    const dataset = await slugOf(em, checked.dataset)
    if (dataset === undefined) throw new Fault('ERR_NOT_FOUND', `There is no dataset ${shown(checked.dataset)}.`)
    const wanted = { ...checked, dataset }
    const same = await sameAs(em, actor, wanted)
    if (same !== undefined) return { unchanged: grantOf(same) }
    await assertThere(em, { actor, change }, wanted)
    const id = await em.insert(GrantEntity, {
      subject,
      dataset,
      version: wanted.version ?? null,
      level: wanted.level ?? null,
      permission: wanted.permission ?? null,
      conditions: conditionsJson(wanted.conditions),
      grantedBy: actorName(actor),
      why: wanted.why,
      source: sourceOf(actor),
      createdAt: clock.now(),
      endedAt: null,
      endedBy: null,
    })
    const made = grantOf(await presentRow(em, id))
    return { result: made, type: 'grant.added', ...concerns(made), before: undefined, after: jsonOf(made) }
  })
}

async function end({ clock, change }: GrantNeeds, actor: Actor, id: number): Promise<Grant> {
  const act = async (em: EntityManager) => {
    const { dataset, level, subject, conditions } = grantOf(await presentRow(em, id))
    const { withinGroup } = conditions
    return { on: 'grant', do: 'end', dataset, level, subject: formatSubject(subject), withinGroup } as const
  }
  return change(actor, act, async (em) => {
    const before = grantOf(await presentRow(em, id))
    assertKeptBy(actor, { source: before.source, what: `The grant ${id}` })
    if (before.endedAt !== undefined) return { unchanged: before }
    await em.nativeUpdate(GrantEntity, { id }, { endedAt: clock.now(), endedBy: actorName(actor) })
    const ended = grantOf(await presentRow(em, id))
    return { result: ended, type: 'grant.ended', ...concerns(ended), before: jsonOf(before), after: jsonOf(ended) }
  })
}

async function slugOf(em: EntityManager, name: string): Promise<string | undefined> {
  if ((await em.count(DatasetEntity, { slug: name })) > 0) return name
  return (await em.findOne(DatasetAliasEntity, { alias: name }, { disableIdentityMap: true }))?.dataset
}

/** The current grant that says the same. The config's grants stand for themselves: what it drops must not end another's. */
async function sameAs(em: EntityManager, actor: Actor, wanted: CheckedGrant): Promise<GrantRow | undefined> {
  const { dataset, version = null, level = null, permission = null } = wanted
  const rows = await em.find(
    GrantEntity,
    {
      subject: formatSubject(wanted.subject),
      dataset,
      version,
      level,
      permission,
      endedAt: null,
      ...(sourceOf(actor) === 'config' ? { source: 'config' as const } : {}),
    },
    { orderBy: { id: 'asc' }, disableIdentityMap: true },
  )
  const conditions = JSON.stringify(conditionsJson(wanted.conditions))
  return rows.find((row) => JSON.stringify(conditionsJson(grantOf(row).conditions)) === conditions)
}

interface By {
  readonly actor: Actor
  readonly change: Change
}

/** Refuses a grant that names what is not there. */
async function assertThere(em: EntityManager, by: By, wanted: CheckedGrant): Promise<void> {
  const missing = (what: string) => new Fault('ERR_NOT_FOUND', `There is no ${what}.`)
  const { subject, dataset, version, conditions } = wanted
  if (version !== undefined && (await em.count(DatasetVersionEntity, { dataset, version })) === 0)
    throw missing(`version ${shown(version)} of ${shown(dataset)}`)
  if (
    subject.kind === 'account' &&
    (await em.count(AccountEntity, { id: subject.account, mergedInto: null, erasedAt: null })) === 0
  )
    throw missing(`account ${shown(subject.account)}`)
  for (const group of [subject.kind === 'group' ? subject.group : undefined, conditions.withinGroup]) {
    if (group !== undefined && !(await isGroup(em, by.actor, group))) throw missing(`group ${shown(group)}`)
  }
  if (conditions.terms !== undefined) await assertTerms(em, by, { dataset, ...conditions.terms })
}

// The config is read before anybody has signed in who could bring an upstream's group.
async function isGroup(em: EntityManager, actor: Actor, slug: string): Promise<boolean> {
  const mayCome = actor.kind === 'system' && /^[a-z][a-z0-9-]{0,30}:./.test(slug)
  return mayCome || (await em.count(GroupEntity, { slug })) > 0
}

async function assertTerms(
  em: EntityManager,
  by: By,
  { dataset, id, number }: { dataset: string; id: string; number: number },
): Promise<void> {
  const terms = await em.findOne(TermsEntity, { id }, { disableIdentityMap: true })
  const isTheirs = terms && (terms.dataset == null || terms.dataset === dataset || (await keeps(by, terms.dataset)))
  if (!isTheirs) throw new Fault('ERR_NOT_FOUND', `There are no terms ${shown(id)}.`)
  if (terms.retiredAt !== null) throw new Fault('ERR_INPUT', `The terms ${shown(id)} are retired and count nowhere.`)
  if ((await em.count(TermsTextEntity, { terms: id, number })) === 0)
    throw new Fault('ERR_NOT_FOUND', `The terms ${shown(id)} have no text number ${number}.`)
}

// Terms of another dataset could be those of a hidden one, and whoever keeps that could retire them at any time.
async function keeps({ actor, change }: By, dataset: string): Promise<boolean> {
  try {
    return await change(actor, { on: 'terms', dataset }, async () => ({ unchanged: true }))
  } catch (error) {
    if (isFault(error) && error.code === 'ERR_FORBIDDEN') return false
    throw error
  }
}

async function rowOf(em: Reads, id: number): Promise<GrantRow | undefined> {
  if (!Number.isSafeInteger(id)) return undefined
  return (await em.findOne(GrantEntity, { id }, { disableIdentityMap: true })) ?? undefined
}

async function presentRow(em: EntityManager, id: number): Promise<GrantRow> {
  const row = await rowOf(em, id)
  if (row === undefined) throw new Fault('ERR_NOT_FOUND', `There is no grant ${id}.`)
  return row
}

function grantOf(row: GrantRow): Grant {
  const subject = parseSubject(row.subject)
  const conditions = readConditions(row.conditions)
  // Dropping a condition that is not understood would show more than is given.
  if (subject === undefined || conditions === undefined)
    throw new Fault('ERR_STORAGE', `database: grant ${row.id} was written by a later Labgate; run that`)
  return {
    id: row.id,
    subject,
    dataset: row.dataset,
    version: row.version ?? undefined,
    level: row.level ?? undefined,
    permission: row.permission ?? undefined,
    conditions,
    grantedBy: row.grantedBy,
    why: row.why,
    source: row.source,
    createdAt: row.createdAt,
    endedAt: row.endedAt ?? undefined,
    endedBy: row.endedBy ?? undefined,
  }
}

function concerns({ id, subject, dataset }: Grant) {
  return {
    account: subject.kind === 'account' ? subject.account : undefined,
    target: { grant: id, dataset },
  }
}

/** A grant as the audit trail keeps it. A mail address is left to the ledger: erasing a person must not meet it here. */
function jsonOf(grant: Grant): { readonly [key: string]: Json } {
  const { subject, version, level, permission, conditions, why, source, endedAt } = grant
  return {
    subject: subject.kind === 'name' ? `name:${subject.instance}` : formatSubject(subject),
    version: version ?? null,
    ...(level === undefined ? { permission: permission ?? null } : { level }),
    conditions: conditionsJson(conditions),
    why,
    source,
    endedAt: endedAt?.toISOString() ?? null,
  }
}
