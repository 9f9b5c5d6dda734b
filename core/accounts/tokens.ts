/**
 * API tokens of people and of service accounts: named, scoped, expiring, shown once, kept as digests.
 * A value is `lgp_` (person) or `lgs_` (service), 32 random characters of base62, and 6 of their CRC-32, so that a
 * secret scanner knows one without asking us.
 * @module
 */

import { type AccountId, type Clock, Fault, type Random } from '@labgate/contract'
import type { EntityManager } from '@mikro-orm/sqlite'
import { newId } from '../random.ts'
import { type Account, AccountEntity } from '../storage/entities.ts'
import type { Reads } from '../storage/late-orm.ts'
import { ApiTokenEntity, type ApiTokenRow } from '../storage/ledger-entities.ts'
import { createMemo } from '../storage/memo.ts'
import type { Storage } from '../storage/storage.ts'
import { type AccountRow, type Accounts, mayAct } from './accounts.ts'
import { type Act, type Actor, actorName, type PageAsk, type Paged, pageLimit, partOf } from './actor.ts'
import type { Change } from './changes.ts'
import type { TokenScopes } from './token-scopes.ts'
import { digestOfKey, isApiToken, newTokenValue, tokenDigest, tokenKey } from './token-value.ts'
import { checkedName } from './wording.ts'

/** A token without its value. */
export interface ApiToken {
  readonly id: string
  readonly account: AccountId
  readonly name: string
  /** The first characters of the value, to know it again. */
  readonly hint: string
  readonly scopes: readonly string[]
  readonly createdBy: string
  readonly createdAt: Date
  readonly expiresAt: Date | undefined
  /** To the minute. */
  readonly lastUsedAt: Date | undefined
  readonly lastUsedAddress: string | undefined
  readonly revokedAt: Date | undefined
  readonly state: 'active' | 'expired' | 'revoked'
}

/** Every API token. */
export interface ApiTokens {
  list(ask: PageAsk & { readonly account?: AccountId; readonly state?: ApiToken['state'] }): Promise<Paged<ApiToken>>
  find(id: string): Promise<ApiToken | undefined>
  /** Scopes that a token may have, with their description. */
  scopes(): Readonly<Record<string, string>>
  /**
   * The value is in this answer and nowhere else. Without `expiresAt` it lives for `lifeSeconds`; `never` is for service
   * accounts only. A person's token is made by that person or by the house. `by`: the token with which it is made; one
   * for the same account gets neither more scopes nor a longer life, so that a token that leaks ends when it said.
   * @throws Fault ERR_INPUT (name, scopes, expiry), ERR_FORBIDDEN, ERR_CONFLICT (too many)
   */
  create(
    actor: Actor,
    token: {
      account: AccountId
      name: string
      scopes: readonly string[]
      expiresAt?: Date | 'never' | undefined
      by?: Pick<ApiToken, 'account' | 'scopes' | 'expiresAt'> | undefined
    },
  ): Promise<{ readonly value: string; readonly token: ApiToken }>
  revoke(actor: Actor, id: string): Promise<ApiToken>
  /** Who a value speaks for, if it counts now and its account may act. Notes the use, lazily. */
  resolve(
    value: string,
    use: { readonly address: string },
  ): Promise<{ readonly token: ApiToken; readonly account: AccountRow } | undefined>
}

/** A person has no more living tokens than this. */
const mostTokens = 100

interface Needs {
  readonly storage: Storage
  readonly clock: Clock
  readonly random: Random
  readonly accounts: Accounts
  readonly change: Change
  readonly scopes: Pick<TokenScopes, 'all' | 'has'>
  /** How long a token lives when nothing else was said. */
  readonly lifeSeconds: number
  /** Longest life of a person's token. */
  readonly maxSeconds: number
}

