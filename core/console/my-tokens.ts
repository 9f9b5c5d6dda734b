/** The person’s own API tokens: listing, making, revoking. @module */
import { Fault, isFault } from '@labgate/contract'
import type { Actor } from '../accounts/actor.ts'
import type { BrowserSession } from '../accounts/sessions.ts'
import type { ApiTokens } from '../accounts/tokens.ts'
import type { Ctx } from '../http/context.ts'
import type { Route } from '../http/routes.ts'
import { seeOther } from '../http/see-other.ts'
import type { Desk } from '../login/desk.ts'
import type { Door } from '../login/door.ts'
import type { Notice, Post } from '../pages/views.ts'
import type { PagingView } from '../pages/views-console.ts'
import type { TokenMadeView } from '../pages/views-console-people.ts'
import { livesUpTo, newTokenIn, tokenMakeView, tokenView } from './token-forms.ts'
import { typedIn } from './typed.ts'

/** What the pages stand on. */
export interface MyTokensNeeds {
  readonly desk: Desk
  readonly door: Door
  readonly tokens: ApiTokens
  /** Longest life in seconds. */
  readonly maxSeconds: number
}

const base = '/account/tokens'
/** Making a token asks for a sign-in that is not older: who finds an open browser must not leave with a key. */
const freshSeconds = 900
const purpose = 'tokens'

interface Shown {
  readonly message?: Notice | undefined
  readonly made?: TokenMadeView | undefined
}

/** Routes under `/account/tokens`. */
export function myTokensRoutes(needs: MyTokensNeeds): Route[] {
  const { desk, door } = needs
  const binding = (ctx: Ctx) => desk.cookie.idOf(ctx.req)
  const form = { guard: door.guard(), csrf: { binding, purpose }, body: { type: 'form' } } as const
  const show = tokenPage(needs)
  return [
    { method: 'GET', path: base, guard: door.guard(), handler: (ctx) => show(ctx, {}) },
    {
      method: 'GET',
      path: `${base}/fresh`,
      guard: door.guard({ maxAgeSeconds: freshSeconds }),
      handler: (ctx) => seeOther(ctx, base),
    },
    { ...form, method: 'POST', path: base, handler: (ctx) => make(ctx, needs, show) },
    { ...form, method: 'POST', path: `${base}/:id/revoke`, handler: (ctx) => revoke(ctx, needs) },
  ]
}

type Show = ReturnType<typeof tokenPage>

function tokenPage({ desk, tokens, maxSeconds }: MyTokensNeeds) {
  const post = (ctx: Ctx, action: string): Post => ({
    action,
    csrf: desk.csrf.token(desk.cookie.idOf(ctx.req) ?? 'none', purpose),
  })
  return async (ctx: Ctx, { message, made }: Shown): Promise<void> => {
    const mine = await sessionOf(ctx, desk)
    const after = typeof ctx.query.after === 'string' ? ctx.query.after.slice(0, 200) : undefined
    const found = await tokens.list({ account: mine.account, limit: 50, after })
    const note = await desk.attempts.takeNote(noteKey(mine))
    const paging: PagingView = {
      search: '',
      shown: found.rows.length,
      total: found.total,
      ...(after === undefined ? {} : { first: base }),
      ...(found.next === undefined ? {} : { next: `${base}?after=${encodeURIComponent(found.next)}` }),
    }
    desk.show(ctx, 'tokens', {
      now: desk.clock.now(),
      message: message ?? (note === undefined ? undefined : { tone: 'success', text: note }),
      tokens: found.rows.map((token) => ({
        ...tokenView(token),
        ...(token.state === 'active' ? { revoke: post(ctx, `${base}/${encodeURIComponent(token.id)}/revoke`) } : {}),
      })),
      paging,
      make: tokenMakeView({
        post: post(ctx, base),
        scopes: tokens.scopes(),
        lives: livesUpTo(maxSeconds),
        typed: made === undefined ? typedIn(ctx) : {},
      }),
      made,
      signInAgain: !isFresh(mine, desk),
    })
  }
}

async function make(ctx: Ctx, { desk, tokens, maxSeconds }: MyTokensNeeds, show: Show): Promise<void> {
  const mine = await sessionOf(ctx, desk)
  try {
    if (!isFresh(mine, desk)) throw new Fault('ERR_FORBIDDEN', desk.text(ctx, 'tokens.freshFirst'))
    const wanted = newTokenIn(ctx, desk, { typed: typedIn(ctx), lives: livesUpTo(maxSeconds) })
    const { value, token } = await tokens.create(actorOf(ctx, mine), { account: mine.account, ...wanted })
    // On this page and nowhere else: only its digest is kept.
    await show(ctx, { made: { name: token.name, value } })
  } catch (error) {
    if (!isFault(error) || !error.shown) throw error
    await show(ctx, { message: { tone: 'error', text: error.message } })
    ctx.status = error.status
  }
}

async function revoke(ctx: Ctx, { desk, tokens }: MyTokensNeeds): Promise<void> {
  const mine = await sessionOf(ctx, desk)
  const token = await tokens.find(ctx.params.id ?? '')
  // Somebody else’s is told apart from none by nobody, admins included: they have the console.
  if (token?.account !== mine.account) throw new Fault('ERR_NOT_FOUND', desk.text(ctx, 'tokens.unknown'))
  await tokens.revoke(actorOf(ctx, mine), token.id)
  await desk.attempts.leaveNote(noteKey(mine), desk.text(ctx, 'tokens.isRevoked', { name: token.name }))
  seeOther(ctx, base)
}

async function sessionOf(ctx: Ctx, desk: Desk): Promise<BrowserSession> {
  const found = await desk.cookie.of(ctx.req)
  if (!found) throw new Fault('ERR_UNAUTHENTICATED', desk.text(ctx, 'login.signInFirst'))
  return found
}

function isFresh({ authTime }: BrowserSession, { clock }: Desk): boolean {
  return (clock.now().getTime() - authTime.getTime()) / 1000 <= freshSeconds
}

function actorOf(ctx: Ctx, { account }: BrowserSession): Actor {
  const { address, requestId } = ctx.state
  return { kind: 'account', account, address, requestId }
}

function noteKey({ handle }: BrowserSession): string {
  return `tokens:${handle}`
}
