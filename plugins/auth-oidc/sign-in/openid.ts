/**
 * The whole sign-in method for an OpenID provider: begin, next, and what may be asked of the provider later. A plugin says
 * where the provider is and what it makes of a person; the flow, and what is kept of an identity, are the same for all.
 * @module
 */
import {
  type Assertion,
  type Attempt,
  type AuthContext,
  type AuthMethod,
  type Card,
  type Fact,
  Fault,
  type Hidden,
  type IdentityLink,
  isFault,
  type Refusal,
  type SignInAsk,
  type SignInReply,
  type Step,
} from '@labgate/contract'
import type { Credentials } from './client.ts'
import type { Documents } from './facts.ts'
import { type Kept, keptOf, readBegan, readKept } from './kept.ts'
import { probe } from './probe.ts'
import type { Endpoints } from './server.ts'
import { createSignIn, type Registration, type SignIn } from './sign-in.ts'
import { type Claims, maxAgeNow, type Tokens } from './upstream.ts'

/** What is known of a person, or why they may not come in: the key of a text of the plugin, which gets `{name}` and `values`. */
export type Verdict =
  | { readonly facts: readonly Fact[] }
  | {
      readonly no: Refusal['reason']
      readonly text: string
      readonly values?: Readonly<Record<string, string | number>>
    }

/** What one provider is like. */
export interface OpenIdSettings {
  /** The plugin, for messages: `auth-oidc`. */
  readonly plugin: string
  /** The provider's name, for people. */
  readonly name: string
  readonly icon?: string | undefined
  readonly issuer: string
  readonly endpoints?: Endpoints
  readonly client: Credentials | Registration
  /** A path registered for an older server, instead of our own. */
  readonly callbackPath?: string | undefined
  /** `openid` is always among them. */
  readonly scopes: readonly string[]
  /** Further parameters of the authorization request; they never override the protocol's own. */
  readonly parameters?: Readonly<Record<string, string | undefined>>
  readonly prompt?: string | undefined
  /** What asks for a new proof at a provider without `prompt=login`; when the proof was given is then not checked. */
  readonly freshPrompt?: string
  /** The person must have signed in at the provider at most so many seconds ago. */
  readonly maxAge?: number | undefined
  /** Whether signing out also ends the provider's session; the ID token is kept for it. */
  readonly logout?: boolean
  /** The subject as identities are filed under it, for providers that spell it in several ways; `undefined`: it is none. */
  subject?(sub: string): string | undefined
  /** Judges a person; asked again at every refresh, where a refusal means `gone`. */
  judge(documents: Documents): Verdict | Promise<Verdict>
}

interface Parts {
  readonly context: AuthContext
  readonly settings: OpenIdSettings
  readonly signIn: SignIn
  readonly redirectUri: URL
}

/** How long a failure hides the button. */
const downSeconds = 30

/**
 * Makes a sign-in at an OpenID provider. Pure: the first request goes out at `start` or at the first sign-in.
 * The plugin's texts must have the keys of {@link signInText}.
 */
export function openIdMethod(context: AuthContext, settings: OpenIdSettings): AuthMethod {
  const { id, fetch, clock } = context
  const { issuer, endpoints = {}, client } = settings
  const server = { issuer, openid: true, endpoints }
  const signIn = createSignIn({ name: `${settings.plugin} "${id}"`, fetch, clock, server, client })
  const parts: Parts = { context, settings, signIn, redirectUri: redirectUriOf(context, settings) }
  return {
    issuers: spellings(issuer),
    card: ({ locale }) => card(parts, locale),
    begin: (ask, attempt) => begin(parts, { ask, attempt }),
    next: (reply, attempt) => next(parts, { reply, attempt }),
    refresh: (link) => refresh(parts, link),
    logout: (link, back) => logout(parts, { link, back }),
    revoke: (link) => revoke(parts, link),
    start: async () => signIn.nudge(),
    health: () => signIn.health(),
    probe: () => probe(signIn, settings),
  }
}

/** The alias of an older server, as the core asks for it (`callbackPaths` of a plugin). */
export function callbackPathsOf({ callbackPath }: { readonly callbackPath?: string | undefined }): readonly string[] {
  return callbackPath === undefined ? [] : [callbackPath]
}

