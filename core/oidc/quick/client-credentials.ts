/**
 * Client credentials (RFC 6749 §4.4) in their plain form: at most one resource, no proof of a key. The token is the library's own.
 * @module
 */

import { type Resources, resourceServer } from '../resources.ts'
import type { Asked, ClientFinder, QuickClient } from './client.ts'

/** What the grant needs of the house. */
export interface QuickGrantNeeds {
  readonly resources: Resources
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

/** What a client asks for. */
interface Wish {
  readonly client: QuickClient
  readonly scope: string | undefined
  readonly resource: string | undefined
}

/** Answers the plain grant; `undefined`: it is for the library. */
export async function clientGrant({ client, form }: Asked, parts: Parts): Promise<object | undefined> {
  const wish = { client, scope: form.get('scope') ?? undefined, resource: form.get('resource') ?? undefined }
  const token = mayHave(wish) ? tokenFor(wish, parts) : undefined
  if (token === undefined) return undefined
  const value = await token.save()
  const { expiration, scope, tokenType } = token
  return { access_token: value, expires_in: expiration, scope: scope || undefined, token_type: tokenType }
}

function mayHave({ client, scope }: Wish): boolean {
  if (scope === undefined) return true
  if (!/^[\w:./-]+(?: [\w:./-]+)*$/.test(scope)) return false
  const allowed = client.scope?.split(' ')
  // The library lets some pass that are not in the list: those of resource servers.
  return allowed === undefined || scope.split(' ').every((one) => allowed.includes(one))
}

function tokenFor({ client, ...wish }: Wish, { models, needs }: Parts): NewToken | undefined {
  const resource = wish.resource ?? client.labgate_resource
  if (resource === undefined) {
    return wish.scope === undefined ? new models.ClientCredentials({ client, scope: undefined }) : undefined
  }
  const isPlain = URL.parse(resource)?.href.includes('#') === false
  if (!isPlain || !Object.hasOwn(needs.resources, resource)) return undefined
  const server = new models.ResourceServer(resource, resourceServer(needs.resources, resource))
  const wanted = [...new Set(wish.scope?.split(' '))].filter((one) => server.scopes.has(one))
  const token = new models.ClientCredentials({ client, scope: undefined })
  token.resourceServer = server
  token.scope = wanted.join(' ') || undefined
  return token
}