/** Makes the tokens on a storage. */
export function createApiTokens(needs: Needs): ApiTokens {
  const { storage, clock, accounts, change } = needs
  const { tokenRows } = storage
  // Those in use: while nothing is written, a token that comes again costs no read.
  const known = createMemo<Known>(10_000, { keepsAt: 'second' })
  const used = (kept: Known, use: { readonly address: string; readonly at: Date }) => {
    if (use.at.getTime() - kept.usedAt >= noteMs) {
      kept.usedAt = use.at.getTime()
      tokenRows.noteUse(kept.answer.token, use)
    }
    return kept.answer
  }
  const find = async (id: string): Promise<ApiToken | undefined> => {
    const row = await storage.em().findOne(ApiTokenEntity, { id })
    return row ? tokenOf(row, clock.now()) : undefined
  }
  return {
    find,
    scopes: () => needs.scopes.all(),
    list: (ask) => listOf(needs, ask),
    create: (actor, token) => create(needs, actor, token),
    async revoke(actor, id) {
      const rowOf = async (em: Reads) => {
        const row = await em.findOne(ApiTokenEntity, { id })
        if (!row) throw new Fault('ERR_NOT_FOUND', 'There is no such token.')
        return row
      }
      const act = async (em: EntityManager): Promise<Act> => ({ on: 'token', account: (await rowOf(em)).account })
      await change(actor, act, async (em) => {
        const row = await rowOf(em)
        const { account } = row
        if (row.revokedAt !== null) return { unchanged: undefined }
        const before = { name: row.name, state: tokenOf(row, clock.now()).state }
        em.assign(row, { revokedAt: clock.now(), revokedBy: actorName(actor) })
        const after = { name: row.name, state: 'revoked' }
        return { result: undefined, type: 'api-token.revoked', account, target: { token: id }, before, after }
      })
      return tokenOf(await rowOf(storage.em()), clock.now())
    },
    async resolve(value, { address }) {
      const key = tokenKey(value)
      const seen = storage.generation()
      const now = clock.now()
      const same = known.peek(key, (kept) => kept.seen === seen)
      // Numbers: two dates are compared by a call to each.
      if (same !== undefined) return same.endsAt <= now.getTime() ? undefined : used(same, { address, at: now })
      // Garbage costs no read.
      if (!isApiToken(value)) return undefined
      const found = await tokenRows.find(digestOfKey(key))
      // Looked up for unknown values too: how long an answer takes tells nobody whether a token was ever there.
      const account = await accounts.acting(found?.token.account ?? '', found && { ...found, seen })
      if (found === undefined || account === undefined || stateOf(found.token, now) !== 'active') return undefined
      const { lastUsedAt, expiresAt } = found.token
      const fresh: Known = {
        seen,
        answer: { token: { ...found.token, state: 'active' }, account },
        endsAt: expiresAt?.getTime() ?? Number.POSITIVE_INFINITY,
        usedAt: lastUsedAt?.getTime() ?? Number.NEGATIVE_INFINITY,
      }
      return used(known.keep(key, fresh), { address, at: now })
    },
  }
}

interface Known {
  /** At which it was read. */
  readonly seen: number
  readonly answer: NonNullable<Awaited<ReturnType<ApiTokens['resolve']>>>
  /** In milliseconds since 1970, as is `usedAt`. */
  readonly endsAt: number
  /** When a use was noted last. */
  usedAt: number
}

/** More often nobody needs to know when a token was used. */
const noteMs = 60_000

type NewToken = Parameters<ApiTokens['create']>[1]

