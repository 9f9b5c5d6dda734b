/** The routes of signing in: the order of the whole trip stands here and nowhere else. @module */
import { Fault, isFault, type Random } from '@labgate/contract'
import type { Ctx } from '../http/context.ts'
import type { Route } from '../http/routes.ts'
import { seeOther } from '../http/see-other.ts'
import { createAttemptPages } from './attempt.ts'
import type { Outcome } from './attempts.ts'
import { askedScopes, createInteractionPages, isForced, missingClaims, wanted } from './chooser.ts'
import { type Desk, isNoted, purpose, readBinding } from './desk.ts'
import { createFinish } from './finish.ts'
import type { Interaction } from './interactions.ts'
import { createInteractionProfile } from './profile.ts'
import { createInteractionTerms } from './terms.ts'

const param = (ctx: Ctx, name: string): string => ctx.params[name] ?? ''
const uidOf = (ctx: Ctx): string => param(ctx, 'uid')
const form = { type: 'form' } as const
/** Generous, because a whole workshop may sit behind one address; guessing has limits of its own, in the plugins. */
const rate = { count: 600, seconds: 60 }

/** All routes under `/interaction` and `/sign-in`. */
export function signInRoutes(desk: Desk, random: Random): Route[] {
  const attempt = createAttemptPages(desk, random)
  const pages = createInteractionPages(desk)
  const finish = createFinish(desk)
  const terms = createInteractionTerms(desk)
  const profile = createInteractionProfile(desk)
  const open = async (ctx: Ctx): Promise<Interaction> => {
    try {
      return await desk.interactions.details(ctx, uidOf(ctx))
    } catch (error) {
      const home = (await desk.interactions.clientOfLost(uidOf(ctx)))?.home
      if (home !== undefined) ctx.state.restart = home
      const hasCookies = ctx.get('cookie') !== ''
      if (!isFault(error) || hasCookies) throw error
      throw new Fault('ERR_LOGIN_EXPIRED', desk.text(ctx, 'login.cookiesOff'), { cause: error })
    }
  }
  const csrf = { binding: uidOf, purpose }

  const see = async (ctx: Ctx): Promise<void> => {
    const interaction = await open(ctx)
    if (interaction.prompt.name === 'consent') return pages.consent(ctx, interaction)
    if (interaction.prompt.name === 'terms') return terms.show(ctx, interaction)
    if (interaction.prompt.name === 'profile') return profile.show(ctx, interaction)
    if (interaction.prompt.name === 'select_account') {
      if (!(await pages.continueAs(ctx, interaction))) await pages.chooser(ctx, interaction)
      return
    }
    if (
      !isForced(interaction) &&
      agrees(interaction, await desk.cookie.of(ctx.req)) &&
      (await finish.withSession(ctx, interaction))
    )
      return
    if (!(await straightOn(ctx, interaction))) await pages.chooser(ctx, interaction)
  }

  /** One way to sign in and nothing to say: no page in between. */
  const straightOn = async (ctx: Ctx, interaction: Interaction): Promise<boolean> => {
    const [only, ...others] = wanted(desk.methods.choices(desk.locale(ctx)), interaction)
    const isPlain = only !== undefined && others.length === 0 && 'label' in only.card && !only.card.form
    // What a note says, a person must see before they try again.
    if (!isPlain || isNoted(ctx) || isForced(interaction) || (await desk.cookie.of(ctx.req))) return false
    await begin(ctx, interaction, { instance: only.id, input: new URLSearchParams() })
    return true
  }

  const begin = async (ctx: Ctx, interaction: Interaction, choice: { instance: string; input: URLSearchParams }) => {
    const client = await desk.interactions.client(interaction.clientId)
    await attempt.begin(ctx, {
      instance: choice.instance,
      input: ownFields(choice),
      purpose: 'sign-in',
      base: `/interaction/${interaction.uid}`,
      account: undefined,
      fresh: isForced(interaction),
      remember: choice.input.get('remember') === 'on',
      clientName: client?.name,
      loginHint: interaction.loginHint,
      returnTo: interaction.redirectUri,
      arrived: (outcome) => finish.atOnce(ctx, interaction, outcome),
    })
  }

  /** The chooser is one form: a method gets the fields of its own card, not its neighbour's. */
  const ownFields = ({ instance, input }: { instance: string; input: URLSearchParams }): URLSearchParams => {
    if (input.size === 0) return input
    const card = desk.methods.choices('en').find(({ id }) => id === instance)?.card
    const names = card && 'label' in card ? (card.form?.fields ?? []).map(({ name }) => name) : []
    return new URLSearchParams([...input].filter(([name]) => names.includes(name)))
  }

  const consent = async (ctx: Ctx): Promise<void> => {
    const interaction = await open(ctx)
    const account = interaction.session?.accountId
    if (interaction.prompt.name !== 'consent' || account === undefined) throw expired(ctx)
    const session = await desk.cookie.of(ctx.req)
    if (session?.account !== account) throw expired(ctx)
    const kept = new Set(ctx.state.form?.getAll('scope') ?? [])
    const asked = askedScopes(interaction)
    const scopes = asked.filter((scope) => scope === 'openid' || kept.has(scope))
    const withdrawn = asked.filter((scope) => !scopes.includes(scope))
    const claims = missingClaims(interaction)
    const client = interaction.clientId
    const since = (await desk.interactions.client(client))?.since
    // Begun in one turn, so that they share one commit.
    const [grantId] = await Promise.all([
      desk.interactions.grant(interaction, account, { asked, scopes, claims }),
      desk.consents.remember(account, { client, scopes, claims, withdrawn, since }),
      desk.audit(ctx, {
        type: 'consent.given',
        account,
        client,
        detail: { scopes: scopes.join(' ') },
      }),
    ])
    seeOther(ctx, await desk.interactions.finish(ctx, { consent: { grantId } }))
  }
  const cancel = async (ctx: Ctx): Promise<void> => {
    await open(ctx)
    const declined = { error: 'access_denied', error_description: 'the person declined' }
    seeOther(ctx, await desk.interactions.finish(ctx, declined))
  }
  const expired = (ctx: Ctx) => new Fault('ERR_LOGIN_EXPIRED', desk.text(ctx, 'login.expired'))
  const formPage = (ctx: Ctx) => ({
    instance: param(ctx, 'instance'),
    state: param(ctx, 'state'),
    base: `/interaction/${uidOf(ctx)}`,
    binding: uidOf(ctx),
    arrived: async (outcome: Outcome) => finish.atOnce(ctx, await open(ctx), outcome),
  })
  const back = (ctx: Ctx) => attempt.callback(ctx, { instance: param(ctx, 'instance'), state: stateOf(ctx) })
  const secret = (ctx: Ctx) => attempt.callback(ctx, { instance: param(ctx, 'instance'), state: param(ctx, 'secret') })

  const at = '/interaction/:uid'
  const posts = { method: 'POST', csrf, body: form, rate } as const
  return [
    // With one way to sign in, looking begins an attempt.
    { method: 'GET', path: at, rate, handler: see },
    { method: 'GET', path: `${at}/continue`, handler: async (ctx) => finish.continue(ctx, await open(ctx)) },
    { method: 'GET', path: `${at}/choose`, handler: async (ctx) => pages.chooser(ctx, await open(ctx)) },
    { ...posts, path: `${at}/choose`, handler: async (ctx) => pages.chooser(ctx, await open(ctx)) },
    {
      ...posts,
      path: `${at}/continue-as`,
      async handler(ctx) {
        const interaction = await open(ctx)
        if (isForced(interaction) || !(await finish.withSession(ctx, interaction))) throw expired(ctx)
      },
    },
    { ...posts, path: `${at}/new`, handler: async (ctx) => finish.makeNew(ctx, await open(ctx)) },
    { ...posts, path: `${at}/cancel`, handler: cancel },
    { ...posts, path: `${at}/profile`, handler: async (ctx) => profile.answer(ctx, await open(ctx)) },
    { ...posts, path: `${at}/terms`, handler: async (ctx) => terms.accept(ctx, await open(ctx)) },
    { ...posts, path: `${at}/consent`, body: { type: 'form', repeat: ['scope'] }, handler: consent },
    {
      ...posts,
      path: `${at}/m/:instance`,
      async handler(ctx) {
        await begin(ctx, await open(ctx), {
          instance: param(ctx, 'instance'),
          input: ctx.state.form ?? new URLSearchParams(),
        })
      },
    },
    { method: 'GET', path: `${at}/m/:instance/:state`, handler: async (ctx) => attempt.showForm(ctx, formPage(ctx)) },
    { ...posts, path: `${at}/m/:instance/:state`, handler: async (ctx) => attempt.postForm(ctx, formPage(ctx)) },
    { method: 'GET', path: '/sign-in/:instance/callback', rate, handler: back },
    { method: 'GET', path: '/sign-in/:instance/a/:secret', rate, handler: secret },
    {
      method: 'GET',
      path: '/sign-in/:instance/visit',
      rate,
      handler: (ctx) => attempt.visit(ctx, param(ctx, 'instance')),
    },
    {
      ...posts,
      path: '/sign-in/:instance/visit',
      // A browser without the cookie cannot have begun: its token is never right for an attempt.
      csrf: { binding: (ctx) => readBinding(ctx, desk) ?? 'none', purpose },
      handler: (ctx) => attempt.visit(ctx, param(ctx, 'instance')),
    },
  ]
}

/** The alias of an instance's callback, so that an application registered for an older server keeps working. */
export function aliasRoute(desk: Desk, random: Random, alias: { path: string; instance: string }): Route {
  const attempt = createAttemptPages(desk, random)
  return {
    method: 'GET',
    path: alias.path,
    rate,
    handler: (ctx) => attempt.callback(ctx, { instance: alias.instance, state: stateOf(ctx) }),
  }
}

function stateOf(ctx: Ctx): string | undefined {
  return typeof ctx.query.state === 'string' ? ctx.query.state : undefined
}

/** Our session may answer for the Provider's when they are of one account, or the Provider has none. */
function agrees(interaction: Interaction, session: { account: string } | undefined): boolean {
  return (
    session !== undefined && (interaction.session === undefined || interaction.session.accountId === session.account)
  )
}
