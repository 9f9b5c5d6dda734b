/**
 * The sandbox: go through a way to sign in and look at what comes back, for site admins and, in a demo, for everybody
 * who is signed in. It signs nobody in, creates nothing, and is bound to the session that asked.
 * @module
 */
import { Fault, type Json, type Random } from '@labgate/contract'
import type { Rights, Stewards } from '../access/stewards.ts'
import type { Foresee, Foreseen } from '../accounts/foresight.ts'
import type { BrowserSession } from '../accounts/sessions.ts'
import type { Ctx } from '../http/context.ts'
import type { Route } from '../http/routes.ts'
import { seeOther } from '../http/see-other.ts'
import { createAttemptPages, sandboxNoteKey } from '../login/attempt.ts'
import { isSameBrowser, type Outcome } from '../login/attempts.ts'
import { type Desk, purpose, readBinding } from '../login/desk.ts'
import type { Door } from '../login/door.ts'
import { ruleText } from '../login/finish.ts'
import { iconUri } from '../pages/links.ts'
import type { Post } from '../pages/views.ts'
import type { ConsoleFrameView } from '../pages/views-console.ts'
import type { SandboxSeenView } from '../pages/views-sandbox.ts'
import { roomsOf } from './admin.ts'

/** What the pages stand on. */
export interface SandboxNeeds {
  readonly desk: Desk
  readonly door: Door
  readonly random: Random
  readonly stewards: Pick<Stewards, 'rightsOf'>
  readonly foresee: Foresee
  /** Names of the apps that are offered: without one, the console has no room for them. */
  readonly profiles: readonly string[]
  /** A demo: whoever is signed in may look. */
  readonly demo: boolean
}

const base = '/console/sandbox'

interface Guest {
  readonly session: BrowserSession
  readonly rights: Rights
}

/** Routes under `/console/sandbox`. */
export function sandboxRoutes(needs: SandboxNeeds): Route[] {
  const { desk, door } = needs
  const attempt = createAttemptPages(desk, needs.random)
  const binding = (ctx: Ctx) => desk.cookie.idOf(ctx.req)
  const formPage = (ctx: Ctx) => ({
    instance: ctx.params.instance ?? '',
    state: ctx.params.state ?? '',
    base,
    binding: binding(ctx) ?? 'none',
  })
  const begin = async (ctx: Ctx): Promise<void> => {
    const { session } = await guestOf(ctx, needs)
    const input = ctx.state.form ?? new URLSearchParams()
    if (askFirst(ctx, desk, input)) return
    await attempt.begin(ctx, {
      instance: ctx.params.instance ?? '',
      purpose: 'sandbox',
      base,
      account: session.account,
      session: session.handle,
      fresh: true,
      remember: false,
      clientName: undefined,
      loginHint: undefined,
      returnTo: undefined,
      input,
    })
  }
  const page = { method: 'GET', guard: door.guard() } as const
  const post = { method: 'POST', guard: door.guard(), csrf: { binding, purpose }, body: { type: 'form' } } as const
  const onlyGuests = (show: (ctx: Ctx) => Promise<void>) => async (ctx: Ctx) => {
    await guestOf(ctx, needs)
    await show(ctx)
  }
  const rate = { count: 60, seconds: 60 }
  return [
    { ...page, path: base, handler: (ctx) => choose(ctx, needs) },
    { ...post, path: `${base}/m/:instance`, rate, handler: begin },
    { ...page, path: `${base}/m/:instance/:state`, handler: onlyGuests((ctx) => attempt.showForm(ctx, formPage(ctx))) },
    { ...post, path: `${base}/m/:instance/:state`, handler: onlyGuests((ctx) => attempt.postForm(ctx, formPage(ctx))) },
    { ...page, path: `${base}/continue`, handler: (ctx) => arrive(ctx, needs) },
    { ...page, path: `${base}/seen`, handler: (ctx) => see(ctx, needs) },
  ]
}

async function guestOf(ctx: Ctx, { desk, stewards, demo }: SandboxNeeds): Promise<Guest> {
  const session = await desk.cookie.of(ctx.req)
  if (!session) throw new Fault('ERR_UNAUTHENTICATED', desk.text(ctx, 'login.signInFirst'))
  const rights = await stewards.rightsOf(session.account)
  if (!rights.admin && !demo) throw new Fault('ERR_FORBIDDEN', desk.text(ctx, 'console.notYours'))
  return { session, rights }
}

/** The console around the page; for a guest of the demo without its rooms. */
function frameFor(
  { rights }: Guest,
  { desk, profiles }: Pick<SandboxNeeds, 'desk' | 'profiles'>,
  text?: string,
): ConsoleFrameView {
  const rooms = rights.any ? roomsOf(rights, profiles) : []
  return {
    now: desk.clock.now(),
    nav: rooms.map(({ name, href }) => ({ name, href, current: name === 'sandbox' })),
    message: text === undefined ? undefined : { tone: 'warning', text },
  }
}

function postTo(ctx: Ctx, desk: Desk, action: string): Post {
  return { action, csrf: desk.csrf.token(desk.cookie.idOf(ctx.req) ?? 'none', purpose) }
}

