/** The code flow against one upstream, put together: wire, metadata, client and flow. @module */
import type { Clock, Health, Json, Store } from '@labgate/contract'
import { type ClientSource, type Credentials, fixedClient, registeredClient } from './client.ts'
import { createExchange } from './exchange.ts'
import { assertAnswers, createServer, type ServerSettings } from './server.ts'
import { createUpstream, type Upstream } from './upstream.ts'

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
  /** One request beyond the flow, to the upstream's API; any answer is handed on. @throws Fault ERR_UPSTREAM when none came */
  ask(what: string, url: URL, init?: RequestInit): Promise<Response>
  /** From memory: how the last exchange went. */
  health(): Promise<Health>
  /** The last time the upstream could not be used, if it was not usable since. */
  lastFailure(): Date | undefined
  /** Renews what is known of the upstream in the background, if it is time. Never throws. */
  nudge(): void
  /** Fetches the metadata if need be, and the signing keys; says whether it could. @throws Fault ERR_UPSTREAM */
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
    ask: (what, url, init) => exchange.send(what, url, init),
    health: async () => exchange.health(),
    lastFailure: () => exchange.lastFailure()?.at,
    nudge: () => server.nudge(),
    async look() {
      const known = await server.get()
      await assertAnswers(known, exchange)
      return { ...known }
    },
  }
}

type Wires = Pick<Parameters<typeof registeredClient>[0], 'exchange' | 'server'>

function clientSource({ client, name }: SignInNeeds, wires: Wires): ClientSource {
  if ('clientId' in client) return fixedClient(client)
  const { store, metadata, initialAccessToken } = client
  return registeredClient({ ...wires, name, store, metadata, initialAccessToken })
}
