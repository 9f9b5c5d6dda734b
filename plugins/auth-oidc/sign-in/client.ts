/**
 * Who we are at an upstream: credentials from the config, or made by self-registration (RFC 7591) and kept in the
 * instance's sealed store until they expire or are lost.
 * @module
 */
import { Fault, type Json, type Store } from '@labgate/contract'
import * as oauth from 'oauth4webapi'
import type { Exchange } from './exchange.ts'
import type { Server } from './server.ts'

/** How a client proves itself at the token endpoint (OpenID Connect Core §9). */
export type ClientAuth = 'basic' | 'post' | 'none'

export interface Credentials {
  readonly clientId: string
  readonly clientSecret?: string
  readonly clientAuth: ClientAuth
}

export interface ClientSource {
  get(): Promise<Credentials>
  /** Forgets credentials that the upstream no longer knows; `true` when new ones can be had. */
  forget(): Promise<boolean>
}

/** Credentials that stand in the config. */
export function fixedClient(credentials: Credentials): ClientSource {
  return { get: async () => credentials, forget: async () => false }
}

export interface RegistrationNeeds {
  readonly exchange: Exchange
  readonly server: Server
  readonly store: Store
  readonly name: string
  /** Client metadata sent upstream (RFC 7591 §2). */
  readonly metadata: { readonly [key: string]: Json }
  readonly initialAccessToken: string | undefined
}

const storeKey = 'client'
/** Ten years: a registration without an end is kept until it is lost or refused. */
const forEverSeconds = 315_360_000

/** Credentials by self-registration: registered once, on first need, by one process. */
export function registeredClient(needs: RegistrationNeeds): ClientSource {
  const { store } = needs
  const stored = async () => readCredentials(await store.get(storeKey))
  return {
    async get() {
      const known = await stored()
      if (known !== undefined) return known
      return store.lock(storeKey, async () => (await stored()) ?? (await register(needs)))
    },
    async forget() {
      await store.delete(storeKey)
      return true
    },
  }
}

async function register(needs: RegistrationNeeds): Promise<Credentials> {
  const server = await needs.server.get()
  if (server.registration_endpoint === undefined) {
    const mend = 'set clientId and clientSecret, or registration.enabled: false'
    throw new Fault('ERR_UPSTREAM_REFUSED', `${needs.name}: ${server.issuer} offers no self-registration; ${mend}`)
  }
  const token = needs.initialAccessToken
  const answer = await needs.exchange.run('the registration request', async (options) => {
    const all = token === undefined ? options : { ...options, initialAccessToken: token }
    const response = await oauth.dynamicClientRegistrationRequest(server, needs.metadata as Partial<oauth.Client>, all)
    return oauth.processDynamicClientRegistrationResponse(response)
  })
  const credentials = credentialsOf(answer)
  await needs.store.put(storeKey, { ...credentials }, lifeSeconds(answer))
  return credentials
}

function credentialsOf(answer: { readonly [key: string]: unknown }): Credentials {
  const secret = answer.client_secret
  const clientId = String(answer.client_id)
  if (typeof secret !== 'string') return { clientId, clientAuth: 'none' }
  const clientAuth = answer.token_endpoint_auth_method === 'client_secret_post' ? 'post' : 'basic'
  return { clientId, clientSecret: secret, clientAuth }
}

/** `client_secret_expires_at` is 0 for "never" (RFC 7591 §3.2.1); both instants are the upstream's, so clocks need not agree. */
function lifeSeconds(answer: { readonly [key: string]: unknown }): number {
  const { client_secret_expires_at: end, client_id_issued_at: start } = answer
  if (typeof end !== 'number' || end === 0 || typeof start !== 'number') return forEverSeconds
  return Math.max(60, end - start - 60)
}

function readCredentials(value: Json | undefined): Credentials | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  const { clientId, clientSecret, clientAuth } = value as Readonly<Record<string, Json>>
  if (typeof clientId !== 'string') return undefined
  if (typeof clientSecret !== 'string') return { clientId, clientAuth: 'none' }
  return { clientId, clientSecret, clientAuth: clientAuth === 'post' ? 'post' : 'basic' }
}

/** The library's two values for a client: its metadata and how it proves itself. */
export function asLibraryClient(given: Credentials): { client: oauth.Client; proof: oauth.ClientAuth } {
  const client = { client_id: given.clientId, [oauth.clockTolerance]: clockToleranceSeconds }
  return { client, proof: proofOf(given) }
}

/** How far an upstream's clock may be off ours. */
export const clockToleranceSeconds = 30

function proofOf({ clientAuth, clientSecret }: Credentials): oauth.ClientAuth {
  if (clientAuth === 'none' || clientSecret === undefined) return oauth.None()
  return clientAuth === 'post' ? oauth.ClientSecretPost(clientSecret) : oauth.ClientSecretBasic(clientSecret)
}