async function create(needs: Needs, actor: Actor, token: NewToken): ReturnType<ApiTokens['create']> {
  const { storage, clock, random, change } = needs
  const name = checkedName(token.name, 100)
  const scopes = checkedScopes(needs, token.scopes)
  const maker = token.by?.account === token.account ? token.by : undefined
  if (!scopes.every((scope) => maker?.scopes.includes(scope) ?? true)) throw beyondMaker()
  const id = newId(random, 22)
  const value = await change(actor, { on: 'token', account: token.account }, async (em) => {
    const owner = await em.findOne(AccountEntity, { id: token.account })
    if (!owner) throw new Fault('ERR_NOT_FOUND', `There is no account ${token.account}.`)
    checkMaker(actor, owner)
    if (!(await actsIn(em, owner))) throw new Fault('ERR_FORBIDDEN', 'This account may not act at the moment.')
    const now = clock.now()
    const expiresAt = withinMaker(expiryOf(token.expiresAt, { ...needs, kind: owner.kind, now }), { token, maker })
    if (owner.kind === 'person' && (await livingOf(em, owner.id, now)) >= mostTokens)
      throw new Fault('ERR_CONFLICT', `You have ${mostTokens} tokens already. Revoke one that is no longer used.`)
    const made = newTokenValue(owner.kind, random)
    em.create(ApiTokenEntity, {
      ...{ id, account: owner.id, name, scopes, expiresAt, createdAt: now, createdBy: actorName(actor) },
      ...{ digest: tokenDigest(made), hint: made.slice(0, 8) },
      ...{ lastUsedAt: null, lastUsedAddress: null, revokedAt: null, revokedBy: null },
    })
    const after = { name, scopes, expiresAt: expiresAt?.toISOString() ?? null }
    const target = { token: id }
    return { result: made, type: 'api-token.created', account: owner.id, target, before: undefined, after }
  })
  const row = await storage.em().findOneOrFail(ApiTokenEntity, { id })
  return { value, token: tokenOf(row, clock.now()) }
}

/** A token acts in its owner's name: nobody makes one for another person, whatever else they may do. */
function checkMaker(actor: Actor, owner: Account): void {
  if (actor.kind === 'account' && owner.kind === 'person' && actor.account !== owner.id)
    throw new Fault('ERR_FORBIDDEN', 'A personal token is made by that person alone.')
}

async function actsIn(em: EntityManager, owner: Account): Promise<boolean> {
  if (!mayAct(owner) || owner.parent === null || owner.parent === undefined) return mayAct(owner)
  const parent = await em.findOne(AccountEntity, { id: owner.parent })
  return parent !== null && mayAct(parent)
}

function checkedScopes({ scopes }: Needs, wanted: readonly string[]): string[] {
  const unknown = wanted.filter((scope) => !scopes.has(scope))
  if (unknown.length > 0)
    throw new Fault('ERR_INPUT', `There is no scope ${unknown.map((scope) => JSON.stringify(scope)).join(', ')}.`)
  return [...new Set(wanted)].toSorted()
}

function expiryOf(
  wanted: NewToken['expiresAt'],
  {
    kind,
    now,
    lifeSeconds,
    maxSeconds,
  }: Pick<Needs, 'lifeSeconds' | 'maxSeconds'> & { kind: 'person' | 'service'; now: Date },
): Date | null {
  if (wanted === 'never') {
    if (kind === 'service') return null
    throw new Fault('ERR_INPUT', 'Only tokens of service accounts may live without end.')
  }
  const at = wanted ?? new Date(now.getTime() + lifeSeconds * 1000)
  const seconds = (at.getTime() - now.getTime()) / 1000
  if (!(seconds > 0)) throw new Fault('ERR_INPUT', 'The end of a token must be in the future.')
  if (kind === 'person' && seconds > maxSeconds)
    throw new Fault('ERR_INPUT', `A token lives at most ${Math.floor(maxSeconds / 86400)} days.`)
  // Further away than any calendar of the database.
  if (seconds > 100 * 366 * 86400) throw new Fault('ERR_INPUT', 'The end of a token is too far away.')
  return at
}

function withinMaker(
  at: Date | null,
  { token, maker }: { token: NewToken; maker: Pick<ApiToken, 'expiresAt'> | undefined },
): Date | null {
  const end = maker?.expiresAt
  if (end === undefined || (at !== null && at <= end)) return at
  if (token.expiresAt === undefined) return end
  throw beyondMaker()
}

function beyondMaker(): Fault {
  return new Fault(
    'ERR_FORBIDDEN',
    'A token makes none for its own account that may do more or lives longer than itself. Sign in and make it under /account/tokens.',
  )
}

