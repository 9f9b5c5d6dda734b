/**
 * API tokens of people and of service accounts: named, scoped, expiring, shown once, kept as digests.
 * A value is `lgp_` (person) or `lgs_` (service), 32 random characters of base62, and 6 of their CRC-32, so that a
 * secret scanner knows one without asking us.
 * @module
 */
import type { AccountId, Clock, Random } from '@labgate/contract'
import type { Storage } from '../storage/storage.ts'
import type { AccountRow, Accounts } from './accounts.ts'
import type { Actor, PageAsk, Paged } from './actor.ts'
import type { Change } from './changes.ts'

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
  /** The value is in this answer and nowhere else. @throws Fault ERR_INPUT (name, scopes, expiry), ERR_FORBIDDEN */
  create(
    actor: Actor,
    token: { account: AccountId; name: string; scopes: readonly string[]; expiresAt: Date | undefined },
  ): Promise<{ readonly value: string; readonly token: ApiToken }>
  revoke(actor: Actor, id: string): Promise<ApiToken>
  /** Who a value speaks for, if it counts now and its account may act. Notes the use, lazily. */
  resolve(
    value: string,
    use: { readonly address: string },
  ): Promise<{ readonly token: ApiToken; readonly account: AccountRow } | undefined>
}

/** Whether a value looks like one of ours: prefix and checksum are right. */
export function isApiToken(_value: string): boolean {
  throw new TypeError('not built yet')
}

/** Makes the tokens on a storage. */
export function createApiTokens(_needs: {
  storage: Storage
  clock: Clock
  random: Random
  accounts: Accounts
  change: Change
  /** Scopes that a token may have, with their description. */
  scopes: () => Readonly<Record<string, string>>
  /** Longest life in seconds, of a person's token. */
  maxSeconds: number
}): ApiTokens {
  throw new TypeError('not built yet')
}
