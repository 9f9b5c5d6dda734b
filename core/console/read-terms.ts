/**
 * Pages on which people read and accept terms of use: by their own address, by a link of an invitation, and on the way
 * to a dialect. Looking never accepts and never takes a place.
 * @module
 */
import { Fault, heldOn, isFault } from '@labgate/contract'
import type { Terms } from '../access/model.ts'
import type { BrowserSession } from '../accounts/sessions.ts'
import type { Ctx } from '../http/context.ts'
import { allowFormTo } from '../http/headers.ts'
import { returnPath } from '../http/returns.ts'
import type { Route } from '../http/routes.ts'
import { type Desk, purpose } from '../login/desk.ts'
import type { Door } from '../login/door.ts'
import {
  acceptorOf,
  acceptPosted,
  changedNotice,
  datasetTitle,
  firstMissing,
  postedTerms,
  showTerms,
} from '../login/terms.ts'
import type { Notice, Post } from '../pages/views.ts'

/** What the pages of terms take. */
export interface ReadTermsNeeds {
  readonly desk: Desk
  readonly door: Door
  /** Dialects by the id of their instance, with the origin that they stand on. */
  readonly dialects: readonly { readonly id: string; readonly origin: string }[]
}

/** Where a dialect sends a browser whose person must accept terms first. */
export function termsAddress(desk: Pick<Desk, 'issuer'>, ask: { instance: string; back: string }): string {
  const url = new URL(`/terms/for/${encodeURIComponent(ask.instance)}`, desk.issuer)
  url.search = new URLSearchParams({ back: ask.back }).toString()
  return url.href
}

/** Routes under `/terms`. */
export function readTermsRoutes(needs: ReadTermsNeeds): Route[] {
  const { desk, door } = needs
  const binding = (ctx: Ctx) => desk.cookie.idOf(ctx.req)
  const page = { method: 'GET', guard: door.guard(), rate: { count: 300, seconds: 60 } } as const
  const form = {
    method: 'POST',
    guard: door.guard(),
    csrf: { binding, purpose },
    body: { type: 'form' },
    rate: { count: 120, seconds: 60 },
  } as const
  const counter = createCounter(needs)
  return [
    { ...page, path: '/terms/:id', handler: counter.read },
    { ...form, path: '/terms/:id/accept', handler: counter.accept },
    { ...page, path: '/terms/:id/done', handler: counter.done },
    { ...page, path: '/terms/invited/:token', handler: counter.invited },
    { ...form, path: '/terms/invited/:token', handler: counter.acceptInvited },
    { ...page, path: '/terms/for/:instance', handler: (ctx) => counter.onTheWay(ctx) },
    { ...form, path: '/terms/for/:instance', handler: counter.acceptOnTheWay },
  ]
}

const home = '/account/access'