/** What the provider has registered: our own path, or the alias of an older server. */
export function redirectUriOf(
  { redirectUri }: Pick<AuthContext, 'redirectUri'>,
  { callbackPath }: { readonly callbackPath?: string | undefined },
): URL {
  return callbackPath === undefined ? redirectUri : new URL(callbackPath, redirectUri.origin)
}

/** An issuer without a path is the same with and without its slash; which one tokens carry is the provider's choice. */
function spellings(issuer: string): readonly string[] {
  const { origin, pathname } = new URL(issuer)
  return pathname === '/' ? [origin, `${origin}/`] : [issuer]
}

function card({ context, signIn, settings }: Parts, locale: string): Card | Hidden {
  const { name, icon } = settings
  signIn.nudge()
  const failed = signIn.lastFailure()
  const age = failed === undefined ? undefined : context.clock.now().getTime() - failed.getTime()
  if (age !== undefined && age < downSeconds * 1000) {
    return { hidden: context.text('down', { name }, locale), name, show: true }
  }
  const label = context.text('card', { name }, locale)
  return icon === undefined ? { label, name } : { label, name, icon }
}

async function begin(parts: Parts, given: { ask: SignInAsk; attempt: Attempt }): Promise<Step> {
  const { context, settings, signIn, redirectUri } = parts
  const { ask, attempt } = given
  const parameters = parametersOf(settings, given)
  const scopes = [...new Set(['openid', ...settings.scopes])]
  try {
    const to = await signIn.authorizationUrl({ attempt, redirectUri, scopes, parameters })
    return { to, keep: { began: context.clock.now().getTime() } }
  } catch (error) {
    throw isFault(error) && error.code === 'ERR_UPSTREAM' ? down(parts, { cause: error, locale: ask.locale }) : error
  }
}

function down({ context, settings }: Parts, given: { cause: Fault; locale: string }): Fault {
  const { cause, locale } = given
  const detail = { upstream: cause.message }
  return new Fault('ERR_METHOD_DOWN', context.text('down', { name: settings.name }, locale), {
    cause,
    detail,
    retryAfterSeconds: downSeconds,
  })
}

function parametersOf(settings: OpenIdSettings, { ask, attempt }: { ask: SignInAsk; attempt: Attempt }) {
  const maxAge = maxAgeOf(settings, attempt)
  return {
    ...settings.parameters,
    prompt: promptOf(settings, attempt),
    max_age: maxAge === undefined ? undefined : String(maxAge),
    login_hint: ask.loginHint ?? settings.parameters?.login_hint,
    ui_locales: ask.locale,
  }
}

/** A refresh token is only given after a consent page (OpenID Connect Core §11). */
function promptOf(settings: OpenIdSettings, { fresh }: Attempt): string | undefined {
  const { prompt, scopes, freshPrompt = 'login' } = settings
  const asked = [fresh ? freshPrompt : '', prompt ?? '', scopes.includes('offline_access') ? 'consent' : '']
  const words = new Set(asked.flatMap((one) => one.split(' ')).filter((word) => word !== ''))
  return words.size === 0 ? undefined : [...words].join(' ')
}

function maxAgeOf({ maxAge, freshPrompt }: OpenIdSettings, { fresh }: Attempt): number | undefined {
  return fresh && freshPrompt === undefined ? 0 : maxAge
}

async function next(parts: Parts, given: { reply: SignInReply; attempt: Attempt }): Promise<Step> {
  const { signIn, redirectUri } = parts
  const { reply, attempt } = given
  const { locale } = reply
  const tokens = await signIn.redeem({ reply, attempt, redirectUri, ...maxAgeCheck(parts, attempt) })
  if ('no' in tokens) return { no: refusalOf(parts, { no: tokens.no, text: tokens.no, locale }) }
  const claims = tokens.claims ?? {}
  const subject = subjectOf(parts, claims)
  const verdict = await judge(parts, { tokens, subject, sub: String(claims.sub) })
  if ('no' in verdict) return { no: refusalOf(parts, { ...verdict, locale }) }
  return { done: assertionOf(parts, { tokens, subject, facts: verdict.facts, issuer: String(claims.iss) }) }
}

