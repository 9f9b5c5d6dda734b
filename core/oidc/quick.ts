/**
 * What is asked of the Provider thousands of times a second, answered past its own app in its plain form: introspection, userinfo,
 * tokens for a code, a refresh token or a client itself, and the browsers that come for codes. Every check is the library's, made on
 * its own models in its order; whatever is not plain, and every refusal, goes on to the library as it came.
 * @module
 */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import type { Log } from '@labgate/contract'
import type Provider from 'oidc-provider'
import { errors } from 'oidc-provider'
import type { QuickAnswer } from '../http/provider.ts'
import type { ArtifactStore } from '../storage/artifacts.ts'
import { isConsumeConflict } from '../storage/conflict.ts'
import { outlives } from './account.ts'
import { formText, type TokenName } from './jwt-tokens.ts'
import { type QuickAuthModels, type QuickAuthNeeds, quickAuthorization } from './quick-auth.ts'
import { type Basic, basicOf, json, type QuickClient, secretClient } from './quick-client.ts'
import { type Finder, grantOf } from './quick-models.ts'
import { standingToken, type TokenModel } from './quick-standing.ts'
import { type QuickTokenModels, type QuickTokenNeeds, quickToken } from './quick-token.ts'

/** Answers a request; `undefined`: it is for the Provider, and nothing was changed but its body read. */
export type Quick = (ask: { readonly req: IncomingMessage; readonly path: string }) => Promise<QuickAnswer | undefined>

export interface QuickNeeds extends QuickTokenNeeds, Omit<QuickAuthNeeds, 'account'> {
  readonly log: Log
  readonly artifacts: Pick<ArtifactStore, 'findToken'>
  /** Whether an account may act at all. */
  acts(account: string): Promise<boolean>
  sessionLives(providerUid: string): Promise<boolean>
  /** The name of a JWT's record; other tokens are their own names. */
  readonly nameOf: TokenName
}

interface Models extends Omit<QuickTokenModels, 'AuthorizationCode' | 'Grant'> {
  readonly AuthorizationCode: QuickTokenModels['AuthorizationCode'] & QuickAuthModels['AuthorizationCode']
  readonly Grant: QuickTokenModels['Grant'] & QuickAuthModels['Grant']
  readonly Session: QuickAuthModels['Session']
  readonly Interaction: QuickAuthModels['Interaction']
  readonly AccessToken: QuickTokenModels['AccessToken'] & TokenModel
  readonly ClientCredentials: QuickTokenModels['ClientCredentials'] & Finder
  readonly Claims: new (available: object, about: { client: QuickClient }) => QuickClaims
}

interface QuickClaims {
  scope(value: string): void
  mask(value: object): void
  rejected(value: string[]): void
  result(): Promise<object>
}

const quickOf = new WeakMap<Provider, Quick>()

/** The quick answers of a Provider, when it has them. */
export function quickAnswers(provider: Provider): Quick | undefined {
  return quickOf.get(provider)
}

/** Gives a Provider its quick answers. */
export function addQuickAnswers(provider: Provider, needs: QuickNeeds): void {
  const models = provider as unknown as Models
  const answer: Quick = async ({ req, path }) => {
    const { method, headers } = req
    // With an origin it is a browser's: who may read the answer is said by the library.
    if (headers.origin !== undefined || headers.dpop !== undefined) return undefined
    if (method === 'POST' && path === '/oidc/token') return quickToken(req, { models, needs })
    if (method === 'POST' && path === '/oidc/introspection') return introspection(req, { models, needs })
    if (method === 'GET' && req.url === '/oidc/userinfo') return userinfo(headers, { models, needs })
    if (method === 'GET' && req.url?.startsWith('/oidc/auth')) return quickAuthorization(req, { models, needs })
    return undefined
  }
  quickOf.set(provider, async (ask) => {
    try {
      return await answer(ask)
    } catch (err) {
      // The library meets the same, and says it to the client in its own words.
      if (!(err instanceof errors.OIDCProviderError || isConsumeConflict(err)))
        needs.log.warn({ err }, 'a quick answer failed')
      return undefined
    }
  })
}

