/**
 * What we know of an upstream: discovered, given, or both (given wins). Discovery is kept for a while and renewed in the
 * background, so that a sign-in waits for it only once.
 * @module
 */
import { type Clock, isFault } from '@labgate/contract'
import * as oauth from 'oauth4webapi'
import type { Exchange } from './exchange.ts'

/** Endpoints the operator names; each wins over what discovery says. */
export interface Endpoints {
  readonly authorizationEndpoint?: string | undefined
  readonly tokenEndpoint?: string | undefined
  readonly userinfoEndpoint?: string | undefined
  readonly jwksUri?: string | undefined
  readonly endSessionEndpoint?: string | undefined
  readonly revocationEndpoint?: string | undefined
  readonly registrationEndpoint?: string | undefined
}

export interface ServerSettings {
  readonly issuer: string
  /** `false`: plain OAuth 2.0, no ID token; the caller asks for the person itself. */
  readonly openid: boolean
  readonly endpoints?: Endpoints
  /** How long a discovery document is good; default 600 s. */
  readonly lifeSeconds?: number
}

export interface Server {
  /** The metadata, fetched when there is none that is young enough. */
  get(): Promise<oauth.AuthorizationServer>
  /** Fetches anew in the background if what we have is old or the last exchange failed. Never throws. */
  nudge(): void
  /** Takes a copy whose key cache is newer. */
  replace(server: oauth.AuthorizationServer): void
}

/** An upstream that does not say how it signs may use any of these; never `none`, never a shared secret. */
const asymmetric = ['RS256', 'PS256', 'ES256', 'Ed25519', 'EdDSA', 'RS384', 'PS384', 'ES384', 'RS512', 'PS512', 'ES512']

/** Between two tries in the background. */
const pauseSeconds = 5

/** Makes the memory of one upstream's metadata. Fetches nothing by itself. */
export function createServer(settings: ServerSettings, needs: { exchange: Exchange; clock: Clock }): Server {
  const { exchange, clock } = needs
  const life = (settings.lifeSeconds ?? 600) * 1000
  let held: { server: oauth.AuthorizationServer; at: number } | undefined
  let pending: Promise<oauth.AuthorizationServer> | undefined
  if (isComplete(settings)) held = { server: given(settings), at: Number.POSITIVE_INFINITY }

  let tried = Number.NEGATIVE_INFINITY
  const load = (): Promise<oauth.AuthorizationServer> => {
    tried = pending === undefined ? clock.now().getTime() : tried
    pending ??= discover(settings, exchange)
      .then((server) => {
        held = { server, at: clock.now().getTime() }
        return server
      })
      .catch((error: unknown) => {
        if (isFault(error)) exchange.noteFailure(error)
        throw error
      })
      .finally(() => {
        pending = undefined
      })
    return pending
  }
  const isYoung = () => held !== undefined && clock.now().getTime() - held.at < life
  return {
    get: async () => (held !== undefined && isYoung() ? held.server : load()),
    nudge() {
      if (isComplete(settings) || (isYoung() && exchange.lastFailure() === undefined)) return
      if (Math.abs(clock.now().getTime() - tried) < pauseSeconds * 1000) return
      load().catch(() => undefined) // the exchange remembers the failure; health and the card tell it
    },
    replace(server) {
      if (held !== undefined) held = { ...held, server }
    },
  }
}

function isComplete({ endpoints, openid }: ServerSettings): boolean {
  if (endpoints?.authorizationEndpoint === undefined || endpoints.tokenEndpoint === undefined) return false
  return !openid || endpoints.jwksUri !== undefined
}

/** Whether a provider whose endpoints are all given answers: its keys are asked for. @throws Fault ERR_UPSTREAM */
export async function assertAnswers(server: oauth.AuthorizationServer, exchange: Exchange): Promise<void> {
  const { jwks_uri } = server
  if (jwks_uri === undefined) return
  await exchange.run('its signing keys', async (options) => {
    const response = await options[oauth.customFetch](jwks_uri, { headers: { accept: 'application/json' } })
    const keys: unknown = await response.json().catch(() => undefined)
    if (response.ok && Array.isArray((keys as { keys?: unknown } | undefined)?.keys)) return
    throw new oauth.OperationProcessingError(`answered ${response.status}, and no key set`)
  })
}

async function discover(settings: ServerSettings, exchange: Exchange): Promise<oauth.AuthorizationServer> {
  const issuer = new URL(settings.issuer)
  const found = await exchange.run('the discovery document', async (options) => {
    const algorithm = settings.openid ? 'oidc' : 'oauth2'
    const response = await oauth.discoveryRequest(issuer, { ...options, algorithm })
    return oauth.processDiscoveryResponse(issuer, response)
  })
  return { ...found, ...given(settings), issuer: found.issuer }
}

function given({ issuer, endpoints = {} }: ServerSettings): oauth.AuthorizationServer {
  const named = {
    authorization_endpoint: endpoints.authorizationEndpoint,
    token_endpoint: endpoints.tokenEndpoint,
    userinfo_endpoint: endpoints.userinfoEndpoint,
    jwks_uri: endpoints.jwksUri,
    end_session_endpoint: endpoints.endSessionEndpoint,
    revocation_endpoint: endpoints.revocationEndpoint,
    registration_endpoint: endpoints.registrationEndpoint,
  }
  const present = Object.entries(named).filter((entry) => entry[1] !== undefined)
  const signing = endpoints.jwksUri === undefined ? {} : { id_token_signing_alg_values_supported: asymmetric }
  return { issuer, ...signing, ...Object.fromEntries(present) }
}
