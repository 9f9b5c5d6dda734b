/** Userinfo (OpenID Connect Core §5.3) in its plain form: by a bearer token, as JSON. @module */
import type { IncomingMessage } from 'node:http'
import type { QuickAnswer } from '../../http/provider.ts'
import type { TokenName } from '../jwt-tokens.ts'
import { type ClientFinder, json, type QuickClient } from './client.ts'
import { type Finder, grantOf, type QuickAccount, type QuickGrant } from './models.ts'

/** What userinfo needs of the house. */
export interface QuickUserinfoNeeds {
  /** The account behind a token, which may act, and whose session lives where it must. */
  account(client: QuickClient, id: string, token: object): Promise<QuickAccount | undefined>
  /** The name of a JWT's record; other tokens are their own names. */
  readonly nameOf: TokenName
}

/** The library's models that userinfo is made of. */
export interface QuickUserinfoModels {
  readonly Client: ClientFinder
  readonly AccessToken: Finder
  readonly Grant: Finder<QuickGrant>
  readonly Claims: new (available: object, about: { client: QuickClient }) => QuickClaims
}

interface QuickClaims {
  scope(value: string): void
  mask(value: object): void
  rejected(value: string[]): void
  result(): Promise<object>
}

interface Parts {
  readonly models: QuickUserinfoModels
  readonly needs: QuickUserinfoNeeds
}

/** Answers a plain question for claims; `undefined`: it is for the library. */
export async function userinfo(
  { headers }: IncomingMessage,
  { models, needs }: Parts,
): Promise<QuickAnswer | undefined> {
  const value = /^bearer ([\w~+/.=-]+)$/i.exec(headers.authorization ?? '')?.[1]
  if (value === undefined || headers['content-type'] !== undefined) return undefined
  const token = await models.AccessToken.find(await needs.nameOf(value))
  if (token === undefined || !token.scopes.has('openid') || token.isSenderConstrained()) return undefined
  if (token.aud !== undefined || token.claims !== undefined || token.accountId === undefined) return undefined
  const client = await models.Client.find(token.clientId)
  if (client === undefined || client.subjectType === 'pairwise') return undefined
  if (client.userinfoSignedResponseAlg || client.userinfoEncryptedResponseAlg) return undefined
  const account = await needs.account(client, token.accountId, token)
  const grant = await grantOf(token, models)
  if (account === undefined || grant === undefined) return undefined
  const rejected = grant.getRejectedOIDCClaims()
  const scope = grant.getOIDCScopeFiltered(new Set((token.scope ?? '').split(' ')))
  const available = { ...(await account.claims('userinfo', scope, {}, rejected)), sub: token.accountId }
  const mask = new models.Claims(available, { client })
  mask.scope(scope)
  mask.mask({})
  mask.rejected(rejected)
  return json(await mask.result())
}
