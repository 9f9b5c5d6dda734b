/**
 * Which interactions an authorization request needs, beyond the library's own: choosing the account, and agreement
 * between the Provider's session and ours.
 * @module
 */
import type { IncomingMessage } from 'node:http'
import { interactionPolicy, type KoaContextWithOIDC } from 'oidc-provider'

const { Check, Prompt, base } = interactionPolicy

/** Our session, as far as the Provider must know it. */
export interface OurSession {
  readonly account: string
  readonly providerUid?: string | undefined
}

export interface PolicyNeeds {
  sessionOf(request: IncomingMessage): Promise<OurSession | undefined>
  /** Remembers the Provider's session with ours. */
  bind(request: IncomingMessage, providerUid: string): Promise<void>
  /** Whether questions stand between a person and a client. */
  owesAnswers(ask: { readonly account: string; readonly client: string }): Promise<boolean>
  /** Whether terms of use stand between a person and a client. */
  owesTerms(ask: { readonly account: string; readonly client: string }): Promise<boolean>
}

/** The prompts in their order: select_account, login, profile, terms, consent. */
export function createPolicy(needs: PolicyNeeds) {
  const policy = base()
  policy.add(new Prompt({ name: 'select_account', requestable: true }), 0)
  policy
    .get('login')
    ?.checks.push(
      new Check('browser_session', 'End-User authentication is required', 'login_required', (ctx) =>
        disagrees(ctx, needs),
      ),
    )
  // Asked at each request, so that a new question or text stops those too who are signed in. A relying party cannot ask.
  policy.add(
    new Prompt(
      { name: 'profile', requestable: false },
      new Check('answers_missing', 'the person must answer questions first', 'interaction_required', (ctx) =>
        owes(ctx, needs.owesAnswers),
      ),
    ),
    2,
  )
  policy.add(
    new Prompt(
      { name: 'terms', requestable: false },
      new Check('terms_missing', 'the person must accept terms of use first', 'interaction_required', (ctx) =>
        owes(ctx, needs.owesTerms),
      ),
    ),
    3,
  )
  return policy
}

async function owes({ oidc }: KoaContextWithOIDC, isOwing: PolicyNeeds['owesTerms']): Promise<boolean> {
  const account = oidc.session?.accountId
  if (account === undefined || oidc.client === undefined) return Check.NO_NEED_TO_PROMPT
  const mustAsk = await isOwing({ account, client: oidc.client.clientId })
  return mustAsk ? Check.REQUEST_PROMPT : Check.NO_NEED_TO_PROMPT
}

/** Ours is the truth: a Provider session without a living one of the same account counts for nothing. */
async function disagrees(ctx: KoaContextWithOIDC, needs: PolicyNeeds): Promise<boolean> {
  const theirs = ctx.oidc.session
  if (!theirs?.accountId) return Check.NO_NEED_TO_PROMPT
  const ours = await needs.sessionOf(ctx.req)
  if (ours?.account !== theirs.accountId) return Check.REQUEST_PROMPT
  if (ours.providerUid === theirs.uid) return Check.NO_NEED_TO_PROMPT
  if (ours.providerUid !== undefined) {
    if (ctx.oidc.result?.login === undefined) return Check.REQUEST_PROMPT
    await endLost(ctx, ours.providerUid)
  }
  await needs.bind(ctx.req, theirs.uid)
  return Check.NO_NEED_TO_PROMPT
}

/**
 * Ours has just answered for this browser, and yet another session of the Provider is bound to it: that one was lost,
 * with its cookie or in a crash. Asking again would go round in circles; left alone, its tokens could not be ended.
 */
async function endLost(ctx: KoaContextWithOIDC, uid: string): Promise<void> {
  const lost = await ctx.oidc.provider.Session.findByUid(uid)
  await lost?.destroy()
}
