/**
 * Pages on which people read and accept terms of use: by their own address and by a link of an invitation. Looking
 * never accepts and never takes a place.
 * @module
 */
import { Fault, heldOn, isFault } from '@labgate/contract'
import type { Terms } from '../access/model.ts'
import type { Ctx } from '../http/context.ts'
import type { Route } from '../http/routes.ts'
import { type Desk, purpose } from '../login/desk.ts'
import type { Door } from '../login/door.ts'
import { acceptorOf, acceptPosted, changedNotice, datasetTitle, postedTerms, showTerms } from '../login/terms.ts'
import type { Notice } from '../pages/views.ts'
import { createTermsDesk, type TermsDesk } from './terms-desk.ts'
import { createTermsOnTheWay, type TermsDialect } from './terms-on-the-way.ts'
import { acceptedOn, mayRead } from './terms-sight.ts'

/** What the pages of terms take. */
export interface ReadTermsNeeds {
  readonly desk: Desk
  readonly door: Door
  readonly dialects: readonly TermsDialect[]
}

/** Routes under `/terms`. */
export function readTermsRoutes({ desk, door, dialects }: ReadTermsNeeds): Route[] {
  const binding = (ctx: Ctx) => desk.cookie.idOf(ctx.req)
  const page = { method: 'GET', guard: door.guard(), rate: { count: 300, seconds: 60 } } as const
  const form = {
    method: 'POST',
    guard: door.guard(),
    csrf: { binding, purpose },
    body: { type: 'form' },
    rate: { count: 120, seconds: 60 },
  } as const
  const counter = createTermsDesk(desk)
  const own = createOwnPages(desk, counter)
  const invited = createInvitedPages(desk, counter)
  const onTheWay = createTermsOnTheWay(desk, counter, dialects)
  return [
    { ...page, path: '/terms/:id', handler: own.show },
    { ...form, path: '/terms/:id/accept', handler: own.accept },
    { ...page, path: '/terms/:id/done', handler: own.done },
    { ...page, path: '/terms/invited/:token', handler: invited.show },
    { ...form, path: '/terms/invited/:token', handler: invited.accept },
    { ...page, path: '/terms/for/:instance', handler: onTheWay.show },
    { ...form, path: '/terms/for/:instance', handler: onTheWay.accept },
  ]
}

function createOwnPages(desk: Desk, counter: TermsDesk) {
  /** The terms of the address, for somebody who may know of them. */
  const termsOf = async (ctx: Ctx): Promise<{ account: string; terms: Terms }> => {
    const { account } = await counter.session(ctx)
    const terms = await desk.terms.find(ctx.params.id ?? '')
    if (!terms || !(await mayRead(desk, account, terms)))
      throw new Fault('ERR_NOT_FOUND', desk.text(ctx, 'terms.unknown'))
    return { account, terms }
  }
  const show = async (ctx: Ctx, message?: Notice): Promise<void> => {
    const { account, terms } = await termsOf(ctx)
    const acceptedAt = await acceptedOn(desk, account, terms)
    const canAccept = terms.retiredAt === undefined && acceptedAt === undefined
    const fields = { terms: terms.id, digest: terms.text.digest }
    const accept = canAccept ? counter.post(ctx, `/terms/${terms.id}/accept`, fields) : undefined
    await showTerms(desk, ctx, { terms, around: { acceptedAt, message, leave: counter.home, accept } })
  }
  return {
    show: (ctx: Ctx) => show(ctx),
    async accept(ctx: Ctx) {
      const { account, terms } = await termsOf(ctx)
      if (postedTerms(ctx).terms !== terms.id) throw new Fault('ERR_INPUT', desk.text(ctx, 'terms.unknown'))
      if ((await acceptPosted(desk, ctx, account)) === 'accepted') return counter.go(ctx, `/terms/${terms.id}/done`)
      ctx.status = 409
      await show(ctx, changedNotice(desk, ctx))
    },
    async done(ctx: Ctx) {
      const { account, terms } = await termsOf(ctx)
      const acceptedAt = await acceptedOn(desk, account, terms)
      if (!acceptedAt) return counter.go(ctx, `/terms/${terms.id}`)
      await showDone(desk, ctx, { account, terms, acceptedAt, home: counter.home })
    },
  }
}

function createInvitedPages(desk: Desk, counter: TermsDesk) {
  const show = async (ctx: Ctx, message?: Notice): Promise<void> => {
    const token = ctx.params.token ?? ''
    const invitation = await desk.terms.invitation(token)
    const terms = invitation && (await desk.terms.find(invitation.terms))
    if (!invitation || !terms) return over(ctx, token)
    await showTerms(desk, ctx, {
      terms,
      around: {
        message,
        leave: counter.home,
        gives: invitation.level,
        accept: counter.post(ctx, `/terms/invited/${token}`, { digest: terms.text.digest }),
      },
    })
  }
  const over = async (ctx: Ctx, token: string): Promise<void> => {
    const why = (await desk.terms.whyOver(token)) ?? 'gone'
    ctx.status = 404
    desk.show(ctx, 'message', {
      title: desk.text(ctx, 'terms.over'),
      text: [desk.text(ctx, `terms.why.${why}`)],
      tone: 'warning',
      link: { label: desk.text(ctx, 'terms-done.account'), href: counter.home },
    })
  }
  return {
    show: (ctx: Ctx) => show(ctx),
    async accept(ctx: Ctx) {
      const { account } = await counter.session(ctx)
      const accepted = { token: ctx.params.token ?? '', digest: postedTerms(ctx).digest }
      try {
        const { id } = await desk.terms.acceptInvited(acceptorOf(ctx, account), accepted)
        counter.go(ctx, `/terms/${id}/done`)
      } catch (error) {
        if (!isFault(error) || error.code !== 'ERR_CONFLICT') throw error
        ctx.status = 409
        await show(ctx, changedNotice(desk, ctx))
      }
    },
  }
}

async function showDone(
  desk: Desk,
  ctx: Ctx,
  { account, terms, acceptedAt, home }: { account: string; terms: Terms; acceptedAt: Date; home: string },
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
