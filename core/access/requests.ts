/** Requests: people ask for access, and those who look after the dataset answer. @module */
import { type AccessFace, type AccountId, type Clock, Fault, type Level, levels } from '@labgate/contract'
import type { EntityManager } from '@mikro-orm/sqlite'
import { type Actor, actorName, type PageAsk, type Paged, pageLimit } from '../accounts/actor.ts'
import type { Change } from '../accounts/changes.ts'
import { afterNumber, pageOf, searchWhere } from '../accounts/paging.ts'
import { AccountEntity } from '../storage/entities.ts'
import type { Reads } from '../storage/late-orm.ts'
import {
  AccessRequestEntity,
  type AccessRequestRow,
  DatasetAliasEntity,
  DatasetEntity,
  DatasetVersionEntity,
} from '../storage/ledger-entities.ts'
import type { Storage } from '../storage/storage.ts'
import type { AccessRequest, NewGrant } from './model.ts'

/** Somebody who asks. */
export type Asker = Actor & { readonly kind: 'account' }

/** What somebody asks for. */
export interface NewRequest {
  /** Slug or alias. */
  readonly dataset: string
  readonly version?: string | undefined
  readonly level: Level
  readonly why: string
}

/** What somebody is answered. */
export interface Answer {
  readonly grant: 'yes' | 'no'
  /** Default: what was asked for. */
  readonly level?: Level | undefined
  readonly until?: Date | undefined
  readonly note?: string | undefined
}

/** All requests. */
export interface Requests {
  /** Newest first. `search`: part of the reason or the dataset. */
  list(
    ask: PageAsk & {
      readonly state?: AccessRequest['state'] | undefined
      readonly datasets?: readonly string[] | undefined
      readonly account?: AccountId | undefined
    },
  ): Promise<Paged<AccessRequest>>
  find(id: number): Promise<AccessRequest | undefined>
  /**
   * One open request a person, dataset and version: asking again changes its words. Tells the dataset's admins by mail.
   * @throws Fault ERR_INPUT, ERR_NOT_FOUND (also for a hidden dataset that they hold nothing on), ERR_RATE
   */
  ask(actor: Asker, request: NewRequest): Promise<AccessRequest>
  /** Grants (with `until`, if given) or refuses, and tells the person. @throws Fault ERR_CONFLICT when it was answered */
  decide(actor: Actor, id: number, answer: Answer): Promise<AccessRequest>
  /** @throws Fault ERR_NOT_FOUND for somebody else's, ERR_CONFLICT when it was answered */
  withdraw(actor: Asker, id: number): Promise<void>
}

/** What requests take. */
export interface RequestNeeds {
  readonly storage: Storage
  readonly clock: Clock
  readonly change: Change
  readonly access: Pick<AccessFace, 'snapshot'>
  readonly grants: { add(actor: Actor, grant: NewGrant): Promise<unknown> }
  /** Tells people of requests; never throws. */
  readonly tell: {
    requested(request: AccessRequest): Promise<void>
    decided(request: AccessRequest): Promise<void>
  }
}

/** How many open requests a person may have, and how many they may begin in a day: each is a mail to others. */
const most = 20
const dayMs = 86_400_000

/** Makes the requests on a storage. */
export function createRequests(needs: RequestNeeds): Requests {
  const { storage, clock, change } = needs
  return {
    list: (ask) => list(storage.em(), ask),
    async find(id) {
      const row = await storage.em().findOne(AccessRequestEntity, { id })
      return row ? viewOf(row) : undefined
    },
    async ask(actor, given) {
      const { request, isNew } = await change(actor, undefined, (em) => ask(em, needs, { actor, given }))
      if (isNew) await needs.tell.requested(request)
      return request
    },
    async decide(actor, id, answer) {
      const { dataset } = await rowOf(storage.em(), id)
      const decided = await change(actor, { on: 'request', dataset }, (em) => decide(em, needs, { actor, id, answer }))
      await needs.tell.decided(decided)
      return decided
    },
    async withdraw(actor, id) {
      await change<void>(actor, undefined, async (em) => {
        const row = await rowOf(em, id)
        if (row.account !== actor.account) throw notThere()
        if (row.state === 'withdrawn') return { unchanged: undefined }
        assertOpen(row)
        row.state = 'withdrawn'
        row.decidedAt = clock.now()
        row.decidedBy = actor.account
        const target = { request: id, dataset: row.dataset }
        return {
          result: undefined,
          type: 'access.request-withdrawn',
          account: row.account,
          target,
          before: { state: 'open' },
          after: { state: 'withdrawn' },
        }
      })
    },
  }
}

const notThere = () => new Fault('ERR_NOT_FOUND', 'There is no such request.')

async function rowOf(em: Reads, id: number): Promise<AccessRequestRow> {
  const row = await em.findOne(AccessRequestEntity, { id })
  if (!row) throw notThere()
  return row
}

function assertOpen({ state }: AccessRequestRow): void {
  if (state !== 'open') throw new Fault('ERR_CONFLICT', `This request is not open any more: it is ${state}.`)
}

async function ask(em: EntityManager, needs: RequestNeeds, { actor, given }: { actor: Asker; given: NewRequest }) {
  const { account } = actor
  const level = checkedLevel(given.level)
  const why = checkedWords(given.why)
  if (why === '') throw new Fault('ERR_INPUT', 'Please say why you need access.')
  await assertPerson(em, account)
  const { dataset, version } = await placeOf(em, needs, { account, given })
  const at = needs.clock.now()
  const open = await em.findOne(AccessRequestEntity, { account, dataset, version, state: 'open' })
  // What people write stays out of the trail, which outlives their account.
  const before = open ? { level: open.level } : undefined
  if (open?.level === level && open.why === why) return { unchanged: { request: viewOf(open), isNew: false } }
  if (!open) await assertRoom(em, account, at)
  const row =
    open ??
    em.create(AccessRequestEntity, {
      ...{ account, dataset, version, level, why },
      state: 'open',
      createdAt: at,
      decidedAt: null,
      decidedBy: null,
      note: '',
    })
  em.assign(row, { level, why })
  await em.flush()
  return {
    result: { request: viewOf(row), isNew: !open },
    type: 'access.requested' as const,
    account,
    target: { request: row.id, dataset, ...(version === null ? {} : { version }) },
    before,
    after: { level },
  }
}

