/**
 * The frame of the console: who may come in, what they may look after, and the rules for every change: our own form,
 * and a sign-in that is not older than `access.adminFreshness`.
 * @module
 */
import { Fault, isFault } from '@labgate/contract'
import type { Rights, Stewards } from '../access/stewards.ts'
import type { Actor, PageAsk, Paged } from '../accounts/actor.ts'
import type { BrowserSession } from '../accounts/sessions.ts'
import type { Ctx } from '../http/context.ts'
import { returnPath } from '../http/returns.ts'
import type { Route } from '../http/routes.ts'
import { seeOther } from '../http/see-other.ts'
import type { Desk } from '../login/desk.ts'
import type { Door } from '../login/door.ts'
import type { Notice, Post, ViewName, Views } from '../pages/views.ts'
import type { ConsoleFrameView, PagingView } from '../pages/views-console.ts'

/** Somebody who looks after something, at the console. */
export interface Visit {
  readonly session: BrowserSession
  readonly rights: Rights
  readonly actor: Actor & { kind: 'account' }
  /** Whether the sign-in is new enough for changes. */
  readonly isFresh: boolean
}

/** What a room of the console builds its routes with. */
export interface ConsoleFrame {
  /** A page. `may`: whether these rights open it (default: any). */
  page(path: string, show: (ctx: Ctx, visit: Visit) => Promise<void>, may?: (rights: Rights) => boolean): Route
  /**
   * A form that changes something. `apply` answers where to go and what to say there. When it throws a fault that the
   * person may see, `again` shows the form once more with what they typed; without it they go back with the words.
   */
  form(path: string, change: FormChange): Route
  /** Around the page: hand it into the view's data. */
  frame(ctx: Ctx, visit: Visit, current: string): Promise<ConsoleFrameView>
  /** A form of the console. */
  post(ctx: Ctx, action: string): Post
  show<V extends ViewName>(ctx: Ctx, view: V, data: Views[V]): void
  /** The page of a list that the address asks for. */
  asked(ctx: Ctx, limit?: number): PageAsk
  /** Where one stands in it; `at`: the page it is on, when that is not the address (a form that came again). */
  paging(ctx: Ctx, list: Paged<unknown>, at?: string): PagingView
}

/** One form of the console. */
export interface FormChange {
  readonly may?: (rights: Rights) => boolean
  /** `'answered'`: the page is made already. What is shown once is never sent on by an address. */
  apply(ctx: Ctx, visit: Visit): Promise<{ readonly to: string; readonly said?: string | undefined } | 'answered'>
  again?(ctx: Ctx, visit: Visit, notice: Notice): Promise<void>
  /** Where to go back to when it failed and there is no `again`. */
  back?(ctx: Ctx): string
  readonly bodyBytes?: number
}

/** What the frame stands on. */
export interface FrameNeeds {
  readonly desk: Desk
  readonly door: Door
  readonly stewards: Pick<Stewards, 'rightsOf'>
  readonly freshSeconds: number
  /** Rooms that these rights open, in their order. */
  rooms(rights: Rights): readonly { readonly name: string; readonly href: string }[]
  /** What waits for somebody with these rights, by the room where it does. */
  waiting(rights: Rights): Promise<Readonly<Record<string, number>>>
}

/** Forms of the console are no forms of the sign-in. */
const purpose = 'console'
const noteKey = ({ handle }: BrowserSession) => `console:${handle}`

