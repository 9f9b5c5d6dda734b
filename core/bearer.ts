/** Who a bearer token speaks for, whichever kind it is: the one answer for every door that takes one. Called by the composition root. @module */
import type { Principal } from '@labgate/contract'
import type Provider from 'oidc-provider'
import { claimsToBeApiToken } from './accounts/token-value.ts'
import type { ApiTokens } from './accounts/tokens.ts'
import type { Rooms } from './assembly.ts'
import { outlives } from './oidc/account.ts'
import { isProven, type PresentedProof } from './oidc/dpop.ts'
import type { Registry } from './registry/registry.ts'

/** A token as somebody has presented it. */
export interface Presented {
  readonly value: string
  /** Scheme, host and port of the door: a token made for another service is nothing here. */
  readonly origin: string
  /** Network address it came from. */
  readonly address: string
  /** With the scheme `DPoP` (RFC 9449 §7.1): what came to prove the token's key. */
  readonly proof?: PresentedProof | undefined
}

/** Answers `undefined` for everything that does not count now: unknown, expired, revoked, of somebody who may not act. */
export type ResolveBearer = (presented: Presented) => Promise<Principal | undefined>

interface Needs {
  readonly rooms: Rooms
  provider(): Provider
}

/** Makes the resolver: API tokens of ours, and access tokens of the Provider. */
export function createBearer(needs: Needs): ResolveBearer {
  // Asked of the container once: it looks everything up anew each time.
  let tokens: Pick<ApiTokens, 'resolve'> | undefined
  return (presented) => {
    tokens ??= needs.rooms.get('tokens')
    return claimsToBeApiToken(presented.value) ? ofApiToken(tokens, presented) : ofAccessToken(needs, presented)
  }
}

async function ofApiToken(
  tokens: Pick<ApiTokens, 'resolve'>,
  { value, address, proof }: Presented,
): Promise<Principal | undefined> {
  // No key is bound to it, so none can be proven.
  if (proof !== undefined) return undefined
  const found = await tokens.resolve(value, { address })
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

async function ofAccessToken(needs: Needs, { value, origin, proof }: Presented): Promise<Principal | undefined> {
  const { rooms, provider } = needs
  const token = await provider().AccessToken.find(value)
  if (!token?.isValid || token.accountId === undefined || !isFor(token.aud, origin)) return undefined
  if ((await provider().Client.find(token.clientId ?? '')) === undefined) return undefined
  if (!(await isBrought(needs, token, { value, proof }))) return undefined
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

/** A token that is bound to a key is nothing without a proof of it, and one that is not is none with a proof (RFC 9449 §7). */
async function isBrought(
  { rooms, provider }: Needs,
  token: object,
  { value, proof }: Pick<Presented, 'value' | 'proof'>,
): Promise<boolean> {
  const { jkt, clientId = '' } = token as { jkt?: string; clientId?: string }
  if (jkt === undefined || proof === undefined) return jkt === undefined && proof === undefined
  return isProven({ provider: provider(), clock: rooms.get('clock') }, { value, jkt, clientId }, proof)
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
