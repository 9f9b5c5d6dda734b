/**
 * The sign-in method itself: begin, next, and what may be asked of the provider later. The flow is the sign-in library's;
 * here stands what is said to the person and what is kept of an identity.
 * @module
 */
import {
  type Assertion,
  type Attempt,
  type AuthContext,
  type AuthMethod,
  type Card,
  Fault,
  type Finding,
  type Hidden,
  type IdentityLink,
  isFault,
  type Json,
  type SignInAsk,
  type SignInReply,
  type Step,
} from '@labgate/contract'
import type { OidcConfig } from './config.ts'
import { factsOf } from './facts.ts'
import { type Kept, keptOf, readBegan, readKept } from './kept.ts'
import { signInNeeds } from './settings.ts'
import { type Claims, createSignIn, maxAgeNow, type SignIn, type Tokens } from './sign-in/index.ts'

interface Parts {
  readonly context: AuthContext<OidcConfig>
  readonly signIn: SignIn
  /** The provider's name, for people. */
  readonly name: string
  readonly redirectUri: URL
}

/** How long a failure hides the button. */
const downSeconds = 30

/** Makes a sign-in by OpenID Connect. Pure: the first request goes out at `start` or at the first sign-in. */
export function oidcMethod(context: AuthContext<OidcConfig>): AuthMethod {
  const { config } = context
  const redirectUri = redirectUriOf(context)
  const signIn = createSignIn(signInNeeds(context, redirectUri))
  const parts: Parts = { context, signIn, redirectUri, name: config.label ?? new URL(config.issuer).host }
  return {
    issuers: spellings(config.issuer),
    card: ({ locale }) => card(parts, locale),
    begin: (ask, attempt) => begin(parts, { ask, attempt }),
    next: (reply, attempt) => next(parts, { reply, attempt }),
    refresh: (link) => refresh(parts, link),
    logout: (link, back) => logout(parts, { link, back }),
    revoke: (link) => revoke(parts, link),
    start: async () => signIn.nudge(),
    health: () => signIn.health(),
    probe: () => probe(parts),
  }
}

/** What the provider has registered: our own path, or the alias of an older server. */
function redirectUriOf({ config, redirectUri }: AuthContext<OidcConfig>): URL {
  return config.callbackPath === undefined ? redirectUri : new URL(config.callbackPath, redirectUri.origin)
}

/** An issuer without a path is the same with and without its slash; which one tokens carry is the provider's choice. */
function spellings(issuer: string): readonly string[] {
  const { origin, pathname } = new URL(issuer)
  return pathname === '/' ? [origin, `${origin}/`] : [issuer]
}

function card({ context, signIn, name }: Parts, locale: string): Card | Hidden {
  signIn.nudge()
  const failed = signIn.lastFailure()
  const age = failed === undefined ? undefined : context.clock.now().getTime() - failed.getTime()
  if (age !== undefined && age < downSeconds * 1000) {
    return { hidden: context.text('down', { name }, locale), name, show: true }
  }
  const label = context.text('card', { name }, locale)
  return context.config.icon === undefined ? { label, name } : { label, name, icon: context.config.icon }
}

async function begin(parts: Parts, given: { ask: SignInAsk; attempt: Attempt }): Promise<Step> {
  const { context, signIn, redirectUri } = parts
  const { ask, attempt } = given
  const parameters = parametersOf(context.config, given)
  const scopes = [...new Set(['openid', ...context.config.scopes])]
  try {
    const to = await signIn.authorizationUrl({ attempt, redirectUri, scopes, parameters })
    return { to, keep: { began: context.clock.now().getTime() } }
  } catch (error) {
    throw isFault(error) && error.code === 'ERR_UPSTREAM' ? down(parts, { cause: error, locale: ask.locale }) : error
  }
}

function down({ context, name }: Parts, given: { cause: Fault; locale: string }): Fault {
  const { cause, locale } = given
  const detail = { upstream: cause.message }
  return new Fault('ERR_METHOD_DOWN', context.text('down', { name }, locale), {
    cause,
    detail,
    retryAfterSeconds: downSeconds,
  })
}

function parametersOf(config: OidcConfig, { ask, attempt }: { ask: SignInAsk; attempt: Attempt }) {
  const maxAge = maxAgeOf(config, attempt)
  return {
    ...config.parameters,
    prompt: promptOf(config, attempt),
    max_age: maxAge === undefined ? undefined : String(maxAge),
    acr_values: config.acrValues.join(' '),
    login_hint: ask.loginHint ?? config.parameters.login_hint,
    ui_locales: ask.locale,
  }
}

/** A refresh token is only given after a consent page (OpenID Connect Core §11). */
function promptOf(config: OidcConfig, { fresh }: Attempt): string | undefined {
  const asked = [fresh ? 'login' : '', config.prompt ?? '', config.scopes.includes('offline_access') ? 'consent' : '']
  const words = new Set(asked.flatMap((one) => one.split(' ')).filter((word) => word !== ''))
  return words.size === 0 ? undefined : [...words].join(' ')
}

