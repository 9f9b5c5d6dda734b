/** A person's own history here, and everything kept about them to take away. @module */
import { Fault } from '@labgate/contract'
import type { Life } from '../accounts/life.ts'
import type { BrowserSession } from '../accounts/sessions.ts'
import type { Ctx } from '../http/context.ts'
import type { Limits } from '../http/rate.ts'
import type { Route } from '../http/routes.ts'
import { seeOther } from '../http/see-other.ts'
import type { Desk } from '../login/desk.ts'
import type { Door } from '../login/door.ts'
import type { HistoryLineView } from '../pages/views-person.ts'
import type { AuditLine } from '../storage/audit.ts'

/** What the pages stand on. */
export interface MyLifeNeeds {
  readonly desk: Desk
  readonly door: Door
  readonly limits: Limits
  readonly life: Life
}

const history = '/account/history'
const exportPath = '/account/export'
/** Taking everything away asks for a sign-in that is not older: an open browser must not be enough. */
const freshSeconds = 900
const purpose = 'export'
const pageSize = 50
/** Exports a person may take in an hour: each is a walk through everything. */
const mostExports = { count: 10, seconds: 3600 }

/** Routes of `/account/history` and `/account/export`. */
export function myLifeRoutes(needs: MyLifeNeeds): Route[] {
  const { desk, door } = needs
  const binding = (ctx: Ctx) => desk.cookie.idOf(ctx.req)
  return [
    { method: 'GET', path: history, guard: door.guard(), handler: (ctx) => show(ctx, needs) },
    {
      method: 'GET',
      path: exportPath,
      guard: door.guard({ maxAgeSeconds: freshSeconds }),
      handler: (ctx) => seeOther(ctx, history),
    },
    {
      method: 'POST',
      path: exportPath,
      guard: door.guard(),
      csrf: { binding, purpose },
      body: { type: 'form' },
      handler: (ctx) => take(ctx, needs),
    },
  ]
}

async function sessionOf(ctx: Ctx, desk: Desk): Promise<BrowserSession> {
  const found = await desk.cookie.of(ctx.req)
  if (!found) throw new Fault('ERR_UNAUTHENTICATED', desk.text(ctx, 'login.signInFirst'))
  return found
}

async function show(ctx: Ctx, { desk, life }: MyLifeNeeds): Promise<void> {
  const mine = await sessionOf(ctx, desk)
  const asked = typeof ctx.query.before === 'string' ? ctx.query.before : ''
  const before = /^[1-9]\d{0,14}$/.test(asked) ? Number(asked) : undefined
  const { rows, next } = await life.history(mine.account, { seenBy: 'self', before, limit: pageSize })
  desk.show(ctx, 'my-history', {
    now: desk.clock.now(),
    lines: rows.map((line) => lineView(line, mine.account)),
    ...(before === undefined ? {} : { first: history }),
    ...(next === undefined ? {} : { next: `${history}?before=${next}` }),
    take: { action: exportPath, csrf: desk.csrf.token(desk.cookie.idOf(ctx.req) ?? 'none', purpose) },
  })
}

function lineView({ at, type, actor, address, client, detail }: AuditLine, own: string): HistoryLineView {
  return {
    at,
    what: type.replaceAll('.', '-'),
    by: actor === undefined || actor === own ? 'self' : 'other',
    about: [client, ...wordsIn(detail)].filter((word) => word !== undefined),
    address,
  }
}

/** Names in a line that tell a person more: which way in, which group, which terms. */
function wordsIn(detail: AuditLine['detail']): string[] {
  if (typeof detail !== 'object' || detail === null) return []
  const named = detail as Readonly<Record<string, unknown>>
  return ['instance', 'group', 'terms', 'dataset'].flatMap((key) => {
    const value = named[key]
    return typeof value === 'string' ? [value] : []
  })
}

async function take(ctx: Ctx, { desk, life, limits }: MyLifeNeeds): Promise<void> {
  const mine = await sessionOf(ctx, desk)
  const ageSeconds = (desk.clock.now().getTime() - mine.authTime.getTime()) / 1000
  if (ageSeconds > freshSeconds) return seeOther(ctx, exportPath)
  await limits.take('account export', mine.account, mostExports)
  const { address, requestId } = ctx.state
  const all = await life.exportOf({ kind: 'account', account: mine.account, address, requestId }, mine.account)
  ctx.body = JSON.stringify(all, null, 2)
  ctx.type = 'application/json'
  ctx.set('Content-Disposition', 'attachment; filename="labgate-export.json"')
  ctx.set('Cache-Control', 'no-store')
}
