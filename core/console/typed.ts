/** What a person typed into a form of the console, and the page that comes again with it. @module */
import { Fault } from '@labgate/contract'
import type { Ctx } from '../http/context.ts'
import type { Desk } from '../login/desk.ts'
import type { Notice } from '../pages/views.ts'
import type { ConsoleFrameView } from '../pages/views-console.ts'
import type { Typed } from '../pages/views-console-people.ts'
import type { ConsoleFrame, Visit } from './frame.ts'

/** What the form sent, by the names of its fields. */
export function typedIn(ctx: Ctx): Typed {
  return Object.fromEntries([...(ctx.state.form ?? [])].filter(([name]) => name !== '_csrf'))
}

/** Names of the boxes `GROUP:NAME` that were ticked. */
export function tickedIn(typed: Typed, group: string): readonly string[] {
  return Object.keys(typed)
    .filter((name) => name.startsWith(`${group}:`))
    .map((name) => name.slice(group.length + 1))
}

/** A day as a date field sends it, to its end in UTC; `undefined`: none was given. @throws Fault ERR_INPUT */
export function endOfDay(ctx: Ctx, { text }: Pick<Desk, 'text'>, typed: string | undefined): Date | undefined {
  if (typed === undefined || typed.trim() === '') return undefined
  const day = /^\d{4}-\d\d-\d\d$/.test(typed.trim()) ? new Date(`${typed.trim()}T23:59:59.000Z`) : undefined
  // A day that is in no calendar is moved on by some engines: it must come back as it was typed.
  if (day === undefined || Number.isNaN(day.getTime()) || day.toISOString().slice(0, 10) !== typed.trim())
    throw new Fault('ERR_INPUT', text(ctx, 'console.badDay'))
  return day
}

/** A whole number of at least 1; `undefined`: none was given. @throws Fault ERR_INPUT */
export function countOf(ctx: Ctx, { text }: Pick<Desk, 'text'>, typed: string | undefined): number | undefined {
  if (typed === undefined || typed.trim() === '') return undefined
  if (!/^[1-9]\d{0,5}$/.test(typed.trim())) throw new Fault('ERR_INPUT', text(ctx, 'console.badCount'))
  return Number(typed)
}

/** The frame around a page that may have come again with a notice. */
export async function framed(
  frame: ConsoleFrame,
  { ctx, visit, room, notice }: { ctx: Ctx; visit: Visit; room: string; notice: Notice | undefined },
): Promise<ConsoleFrameView> {
  const around = await frame.frame(ctx, visit, room)
  return notice === undefined ? around : { ...around, message: notice }
}
