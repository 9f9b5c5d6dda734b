/**
 * Authorization requests in their plain form, past the library's app: of somebody signed in, of somebody who is not, and on the
 * way back from our pages. Whether anything must be asked is said by the very policy that the library asks, on a context that has
 * as much of the library's as its checks read. All is read and written by its own models, and committed before the answer;
 * `undefined` leaves the request to the library with nothing written, and so do all refusals.
 * @module
 */
import type { IncomingMessage } from 'node:http'
import type { Clock } from '@labgate/contract'
import type { Grant, KoaContextWithOIDC } from 'oidc-provider'
import type { QuickAnswer } from '../../http/provider.ts'
import { quickToken } from '../../random.ts'
import { Asking, type AuthInteraction, type AuthSession, type PolicyPrompt, type Prompted, promptOf } from './asking.ts'
import { wishOf } from './authorization-request.ts'
import type { ClientFinder, QuickClient } from './client.ts'
import { type QuickCookies, redirect } from './cookies.ts'
import type { Finder, QuickAccount } from './models.ts'

/** What authorization needs of the house. */
export interface QuickAuthNeeds {
  readonly issuer: string
  readonly clock: Clock
  readonly policy: readonly PolicyPrompt[]
  /** Every scope there is. */
  readonly scopes: ReadonlySet<string>
  readonly cookies: QuickCookies
  /** Seconds that the library's session and an interaction live. */
  readonly lives: { readonly session: number; readonly interaction: number }
  account(client: QuickClient, id: string): Promise<QuickAccount | undefined>
  /** What was granted before, or is without asking. */
  existingGrant(ctx: KoaContextWithOIDC): Promise<Grant | undefined>
  /** See `step` of the adapter. */
  step<T>(work: () => Promise<T | undefined>): Promise<T | undefined>
}

interface NewCode {
  expiresWithSession?: boolean
  sid?: string | undefined
  save(): Promise<string>
}

/** The library's models that authorization is made of. */
export interface QuickAuthModels {
  readonly Client: ClientFinder
  readonly Session: Finder<AuthSession> & (new () => AuthSession)
  readonly Interaction: Finder<AuthInteraction> & (new (uid: string, about: object) => AuthInteraction)
  readonly AuthorizationCode: new (about: object) => NewCode
  readonly Grant: new (about: object) => Grant
}

interface Parts {
  readonly models: QuickAuthModels
  readonly needs: QuickAuthNeeds
}

/** Answers a plain request to `/oidc/auth` or below; `undefined`: it is for the library. */
export async function authorization(req: IncomingMessage, parts: Parts): Promise<QuickAnswer | undefined> {
  const [path = '', query, ...rest] = (req.url ?? '').split('?')
  if (rest.length > 0 || query === '') return undefined
  if (path !== '/oidc/auth') return query === undefined ? parts.needs.step(() => resumed(req, parts)) : undefined
  const wish = await wishOf(new URLSearchParams(query), { models: parts.models, scopes: parts.needs.scopes })
  if (wish === undefined) return undefined
  return parts.needs.step(async () => {
    const session = await sessionOf(req, parts)
    return session && authorize({ req, oidc: new Asking({ wish, session, ...parts }) }, parts)
  })
}

/** The library's session of this browser, a new one where it brings none; `undefined`: it brings one that the library must judge. */
async function sessionOf(req: IncomingMessage, { models, needs }: Parts): Promise<AuthSession | undefined> {
  const id = needs.cookies.read(req, 'provider')
  if (id === 'none') return new models.Session()
  return id === 'odd' ? undefined : models.Session.find(id.value)
}

/** Back from our pages. */
async function resumed(req: IncomingMessage, parts: Parts): Promise<QuickAnswer | undefined> {
  const { models, needs } = parts
  const id = needs.cookies.read(req, 'resume')
  const interaction = typeof id === 'string' ? undefined : await models.Interaction.find(id.value)
  if (interaction === undefined || !isPlain(interaction)) return undefined
  const wish = await wishOf(Object.entries(interaction.params ?? {}), { models, scopes: needs.scopes })
  const session = wish && (await sessionOf(req, parts))
  if (wish === undefined || session === undefined) return undefined
  const { result, session: origin } = interaction
  if (origin?.uid !== undefined && origin.uid !== session.uid) return undefined
  const login = result?.login
  // Another person than the one who is signed in is led past a sign-out.
  if (login && session.accountId !== undefined && session.accountId !== login.accountId) return undefined
  await interaction.destroy()
  if (login) {
    const { remember = true, accountId, ts: loginTs, amr, acr } = login
    session.loginAccount({ accountId, loginTs, amr, acr, transient: !remember })
  }
  // Who is signed in goes by another name from then on (session fixation).
  if (!session.new) session.resetIdentifier()
  return authorize({ req, oidc: new Asking({ wish, session, interaction, ...parts }) }, parts)
}

function isPlain({ result, trusted = [], deviceCode, parJti }: AuthInteraction): boolean {
  if (result === undefined || result.error !== undefined) return false
  return trusted.length === 0 && deviceCode === undefined && parJti === undefined
}

