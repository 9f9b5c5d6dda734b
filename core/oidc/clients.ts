/**
 * Clients of the OpenID Provider: those of the config, those of the database, and the built-in one by which
 * our own doors sign people in.
 * @module
 */
import { type Clock, Fault, type Random } from '@labgate/contract'
import type { ClientMetadata } from 'oidc-provider'
import type { Config } from '../config/schema.ts'
import type { ClientRow } from '../storage/client-rows.ts'
import { ClientEntity } from '../storage/entities.ts'
import { frozen } from '../storage/memo.ts'
import type { Storage } from '../storage/storage.ts'
import { createWarm } from '../storage/warm.ts'
import type { Registrations } from './registrations.ts'

/** A relying party as the config writes it. */
export type ClientSettings = Config['clients'][string]

/** Client id of our own doors: portal, console, dialects on hosts of their own. */
export const doorClientId = 'labgate'

/** Metadata members of our own (RFC 7591 §2 allows them). */
export const ownMetadata = [
  'labgate_first_party',
  'labgate_pkce',
  'labgate_origins',
  'labgate_profile',
  'labgate_exchange',
  'labgate_resource',
  'labgate_since',
  'labgate_ended',
] as const

/** The grant type of token exchange (RFC 8693 §2.1). */
export const exchangeGrant = 'urn:ietf:params:oauth:grant-type:token-exchange'

/** A client in the library's words (RFC 7591 §2, snake case). */
export function clientMetadata(id: string, settings: ClientSettings, secret: string | undefined): ClientMetadata {
  const isFapi = settings.profile === 'fapi2'
  const grantTypes = [...settings.grantTypes, ...(settings.tokenExchange ? [exchangeGrant] : [])]
  return {
    client_id: id,
    client_name: settings.name ?? id,
    ...(secret === undefined ? {} : { client_secret: secret }),
    token_endpoint_auth_method: settings.public ? 'none' : isFapi ? 'private_key_jwt' : settings.authMethod,
    ...proofMetadata(settings),
    application_type: isNative(settings.redirectUris) ? 'native' : 'web',
    redirect_uris: [...settings.redirectUris],
    post_logout_redirect_uris: [...settings.postLogoutRedirectUris],
    grant_types: grantTypes,
    response_types: grantTypes.includes('authorization_code') ? ['code'] : [],
    // RS256 is none of the profile's algorithms (FAPI 2.0 Security Profile §5.4).
    id_token_signed_response_alg: isFapi ? 'ES256' : settings.idTokenAlg,
    ...(settings.scopes ? { scope: settings.scopes.join(' ') } : {}),
    ...(settings.backchannelLogoutUri
      ? { backchannel_logout_uri: settings.backchannelLogoutUri, backchannel_logout_session_required: true }
      : {}),
    ...(settings.homepage ? { client_uri: settings.homepage } : {}),
    ...(settings.initiateLoginUri ? { initiate_login_uri: settings.initiateLoginUri } : {}),
    labgate_first_party: settings.firstParty,
    labgate_pkce: settings.pkce,
    labgate_origins: [...settings.origins],
    ...(settings.resource ? { labgate_resource: settings.resource } : {}),
    ...(settings.profile ? { labgate_profile: settings.profile } : {}),
    ...(settings.tokenExchange
      ? { labgate_exchange: { as: [...settings.tokenExchange.as], to: [...settings.tokenExchange.to] } }
      : {}),
  } as ClientMetadata
}

