/** The console’s room for the audit trail: newest first, by party, kind and request. Only admins read it. @module */
import type { Json } from '@labgate/contract'
import type { Rights } from '../access/stewards.ts'
import type { Ctx } from '../http/context.ts'
import type { Route } from '../http/routes.ts'
import type { Desk } from '../login/desk.ts'
import { auditTypes } from '../observe/audit.ts'
import type { AuditLineView } from '../pages/views-console-people.ts'
import type { AuditLine, AuditTrail } from '../storage/audit.ts'
import type { ConsoleFrame, Visit } from './frame.ts'
import { createWho, type Who } from './who.ts'

/** What the room stands on. */
export interface AuditNeeds {
  readonly desk: Desk
  readonly trail: Pick<AuditTrail, 'list'>
}

const base = '/console/audit'
const may = ({ admin }: Rights) => admin
const pageSize = 50

/** Routes under `/console/audit`. */
export function auditRoutes(frame: ConsoleFrame, needs: AuditNeeds): Route[] {
  const who = createWho(needs.desk)
  const list = async (ctx: Ctx, visit: Visit): Promise<void> => {
    const filter = filterOf(ctx)
    const before = /^\d{1,15}$/.test(filter.after) ? Number(filter.after) : undefined
    // A name that is nobody’s may be of a system actor, or of an account that is gone.
    const party = filter.account === '' ? undefined : await idOf(ctx, filter.account, who)
    const lines = await needs.trail.list({
      party,
      type: filled(filter.type),
      requestId: filled(filter.request),
      before,
      limit: pageSize + 1,
    })
    const shown = lines.slice(0, pageSize)
    const at = (after: number | undefined) => addressOf({ ...filter, after: after === undefined ? '' : String(after) })
    frame.show(ctx, 'console-audit', {
      frame: await frame.frame(ctx, visit, 'audit'),
      filter,
      types: auditTypes,
      lines: await Promise.all(shown.map((line) => auditLineView(line, who))),
      first: before === undefined ? undefined : at(undefined),
      next: lines.length > pageSize ? at(shown.at(-1)?.id) : undefined,
    })
  }
  return [frame.page(base, list, may)]
}

function filterOf(ctx: Ctx) {
  const one = (name: string): string => {
    const value = ctx.query[name]
    return typeof value === 'string' ? value.trim().slice(0, 200) : ''
  }
  return { account: one('account'), type: one('type'), request: one('request'), after: one('after') }
}

const filled = (value: string) => (value === '' ? undefined : value)

async function idOf(ctx: Ctx, typed: string, who: Who): Promise<string> {
  const found = await who.find(ctx, typed).catch(() => undefined)
  return found?.id ?? typed
}

function addressOf(filter: Readonly<Record<string, string>>): string {
  const query = new URLSearchParams(Object.entries(filter).filter(([, value]) => value !== ''))
  return query.size === 0 ? base : `${base}?${query}`
}

/** A line of the trail, with the names of those it is about. */
export async function auditLineView(line: AuditLine, who: Who): Promise<AuditLineView> {
  const { id, at, type, client, address, requestId } = line
  const [actor, account] = await Promise.all(
    [line.actor, line.account].map(async (one) => (one === undefined ? undefined : who.view(one))),
  )
  return { id, at, type, actor, account, client, address, requestId, ...detailOf(line.detail) }
}

type Members = Readonly<Record<string, Json>>

function detailOf(detail: Json | undefined): Pick<AuditLineView, 'about' | 'changes'> {
  const { before, after, ...about } = membersOf(detail)
  const [was, is] = [membersOf(before), membersOf(after)]
  const names = [...new Set([...Object.keys(was), ...Object.keys(is)])]
  return {
    about: Object.entries(about).map(([name, value]) => ({ name, value: textOf(value) ?? '' })),
    changes: names
      .map((name) => ({ name, before: textOf(was[name]), after: textOf(is[name]) }))
      .filter((one) => one.before !== one.after),
  }
}

/** What is no object of members stands under one name of its own. */
function membersOf(value: Json | undefined): Members {
  if (value === undefined || value === null) return {}
  const isMembers = typeof value === 'object' && !Array.isArray(value)
  // An object that is no list has members.
  return isMembers ? (value as Members) : { value }
}

const longest = 400

/** A value in one line; nothing at all is `undefined`. */
function textOf(value: Json | undefined): string | undefined {
  if (value === undefined || value === null || value === '') return undefined
  if (Array.isArray(value) && value.length === 0) return undefined
  const isWords = Array.isArray(value) && value.every((part) => typeof part === 'string' || typeof part === 'number')
  const text = typeof value === 'string' ? value : isWords ? value.join(', ') : JSON.stringify(value)
  return text.length > longest ? `${text.slice(0, longest)}…` : text
}