interface Ctx {
  readonly req: IncomingMessage
  readonly oidc: Asking
}

async function authorize(ctx: Ctx, parts: Parts): Promise<QuickAnswer | undefined> {
  const { oidc } = ctx
  const { needs } = parts
  const before = JSON.stringify(oidc.session.authorizations)
  if (oidc.session.accountId !== undefined && !(await loadGrant(ctx, parts))) return undefined
  const prompt = await promptOf(ctx, needs.policy)
  // Nobody may be asked: the library says what is missing.
  if (prompt !== undefined && oidc.prompts.has('none')) return undefined
  const answer = prompt === undefined ? await respond(oidc, parts) : await ask({ oidc, prompt }, parts)
  if (answer === undefined) return undefined
  const kept = await keepSession(oidc, { needs, before })
  const resume = oidc.entities.Interaction
  const cleared = resume ? needs.cookies.clear('resume', `/oidc/auth/${resume.uid}`) : []
  return redirect(ctx.req, { to: answer.to, cookies: [...cleared, ...answer.cookies, ...kept] })
}

/** Loads what the person granted before. `false`: there is nobody, or nothing that fits. */
async function loadGrant(ctx: Ctx, { models, needs }: Parts): Promise<boolean> {
  const { client, session } = ctx.oidc
  const { accountId = '' } = session
  const { clientId } = client
  if ((await needs.account(client, accountId)) === undefined) return false
  const grant = await needs.existingGrant(ctx as never)
  ctx.oidc.grant = grant ?? new models.Grant({ accountId, clientId })
  if (grant === undefined) return true
  session.ensureClientContainer(clientId)
  session.grantIdFor(clientId, grant.jti)
  return grant.accountId === accountId && grant.clientId === clientId
}

interface Way {
  readonly to: string
  readonly cookies: readonly string[]
}

/** Begins an interaction, and sends the browser to our pages. */
async function ask({ oidc, prompt }: { oidc: Asking; prompt: Prompted }, { models, needs }: Parts): Promise<Way> {
  const uid = quickToken(32)
  const { session, grant, params, result, entities } = oidc
  const back = `/oidc/auth/${uid}`
  const interaction = new models.Interaction(uid, {
    ...{ returnTo: new URL(back, needs.issuer).href, prompt, params, session, grant },
    ...{ accountId: session.accountId, lastSubmission: result, cid: entities.Interaction?.cid ?? quickToken(32) },
    trusted: entities.Interaction ? [] : undefined,
  })
  await interaction.save(needs.lives.interaction)
  const to = `/interaction/${uid}`
  const value = { value: uid, seconds: needs.lives.interaction }
  const { set } = needs.cookies
  return { to, cookies: [...set('interaction', { ...value, path: to }), ...set('resume', { ...value, path: back })] }
}

/** Sends the browser back to the relying party with a code (RFC 6749 §4.1.2; RFC 9207). */
async function respond(oidc: Asking, { models, needs }: Parts): Promise<Way | undefined> {
  const { client, session, params, grant } = oidc
  const { clientId } = client
  const scope = grant?.getOIDCScopeFiltered(new Set(oidc.requestParamScopes))
  if (!scope) return undefined
  const code = new models.AuthorizationCode({
    ...{ client, accountId: session.accountId, acr: session.acr, amr: session.amr, authTime: session.authTime() },
    ...{ codeChallenge: params.code_challenge, codeChallengeMethod: params.code_challenge_method },
    ...{ grantId: session.grantIdFor(clientId), nonce: params.nonce, redirectUri: params.redirect_uri },
    ...{ scope, sessionUid: session.uid },
  })
  // What was allowed offline outlives the session.
  if (scope.split(' ').includes('offline_access')) session.authorizationFor(clientId, true).persistsLogout = true
  else code.expiresWithSession = true
  if (client.includeSid()) code.sid = session.sidFor(clientId)
  const to = new URL(params.redirect_uri)
  to.searchParams.set('code', await code.save())
  if (params.state !== undefined) to.searchParams.set('state', params.state)
  to.searchParams.set('iss', needs.issuer)
  return { to: to.href, cookies: [] }
}

/** One that was kept within this time, in seconds, and is as it was, is not kept anew. Ours ends when it ends, not this one. */
const keptLately = 3600

/** Keeps the library's session with what has become of it, and lets the browser know. */
async function keepSession(
  { session, entities }: Asking,
  { needs, before }: { needs: QuickAuthNeeds; before: string | undefined },
): Promise<readonly string[]> {
  if (session.new && session.accountId === undefined) return []
  const life = needs.lives.session
  const since = life - (session.exp ?? 0) + needs.clock.now().getTime() / 1000
  const isAsItWas = entities.Interaction === undefined && JSON.stringify(session.authorizations) === before
  if (isAsItWas && since < keptLately) return []
  await session.save(life)
  const until = session.transient ? undefined : session.exp
  return needs.cookies.set('provider', { value: session.id, path: '/', until })
}