/** Its keys, and what is asked of it beyond a secret. */
function proofMetadata(settings: ClientSettings): Partial<ClientMetadata> {
  const isFapi = settings.profile === 'fapi2'
  return {
    ...(settings.jwks ? { jwks: structuredClone(settings.jwks) as NonNullable<ClientMetadata['jwks']> } : {}),
    ...(settings.jwksUri ? { jwks_uri: settings.jwksUri } : {}),
    ...(settings.signedRequests ? { require_signed_request_object: true } : {}),
    ...(settings.par || isFapi ? { require_pushed_authorization_requests: true } : {}),
    ...(settings.dpop || isFapi ? { dpop_bound_access_tokens: true } : {}),
    ...(settings.subjectType === 'pairwise' ? { subject_type: 'pairwise' as const } : {}),
    ...(settings.sectorIdentifierUri ? { sector_identifier_uri: settings.sectorIdentifierUri } : {}),
  }
}

/** A scheme of its own means an app on a person's machine (RFC 8252 §7.1). */
function isNative(redirectUris: readonly string[]): boolean {
  return redirectUris.some((uri) => !/^https?:/.test(uri))
}

/** The built-in first-party client of our own doors; `returnUris` has one entry per host. */
export function doorClient(returnUris: readonly string[]): ClientMetadata {
  return {
    client_id: doorClientId,
    client_name: 'Labgate',
    token_endpoint_auth_method: 'none',
    redirect_uris: [...returnUris],
    grant_types: ['authorization_code'],
    response_types: ['none', 'code'],
    labgate_first_party: true,
    labgate_pkce: true,
    labgate_origins: [],
  } as ClientMetadata
}

/** A relying party, and where it is kept. */
export interface ClientListing {
  readonly id: string
  /** `registered`: it registered itself, with an invitation. */
  readonly source: 'config' | 'database' | 'registered'
  readonly settings: ClientSettings
}

/** Clients kept in the database, for those who add them by command. */
export interface ClientRoster {
  list(): Promise<ClientListing[]>
  find(id: string): Promise<ClientListing | undefined>
  metadata(id: string): Promise<ClientMetadata | undefined>
  /** Those of the database that are the service behind a resource, as {@link isBehind} has it. */
  behind(resource: string): Promise<readonly string[]>
  /** Adds or replaces one; answers the secret, which is shown this once. */
  save(id: string, settings: ClientSettings): Promise<{ secret: string | undefined }>
  remove(id: string): Promise<void>
  /** Keeps one that registered itself, with the secret that it was told. */
  register(id: string, settings: ClientSettings, secret: string | undefined): Promise<void>
  /** How many there are that registered themselves. */
  registered(): Promise<number>
  /** Removes those whose time is over. */
  sweep(): Promise<void>
}

const purpose = 'client-secret'

/** Whether a client proves itself by a secret. */
export function hasSecret(settings: ClientSettings): boolean {
  return !settings.public && settings.authMethod !== 'private_key_jwt' && settings.profile !== 'fapi2'
}

/** Whether a client is the service behind a resource: its own tokens are for it, or it exchanges those that are. */
export function isBehind(resource: string, client: Pick<ClientSettings, 'resource' | 'tokenExchange'>): boolean {
  return client.resource === resource || client.tokenExchange?.as.includes(resource) === true
}

