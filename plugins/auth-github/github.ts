/**
 * The sign-in method itself: to GitHub and back, and what may be asked of it later. The flow is the sign-in library's; who the
 * person is and whether they may come in is asked of GitHub's API.
 * @module
 */

import { createSignIn, type SignIn, type Tokens } from '@labgate/auth-oidc/sign-in'
import {
  type Assertion,
  type Attempt,
  type AuthMethod,
  type Card,
  Fault,
  type Hidden,
  type IdentityLink,
  isFault,
  type Refusal,
  type SignInAsk,
  type SignInReply,
  type Step,
} from '@labgate/contract'
import { type ApiNeeds, broken, createApi } from './api.ts'
import { type Application, applicationOf, probe, revokeToken } from './application.ts'
import type { Context } from './config.ts'
import { icon } from './icon.ts'
import { judge } from './judge.ts'
import { keptOf, readKept } from './kept.ts'
import { emailOf, type Person, personFacts, personOf } from './person.ts'
import type { No } from './refusal.ts'
import { type Settings, settingsOf } from './settings.ts'

interface Parts {
  readonly context: Context
  readonly settings: Settings
  readonly signIn: SignIn
  readonly needs: ApiNeeds
  readonly application: Application
}

/** How long a failure hides the button. */
const downSeconds = 30

/** Makes a sign-in with GitHub. Pure: GitHub hears of it at the first sign-in. */
export function githubMethod(context: Context): AuthMethod {
  const { config, fetch, clock } = context
  const settings = settingsOf(context)
  const { name, web, issuer } = settings
  const endpoints = {
    authorizationEndpoint: `${web}/login/oauth/authorize`,
    tokenEndpoint: `${web}/login/oauth/access_token`,
  }
  const server = { issuer, openid: false, endpoints }
  const clientSecret = config.clientSecret.reveal()
  const client = { clientId: config.clientId, clientSecret, clientAuth: 'post' } as const
  const signIn = createSignIn({ name, fetch, clock, server, client })
  const needs = { name, base: settings.api, signIn, clock }
  const application = applicationOf(needs, { clientId: config.clientId, clientSecret })
  const parts: Parts = { context, settings, signIn, needs, application }
  return {
    issuers: [issuer],
    card: ({ locale }) => card(parts, locale),
    begin: (ask, attempt) => begin(parts, { ask, attempt }),
    next: (reply, attempt) => next(parts, { reply, attempt }),
    refresh: (link) => refresh(parts, link),
    revoke: (link) => revoke(parts, link),
    health: () => signIn.health(),
    probe: () => probe(application, settings),
  }
}

function card({ context, settings, signIn }: Parts, locale: string): Card | Hidden {
  const { label: name, rule } = settings
  if (rule.mode === 'nobody') return { hidden: context.text('nobody', { name }, locale), name }
  const failed = signIn.lastFailure()
  const age = failed === undefined ? undefined : context.clock.now().getTime() - failed.getTime()
  if (age !== undefined && age < downSeconds * 1000)
    return { hidden: context.text('down', { name }, locale), name, show: true }
  return { label: context.text('card', { name }, locale), name, icon }
}

async function begin(parts: Parts, { ask, attempt }: { ask: SignInAsk; attempt: Attempt }): Promise<Step> {
  const { settings, signIn } = parts
  if (settings.rule.mode === 'nobody') return refused(parts, { no: 'nobody', values: {} }, ask.locale)
  const { redirectUri, scopes } = settings
  // GitHub has no `prompt=login`; to let the person choose is the nearest it offers.
  const parameters = { login: ask.loginHint, prompt: attempt.fresh ? 'select_account' : undefined }
  return { to: await signIn.authorizationUrl({ attempt, redirectUri, scopes, parameters }) }
}

async function next(parts: Parts, { reply, attempt }: { reply: SignInReply; attempt: Attempt }): Promise<Step> {
  const { context, settings, signIn, needs } = parts
  const { locale } = reply
  const tokens = await signIn.redeem({ reply, attempt, redirectUri: settings.redirectUri }).catch(unverifiedOr)
  if (tokens === 'unverified') {
    const link = `${settings.web}/settings/emails`
    return refused(parts, { no: 'unverified', values: { link }, reason: 'unverified' }, locale)
  }
  if ('no' in tokens) return refused(parts, { no: tokens.no, values: {}, reason: tokens.no }, locale)
  const answer = await look(parts, { tokens, at: context.clock.now() })
  if (answer === undefined) throw broken(needs, 'a refusal of the token it gave just now')
  return 'verdict' in answer ? refused(parts, answer.verdict, locale) : { done: answer }
}

/** GitHub gives no token while the primary address is not verified, and says so in words of its own. */
function unverifiedOr(error: unknown): 'unverified' {
  if (isFault(error) && error.detail.error === 'unverified_user_email') return 'unverified'
  throw error
}

/** A refusal in words; `reason` is `not-allowed` unless GitHub itself said no. */
function refused({ context, settings }: Parts, no: No & { readonly reason?: Refusal['reason'] }, locale: string): Step {
  const message = context.text(no.no, { name: settings.label, ...no.values }, locale)
  return { no: { reason: no.reason ?? 'not-allowed', message } }
}

interface Look {
  readonly tokens: Pick<Tokens, 'accessToken' | 'refreshToken'>
  /** When the person proved who they are. */
  readonly at: Date
}

/** Who the token's person is and whether they may come in; `undefined`: GitHub does not take the token. */
async function look(parts: Parts, { tokens, at }: Look): Promise<Assertion | { readonly verdict: No } | undefined> {
  const { context, settings, needs } = parts
  const api = createApi(needs, `Bearer ${tokens.accessToken}`)
  const person = await personOf(api, needs)
  if (person === undefined) return undefined
  const [email, verdict] = await Promise.all([emailOf(api, person), judge({ context, settings, api }, person)])
  if ('no' in verdict) return { verdict }
  return {
    issuer: settings.issuer,
    subject: subjectOf(person),
    facts: [...personFacts(person), ...(email === undefined ? [] : [email]), ...verdict.facts],
    amr: [],
    at,
    ...(settings.looksAtOrganizations ? { keep: keptOf(tokens, at) } : {}),
  }
}

function subjectOf({ id }: Person): string {
  return String(id)
}

/** Looks again; whoever left the organisations, or took the token back, is gone. */
async function refresh(parts: Parts, link: IdentityLink): Promise<Assertion | 'gone'> {
  const { settings, signIn, needs } = parts
  const kept = readKept(link.kept)
  if (kept === undefined) {
    const { label } = settings
    throw new Fault(
      'ERR_LOGIN_EXPIRED',
      `There is nothing kept to look you up at ${label} with. Please sign in once more.`,
    )
  }
  const { at, refreshToken } = kept
  let answer = await look(parts, { at, tokens: { accessToken: kept.token, refreshToken } })
  if (answer === undefined && refreshToken !== undefined) {
    const tokens = await signIn.refresh(refreshToken)
    answer = tokens === 'gone' ? undefined : await look(parts, { at, tokens })
  }
  if (answer === undefined || 'verdict' in answer) return 'gone'
  if (answer.subject !== link.subject) throw broken(needs, 'another person to a kept token')
  return answer
}

async function revoke({ application }: Parts, link: IdentityLink): Promise<void> {
  const kept = readKept(link.kept)
  if (kept !== undefined) await revokeToken(application, kept.token)
}