function livingOf(em: EntityManager, account: AccountId, now: Date): Promise<number> {
  const living = { $or: [{ expiresAt: null }, { expiresAt: { $gt: now } }] }
  return em.count(ApiTokenEntity, { account, revokedAt: null, ...living })
}

async function listOf({ storage, clock }: Needs, ask: Parameters<ApiTokens['list']>[0]): Promise<Paged<ApiToken>> {
  const em = storage.em()
  const now = clock.now()
  const { where, values } = filterOf(ask, now.getTime())
  const [count] = await em.execute<{ total: number }[]>(
    `select count(*) as total from api_token where ${where}`,
    values,
  )
  const limit = pageLimit(ask)
  const after = cursorOf(ask.after)
  const found = await em.execute<{ id: string; created_at: number }[]>(
    `select id, created_at from api_token where ${where}${after ? ' and (created_at, id) < (?, ?)' : ''}
     order by created_at desc, id desc limit ?`,
    [...values, ...(after ?? []), limit + 1],
  )
  const page = found.slice(0, limit)
  const tokens = await em.find(ApiTokenEntity, { id: { $in: page.map(({ id }) => id) } })
  const byId = new Map(tokens.map((row) => [row.id, tokenOf(row, now)]))
  const last = found.length > limit ? page.at(-1) : undefined
  return {
    rows: page.flatMap(({ id }) => byId.get(id) ?? []),
    total: Number(count?.total),
    next: last && `${new Date(last.created_at).getTime()}.${last.id}`,
  }
}

interface Filter {
  readonly where: string
  readonly values: readonly (string | number)[]
}

/** What a search looks at: the token, and whose it is. */
const searched = [
  ...['name', 'hint'].map((column) => `lower(${column}) like ? escape '\\'`),
  ...['username', 'display_name'].map(
    (column) => `account_id in (select id from account where lower(${column}) like ? escape '\\')`,
  ),
]

function filterOf({ account, state, search }: Parameters<ApiTokens['list']>[0], now: number) {
  const states: Record<ApiToken['state'], Filter> = {
    revoked: { where: 'revoked_at is not null', values: [] },
    expired: { where: 'revoked_at is null and expires_at <= ?', values: [now] },
    active: { where: 'revoked_at is null and (expires_at is null or expires_at > ?)', values: [now] },
  }
  const part = search ? partOf(search) : undefined
  const all: Filter[] = [
    ...(account === undefined ? [] : [{ where: 'account_id = ?', values: [account] }]),
    ...(state === undefined ? [] : [states[state]]),
    ...(part === undefined ? [] : [{ where: `(${searched.join(' or ')})`, values: searched.map(() => part) }]),
  ]
  return {
    where: all.length > 0 ? all.map(({ where }) => where).join(' and ') : '1 = 1',
    values: all.flatMap(({ values }) => values),
  }
}

function cursorOf(after: string | undefined): [number, string] | undefined {
  if (after === undefined) return undefined
  const [, at, id] = /^(\d{1,15})\.([\w-]{1,64})$/.exec(after) ?? []
  if (at === undefined || id === undefined) throw new Fault('ERR_INPUT', 'There is no such page.')
  return [Number(at), id]
}

function stateOf(
  { revokedAt, expiresAt }: { revokedAt?: Date | null | undefined; expiresAt?: Date | null | undefined },
  now: Date,
): ApiToken['state'] {
  if (revokedAt) return 'revoked'
  return expiresAt && expiresAt.getTime() <= now.getTime() ? 'expired' : 'active'
}

function tokenOf(row: Pick<ApiTokenRow, Exclude<keyof ApiToken, 'state'>>, now: Date): ApiToken {
  return {
    id: row.id,
    account: row.account,
    name: row.name,
    hint: row.hint,
    scopes: row.scopes,
    createdBy: row.createdBy,
    createdAt: row.createdAt,
    expiresAt: row.expiresAt ?? undefined,
    lastUsedAt: row.lastUsedAt ?? undefined,
    lastUsedAddress: row.lastUsedAddress ?? undefined,
    revokedAt: row.revokedAt ?? undefined,
    state: stateOf(row, now),
  }
}