/** Makes the roster on a storage; clients of the config come first and cannot be changed by it. */
export function createClientRoster(needs: {
  storage: Storage
  config: Config['clients']
  clock: Clock
  random: Random
  registrations: Pick<Registrations, 'of' | 'forget'>
}): ClientRoster {
  const { storage, config, clock, random, registrations } = needs
  const fromConfig = (id: string): ClientListing | undefined =>
    Object.hasOwn(config, id) ? { id, source: 'config', settings: config[id] as ClientSettings } : undefined
  /** One that registered itself and was used too long ago is none. */
  const isOver = async (id: string, source: ClientRow['source']): Promise<boolean> =>
    source === 'registered' && (await registrations.of(id)) === undefined
  const find = async (id: string): Promise<ClientListing | undefined> => {
    const listed = fromConfig(id)
    if (listed) return listed
    const found = await storage.clientRows.find(id)
    if (found === undefined || (await isOver(id, found.source))) return undefined
    const source = found.source === 'registered' ? 'registered' : 'database'
    return { id, source, settings: found.settings as ClientSettings }
  }
  const put = async (
    id: string,
    settings: ClientSettings,
    { secret, source }: { secret: string | undefined; source: 'database' | 'registered' },
  ): Promise<void> => {
    const secretSealed = secret === undefined ? null : storage.ring.seal(secret, purpose)
    const fields = { metadata: settings as never, secretSealed, source }
    await storage.transaction(async (em) => {
      const known = await em.findOne(ClientEntity, { id })
      if (known) em.assign(known, { ...fields, revision: known.revision + 1 })
      else em.create(ClientEntity, { id, ...fields, createdAt: clock.now(), revision: 1 })
    })
  }
  const ofRow = (id: string, { settings, secretSealed, createdAt }: ClientRow): ClientMetadata => {
    const secret = secretSealed === null ? undefined : storage.ring.open(Buffer.from(secretSealed), purpose).toString()
    const metadata = clientMetadata(id, settings as ClientSettings, secret)
    // Handed to many.
    return frozen({ ...metadata, labgate_since: createdAt.getTime() })
  }
  // Clients are written as the ledger is: what sign-ins write makes nobody read them again.
  const generation = storage.ledgerGeneration
  const used = createWarm<(Pick<ClientRow, 'source'> & { readonly metadata: ClientMetadata }) | undefined>(
    { generation },
    1000,
  )
  const metadata = async (id: string): Promise<ClientMetadata | undefined> => {
    const found = await used.get(id, clock.now().getTime(), async () => {
      const row = await storage.clientRows.find(id)
      const value = row && { metadata: ofRow(id, row), source: row.source }
      return { value, until: Number.POSITIVE_INFINITY }
    })
    return found === undefined || (await isOver(id, found.source)) ? undefined : found.metadata
  }
  const remove = async (id: string): Promise<void> => {
    const count = await storage.transaction((em) => em.nativeDelete(ClientEntity, { id }))
    if (count === 0) throw new Fault('ERR_NOT_FOUND', `there is no client ${id} in the database`)
    await registrations.forget(id)
    await storage.artifacts.deleteByClient(id)
  }
  const sweep = async (): Promise<void> => {
    const rows = await storage.em().find(ClientEntity, { source: 'registered' })
    for (const { id, source } of rows) if (await isOver(id, source)) await remove(id)
  }
  const services = createWarm<readonly string[]>({ generation })
  const behind = (resource: string) =>
    services.get(resource, clock.now().getTime(), async () => {
      const all = await storage.clientRows.naming(resource)
      const value = [...all].flatMap(([id, one]) => (isBehind(resource, one as ClientSettings) ? id : []))
      return { value, until: Number.POSITIVE_INFINITY }
    })
  return {
    find,
    metadata,
    behind,
    sweep,
    remove,
    registered: () => storage.em().count(ClientEntity, { source: 'registered' }),
    register: (id, settings, secret) => put(id, settings, { secret, source: 'registered' }),
    async list() {
      await sweep()
      const rows = await storage.em().find(ClientEntity, {}, { orderBy: { id: 'asc' } })
      const own = Object.keys(config).map((id) => fromConfig(id) as ClientListing)
      return [
        ...own,
        ...rows.map(({ id, metadata, source }) => ({
          id,
          source: source === 'registered' ? ('registered' as const) : ('database' as const),
          settings: metadata as unknown as ClientSettings,
        })),
      ]
    },
    async save(id, settings) {
      if (id === doorClientId || fromConfig(id))
        throw new Fault('ERR_CONFLICT', `client ${id} is already defined by Labgate or its config file`)
      // A new secret makes no client of ours out of one that registered itself.
      const source = (await find(id))?.source === 'registered' ? 'registered' : 'database'
      const secret = hasSecret(settings) ? random.token() : undefined
      await put(id, settings, { secret, source })
      return { secret }
    },
  }
}
