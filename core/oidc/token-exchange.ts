/**
 * Token exchange (RFC 8693): a first-party service that was given a person's token gets one of its own for another service,
 * with no more scopes, a short life, and its name in it. Only where the config lets it.
 * @module
 */
import type { Clock } from '@labgate/contract'
import { decodeJwt } from 'jose'
import type Provider from 'oidc-provider'
import { type ClientMetadata, errors, type KoaContextWithOIDC } from 'oidc-provider'
import type { Audit } from '../observe/audit.ts'
import { exchangedGty, outlives } from './account.ts'
import { type ClientRoster, exchangeGrant, isBehind } from './clients.ts'
import type { TokenName } from './jwt-tokens.ts'
import { type Resources, resourceServer } from './resources.ts'

/** What the exchange needs. */
export interface ExchangeNeeds {
  readonly clock: Clock
  readonly audit: Audit
  readonly resources: Resources
  readonly nameOf: TokenName
  /** Those of the config. */
  readonly clients: readonly ClientMetadata[]
  /** Those of the database. */
  readonly roster: Pick<ClientRoster, 'behind'>
  acts(account: string): Promise<boolean>
  /** Whether a sign-in of this account to this client would ask for terms first. */
  owesTerms(ask: { readonly account: string; readonly client: string }): Promise<boolean>
  sessionLives(providerUid: string): Promise<boolean>
  /** Whose API token it is; `undefined`: it is none that counts. */
  apiToken(
    value: string,
    address: string,
  ): Promise<{ readonly account: string; readonly scopes: readonly string[] } | undefined>
}

const accessToken = 'urn:ietf:params:oauth:token-type:access_token'
/** Seconds. Who takes back the token that was exchanged ends this one no earlier, so it is short. */
const longestLife = 300
const parameters = [
  'subject_token',
  'subject_token_type',
  'actor_token',
  'actor_token_type',
  'requested_token_type',
  'resource',
  'audience',
  'scope',
]

const actors = new WeakMap<object, { readonly act: unknown }>()

/** Who acts in a token that was exchanged (§4.1); for the Provider's claims of tokens. */
export function actorClaims(token: object): { readonly act: unknown } | undefined {
  return actors.get(token)
}

/** In whose name, with what, and from where. */
interface Subject {
  readonly account: string
  readonly scopes: readonly string[]
  readonly kind: 'access token' | 'API token'
  readonly client?: string | undefined
  readonly act?: unknown
  readonly lifeSeconds: number
  /** Ends with this session of the Provider's. */
  readonly sessionUid?: string | undefined
}

/** Registers the grant type; the library has authenticated the client, and seen that it may use it. */
export function registerTokenExchange(provider: Provider, needs: ExchangeNeeds): void {
  provider.registerGrantType(exchangeGrant, (ctx) => exchange(provider, ctx as KoaContextWithOIDC, needs), parameters)
}

async function exchange(provider: Provider, ctx: KoaContextWithOIDC, needs: ExchangeNeeds): Promise<void> {
  const client = ctx.oidc.client as NonNullable<typeof ctx.oidc.client>
  const { as, to } = (client as { labgate_exchange?: { as: string[]; to: string[] } }).labgate_exchange ?? {
    as: [],
    to: [],
  }
  const asked = askedOf(ctx)
  if (!to.includes(asked.target)) throw new errors.InvalidTarget()
  const info = resourceServer(needs.resources, asked.target)
  const subject = await subjectOf(provider, { value: asked.subject, as, ctx }, needs)
  const scope = narrowed(asked.scope, { subject, server: info.scope.split(' '), client: client.scope }).join(' ')
  const services = [...servicesOf(asked.target, needs), ...(await needs.roster.behind(asked.target))]
  await assertTerms(needs, { account: subject.account, clients: [client.clientId, ...services] })
  const grant = new provider.Grant({ accountId: subject.account, clientId: client.clientId })
  grant.addResourceScope(asked.target, scope)
  const act = { sub: client.clientId, ...(subject.act === undefined ? {} : { act: subject.act }) }
  const accessTokenTTL = Math.min(info.accessTokenTTL, longestLife, subject.lifeSeconds)
  const server = new (provider as unknown as Servers).ResourceServer(asked.target, { ...info, accessTokenTTL })
  const token = new provider.AccessToken({
    accountId: subject.account,
    client,
    grantId: await grant.save(),
    gty: exchangedGty,
    scope,
    sessionUid: subject.sessionUid,
  } as unknown as ConstructorParameters<typeof provider.AccessToken>[0])
  Object.assign(token, { resourceServer: server })
  actors.set(token, { act })
  const value = await token.save()
  await needs.audit({
    type: 'token.exchanged',
    account: subject.account,
    client: client.clientId,
    address: ctx.ip,
    detail: {
      resource: asked.target,
      scope,
      subject: subject.kind,
      ...(subject.client ? { from: subject.client } : {}),
    },
  })
  ctx.body = {
    access_token: value,
    issued_token_type: accessToken,
    token_type: 'Bearer',
    expires_in: token.expiration,
    scope,
  }
}

