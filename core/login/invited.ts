/**
 * The page behind the link of an invitation. Looking uses nothing up, by whatever method: the page's own form ties the
 * invitation to this browser, and the next sign-in there takes it along.
 * @module
 */
import type { Random } from '@labgate/contract'
import type { Ctx } from '../http/context.ts'
import type { Route } from '../http/routes.ts'
import { seeOther } from '../http/see-other.ts'
import { bindingOf } from './attempts.ts'
import { type Desk, ensureBinding, noteKey, readBinding } from './desk.ts'
import type { Door } from './door.ts'

const purpose = 'invited'
/** Where a sign-in comes back to: the link itself stays out of addresses that are handed on. */
const settledAt = '/invited'
const account = '/account'

/** A page's token opens this browser's form of this very link. */
const bound = (browser: string, token: string) => `${browser}.${token}`
const tokenOf = (ctx: Ctx): string => ctx.params.token ?? ''

/** Routes under `/invited`. */
export function invitedRoutes(desk: Desk, door: Door, random: Random): Route[] {
  const over = (ctx: Ctx): void => {
    ctx.status = 404
    desk.show(ctx, 'message', {
      title: desk.text(ctx, 'invited.over'),
      text: [desk.text(ctx, 'invited.overText')],
      tone: 'warning',
      link: { label: desk.text(ctx, 'invited.home'), href: '/' },
    })
  }
  const show = async (ctx: Ctx): Promise<void> => {
    const opened = await desk.invitations.opened(tokenOf(ctx))
    if (!opened) return over(ctx)
    const browser = ensureBinding(ctx, desk, () => random.token())
    const { proof: _, ...view } = opened
    desk.show(ctx, 'invited', {
      ...view,
      now: desk.clock.now(),
      signedIn: (await desk.cookie.of(ctx.req))?.owner,
      accept: { action: ctx.path, csrf: desk.csrf.token(bound(browser, tokenOf(ctx)), purpose) },
    })
  }
  const accept = async (ctx: Ctx): Promise<void> => {
    const opened = await desk.invitations.opened(tokenOf(ctx))
    const browser = readBinding(ctx, desk)
    if (!opened || browser === undefined) return over(ctx)
    await desk.attempts.holdInvitation(bindingOf(browser), opened.proof)
    // Whoever is signed in proves it anew: the invitation is theirs only if they want it to be.
    const isSignedIn = (await desk.cookie.of(ctx.req)) !== undefined
    const href = door.way(settledAt, isSignedIn ? 'anew' : 'anybody')
    // Not a redirect: it would bind every later hop, an upstream's own included, to this page's `form-action`.
    ctx.set('Refresh', `0; url=${href}`)
    const label = desk.text(ctx, 'invited.signIn')
    desk.show(ctx, 'message', { title: desk.text(ctx, 'invited.going'), text: [], link: { label, href } })
  }
  const settled = async (ctx: Ctx): Promise<void> => {
    const browser = readBinding(ctx, desk)
    const [held, session] = [
      browser === undefined ? undefined : await desk.attempts.heldInvitation(bindingOf(browser)),
      await desk.cookie.of(ctx.req),
    ]
    if (session && held?.became !== undefined && held.account === session.account)
      await desk.attempts.leaveNote(noteKey(session), desk.text(ctx, `invited.became.${held.became}`))
    seeOther(ctx, account)
  }
  // A browser without the cookie has not seen the page: its token is never right.
  const binding = (ctx: Ctx) => bound(readBinding(ctx, desk) ?? 'none', tokenOf(ctx))
  const rate = { count: 300, seconds: 60 }
  return [
    { method: 'GET', path: settledAt, guard: door.guard(), handler: settled },
    { method: 'GET', path: '/invited/:token', rate, handler: show },
    {
      method: 'POST',
      path: '/invited/:token',
      csrf: { binding, purpose },
      body: { type: 'form' },
      rate,
      handler: accept,
    },
  ]
}