async function assertPerson(em: EntityManager, id: AccountId): Promise<void> {
  const account = await em.findOne(AccountEntity, { id })
  if (account?.state !== 'active' || account.kind !== 'person')
    throw new Fault('ERR_FORBIDDEN', 'Only people with an active account can ask for access.')
}

async function assertRoom(em: EntityManager, account: AccountId, at: Date): Promise<void> {
  if ((await em.count(AccessRequestEntity, { account, state: 'open' })) >= most)
    throw new Fault('ERR_RATE', `You have ${most} open requests. Wait for an answer, or withdraw one.`)
  const since = { $gt: new Date(at.getTime() - dayMs) }
  if ((await em.count(AccessRequestEntity, { account, createdAt: since })) >= 2 * most)
    throw new Fault('ERR_RATE', 'You have asked very often today. Please go on tomorrow.')
}

/** What is asked for. A hidden dataset exists only for those who hold something on it. */
async function placeOf(
  em: EntityManager,
  needs: RequestNeeds,
  { account, given }: { account: AccountId; given: NewRequest },
): Promise<{ dataset: string; version: string | null }> {
  const unknown = () => new Fault('ERR_NOT_FOUND', 'There is no such dataset.')
  const alias = await em.findOne(DatasetAliasEntity, { alias: given.dataset })
  const dataset = await em.findOne(DatasetEntity, { slug: alias?.dataset ?? given.dataset })
  if (!dataset) throw unknown()
  if (dataset.visibility === 'hidden') {
    const { grants } = await needs.access.snapshot(account)
    if (!grants.some((grant) => grant.dataset === dataset.slug)) throw unknown()
  }
  const version = given.version ?? null
  if (version !== null && (await em.count(DatasetVersionEntity, { dataset: dataset.slug, version })) === 0)
    throw new Fault('ERR_NOT_FOUND', 'The dataset has no such version.')
  return { dataset: dataset.slug, version }
}

async function decide(
  em: EntityManager,
  needs: RequestNeeds,
  { actor, id, answer }: { actor: Actor; id: number; answer: Answer },
) {
  const row = await rowOf(em, id)
  assertOpen(row)
  const at = needs.clock.now()
  const level = checkedLevel(answer.level ?? row.level)
  if (answer.until !== undefined && !(answer.until > at))
    throw new Fault('ERR_INPUT', 'The end of the access lies in the future.')
  if (answer.grant === 'yes')
    await needs.grants.add(actor, {
      subject: { kind: 'account', account: row.account },
      dataset: row.dataset,
      version: row.version ?? undefined,
      level,
      conditions: answer.until === undefined ? {} : { until: answer.until },
      why: `request ${id}`,
    })
  em.assign(row, {
    state: answer.grant === 'yes' ? 'granted' : 'refused',
    decidedAt: at,
    decidedBy: actorName(actor),
    note: checkedWords(answer.note ?? ''),
  })
  return {
    result: viewOf(row),
    type: 'access.request-decided' as const,
    account: row.account,
    target: { request: id, dataset: row.dataset, ...(row.version ? { version: row.version } : {}) },
    before: { state: 'open', level: row.level },
    after: {
      state: row.state,
      ...(answer.grant === 'yes' ? { level, until: answer.until?.toISOString() ?? null } : {}),
    },
  }
}

function checkedLevel(level: Level): Level {
  if (!levels.includes(level)) throw new Fault('ERR_INPUT', 'A level is view, edit, manage or admin.')
  return level
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out.
const controls = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g

function checkedWords(words: string): string {
  const text = words.replaceAll('\r\n', '\n').replace(controls, ' ').toWellFormed().trim()
  if (text.length > 2000) throw new Fault('ERR_INPUT', 'Please keep it to 2000 characters.')
  return text
}

const searched = ['dataset', 'why'].map((column) => `lower(${column}) like ? escape '\\'`)

async function list(em: Reads, ask: Parameters<Requests['list']>[0]): Promise<Paged<AccessRequest>> {
  const matching = () => ({
    $and: [
      searchWhere(ask.search, searched),
      ask.state === undefined ? {} : { state: ask.state },
      ask.account === undefined ? {} : { account: ask.account },
      ask.datasets === undefined ? {} : { dataset: { $in: [...ask.datasets] } },
    ],
  })
  const total = await em.count(AccessRequestEntity, matching())
  const size = pageLimit(ask)
  const after = afterNumber(ask.after)
  const rows = await em.find(
    AccessRequestEntity,
    { $and: [matching(), after === undefined ? {} : { id: { $lt: after } }] },
    { orderBy: { id: 'desc' }, limit: size + 1 },
  )
  const page = pageOf(rows, { size, total, keyOf: ({ id }) => String(id) })
  return { ...page, rows: page.rows.map(viewOf) }
}

function viewOf(row: AccessRequestRow): AccessRequest {
  return {
    id: row.id,
    account: row.account,
    dataset: row.dataset,
    version: row.version ?? undefined,
    level: row.level,
    why: row.why,
    state: row.state,
    createdAt: row.createdAt,
    decidedAt: row.decidedAt ?? undefined,
    decidedBy: row.decidedBy ?? undefined,
    note: row.note,
  }
}
