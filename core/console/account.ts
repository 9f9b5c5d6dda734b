/** The person's own pages: who I am here, my ways to sign in, my sessions, what I allowed; linking and signing out. @module */
import { Fault, isFault, type Random } from '@labgate/contract'
import type { FirstAdmin } from '../accounts/first-admin.ts'
import type { Identities, IdentityRow } from '../accounts/identities.ts'
import type { BrowserSession } from '../accounts/sessions.ts'
import type { Ctx } from '../http/context.ts'
import { allowFormTo } from '../http/headers.ts'
import type { Route } from '../http/routes.ts'
import { seeOther } from '../http/see-other.ts'
import { createAttemptPages } from '../login/attempt.ts'
import { isSameBrowser } from '../login/attempts.ts'
import { type Desk, noteKey, purpose, readBinding } from '../login/desk.ts'
import type { Door } from '../login/door.ts'
import { deviceText } from '../pages/device.ts'
import { iconUri } from '../pages/links.ts'
import type { Notice, Post, Views } from '../pages/views.ts'

export interface PortalNeeds {
  readonly desk: Desk
  readonly door: Door
  readonly identities: Identities
  readonly firstAdmin: FirstAdmin
  readonly random: Random
  /** Ends the tokens a client holds for the account. */
  revokeClient(account: string, client: string): Promise<void>
  /** Ends every token of the account, those too whose session is long gone (offline access). */
  revokeAccount(account: string): Promise<void>
  /** Ends the tokens that an instance holds upstream for an identity; never throws. */
  revokeUpstream(identity: IdentityRow): Promise<void>
  /** Whether there is anything for them in the console. */
  looksAfter(account: string): Promise<boolean>
  /** Where apps are started; absent: none are offered. */
  readonly workspaces: string | undefined
  /** Where the person may end their session upstream too. */
  upstreamSignOut(identity: IdentityRow): Promise<URL | undefined>
}

const base = '/account/link'
/** Changing ways to sign in asks for a sign-in that is not older. */
const freshSeconds = 900
const form = { type: 'form' } as const