/** Clients of the config that are the service behind a resource. */
function servicesOf(target: string, { clients }: Pick<ExchangeNeeds, 'clients'>): string[] {
  const named = clients as readonly {
    readonly client_id: string
    readonly labgate_resource?: string
    readonly labgate_exchange?: { readonly as: string[]; readonly to: string[] }
  }[]
  return named.flatMap(({ client_id: id, labgate_resource: resource, labgate_exchange: tokenExchange }) =>
    isBehind(target, { ...(resource ? { resource } : {}), ...(tokenExchange ? { tokenExchange } : {}) }) ? id : [],
  )
}

/** Nobody is there to be asked, so what a sign-in to these clients would ask for is asked for here, too. */
async function assertTerms(
  needs: Pick<ExchangeNeeds, 'owesTerms'>,
  { account, clients }: { readonly account: string; readonly clients: readonly string[] },
): Promise<void> {
  for (const client of new Set(clients))
    if (await needs.owesTerms({ account, client }))
      throw new errors.CustomOIDCProviderError(
        'interaction_required',
        `the person has yet to accept the terms of ${client}, which a sign-in there asks for`,
      )
}

/** The library's class, which its types do not name. */
interface Servers {
  readonly ResourceServer: new (identifier: string, data: object) => object
}

function askedOf(ctx: KoaContextWithOIDC): { subject: string; target: string; scope: string[] | undefined } {
  const params = ctx.oidc.params as Readonly<Record<string, unknown>>
  const text = (name: string) => (typeof params[name] === 'string' ? (params[name] as string) : undefined)
  const [subject, target] = [text('subject_token'), text('resource') ?? text('audience')]
  if (subject === undefined) throw new errors.InvalidRequest('subject_token is missing')
  if (text('subject_token_type') !== accessToken)
    throw new errors.InvalidRequest('subject_token_type: only access tokens')
  if (text('actor_token') !== undefined) throw new errors.InvalidRequest('actor_token: the client itself is the actor')
  if ((text('requested_token_type') ?? accessToken) !== accessToken)
    throw new errors.InvalidRequest('requested_token_type: only access tokens')
  if (target === undefined || (params.resource !== undefined && params.audience !== undefined))
    throw new errors.InvalidTarget('exactly one resource is named')
  return { subject, target, scope: text('scope')?.split(' ').filter(Boolean) }
}

/** What was asked for, if subject, service and client all have it; without a wish, all of it. */
function narrowed(
  asked: readonly string[] | undefined,
  has: { readonly subject: Subject; readonly server: readonly string[]; readonly client: string | undefined },
): string[] {
  const may = has.subject.scopes.filter(
    (scope) => has.server.includes(scope) && (has.client === undefined || has.client.split(' ').includes(scope)),
  )
  const beyond = asked?.find((scope) => !may.includes(scope))
  if (beyond !== undefined) throw new errors.InvalidScope('more than the token has', beyond)
  const scopes = [...new Set(asked ?? may)]
  if (scopes.length === 0) throw new errors.InvalidScope('the token has no scope of this resource', '')
  return scopes
}

interface Brought {
  readonly value: string
  readonly as: readonly string[]
  readonly ctx: KoaContextWithOIDC
}

async function subjectOf(provider: Provider, brought: Brought, needs: ExchangeNeeds): Promise<Subject> {
  const found = (await fromApiToken(brought, needs)) ?? (await fromAccessToken(provider, brought, needs))
  if (found === undefined || !(await needs.acts(found.account)))
    throw new errors.InvalidRequest('subject_token is none that counts here')
  return found
}

async function fromApiToken({ value, ctx }: Brought, needs: ExchangeNeeds): Promise<Subject | undefined> {
  const found = await needs.apiToken(value, ctx.ip)
  return found && { ...found, kind: 'API token', lifeSeconds: longestLife }
}

async function fromAccessToken(
  provider: Provider,
  { value, as, ctx }: Brought,
  needs: ExchangeNeeds,
): Promise<Subject | undefined> {
  const name = await needs.nameOf(value)
  const token = await provider.AccessToken.find(name)
  if (!token?.isValid || token.accountId === undefined || token.isSenderConstrained()) return undefined
  const grant = token.grantId === undefined ? undefined : await provider.Grant.find(token.grantId)
  if (grant === undefined || !(await outlives(needs, token))) return undefined
  const audience = [token.aud ?? (name === value ? [] : (decodeJwt(value).aud ?? []))].flat()
  const isForUs = token.clientId === ctx.oidc.client?.clientId || audience.some((one) => as.includes(one))
  if (!isForUs || (await provider.Client.find(token.clientId ?? '')) === undefined) return undefined
  const {
    expiresWithSession,
    gty,
    sessionUid,
    extra,
    exp = 0,
  } = token as unknown as {
    expiresWithSession?: boolean
    sessionUid?: string
    gty?: string
    extra?: { act?: unknown }
    exp?: number
  }
  const isOfSession = expiresWithSession === true || gty === exchangedGty
  return {
    account: token.accountId,
    scopes: [...token.scopes],
    kind: 'access token',
    client: token.clientId,
    act: extra?.act,
    lifeSeconds: Math.max(1, exp - Math.floor(needs.clock.now().getTime() / 1000)),
    sessionUid: isOfSession ? sessionUid : undefined,
  }
}