/** Makes the frame, and the page where one signs in again. */
export function createFrame(needs: FrameNeeds): ConsoleFrame & { readonly routes: readonly Route[] } {
  const { desk, door } = needs
  const binding = (ctx: Ctx) => desk.cookie.idOf(ctx.req)
  const post = (ctx: Ctx, action: string): Post => ({
    action,
    csrf: desk.csrf.token(binding(ctx) ?? 'none', purpose),
  })
  const go = (ctx: Ctx, to: string): void => {
    seeOther(ctx, to)
  }
  const visitOf = async (ctx: Ctx, may: (rights: Rights) => boolean): Promise<Visit> => {
    const session = await desk.cookie.of(ctx.req)
    if (!session) throw new Fault('ERR_UNAUTHENTICATED', desk.text(ctx, 'login.signInFirst'))
    const rights = await needs.stewards.rightsOf(session.account)
    if (!rights.any || !may(rights)) throw new Fault('ERR_FORBIDDEN', desk.text(ctx, 'console.notYours'))
    const { address, requestId } = ctx.state
    const age = (desk.clock.now().getTime() - session.authTime.getTime()) / 1000
    const actor = { kind: 'account', account: session.account, address, requestId } as const
    return { session, rights, actor, isFresh: age <= needs.freshSeconds }
  }

  const apply = async (ctx: Ctx, change: FormChange): Promise<void> => {
    const visit = await visitOf(ctx, change.may ?? (() => true))
    const back = change.back?.(ctx) ?? refererPath(ctx, desk.issuer) ?? '/console'
    const fail = async (notice: Notice, status: number): Promise<void> => {
      if (change.again) {
        await change.again(ctx, visit, notice)
        ctx.status = status
        return
      }
      await desk.attempts.leaveNote(noteKey(visit.session), JSON.stringify(notice))
      go(ctx, back)
    }
    if (!visit.isFresh) return fail({ tone: 'warning', text: desk.text(ctx, 'console.signInAgainFirst') }, 403)
    try {
      const done = await change.apply(ctx, visit)
      if (done === 'answered') return
      const { to, said } = done
      if (said !== undefined) {
        const notice: Notice = { tone: 'success', text: said }
        await desk.attempts.leaveNote(noteKey(visit.session), JSON.stringify(notice))
      }
      go(ctx, to)
    } catch (error) {
      if (!isFault(error) || !error.shown || error.status >= 500) throw error
      await fail({ tone: 'error', text: error.message }, error.status)
    }
  }

  return {
    post,
    show: desk.show,
    asked: (ctx, limit = 50) => {
      const one = (name: string) => {
        const value = ctx.query[name]
        return typeof value === 'string' && value !== '' ? value.slice(0, 200) : undefined
      }
      return { search: one('search'), after: one('after'), limit }
    },
    paging: (ctx, { rows, total, next }, at = ctx.path) => pagingOf(ctx, { shown: rows.length, total, next, path: at }),
    async frame(ctx, visit, current) {
      const note = await desk.attempts.takeNote(noteKey(visit.session))
      const waiting = await needs.waiting(visit.rights)
      return {
        now: desk.clock.now(),
        nav: needs.rooms(visit.rights).map(({ name, href }) => ({
          name,
          href,
          current: name === current,
          ...((waiting[name] ?? 0) > 0 ? { waiting: waiting[name] } : {}),
        })),
        // As it was left above.
        message: note === undefined ? undefined : (JSON.parse(note) as Notice),
        signInAgain: visit.isFresh ? undefined : `/console/fresh?back=${encodeURIComponent(pageOf(ctx, desk.issuer))}`,
      }
    },
    page: (path, show, may = () => true) => ({
      method: 'GET',
      path,
      guard: door.guard(),
      handler: async (ctx) => show(ctx, await visitOf(ctx, may)),
    }),
    form: (path, change) => ({
      method: 'POST',
      path,
      guard: door.guard(),
      csrf: { binding, purpose },
      body: { type: 'form', ...(change.bodyBytes === undefined ? {} : { limit: change.bodyBytes }) },
      handler: (ctx) => apply(ctx, change),
    }),
    routes: [
      {
        method: 'GET',
        path: '/console/fresh',
        guard: door.guard({ maxAgeSeconds: needs.freshSeconds }),
        handler(ctx) {
          const wanted = typeof ctx.query.back === 'string' ? ctx.query.back : undefined
          go(ctx, returnPath(wanted, desk.issuer) ?? '/console')
        },
      },
    ],
  }
}

function pagingOf(
  ctx: Ctx,
  list: { shown: number; total: number; next: string | undefined; path: string },
): PagingView {
  const at = (after: string | undefined) => {
    const query = new URLSearchParams(ctx.querystring)
    query.delete('after')
    if (after !== undefined) query.set('after', after)
    const text = query.toString()
    return text === '' ? list.path : `${list.path}?${text}`
  }
  const search = typeof ctx.query.search === 'string' ? ctx.query.search : ''
  return {
    at: list.path,
    search,
    shown: list.shown,
    total: list.total,
    ...(ctx.query.after === undefined ? {} : { first: at(undefined) }),
    ...(list.next === undefined ? {} : { next: at(list.next) }),
  }
}

/** The page to come back to: a form's own address may be none. */
function pageOf(ctx: Ctx, issuer: string): string {
  return ctx.method === 'GET' || ctx.method === 'HEAD' ? ctx.url : (refererPath(ctx, issuer) ?? '/console')
}

/** The page a form was on; our own pages send it (`Referrer-Policy: same-origin`). */
function refererPath(ctx: Ctx, issuer: string): string | undefined {
  const url = URL.parse(ctx.get('referer'))
  return url?.origin === new URL(issuer).origin ? returnPath(url.pathname + url.search, issuer) : undefined
}