function maxAgeCheck({ context, settings }: Parts, attempt: Attempt): { maxAgeSeconds?: number } {
  const sentSeconds = maxAgeOf(settings, attempt)
  if (sentSeconds === undefined) return {}
  return { maxAgeSeconds: maxAgeNow({ sentSeconds, began: readBegan(attempt.kept), now: context.clock.now() }) }
}

type No = Extract<Verdict, { readonly no: unknown }>

function refusalOf({ context, settings }: Parts, { no, text, values, locale }: No & { locale: string }): Refusal {
  return { reason: no, message: context.text(text, { name: settings.name, ...values }, locale) }
}

function subjectOf({ settings }: Parts, { sub }: Claims): string {
  const isText = typeof sub === 'string' && sub !== '' && sub.length <= 255
  const subject = isText ? (settings.subject ?? String)(sub) : undefined
  if (subject !== undefined) return subject
  throw new Fault('ERR_UPSTREAM', `${settings.plugin}: the ID token has no usable subject (OpenID Connect Core §2)`)
}

/** `sub` is in the provider's own spelling: userinfo must be about the same. */
async function judge({ settings, signIn }: Parts, given: Pick<Person, 'tokens' | 'subject'> & { sub: string }) {
  const { tokens, subject, sub } = given
  const userinfo = (await signIn.userinfo(tokens, sub)) ?? {}
  return settings.judge({ idToken: tokens.claims ?? {}, userinfo, subject })
}

interface Person {
  readonly tokens: Tokens
  readonly issuer: string
  readonly subject: string
  readonly facts: readonly Fact[]
  readonly before?: Kept
}

function assertionOf({ context, settings }: Parts, person: Person): Assertion {
  const { tokens, issuer, subject, facts, before } = person
  const idToken = tokens.claims ?? {}
  const at = provedAt(idToken, before) ?? context.clock.now()
  const acr = typeof idToken.acr === 'string' ? { acr: idToken.acr } : {}
  return {
    issuer,
    subject,
    facts,
    amr: Array.isArray(idToken.amr) ? idToken.amr.filter((one) => typeof one === 'string') : [],
    ...acr,
    at,
    keep: keptOf({ tokens, at, before, wantsIdToken: settings.logout ?? false }),
  }
}

function provedAt({ auth_time }: Claims, before: Kept | undefined): Date | undefined {
  if (typeof auth_time === 'number' && Number.isFinite(auth_time)) return new Date(auth_time * 1000)
  return before?.at
}

async function refresh(parts: Parts, link: IdentityLink): Promise<Assertion | 'gone'> {
  const { signIn, settings } = parts
  const before = readKept(link.kept)
  if (before.refreshToken === undefined) {
    const message = `${settings.name} gave nothing to look you up again with. Please sign in once more.`
    throw new Fault('ERR_LOGIN_EXPIRED', message)
  }
  const tokens = await signIn.refresh(before.refreshToken)
  if (tokens === 'gone') return 'gone'
  assertSamePerson(parts, { tokens, link })
  const { issuer, subject } = link
  const verdict = await judge(parts, { tokens, subject, sub: String(tokens.claims?.sub ?? subject) })
  if ('no' in verdict) return 'gone'
  return assertionOf(parts, { tokens, subject, facts: verdict.facts, issuer, before })
}

/** A refresh need not bring an ID token; one that comes is about the same person (OpenID Connect Core §12.2). */
function assertSamePerson(parts: Parts, { tokens, link }: { tokens: Tokens; link: IdentityLink }): void {
  if (tokens.claims === undefined || subjectOf(parts, tokens.claims) === link.subject) return
  const { context, settings } = parts
  throw new Fault('ERR_UPSTREAM', `${settings.plugin} "${context.id}": a refreshed ID token is about somebody else`)
}

async function logout({ settings, signIn }: Parts, ask: { link: IdentityLink; back: URL }): Promise<URL | undefined> {
  if (settings.logout !== true) return undefined
  return signIn.endSessionUrl({ idToken: readKept(ask.link.kept).idToken, back: ask.back })
}

async function revoke({ signIn }: Parts, link: IdentityLink): Promise<void> {
  const { refreshToken } = readKept(link.kept)
  if (refreshToken !== undefined) await signIn.revoke(refreshToken, 'refresh_token')
}
