/**
 * `@labgate/auth-oidc/sign-in`: the code-flow part of a sign-in, for OAuth 2.0 and OpenID Connect alike, over `context.fetch`.
 * The core makes state, nonce and verifier; this library sends and checks them. It keeps no person's data.
 * Specs: RFC 6749 §4.1, RFC 7636, RFC 9207, RFC 7009, RFC 7591, OpenID Connect Core, Discovery and RP-Initiated Logout.
 * @module
 */
import type { Clock, Health, Json, Store } from '@labgate/contract'
import { type ClientSource, type Credentials, fixedClient, registeredClient } from './client.ts'
import { createExchange } from './exchange.ts'
import { createServer, type ServerSettings } from './server.ts'
import { createUpstream, type Upstream } from './upstream.ts'

export type { ClientAuth, Credentials } from './client.ts'
export type { Endpoints, ServerSettings } from './server.ts'
export type { AuthorizationAsk, Claims, No, RedeemAsk, Tokens, Upstream } from './upstream.ts'
export { maxAgeNow } from './upstream.ts'

/** Self-registration at the upstream (RFC 7591): the credentials are kept in the instance's sealed store. */
export interface Registration {
  readonly store: Store
  /** Client metadata (RFC 7591 §2): redirect URIs, name, grant types. */
  readonly metadata: { readonly [key: string]: Json }
  readonly initialAccessToken?: string
}

export interface SignInNeeds {
  /** Who asks, for messages: `auth-oidc "university"`. */
  readonly name: string
  readonly fetch: typeof globalThis.fetch
  readonly clock: Clock
  readonly server: ServerSettings
  readonly client: Credentials | Registration
}

export interface SignIn extends Upstream {
  /** From memory: how the last exchange went. */
  health(): Promise<Health>
  /** The last time the upstream could not be used, if it was not usable since. */
  lastFailure(): Date | undefined
  /** Renews what is known of the upstream in the background, if it is time. Never throws. */
  nudge(): void
  /** Fetches the metadata if need be; says whether it could. @throws Fault ERR_UPSTREAM */
  look(): Promise<Readonly<Record<string, unknown>>>
}

/** Makes the code flow against one upstream. Pure: no network, no timers. */
export function createSignIn(needs: SignInNeeds): SignIn {
  const { name, fetch, clock } = needs
  const exchange = createExchange({ name, fetch, clock, issuer: needs.server.issuer })
  const server = createServer(needs.server, { exchange, clock })
  const client = clientSource(needs, { exchange, server })
  return {
    ...createUpstream({ exchange, server, client, clock, openid: needs.server.openid }),
    health: async () => exchange.health(),
    lastFailure: () => exchange.lastFailure()?.at,
    nudge: () => server.nudge(),
    look: async () => ({ ...(await server.get()) }),
  }
}

type Wires = Pick<Parameters<typeof registeredClient>[0], 'exchange' | 'server'>

function clientSource({ client, name }: SignInNeeds, wires: Wires): ClientSource {
  if ('clientId' in client) return fixedClient(client)
  const { store, metadata, initialAccessToken } = client
  return registeredClient({ ...wires, name, store, metadata, initialAccessToken })
}
