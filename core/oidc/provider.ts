/**
 * The OpenID Provider: oidc-provider, configured. It can be rebuilt and swapped while flows are open, because all
 * it remembers is in the store and the cookies.
 * @module
 */
import type { Log } from '@labgate/contract'
import type { Middleware, Next } from 'koa'
import Provider, { type Adapter, type KoaContextWithOIDC } from 'oidc-provider'
import type { Sessions } from '../accounts/sessions.ts'
import { type CookieSigner, createCookieSigner } from '../http/cookie-signer.ts'
import type { Audit } from '../observe/audit.ts'
import { accountFinder } from './account.ts'
import { type AdapterNeeds, createAdapter } from './adapter.ts'
import { claimTable } from './claims.ts'
import { answeringForClientJwts, type ClientLife } from './client-jwts.ts'
import { type ConfigurationNeeds, configuration } from './configuration.ts'
import { deviceDoor, pacedDeviceCodes } from './device.ts'
import { keepingDocuments } from './documents.ts'
import { outlivingProofs } from './dpop.ts'
import { listenToProvider } from './events.ts'
import { registerExtensionGrants } from './extension-grants.ts'
import { narrowFormAction } from './form-post.ts'
import { handOnForms } from './forms.ts'
import { existingGrant } from './grants.ts'
import { answeringForJwts, namingJwts, recordJwts, tokenNames } from './jwt-tokens.ts'
import { createPolicy, type PolicyNeeds } from './policy.ts'
import { sendOnPosted } from './posted-requests.ts'
import { addQuickAnswers } from './quick/answers.ts'
import { createQuickCookies } from './quick/cookies.ts'
import { invitationTokens, registeredClients } from './registration.ts'
import { type ExchangeNeeds, registerTokenExchange } from './token-exchange.ts'

export interface ProviderNeeds extends AdapterNeeds, PolicyNeeds, ConfigurationNeeds, Pick<ExchangeNeeds, 'apiToken'> {
  readonly cookieKeys: readonly string[]
  readonly sessions: Pick<Sessions, 'endByProvider' | 'lifeSeconds'>
  readonly log: Log
  readonly audit: Audit
}

/** Builds a Provider on the issuer's origin, its routes under `/oidc/`. */
export function createProvider(needs: ProviderNeeds): Provider {
  const { adapterFor, commitBeforeAnswer, alongside, step } = createAdapter(needs)
  // Who is signed in where is written in the commit of the answer that depends on it.
  const bind: PolicyNeeds['bind'] = async (req, uid) => alongside(() => needs.bind(req, uid))
  const policy = createPolicy({ ...needs, bind })
  const signer = createCookieSigner(needs.cookieKeys)
  const scopes = new Set(['openid', 'offline_access', ...Object.keys(claimTable({ map: needs.claims, ...needs }))])
  const lives = {
    session: Math.max(needs.sessions.lifeSeconds(true), needs.sessions.lifeSeconds(false)),
    interaction: 1800,
  }
  const adapter = (model: string) => wrapped(model, adapterFor(model), needs)
  const provider = new Provider(needs.issuer, configuration(needs, { adapter, policy, signer, scopes, lives }))
  provider.proxy = true
  registerExtensionGrants(provider, needs.additions)
  registerTokenExchange(provider, { ...needs, nameOf: tokenNames(needs) })
  const used = (client: string) =>
    void needs.registrations
      .note(client)
      .catch((err: unknown) => needs.log.error({ err }, 'the use of a client was not noted'))
  listenToProvider(provider, { ...needs, used })
  recordJwts(provider, { ...needs, records: adapterFor('AccessToken') })
  /** Around the library's own app, the first one outermost. */
  const steps: readonly ((ctx: never, next: Next) => Promise<void>)[] = [
    // Ours ends when theirs is gone for good: a crash between the two must leave a session that can be ended again.
    endingOurs(needs),
    deviceDoor(needs),
    sendOnPosted,
    narrowFormAction,
    commitBeforeAnswer,
    handOnForms,
    namingJwts(needs),
    keepingDocuments(provider),
  ]
  for (const one of steps) provider.use(one as Middleware)
  addQuickAnswers(provider, { ...quickNeeds(needs, signer), ...{ used, step, policy, lives, scopes } })
  return provider
}

/** What the quick answers need that comes of the config alone. */
function quickNeeds(needs: ProviderNeeds, signer: CookieSigner) {
  const { cookieNames: names, clock, issuer, consents } = needs
  const findAccount = accountFinder(needs)
  return {
    ...needs,
    cookies: createQuickCookies({ names, signer, clock, secure: issuer.startsWith('https:') }),
    existingGrant: (ctx: KoaContextWithOIDC) => existingGrant(ctx, consents),
    nameOf: tokenNames(needs),
    // Of the context it reads no more than the client.
    account: async (client: object, id: string, token?: object) =>
      findAccount({ oidc: { client } } as never, id, token as never) as never,
  }
}

/** What some models answer besides what is stored. */
function wrapped(model: string, adapter: Adapter, needs: ProviderNeeds): Adapter {
  if (model === 'AccessToken') return answeringForJwts(adapter, needs)
  if (model === 'ClientCredentials') {
    const fixed = new Map(needs.clients.map(({ client_id: id, labgate_ended }) => [id, { labgate_ended }]))
    const client = async (id: string) => (fixed.get(id) ?? needs.findClient(id)) as ClientLife | undefined
    return answeringForClientJwts(adapter, { clock: needs.clock, secret: needs.recordSecret, client })
  }
  if (model === 'InitialAccessToken') return invitationTokens(adapter, needs)
  if (model === 'Client') return registeredClients(adapter, needs)
  if (model === 'ReplayDetection') return outlivingProofs(adapter)
  return model === 'DeviceCode' ? pacedDeviceCodes(adapter, needs) : adapter
}

/** A relying party's logout destroyed the Provider's session: ours ends before the answer leaves. */
function endingOurs({ sessions }: ProviderNeeds) {
  return async (ctx: KoaContextWithOIDC, next: Next): Promise<void> => {
    await next()
    const session = ctx.oidc?.entities?.Session as { uid: string; destroyed?: boolean } | undefined
    if (session?.destroyed) await sessions.endByProvider(session.uid)
  }
}
