/** What was used, by person or by group: a page, and a table for a spreadsheet. @module */
import type { Ctx } from '../http/context.ts'
import type { Route } from '../http/routes.ts'
import type { UsageLine } from '../workspaces/model.ts'
import { cellOf } from './acceptance-table.ts'
import { byAdmin, type ConsoleWorkspacesNeeds, consoleWorkspaces, workspacesRoom } from './admin-workspaces.ts'
import type { ConsoleFrame } from './frame.ts'
import { createWho, type Who } from './who.ts'

const base = `${consoleWorkspaces}/usage`
const dayMs = 86_400_000

/** Which time, and by what. */
interface Asked {
  /** First and last day, both included, in UTC. */
  readonly from: string
  readonly until: string
  readonly by: 'account' | 'group'
}

/** The page of usage and its table. */
export function usageRoutes(frame: ConsoleFrame, needs: ConsoleWorkspacesNeeds): Route[] {
  const { desk, workspaces } = needs
  const who = createWho(desk)
  const linesOf = ({ from, until, by }: Asked) =>
    workspaces.usage({ from: dayOf(from), until: new Date(dayOf(until).getTime() + dayMs), by })
  return [
    frame.page(
      base,
      async (ctx, visit) => {
        const asked = askedIn(ctx, desk.clock.now())
        const lines = await linesOf(asked)
        frame.show(ctx, 'console-workspace-usage', {
          frame: await frame.frame(ctx, visit, workspacesRoom),
          ...asked,
          lines: await Promise.all(
            lines.map(async (line) => ({
              ...line,
              who: line.scope.startsWith('account:') ? await who.view(line.scope.slice(8)) : undefined,
            })),
          ),
          csv: `${base}.csv?${new URLSearchParams({ ...asked })}`,
        })
      },
      byAdmin,
    ),
    frame.page(
      `${base}.csv`,
      async (ctx) => {
        const asked = askedIn(ctx, desk.clock.now())
        ctx.type = 'text/csv; charset=utf-8'
        ctx.set('Content-Disposition', `attachment; filename="usage-${asked.from}-${asked.until}.csv"`)
        ctx.body = await tableOf(await linesOf(asked), who)
      },
      byAdmin,
    ),
  ]
}

function askedIn(ctx: Ctx, now: Date): Asked {
  const day = (name: string, otherwise: Date): string => {
    const given = ctx.query[name]
    // A day that no calendar has is no day.
    const isDay = typeof given === 'string' && /^\d{4}-\d\d-\d\d$/.test(given) && iso(dayOf(given)) === given
    return isDay ? given : iso(otherwise)
  }
  return {
    from: day('from', new Date(now.getTime() - 30 * dayMs)),
    until: day('until', now),
    by: ctx.query.by === 'group' ? 'group' : 'account',
  }
}

function dayOf(text: string): Date {
  return new Date(`${text}T00:00:00.000Z`)
}

function iso(day: Date): string {
  return Number.isNaN(day.getTime()) ? '' : day.toISOString().slice(0, 10)
}

const columns = ['scope', 'username', 'name', 'workspaces', 'hours', 'memory_gib_hours', 'cpu_hours']

/** CSV (RFC 4180); names that people chose are no formulas there. */
async function tableOf(lines: readonly UsageLine[], who: Who): Promise<string> {
  const rows = await Promise.all(
    lines.map(async ({ scope, workspaces, hours, memoryGibHours, cpuHours }) => {
      const person = scope.startsWith('account:') ? await who.view(scope.slice(8)) : undefined
      const numbers = [hours, memoryGibHours, cpuHours].map((one) => one.toFixed(3))
      return [scope, person?.username ?? '', person?.name ?? '', String(workspaces), ...numbers]
    }),
  )
  return [columns, ...rows].map((cells) => `${cells.map(cellOf).join(',')}\r\n`).join('')
}