async function choose(ctx: Ctx, needs: SandboxNeeds): Promise<void> {
  const { desk } = needs
  const guest = await guestOf(ctx, needs)
  const note = await desk.attempts.takeNote(sandboxNoteKey(guest.session.handle))
  desk.show(ctx, 'console-sandbox', {
    frame: frameFor(guest, needs, note),
    ways: desk.methods.choices(desk.locale(ctx)).flatMap(({ id, card }) => {
      if (!('label' in card)) return []
      const icon = card.icon === undefined ? undefined : iconUri(card.icon)
      return [{ ...postTo(ctx, desk, `${base}/m/${id}`), label: card.name ?? card.label, icon }]
    }),
  })
}

/** A way whose button has fields is asked on a page of its own first. */
function askFirst(ctx: Ctx, desk: Desk, input: URLSearchParams): boolean {
  const instance = ctx.params.instance ?? ''
  const card = desk.methods.choices(desk.locale(ctx)).find(({ id }) => id === instance)?.card
  const form = card && 'label' in card ? card.form : undefined
  // A box that is not ticked sends nothing: the page says by a field of its own that it was there.
  const isAsked = input.has('asked')
  input.delete('asked')
  if (!form || isAsked || form.fields.some(({ name }) => input.has(name))) return false
  const method = desk.methods.label(instance, desk.locale(ctx))
  const asked = { name: 'asked', label: '', type: 'hidden', value: 'yes' } as const
  const title = desk.text(ctx, 'sandbox.tryWay', { method })
  desk.show(ctx, 'step', {
    form: { ...form, title, fields: [...form.fields, asked] },
    instance: method,
    ...postTo(ctx, desk, ctx.path),
  })
  return true
}

/** The bounce from the upstream: this browser, this session, and nobody else's. */
async function arrive(ctx: Ctx, needs: SandboxNeeds): Promise<void> {
  const { desk } = needs
  const guest = await guestOf(ctx, needs)
  const outcome = await desk.attempts.take(typeof ctx.query.o === 'string' ? ctx.query.o : undefined)
  if (!isTheirs(ctx, { outcome, guest, desk }))
    throw new Fault('ERR_LOGIN_OTHER_BROWSER', desk.text(ctx, 'login.otherBrowser'))
  seeOther(ctx, `${base}/seen?n=${await desk.attempts.leaveSight(outcome)}`)
}

function isTheirs(ctx: Ctx, { outcome, guest, desk }: { outcome: Outcome; guest: Guest; desk: Desk }): boolean {
  const { session } = guest
  const fits = outcome.purpose === 'sandbox' && outcome.base === base
  const asked = outcome.account === session.account && outcome.session === session.handle
  return fits && asked && isSameBrowser(outcome, readBinding(ctx, desk))
}

async function see(ctx: Ctx, needs: SandboxNeeds): Promise<void> {
  const { desk, foresee } = needs
  const guest = await guestOf(ctx, needs)
  const outcome = await desk.attempts.takeSight(typeof ctx.query.n === 'string' ? ctx.query.n : undefined)
  const instance = outcome && desk.methods.get(outcome.instance)
  if (!outcome || !instance || !isTheirs(ctx, { outcome, guest, desk })) {
    ctx.status = 404
    desk.show(ctx, 'message', {
      title: desk.text(ctx, 'sandbox.gone'),
      text: [desk.text(ctx, 'sandbox.goneText')],
      tone: 'warning',
      link: { label: desk.text(ctx, 'sandbox.again'), href: base },
    })
    return
  }
  const { id, realm, admission, groups } = instance
  const { assertion } = outcome
  const foreseen = await foresee({ source: { instance: id, realm }, admission, groups, assertion })
  const { issuer, subject, at, amr, acr, keep, facts } = assertion
  desk.show(ctx, 'console-sandbox-seen', {
    frame: frameFor(guest, needs),
    instance: { id, realm, label: desk.methods.label(id, desk.locale(ctx)) },
    ...{ issuer, subject, at, amr, acr, keeps: keep !== undefined },
    facts: facts.map(({ claim, value, trust }) => ({ claim, value: shown(value), kind: trust })),
    groups: foreseen.groups.map(({ name, slug, isMapped }) => {
      const kind = slug === undefined ? 'left' : isMapped ? 'mapped' : 'named'
      return { kind, name, slug } as const
    }),
    allowed: foreseen.allowed,
    reasons: foreseen.reasons.map((reason) =>
      'value' in reason ? { ...reason, value: ruleText(ctx, desk, { instance: id, why: reason.value }) } : reason,
    ),
    opens: opensFor(guest, foreseen),
  })
}

/** Whose account it is, others than an admin are not told. */
function opensFor({ session, rights }: Guest, { opens }: Foreseen): SandboxSeenView['opens'] {
  if (opens.kind === 'nobody' || opens.kind === 'new') return opens
  const { account } = opens
  const isOwn = account.id === session.account
  const kind = opens.kind === 'choice' ? 'choice' : isOwn ? 'yours' : 'another'
  if (!isOwn && !rights.admin) return { kind }
  return { kind, who: { name: account.displayName, username: account.username }, state: account.state }
}

const longest = 2000

function shown(value: Json): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return text.length > longest ? `${text.slice(0, longest)}…` : text
}
