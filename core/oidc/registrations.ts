/**
 * Clients that register themselves (RFC 7591): only with a token that an admin made, within what that token allows, and for
 * as long as they are used. A client that nobody uses is over when its time is, whether or not a sweeper came by.
 * @module
 */
import { createHash } from 'node:crypto'
import { type Clock, Fault, type Json, type Random, type Store } from '@labgate/contract'
import { newId } from '../random.ts'

/** What whoever holds a token may register. */
export interface RegistrationPolicy {
  readonly scopes: readonly string[]
  readonly grantTypes: readonly string[]
  /** Hosts of every address of the client, by name; with a port where it is not the scheme's own. */
  readonly redirectHosts: readonly string[]
}

/** A token that lets somebody register clients; its value is kept nowhere. */
export interface ClientInvitation extends RegistrationPolicy {
  readonly id: string
  /** What it is for. */
  readonly note: string
  readonly madeBy: string
  readonly createdAt: Date
  readonly endsAt: Date
  /** How many clients it lets in. */
  readonly uses: number
  readonly used: number
  readonly endedAt: Date | undefined
}

/** What is asked of a new one. */
export interface NewClientInvitation extends Partial<RegistrationPolicy> {
  readonly note?: string | undefined
  /** 1 to 1000; default 1. */
  readonly uses?: number | undefined
  /** 1 to 365; default 7. */
  readonly days?: number | undefined
}

/** How a registered client came, and until when it lives unless it is used. */
export interface Registration {
  readonly invitation: string
  readonly policy: RegistrationPolicy
  readonly at: Date
  readonly usedAt: Date
  readonly endsAt: Date
}

/** Invitations of clients, and what is known of the clients that came by them. */
export interface Registrations {
  /** @throws Fault ERR_INPUT */
  invite(madeBy: string, asked: NewClientInvitation): Promise<{ invitation: ClientInvitation; token: string }>
  /** Newest first. */
  invitations(): Promise<ClientInvitation[]>
  /** @throws Fault ERR_NOT_FOUND */
  end(id: string): Promise<void>
  /** The invitation of a token that counts now. */
  byToken(token: string): Promise<ClientInvitation | undefined>
  /** Counts one use; `false`: there is none left. */
  take(id: string): Promise<boolean>
  /** Keeps how a client came; from now on it lives as long as it is used. */
  keep(client: string, came: { readonly invitation: string; readonly policy: RegistrationPolicy }): Promise<void>
  /** Absent: it never registered, or its time is over. */
  of(client: string): Promise<Registration | undefined>
  /** It was used: its time begins anew. Written once a day. */
  note(client: string): Promise<void>
  forget(client: string): Promise<void>
}

const day = 86_400
const listKey = 'invitations'
const listLife = 10 * 365 * day
const mostInvitations = 500
const defaults = { scopes: ['openid', 'profile', 'email'], grantTypes: ['authorization_code', 'refresh_token'] }
/** Grant types that act for a person who said yes; the rest is for clients that an operator makes. */
const allowedGrants = [...defaults.grantTypes, 'urn:ietf:params:oauth:grant-type:device_code']

interface Kept extends Omit<ClientInvitation, 'createdAt' | 'endsAt' | 'endedAt'> {
  readonly digest: string
  readonly createdAt: string
  readonly endsAt: string
  readonly endedAt: string | null
}

interface KeptClient {
  readonly invitation: string
  readonly policy: RegistrationPolicy
  readonly at: string
  readonly usedAt: string
}

