/** What a person says of themselves: the site's questions, answered anew at any time, or on the way to a dialect. @module */
import { Fault } from '@labgate/contract'
import type { BrowserSession } from '../accounts/sessions.ts'
import type { Ctx } from '../http/context.ts'
import { allowFormTo } from '../http/headers.ts'
import { returnPath } from '../http/returns.ts'
import type { Route } from '../http/routes.ts'
import { seeOther } from '../http/see-other.ts'
import { type Desk, noteKey } from '../login/desk.ts'
import type { Door } from '../login/door.ts'
import { answerPosted, profileForm } from '../login/profile.ts'
import type { Post } from '../pages/views.ts'

const path = '/account/profile'
const purpose = 'profile'

/** What the pages stand on. */
export interface MyProfileNeeds {
  readonly desk: Desk
  readonly door: Door
  /** Dialects by the id of their instance, with the origin that each stands on. */
  readonly dialects: readonly { readonly id: string; readonly origin: string }[]
}

/** Where a dialect sends a browser whose person must answer questions first. */
export function questionsAddress(desk: Pick<Desk, 'issuer'>, ask: { instance: string; back: string }): string {
  const url = new URL(`/profile/for/${encodeURIComponent(ask.instance)}`, desk.issuer)
  url.search = new URLSearchParams({ back: ask.back }).toString()
  return url.href
}

/** Routes of `/account/profile` and `/profile/for/:instance`. */
export function myProfileRoutes(needs: MyProfileNeeds): Route[] {
  const { desk, door } = needs
  const binding = (ctx: Ctx) => desk.cookie.idOf(ctx.req)
  const page = { method: 'GET', guard: door.guard() } as const
  const form = { method: 'POST', guard: door.guard(), csrf: { binding, purpose }, body: { type: 'form' } } as const
  const own = createOwnPage(desk)
  const onTheWay = createPageOnTheWay(needs)
  return [
    { ...page, path, handler: (ctx) => own.show(ctx, {}) },
    { ...form, path, handler: own.answer },
    { ...page, path: '/profile/for/:instance', handler: onTheWay.show },
    { ...form, path: '/profile/for/:instance', handler: onTheWay.answer },
  ]
}

async function sessionOf(ctx: Ctx, desk: Desk): Promise<BrowserSession> {
  const found = await desk.cookie.of(ctx.req)
  if (!found) throw new Fault('ERR_UNAUTHENTICATED', desk.text(ctx, 'login.signInFirst'))
  return found
}

function postTo(ctx: Ctx, desk: Desk, to: { action: string; fields?: Readonly<Record<string, string>> }): Post {
  return { ...to, csrf: desk.csrf.token(desk.cookie.idOf(ctx.req) ?? 'none', purpose) }
}

function createOwnPage(desk: Desk) {
  const show = async (ctx: Ctx, asked: { error?: string }): Promise<void> => {
    const { account } = await sessionOf(ctx, desk)
    const answers = await desk.profile.answers(account)
    if (answers.length === 0) throw new Fault('ERR_NOT_FOUND', desk.text(ctx, 'profile.none'))
    const form = profileForm(desk, ctx, { answers, ...asked })
    desk.show(ctx, 'profile', { ...postTo(ctx, desk, { action: path }), form, leave: '/account' })
  }
  return {
    show,
    async answer(ctx: Ctx): Promise<void> {
      const mine = await sessionOf(ctx, desk)
      const answers = await desk.profile.answers(mine.account)
      const error = await answerPosted(desk, ctx, { account: mine.account, answers })
      if (error !== undefined) {
        ctx.status = 400
        return show(ctx, { error })
      }
      await desk.attempts.leaveNote(noteKey(mine), desk.text(ctx, 'profile.saved'))
      seeOther(ctx, '/account')
    },
  }
}

function createPageOnTheWay({ desk, dialects }: MyProfileNeeds) {
  /** The page to go back to: the origin is the registry's, the path one of that origin. Nobody is sent elsewhere. */
  const placeOf = (ctx: Ctx, back: string | undefined) => {
    const found = dialects.find(({ id }) => id === ctx.params.instance)
    if (!found) throw new Fault('ERR_NOT_FOUND', desk.text(ctx, 'profile.none'))
    const { id, origin } = found
    return { id, origin, service: new URL(origin).host, path: returnPath(back, origin) ?? '/' }
  }
  const dueOf = async (account: string) => (await desk.profile.answers(account)).filter(({ isDue }) => isDue)
  const ask = async (ctx: Ctx, asked: { back: string | undefined; error?: string }): Promise<void> => {
    const { account } = await sessionOf(ctx, desk)
    const { id, origin, service, path: back } = placeOf(ctx, asked.back)
    const answers = await dueOf(account)
    // Not sent back by itself: were another person signed in there, the browser would go round in circles.
    if (answers.length === 0)
      return desk.show(ctx, 'message', {
        title: desk.text(ctx, 'profile.nothing'),
        text: [desk.text(ctx, 'profile.nothingText')],
        link: { label: desk.text(ctx, 'terms.goOn', { service }), href: new URL(back, origin).href },
      })
    allowFormTo(ctx, origin)
    desk.show(ctx, 'profile', {
      ...postTo(ctx, desk, { action: `/profile/for/${id}`, fields: { back } }),
      form: profileForm(desk, ctx, { answers, ...(asked.error === undefined ? {} : { error: asked.error }) }),
      client: { name: service },
      leave: '/account',
    })
  }
  return {
    show: (ctx: Ctx) => ask(ctx, { back: typeof ctx.query.back === 'string' ? ctx.query.back : undefined }),
    async answer(ctx: Ctx): Promise<void> {
      const { account } = await sessionOf(ctx, desk)
      const posted = ctx.state.form?.get('back') ?? undefined
      const { origin, path: back } = placeOf(ctx, posted)
      const error = await answerPosted(desk, ctx, { account, answers: await dueOf(account) })
      if (error === undefined) return seeOther(ctx, new URL(back, origin).href)
      ctx.status = 400
      await ask(ctx, { back: posted, error })
    },
  }
}
