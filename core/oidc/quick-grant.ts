/**
 * Client credentials (RFC 6749 §4.4) in their plain form, answered past the library's app: a secret, at most one resource,
 * no proof of a key. The token is the library's own; what is unusual or refused goes on to it as it came.
 * @module
 */
import type { IncomingMessage } from 'node:http'
import { formText } from './jwt-tokens.ts'
import {
  type Basic,
  basicOf,
  type ClientFinder,
  json,
  type QuickAnswer,
  type QuickClient,
  secretClient,
} from './quick-client.ts'
import { type Resources, resourceServer } from './resources.ts'

/** What the grant needs of the house. */
export interface QuickGrantNeeds {
  readonly resources: Resources
  /** Notes that a client was used; nobody waits for it. */
  used(client: string): void
}

/** The library's models that the grant is made of. */
export interface QuickGrantModels {
  readonly Client: ClientFinder
  readonly ClientCredentials: new (about: { client: QuickClient; scope: string | undefined }) => NewToken
  readonly ResourceServer: new (identifier: string, about: object) => Server
}

interface NewToken {
  scope?: string | undefined
  resourceServer?: Server
  readonly expiration: number
  readonly tokenType: string
  save(): Promise<string>
}

interface Server {
  readonly scopes: ReadonlySet<string>
}

interface Parts {
  readonly models: QuickGrantModels
  readonly needs: QuickGrantNeeds
}

/** What was asked for, and who says so. */
interface Asked extends Basic {
  readonly scope: string | undefined
  readonly resource: string | undefined
}

const known = new Set(['grant_type', 'scope', 'resource', 'client_id', 'client_secret'])

/** Answers the plain grant; `undefined`: it is for the library. */
export async function quickGrant(req: IncomingMessage, { models, needs }: Parts): Promise<QuickAnswer | undefined> {
  const text = await formText(req)
  if (text === undefined || !/(?:^|&)grant_type=client_credentials(?:&|$)/.test(text)) return undefined
  const asked = askedOf(req, new URLSearchParams(text))
  const client = asked && (await secretClient(asked, models.Client))
  if (asked === undefined || client === undefined || !mayAsk(client, asked)) return undefined
  const token = tokenFor(client, asked, { models, needs })
  if (token === undefined) return undefined
  const value = await token.save()
  needs.used(client.clientId)
  const { expiration, scope, tokenType } = token
  return json({ access_token: value, expires_in: expiration, scope: scope || undefined, token_type: tokenType })
}

/** The request, when each thing in it is there once and of plain signs. */
function askedOf(req: IncomingMessage, form: URLSearchParams): Asked | undefined {
  const names = [...form.keys()]
  if (names.some((name) => !known.has(name) || !form.get(name)) || new Set(names).size !== names.length)
    return undefined
  const [scope, resource] = [form.get('scope') ?? undefined, form.get('resource') ?? undefined]
  if (scope !== undefined && !/^[\w:./-]+(?: [\w:./-]+)*$/.test(scope)) return undefined
  const who = whoOf(req, form)
  return who && { ...who, scope, resource }
}

/** One mechanism of authentication, not two (RFC 6749 §2.3). */
function whoOf({ headers }: IncomingMessage, form: URLSearchParams): Basic | undefined {
  if (headers['oauth-client-attestation'] !== undefined || headers['oauth-client-attestation-pop'] !== undefined)
    return undefined
  const [id, secret] = [form.get('client_id'), form.get('client_secret')]
  if (headers.authorization === undefined) return id !== null && secret !== null ? { id, secret } : undefined
  const basic = basicOf(headers)
  return secret === null && (id === null || id === basic?.id) ? basic : undefined
}

function mayAsk(client: QuickClient, { scope }: Asked): boolean {
  if (!client.grantTypeAllowed('client_credentials') || client.dpopBoundAccessTokens || client.labgate_profile)
    return false
  const allowed = client.scope?.split(' ')
  // The library lets some pass that are not in the list: those of resource servers.
  return allowed === undefined || scope === undefined || scope.split(' ').every((one) => allowed.includes(one))
}

function tokenFor(client: QuickClient, asked: Asked, { models, needs }: Parts): NewToken | undefined {
  const resource = asked.resource ?? client.labgate_resource
  if (resource === undefined) {
    return asked.scope === undefined ? new models.ClientCredentials({ client, scope: undefined }) : undefined
  }
  const isPlain = URL.parse(resource)?.href.includes('#') === false
  if (!isPlain || !Object.hasOwn(needs.resources, resource)) return undefined
  const server = new models.ResourceServer(resource, resourceServer(needs.resources, resource))
  const wanted = [...new Set(asked.scope?.split(' '))].filter((one) => server.scopes.has(one))
  const token = new models.ClientCredentials({ client, scope: undefined })
  token.resourceServer = server
  token.scope = wanted.join(' ') || undefined
  return token
}