/** Keeps both in a store of sealed documents. */
export function createRegistrations(needs: {
  readonly store: Store
  readonly clock: Clock
  readonly random: Random
  /** Seconds that a client lives unused. */
  readonly unusedSeconds: number
}): Registrations {
  const { store, clock, random, unusedSeconds } = needs
  const read = async () => ((await store.get(listKey)) ?? []) as unknown as Kept[]
  const change = <T>(edit: (all: Kept[]) => { all: Kept[]; result: T }): Promise<T> =>
    store.lock(listKey, async () => {
      const { all, result } = edit(await read())
      await store.put(listKey, all.slice(0, mostInvitations) as unknown as Json, listLife)
      return result
    })
  const counts = (one: Kept) => one.endedAt === null && new Date(one.endsAt) > clock.now() && one.used < one.uses
  const keyOf = (client: string) => `client:${client}`
  const keep = (client: string, kept: KeptClient) => store.put(keyOf(client), kept as unknown as Json, unusedSeconds)
  const noted = new Map<string, number>()
  return {
    async invite(madeBy, asked) {
      const policy = policyOf(asked)
      const [uses, days] = [wholeNumber(asked.uses ?? 1, 1000, 'uses'), wholeNumber(asked.days ?? 7, 365, 'days')]
      const token = random.token()
      const now = clock.now()
      const kept: Kept = {
        id: newId(random, 12),
        ...policy,
        note: (asked.note ?? '').slice(0, 200),
        madeBy,
        createdAt: now.toISOString(),
        endsAt: new Date(now.getTime() + days * day * 1000).toISOString(),
        uses,
        used: 0,
        endedAt: null,
        digest: digestOf(token),
      }
      await change((all) => ({ all: [kept, ...all], result: undefined }))
      return { invitation: shown(kept), token }
    },
    invitations: async () => (await read()).map(shown),
    async end(id) {
      const endedAt = clock.now().toISOString()
      const found = await change((all) => ({
        all: all.map((one) => (one.id === id && one.endedAt === null ? { ...one, endedAt } : one)),
        result: all.some((one) => one.id === id && one.endedAt === null),
      }))
      if (!found) throw new Fault('ERR_NOT_FOUND', `there is no open invitation ${id}`)
    },
    async byToken(token) {
      const digest = digestOf(token)
      const found = (await read()).find((one) => one.digest === digest)
      return found && counts(found) ? shown(found) : undefined
    },
    take: (id) =>
      change((all) => {
        const found = all.find((one) => one.id === id)
        if (found === undefined || !counts(found)) return { all, result: false }
        return { all: all.map((one) => (one === found ? { ...one, used: one.used + 1 } : one)), result: true }
      }),
    async keep(client, { invitation, policy }) {
      const at = clock.now().toISOString()
      await keep(client, { invitation, policy, at, usedAt: at })
    },
    async of(client) {
      const kept = (await store.get(keyOf(client))) as unknown as KeptClient | undefined
      if (kept === undefined) return undefined
      const usedAt = new Date(kept.usedAt)
      const endsAt = new Date(usedAt.getTime() + unusedSeconds * 1000)
      return { ...kept, at: new Date(kept.at), usedAt, endsAt }
    },
    async note(client) {
      const now = clock.now()
      const before = noted.get(client)
      if (before !== undefined && now.getTime() - before < day * 1000) return
      noted.set(client, now.getTime())
      await store.lock(keyOf(client), async () => {
        const kept = (await store.get(keyOf(client))) as unknown as KeptClient | undefined
        if (kept) await keep(client, { ...kept, usedAt: now.toISOString() })
      })
    },
    forget: (client) => store.delete(keyOf(client)),
  }
}

const digestOf = (token: string): string => createHash('sha256').update(token).digest('base64url')

function shown({ digest: _, createdAt, endsAt, endedAt, ...rest }: Kept): ClientInvitation {
  const ended = endedAt === null ? undefined : new Date(endedAt)
  return { ...rest, createdAt: new Date(createdAt), endsAt: new Date(endsAt), endedAt: ended }
}

function wholeNumber(value: number, most: number, name: string): number {
  if (Number.isSafeInteger(value) && value >= 1 && value <= most) return value
  throw new Fault('ERR_INPUT', `${name} must be a whole number from 1 to ${most}`)
}

function policyOf(asked: NewClientInvitation): RegistrationPolicy {
  const scopes = asked.scopes?.length ? asked.scopes : defaults.scopes
  const grantTypes = asked.grantTypes?.length ? asked.grantTypes : defaults.grantTypes
  const redirectHosts = (asked.redirectHosts ?? []).map((host) => host.toLowerCase())
  for (const grant of grantTypes)
    if (!allowedGrants.includes(grant))
      throw new Fault('ERR_INPUT', `grant type ${grant} is not for clients that register themselves`)
  if (grantTypes.includes('authorization_code') && redirectHosts.length === 0)
    throw new Fault('ERR_INPUT', 'at least one host is needed that codes may be sent to')
  for (const host of redirectHosts)
    if (!/^[a-z0-9.-]+(?::\d{1,5})?$/.test(host) || URL.parse(`https://${host}`) === null)
      throw new Fault('ERR_INPUT', `${host} is not the name of a host such as app.example.org`)
  return { scopes, grantTypes, redirectHosts }
}
