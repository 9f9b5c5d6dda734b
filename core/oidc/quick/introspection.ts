/**
 * Introspection (RFC 7662) in its plain form: a client with a secret asks about one token. Access tokens, which services ask about
 * all the time, are found with all that their use depends on, in as few reads as can be.
 * @module
 */
import type { IncomingMessage } from 'node:http'
import type { AdapterPayload } from 'oidc-provider'
import { mayActOn } from '../../accounts/accounts.ts'
import type { QuickAnswer } from '../../http/provider.ts'
import type { FoundToken } from '../../storage/artifact-unit.ts'
import type { ArtifactStore } from '../../storage/artifacts.ts'
import { outlives } from '../account.ts'
import { formText } from '../forms.ts'
import type { TokenName } from '../jwt-tokens.ts'
import { wholePayload } from '../stored-payload.ts'
import { type Basic, basicOf, type ClientFinder, json, type QuickClient, secretClient } from './client.ts'
import { type Finder, grantOf, type QuickGrant, type QuickToken } from './models.ts'

/** What introspection needs of the house. */
export interface QuickIntrospectionNeeds {
  readonly issuer: string
  readonly artifacts: Pick<ArtifactStore, 'findToken'>
  /** Whether an account may act at all. */
  acts(account: string): Promise<boolean>
  sessionLives(providerUid: string): Promise<boolean>
  /** The name of a JWT's record; other tokens are their own names. */
  readonly nameOf: TokenName
}

/** The library's models that introspection looks at. */
export interface QuickIntrospectionModels {
  readonly Client: ClientFinder
  readonly AccessToken: TokenModel
  readonly ClientCredentials: Finder
  readonly RefreshToken: Finder
  readonly Grant: Finder<QuickGrant>
}

/** The library's model of a token, with the steps of its `find` after its look into the store. */
interface TokenModel extends Finder {
  verify(stored: unknown): Promise<object>
  instantiate(payload: object): QuickToken
}

/** A token of the library's, and of what it stands on as much as was read with it. */
interface StandingToken {
  readonly token: QuickToken
  /** Whether its grant is for its account and client; `undefined`: somebody has to look. */
  readonly isGranted: boolean | undefined
  /** Whether its account may act now; `undefined`: somebody has to ask. */
  readonly acts: boolean | undefined
}

interface Parts {
  readonly models: QuickIntrospectionModels
  readonly needs: QuickIntrospectionNeeds
}

/** Answers a plain question about a token; `undefined`: it is for the library. */
export async function introspection(req: IncomingMessage, parts: Parts): Promise<QuickAnswer | undefined> {
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
  needs: Pick<QuickIntrospectionNeeds, 'acts' | 'sessionLives'>,
): Promise<boolean> {
  const isOurs = (client as { labgate_first_party?: boolean }).labgate_first_party === true
  if (client.clientAuthMethod === 'none' || (!isOurs && token.clientId !== client.clientId)) return false
  const { accountId } = token
  return accountId === undefined || ((await needs.acts(accountId)) && (await outlives(needs, token)))
}

/** Finds one as the library does. What goes with a session is looked for by the library alone, which knows of sessions. */
async function standingToken(
  name: string,
  { model, artifacts }: { readonly model: TokenModel; readonly artifacts: Pick<ArtifactStore, 'findToken'> },
): Promise<StandingToken | undefined> {
  const stored = await artifacts.findToken('AccessToken', name)
  const token = stored && (await tokenOf(name, stored, model))
  if (token === undefined) return undefined
  const { grant, account } = stored ?? {}
  return {
    token,
    isGranted: grant && grant.client === token.clientId && grant.account === token.accountId,
    acts: account && mayActOn(account),
  }
}

async function tokenOf(name: string, { payload }: FoundToken, model: TokenModel): Promise<QuickToken | undefined> {
  if ((payload as { readonly expiresWithSession?: unknown } | null)?.expiresWithSession) return model.find(name)
  // What does not hold, by its own end above all, is none.
  const whole = wholePayload({ model: 'AccessToken', id: name }, payload as AdapterPayload)
  const verified = await model.verify(whole).catch(() => undefined)
  return verified && model.instantiate(verified)
}
