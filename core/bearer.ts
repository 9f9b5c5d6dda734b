/** Who a bearer token speaks for, whichever kind it is: the one answer for every door that takes one. Called by the composition root. @module */
import type { Principal } from '@labgate/contract'
import type Provider from 'oidc-provider'
import { claimsToBeApiToken } from './accounts/token-value.ts'
import type { Rooms } from './assembly.ts'
import { outlives } from './oidc/account.ts'
import type { Registry } from './registry/registry.ts'

/** A token as somebody has presented it. */
export interface Presented {
  readonly value: string
  /** Scheme, host and port of the door: a token made for another service is nothing here. */
  readonly origin: string
  /** Network address it came from. */
  readonly address: string
}

/** Answers `undefined` for everything that does not count now: unknown, expired, revoked, of somebody who may not act. */
export type ResolveBearer = (presented: Presented) => Promise<Principal | undefined>

interface Needs {
  readonly rooms: Rooms
  provider(): Provider
}

/** Makes the resolver: API tokens of ours, and access tokens of the Provider. */
export function createBearer(needs: Needs): ResolveBearer {
  return (presented) =>
    claimsToBeApiToken(presented.value) ? ofApiToken(needs, presented) : ofAccessToken(needs, presented)
}

async function ofApiToken({ rooms }: Needs, { value, address }: Presented): Promise<Principal | undefined> {
  const found = await rooms.get('tokens').resolve(value, { address })
  if (!found) return undefined
  const { account, token } = found
  return {
    kind: account.kind,
    account,
    via: 'token',
    scopes: withoutAll(token.scopes),
    authenticatedAt: token.createdAt,
    amr: [],
    tokenId: token.id,
  }
}

async function ofAccessToken({ rooms, provider }: Needs, { value, origin }: Presented): Promise<Principal | undefined> {
  const token = await provider().AccessToken.find(value)
  if (!token?.isValid || token.accountId === undefined || !isFor(token.aud, origin)) return undefined
  const { sessions } = rooms.get('storage')
  const sessionLives = async (uid: string) => (await sessions.findByProviderUid(uid)) !== undefined
  if (!(await outlives({ sessionLives }, token))) return undefined
  const account = await rooms.get('accounts').acting(token.accountId)
  if (!account) return undefined
  const iat = (token as { iat?: number }).iat ?? 0
  return {
    kind: account.kind,
    account,
    via: 'token',
    scopes: withoutAll([...token.scopes]),
    authenticatedAt: new Date(iat * 1000),
    amr: [],
  }
}

/** `*` is what a session has; no token may say so. */
function withoutAll(scopes: readonly string[]): readonly string[] {
  return scopes.filter((scope) => scope !== '*')
}

/** A token made for another service (RFC 8707) must not be taken: that service could use it here in the person's name. */
function isFor(audience: string | string[] | undefined, origin: string): boolean {
  return audience === undefined || [audience].flat().some((one) => URL.parse(one)?.origin === origin)
}

/** The scopes that dialects know: those their routes ask for and those they add to the Provider. */
export function scopesOfDialects(registry: Pick<Registry, 'authz'>): Readonly<Record<string, string>> {
  const found: Record<string, string> = {}
  for (const { id, adapter, routes } of registry.authz()) {
    const asked = routes.flatMap(({ claim: { guard } }) =>
      typeof guard === 'object' ? (guard.token.scopes ?? []) : [],
    )
    for (const scope of asked) found[scope] ??= `Use ${id} in your name.`
    for (const [scope, { description }] of Object.entries(adapter.oidc?.scopes ?? {})) found[scope] = description
  }
  return found
}