/** Routes under `/account`. */
export function accountRoutes(needs: PortalNeeds): Route[] {
  const { desk, door, identities, firstAdmin } = needs
  const attempt = createAttemptPages(desk, needs.random)

  const session = async (ctx: Ctx): Promise<BrowserSession> => {
    const found = await desk.cookie.of(ctx.req)
    if (!found) throw new Fault('ERR_UNAUTHENTICATED', desk.text(ctx, 'login.signInFirst'))
    return found
  }
  const binding = (ctx: Ctx) => desk.cookie.idOf(ctx.req)
  const csrf = { binding, purpose }
  const postTo = (ctx: Ctx, action: string): Post => ({
    action,
    csrf: desk.csrf.token(binding(ctx) ?? 'none', purpose),
  })
  const backHome = (ctx: Ctx): void => {
    seeOther(ctx, '/account')
  }

  const showAccount = async (ctx: Ctx): Promise<void> => {
    const mine = await session(ctx)
    const locale = desk.locale(ctx)
    const note = await desk.attempts.takeNote(noteKey(mine))
    const own = await identities.list(mine.account)
    const linked = new Set(own.map(({ instance }) => instance))
    const consents = await desk.consents.list(mine.account)
    desk.show(ctx, 'account', {
      now: desk.clock.now(),
      message: note === undefined ? undefined : ({ tone: 'info', text: note } satisfies Notice),
      account: mine.owner,
      ...((await needs.looksAfter(mine.account)) ? { console: '/console' } : {}),
      workspaces: needs.workspaces,
      rename: postTo(ctx, '/account/name'),
      answers: await answersOf(desk, mine.account),
      identities: own.map((identity) => ({
        instance: desk.methods.label(identity.instance, locale),
        subject: shownSubject(identity),
        lastSeen: identity.lastSeenAt,
        ...(own.length > 1
          ? { unlink: postTo(ctx, `/account/identities/${identity.id}/unlink`) }
          : { reason: desk.text(ctx, 'login.lastWay') }),
      })),
      linkable: desk.methods.choices(locale).flatMap(({ id, card }) =>
        'label' in card && !linked.has(id)
          ? [
              {
                ...postTo(ctx, `${base}/m/${id}`),
                label: card.name ?? card.label,
                icon: card.icon === undefined ? undefined : iconUri(card.icon),
              },
            ]
          : [],
      ),
      sessions: (await desk.sessions.list(mine.account)).map((row) => ({
        handle: row.handle,
        current: row.handle === mine.handle,
        device: deviceText(row.userAgent),
        address: row.address,
        since: row.createdAt,
        lastSeen: row.lastSeenAt,
        revoke: postTo(ctx, `/account/sessions/${row.handle}/revoke`),
      })),
      consents: await Promise.all(
        consents.map(async (consent) => ({
          client: (await desk.interactions.client(consent.client)) ?? { name: consent.client },
          scopes: [...new Set([...consent.scopes, ...consent.claims])],
          since: consent.at,
          revoke: postTo(ctx, `/account/consents/${encodeURIComponent(consent.client)}/revoke`),
        })),
      ),
      signOut: postTo(ctx, '/account/sign-out'),
      signOutEverywhere: postTo(ctx, '/account/sign-out-everywhere'),
    })
  }

  const beginLink = async (ctx: Ctx): Promise<void> => {
    const mine = await session(ctx)
    const instance = ctx.params.instance ?? ''
    const card = desk.methods.choices(desk.locale(ctx)).find(({ id }) => id === instance)?.card
    const input = ctx.state.form ?? new URLSearchParams()
    // A method whose button has fields is asked on a page of its own first.
    const asks = card && 'label' in card ? card.form : undefined
    if (asks && !asks.fields.some(({ name }) => input.has(name))) {
      const method = desk.methods.label(instance, desk.locale(ctx))
      desk.show(ctx, 'step', {
        // Its own title speaks of signing in, which the person has done.
        form: { ...asks, title: desk.text(ctx, 'login.addWay', { method }) },
        instance: method,
        ...postTo(ctx, ctx.path),
      })
      return
    }
    await attempt.begin(ctx, {
      instance,
      purpose: 'link',
      base,
      account: mine.account,
      fresh: true,
      remember: false,
      clientName: undefined,
      loginHint: undefined,
      returnTo: undefined,
      input,
    })
  }

  const endLink = async (ctx: Ctx): Promise<void> => {
    const mine = await session(ctx)
    const outcome = await desk.attempts.take(typeof ctx.query.o === 'string' ? ctx.query.o : undefined)
    const instance = desk.methods.get(outcome.instance)
    const fits = outcome.purpose === 'link' && outcome.account === mine.account
    if (!instance || !fits || !isSameBrowser(outcome, readBinding(ctx, desk)))
      throw new Fault('ERR_LOGIN_OTHER_BROWSER', desk.text(ctx, 'login.otherBrowser'))
    await desk.people.join(mine.account, {
      source: { instance: instance.id, realm: instance.realm },
      admission: instance.admission,
      groups: instance.groups,
      assertion: outcome.assertion,
    })
    await desk.audit(ctx, { type: 'identity.linked', account: mine.account, detail: { instance: instance.id } })
    await desk.attempts.leaveNote(
      noteKey(mine),
      desk.text(ctx, 'login.linked', { method: desk.methods.label(instance.id, desk.locale(ctx)) }),
    )
    backHome(ctx)
  }

  const unlink = async (ctx: Ctx): Promise<void> => {
    const mine = await session(ctx)
    const identity = await identities.unlink(mine.account, ctx.params.id ?? '')
    // Whoever came in by it elsewhere is out; this browser has just proved itself.
    for (const row of await desk.sessions.list(mine.account))
      if (row.identity === identity.id && row.handle !== mine.handle)
        await desk.sessions.endByHandle(mine.account, row.handle)
    await needs.revokeUpstream(identity)
    await desk.audit(ctx, { type: 'identity.unlinked', account: mine.account, detail: { instance: identity.instance } })
    backHome(ctx)
  }

  /** The page after a sign-out, with the way to leave the upstream too. */
  const showSignedOut = async (ctx: Ctx, mine: BrowserSession | undefined): Promise<void> => {
    const identity = mine && (await identities.list(mine.account)).find(({ id }) => id === mine.identity)
    const upstream = identity && (await needs.upstreamSignOut(identity).catch(() => undefined))
    desk.show(ctx, 'signed-out', {
      signIn: '/account',
      upstream:
        upstream && identity
          ? { label: desk.methods.label(identity.instance, desk.locale(ctx)), href: upstream.href }
          : undefined,
    })
  }

  // Tokens upstream stay: other browsers of the person live on, and their groups are looked up with them.
  const signOut = async (ctx: Ctx): Promise<void> => {
    const mine = await desk.cookie.of(ctx.req)
    await desk.cookie.close(ctx)
    if (mine) await desk.audit(ctx, { type: 'sign-out', account: mine.account })
    await showSignedOut(ctx, mine)
  }

  const signOutEverywhere = async (ctx: Ctx): Promise<void> => {
    const mine = await session(ctx)
    // Tokens first: who is cut off in between is still signed in and can ask again.
    await needs.revokeAccount(mine.account)
    await desk.sessions.endAll(mine.account)
    await desk.audit(ctx, { type: 'sign-out.everywhere', account: mine.account })
    await desk.cookie.close(ctx)
    await Promise.all((await identities.list(mine.account)).map(needs.revokeUpstream))
    await showSignedOut(ctx, mine)
  }

  const claimAdmin = async (ctx: Ctx): Promise<void> => {
    const mine = await session(ctx)
    try {
      await firstAdmin.claim(mine.account, ctx.state.form?.get('code') ?? '')
    } catch (error) {
      if (!isFault(error)) throw error
      ctx.status = error.status
      desk.show(ctx, 'first-admin', {
        account: mine.owner,
        error: error.message,
        ...postTo(ctx, '/account/first-admin'),
      })
      return
    }
    await desk.audit(ctx, { type: 'first-admin.claimed', account: mine.account })
    await desk.attempts.leaveNote(noteKey(mine), desk.text(ctx, 'login.nowAdmin'))
    backHome(ctx)
  }

  const page = { method: 'GET', guard: door.guard() } as const
  const post = { method: 'POST', guard: door.guard(), csrf, body: form } as const
  const fresh = { ...post, guard: freshGuard(door) } as const
  const formPage = (ctx: Ctx) => ({
    instance: ctx.params.instance ?? '',
    state: ctx.params.state ?? '',
    base,
    binding: binding(ctx) ?? 'none',
  })
  return [
    { ...page, path: '/account', handler: showAccount },
    { ...page, path: '/account/fresh', guard: door.guard({ maxAgeSeconds: freshSeconds }), handler: backHome },
    {
      ...post,
      path: '/account/name',
      async handler(ctx) {
        const mine = await session(ctx)
        const name = (ctx.state.form?.get('displayName') ?? '').trim()
        if (name === '' || name.length > 150) throw new Fault('ERR_INPUT', desk.text(ctx, 'login.badName'))
        await desk.accounts.setDisplayName(mine.account, name)
        backHome(ctx)
      },
    },
    { ...fresh, path: `${base}/m/:instance`, handler: beginLink },
    { ...page, path: `${base}/m/:instance/:state`, handler: (ctx) => attempt.showForm(ctx, formPage(ctx)) },
    { ...post, path: `${base}/m/:instance/:state`, handler: (ctx) => attempt.postForm(ctx, formPage(ctx)) },
    { ...page, path: `${base}/continue`, handler: endLink },
    { ...fresh, path: '/account/identities/:id/unlink', handler: unlink },
    {
      ...post,
      path: '/account/sessions/:handle/revoke',
      async handler(ctx) {
        const mine = await session(ctx)
        await desk.sessions.endByHandle(mine.account, ctx.params.handle ?? '')
        await desk.audit(ctx, { type: 'session.revoked', account: mine.account })
        backHome(ctx)
      },
    },
    {
      ...post,
      path: '/account/consents/:client/revoke',
      async handler(ctx) {
        const mine = await session(ctx)
        const client = ctx.params.client ?? ''
        // In this order: what a crash in between leaves is still listed, and can be revoked again.
        await needs.revokeClient(mine.account, client)
        await desk.consents.forget(mine.account, client)
        await desk.audit(ctx, { type: 'consent.revoked', account: mine.account, client })
        backHome(ctx)
      },
    },
    // Without a session there is nothing to end, and nothing to protect: the page just says so.
    { method: 'POST', path: '/account/sign-out', csrf, body: form, handler: signOut },
    { ...post, path: '/account/sign-out-everywhere', handler: signOutEverywhere },
    {
      ...page,
      path: '/account/first-admin',
      async handler(ctx) {
        const mine = await session(ctx)
        if (!(await firstAdmin.isOpen())) throw new Fault('ERR_NOT_FOUND', desk.text(ctx, 'login.adminKnown'))
        desk.show(ctx, 'first-admin', { account: mine.owner, ...postTo(ctx, '/account/first-admin') })
      },
    },
    { ...post, path: '/account/first-admin', rate: { count: 5, seconds: 900 }, handler: claimAdmin },
  ]

  /** A stale session is sent to prove itself again; the person then repeats the step. */
  function freshGuard(one: Door) {
    const check = one.guard({ maxAgeSeconds: freshSeconds })
    return async (ctx: Ctx): Promise<'answered' | undefined> => {
      const mine = await desk.cookie.of(ctx.req)
      const age = mine ? (desk.clock.now().getTime() - mine.authTime.getTime()) / 1000 : 0
      if (!mine || age <= freshSeconds) return check(ctx)
      allowFormTo(ctx, desk.issuer)
      seeOther(ctx, '/account/fresh')
      return 'answered'
    }
  }
}

/** What the person says of themselves, when the site asks. */
async function answersOf({ profile }: Desk, account: string): Promise<Views['account']['answers']> {
  const answers = await profile.answers(account)
  if (answers.length === 0) return undefined
  const list = answers.map(({ question, text }) => ({ label: question.label, value: text }))
  return { href: '/account/profile', isDue: await profile.isDue(account), list }
}

/** What the person recognises the identity by. */
function shownSubject({ facts, subject }: IdentityRow): string {
  for (const claim of ['login', 'orcid', 'email', 'preferred_username', 'name']) {
    const value = facts.find((fact) => fact.claim === claim)?.value
    if (typeof value === 'string') return value
  }
  return subject
}