interface Parts {
  readonly models: Models
  readonly needs: QuickNeeds
}

async function introspection(req: IncomingMessage, parts: Parts): Promise<QuickAnswer | undefined> {
  const basic = basicOf(req.headers)
  if (basic === undefined || req.headers['oauth-client-attestation'] !== undefined) return undefined
  const text = await formText(req)
  const form = text === undefined ? undefined : new URLSearchParams(text)
  const value = form?.get('token')
  if (!form || !value || [...form.keys()].some((key) => key !== 'token') || form.size !== 1) return undefined
  const client = await clientOf(basic, parts)
  if (client === undefined) return undefined
  const name = await parts.needs.nameOf(value)
  if (name === value && value.includes('.')) return undefined
  return introspected({ client, name }, parts)
}

async function clientOf(basic: Basic, { models }: Parts): Promise<QuickClient | undefined> {
  const client = await secretClient(basic, models.Client)
  return client?.subjectType === 'pairwise' || client?.userinfoEncryptedResponseAlg ? undefined : client
}

const inactive = { active: false }
const living = { active: true }

async function introspected(
  { client, name }: { client: QuickClient; name: string },
  parts: Parts,
): Promise<QuickAnswer | undefined> {
  const { models, needs } = parts
  // One after the other: mostly the first is it.
  const known = await standingToken(name, { model: models.AccessToken, artifacts: needs.artifacts })
  const token = known?.token ?? (await models.ClientCredentials.find(name)) ?? (await models.RefreshToken.find(name))
  if (token === undefined || !token.isValid) return json(inactive)
  if (token.grantId && !(known?.isGranted ?? (await grantOf(token, models)))) return json(inactive)
  const acts = async (account: string) => known?.acts ?? needs.acts(account)
  if (!(await mayIntrospect(client, token, { ...needs, acts }))) return json(inactive)
  if (token.rar !== undefined || (token as { 'x5t#S256'?: string })['x5t#S256'] !== undefined) return undefined
  if (token.clientId !== client.clientId) {
    const other = await models.Client.find(token.clientId)
    if (other === undefined) return json(inactive)
    if (token.accountId !== undefined && other.subjectType === 'pairwise') return undefined
  }
  return json({
    ...living,
    ...(token.accountId ? { sub: token.accountId } : {}),
    ...token.extra,
    // Nothing that was added to a token says whether it lives.
    ...living,
    ...{ client_id: token.clientId, exp: token.exp, iat: token.iat, sid: token.sid, iss: needs.issuer },
    jti: token.jti !== name ? token.jti : undefined,
    ...{ aud: token.aud, scope: token.scope || undefined },
    cnf: token.isSenderConstrained() ? { jkt: token.jkt } : undefined,
    token_type: token.kind !== 'RefreshToken' ? token.tokenType : undefined,
  })
}

/** Who may ask about a token, and whether its account and session still may act; the library asks the same. */
export async function mayIntrospect(
  client: { readonly clientId: string; readonly clientAuthMethod?: string | undefined },
  token: { readonly clientId?: string | undefined; readonly accountId?: string | undefined },
  needs: Pick<QuickNeeds, 'acts' | 'sessionLives'>,
): Promise<boolean> {
  const isOurs = (client as { labgate_first_party?: boolean }).labgate_first_party === true
  if (client.clientAuthMethod === 'none' || (!isOurs && token.clientId !== client.clientId)) return false
  const { accountId } = token
  return accountId === undefined || ((await needs.acts(accountId)) && (await outlives(needs, token)))
}

async function userinfo(headers: IncomingHttpHeaders, { models, needs }: Parts): Promise<QuickAnswer | undefined> {
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