function maxAgeOf(config: OidcConfig, { fresh }: Attempt): number | undefined {
  return fresh ? 0 : config.maxAge
}

async function next(parts: Parts, given: { reply: SignInReply; attempt: Attempt }): Promise<Step> {
  const { context, signIn, redirectUri, name } = parts
  const { reply, attempt } = given
  const maxAge = maxAgeCheck(context, attempt)
  const tokens = await signIn.redeem({ reply, attempt, redirectUri, ...maxAge })
  if ('no' in tokens) {
    return { no: { reason: tokens.no, message: context.text(tokens.no, { name }, reply.locale) } }
  }
  const claims = tokens.claims ?? {}
  return { done: await assertionOf(parts, { tokens, issuer: String(claims.iss), subject: subjectOf(claims) }) }
}

function maxAgeCheck({ config, clock }: AuthContext<OidcConfig>, attempt: Attempt): { maxAgeSeconds?: number } {
  const sentSeconds = maxAgeOf(config, attempt)
  if (sentSeconds === undefined) return {}
  return { maxAgeSeconds: maxAgeNow({ sentSeconds, began: readBegan(attempt.kept), now: clock.now() }) }
}

function subjectOf({ sub }: Claims): string {
  if (typeof sub === 'string' && sub !== '' && sub.length <= 255) return sub
  throw new Fault('ERR_UPSTREAM', 'the ID token has no usable subject (OpenID Connect Core §2)')
}

interface Person {
  readonly tokens: Tokens
  readonly issuer: string
  readonly subject: string
  readonly before?: Kept
}

async function assertionOf({ context, signIn }: Parts, person: Person): Promise<Assertion> {
  const { tokens, issuer, subject, before } = person
  const idToken = tokens.claims ?? {}
  const userinfo = (await signIn.userinfo(tokens, subject)) ?? {}
  const at = provedAt(idToken, before) ?? context.clock.now()
  const acr = typeof idToken.acr === 'string' ? { acr: idToken.acr } : {}
  return {
    issuer,
    subject,
    facts: factsOf({ idToken, userinfo }, context.config),
    amr: Array.isArray(idToken.amr) ? idToken.amr.filter((one) => typeof one === 'string') : [],
    ...acr,
    at,
    keep: keptOf({ tokens, at, before, wantsIdToken: context.config.logout }),
  }
}

function provedAt({ auth_time }: Claims, before: Kept | undefined): Date | undefined {
  if (typeof auth_time === 'number' && Number.isFinite(auth_time)) return new Date(auth_time * 1000)
  return before?.at
}

async function refresh(parts: Parts, link: IdentityLink): Promise<Assertion | 'gone'> {
  const before = readKept(link.kept)
  const { signIn, name } = parts
  if (before.refreshToken === undefined) {
    throw new Fault('ERR_LOGIN_EXPIRED', `${name} gave nothing to look you up again with. Please sign in once more.`)
  }
  const tokens = await signIn.refresh(before.refreshToken)
  if (tokens === 'gone') return 'gone'
  assertSamePerson(parts, { tokens, link })
  return assertionOf(parts, { tokens, issuer: link.issuer, subject: link.subject, before })
}

/** A refreshed ID token is about the same person (OpenID Connect Core §12.2). */
function assertSamePerson({ context }: Parts, { tokens, link }: { tokens: Tokens; link: IdentityLink }): void {
  if (tokens.claims === undefined || tokens.claims.sub === link.subject) return
  throw new Fault('ERR_UPSTREAM', `auth-oidc "${context.id}": a refreshed ID token is about somebody else`)
}

async function logout({ context, signIn }: Parts, ask: { link: IdentityLink; back: URL }): Promise<URL | undefined> {
  if (!context.config.logout) return undefined
  return signIn.endSessionUrl({ idToken: readKept(ask.link.kept).idToken, back: ask.back })
}

async function revoke({ signIn }: Parts, link: IdentityLink): Promise<void> {
  const { refreshToken } = readKept(link.kept)
  if (refreshToken !== undefined) await signIn.revoke(refreshToken, 'refresh_token')
}

async function* probe({ signIn, context }: Parts): AsyncIterable<Finding> {
  const what = `the provider at ${context.config.issuer} answers`
  const server = await signIn.look().catch((error: unknown) => {
    if (isFault(error)) return error
    throw error
  })
  if (isFault(server)) {
    yield { ok: false, what, mend: server.message }
    return
  }
  yield { ok: true, what }
  yield* missing(server, context.config)
}

function* missing(server: Readonly<Record<string, unknown>>, config: OidcConfig): Iterable<Finding> {
  const offered = (key: string): readonly Json[] | undefined => {
    const list = server[key]
    return Array.isArray(list) ? list : undefined
  }
  const scopes = config.scopes.filter((scope) => offered('scopes_supported')?.includes(scope) === false)
  if (scopes.length > 0) yield { ok: false, what: `it does not list ${scopes.join(', ')}`, mend: 'check scopes' }
  if (offered('code_challenge_methods_supported')?.includes('S256') === false) {
    yield { ok: false, what: 'it does not list PKCE with S256', mend: 'ask its operator to switch PKCE on' }
  }
}