function createCounter({ desk, dialects }: ReadTermsNeeds) {
  const sessionOf = async (ctx: Ctx): Promise<BrowserSession> => {
    const mine = await desk.cookie.of(ctx.req)
    if (!mine) throw new Fault('ERR_UNAUTHENTICATED', desk.text(ctx, 'login.signInFirst'))
    return mine
  }
  const postTo = (ctx: Ctx, action: string, fields: Readonly<Record<string, string>>): Post => ({
    action,
    csrf: desk.csrf.token(desk.cookie.idOf(ctx.req) ?? 'none', purpose),
    fields,
  })
  const go = (ctx: Ctx, address: string): void => {
    ctx.redirect(address)
    ctx.status = 303
  }
  const readable = async (ctx: Ctx, account: string): Promise<Terms> => {
    const terms = await desk.terms.find(ctx.params.id ?? '')
    if (!terms || !(await mayRead(desk, account, terms)))
      throw new Fault('ERR_NOT_FOUND', desk.text(ctx, 'terms.unknown'))
    return terms
  }
  const showOwn = async (ctx: Ctx, terms: Terms, shown: { account: string; message?: Notice }) => {
    const acceptedAt = await acceptedOn(desk, shown.account, terms)
    const canAccept = terms.retiredAt === undefined && acceptedAt === undefined
    const fields = { terms: terms.id, digest: terms.text.digest }
    await showTerms(desk, ctx, {
      terms,
      around: {
        acceptedAt,
        message: shown.message,
        leave: home,
        accept: canAccept ? postTo(ctx, `/terms/${terms.id}/accept`, fields) : undefined,
      },
    })
  }
  const showInvited = async (ctx: Ctx, message?: Notice) => {
    const token = ctx.params.token ?? ''
    const invitation = await desk.terms.invitation(token)
    const terms = invitation && (await desk.terms.find(invitation.terms))
    if (!invitation || !terms) return linkOver(ctx, token)
    await showTerms(desk, ctx, {
      terms,
      around: {
        message,
        leave: home,
        gives: invitation.level,
        accept: postTo(ctx, `/terms/invited/${token}`, { digest: terms.text.digest }),
      },
    })
  }
  const linkOver = async (ctx: Ctx, token: string) => {
    const why = (await desk.terms.whyOver(token)) ?? 'gone'
    ctx.status = 404
    desk.show(ctx, 'message', {
      title: desk.text(ctx, 'terms.over'),
      text: [desk.text(ctx, `terms.why.${why}`)],
      tone: 'warning',
      link: { label: desk.text(ctx, 'terms-done.account'), href: home },
    })
  }
  const dialectOf = (ctx: Ctx) => {
    const found = dialects.find(({ id }) => id === ctx.params.instance)
    if (!found) throw new Fault('ERR_NOT_FOUND', desk.text(ctx, 'terms.unknown'))
    return found
  }
  const showOnTheWay = async (ctx: Ctx, asked: { back: string | undefined; message?: Notice }): Promise<void> => {
    const { account } = await sessionOf(ctx)
    const { id, origin } = dialectOf(ctx)
    const path = returnPath(asked.back, origin) ?? '/'
    const missing = await desk.missingTerms(account, id)
    const terms = await firstMissing(desk, missing)
    const service = new URL(origin).host
    // Not sent back by itself: were another person signed in there, the browser would go round in circles.
    if (!terms)
      return desk.show(ctx, 'message', {
        title: desk.text(ctx, 'terms.nothing'),
        text: [desk.text(ctx, 'terms.nothingText', { service })],
        link: { label: desk.text(ctx, 'terms.goOn', { service }), href: new URL(path, origin).href },
      })
    allowFormTo(ctx, origin)
    await showTerms(desk, ctx, {
      terms,
      around: {
        message: asked.message,
        client: { name: service },
        left: missing.length,
        leave: home,
        accept: postTo(ctx, `/terms/for/${id}`, { terms: terms.id, digest: terms.text.digest, back: path }),
      },
    })
  }
  return {
    async read(ctx: Ctx) {
      const { account } = await sessionOf(ctx)
      await showOwn(ctx, await readable(ctx, account), { account })
    },
    async accept(ctx: Ctx) {
      const { account } = await sessionOf(ctx)
      const { id } = await readable(ctx, account)
      if (postedTerms(ctx).terms !== id) throw new Fault('ERR_INPUT', desk.text(ctx, 'terms.unknown'))
      if ((await acceptPosted(desk, ctx, account)) === 'accepted') return go(ctx, `/terms/${id}/done`)
      ctx.status = 409
      await showOwn(ctx, await readable(ctx, account), { account, message: changedNotice(desk, ctx) })
    },
    async done(ctx: Ctx) {
      const { account } = await sessionOf(ctx)
      const terms = await readable(ctx, account)
      const acceptedAt = await acceptedOn(desk, account, terms)
      if (!acceptedAt) return go(ctx, `/terms/${terms.id}`)
      await showDone(desk, ctx, { account, terms, acceptedAt })
    },
    invited: (ctx: Ctx) => showInvited(ctx),
    async acceptInvited(ctx: Ctx) {
      const { account } = await sessionOf(ctx)
      const token = ctx.params.token ?? ''
      try {
        const accepted = { token, digest: postedTerms(ctx).digest }
        const { id } = await desk.terms.acceptInvited(acceptorOf(ctx, account), accepted)
        go(ctx, `/terms/${id}/done`)
      } catch (error) {
        if (!isFault(error) || error.code !== 'ERR_CONFLICT') throw error
        ctx.status = 409
        await showInvited(ctx, changedNotice(desk, ctx))
      }
    },
    onTheWay: (ctx: Ctx) =>
      showOnTheWay(ctx, { back: typeof ctx.query.back === 'string' ? ctx.query.back : undefined }),
    async acceptOnTheWay(ctx: Ctx) {
      const { account } = await sessionOf(ctx)
      const { id, origin } = dialectOf(ctx)
      const back = ctx.state.form?.get('back') ?? undefined
      if ((await acceptPosted(desk, ctx, account)) === 'changed') {
        ctx.status = 409
        return showOnTheWay(ctx, { back, message: changedNotice(desk, ctx) })
      }
      if (await firstMissing(desk, await desk.missingTerms(account, id))) return showOnTheWay(ctx, { back })
      allowFormTo(ctx, origin)
      // The origin is the registry's, the path one of that origin: nobody is sent elsewhere from here.
      go(ctx, new URL(returnPath(back, origin) ?? '/', origin).href)
    },
  }
}

/** When the newest text that counts was accepted. */
async function acceptedOn(desk: Desk, account: string, terms: Terms): Promise<Date | undefined> {
  const own = await desk.terms.acceptedBy(account)
  return own.find((one) => one.terms === terms.id && one.number >= terms.requiredNumber)?.at
}

/** Terms of a hidden dataset would give away that it exists. */
async function mayRead(desk: Desk, account: string, { id, dataset }: Terms): Promise<boolean> {
  if (dataset === undefined) return true
  const found = await desk.access.dataset(dataset)
  if (found?.visibility !== 'hidden') return true
  const mine = await desk.access.snapshot(account)
  if (mine.account.role === 'admin' || mine.grants.some((grant) => grant.dataset === dataset)) return true
  return (await desk.terms.acceptedBy(account)).some(({ terms }) => terms === id)
}

async function showDone(
  desk: Desk,
  ctx: Ctx,
  { account, terms, acceptedAt }: { account: string; terms: Terms; acceptedAt: Date },
): Promise<void> {
  const { dataset, version, title } = terms
  const { grants } = await desk.access.snapshot(account)
  const held = dataset === undefined ? undefined : heldOn(grants, { dataset, version })
  const more = await Promise.all((held?.missingTerms ?? []).map((id) => desk.terms.find(id)))
  const clients = await Promise.all(terms.services.map((id) => desk.interactions.client(id)))
  const client = clients.find((one) => one?.homepage !== undefined)
  desk.show(ctx, 'terms-done', {
    now: desk.clock.now(),
    title,
    acceptedAt,
    dataset: await datasetTitle(desk, dataset),
    level: held?.level,
    more: more.flatMap((one) => (one ? [{ title: one.title, href: `/terms/${one.id}` }] : [])),
    next: client?.homepage === undefined ? { href: home } : { href: client.homepage, label: client.name },
  })
}
