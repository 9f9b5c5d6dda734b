/** Groups to put somebody in: boxes for those that fit on a page, a field of short names for the rest. @module */
import type { Groups } from '../accounts/groups.ts'
import type { Ctx } from '../http/context.ts'
import type { GroupChoices } from '../pages/views-console-accounts.ts'
import type { Visit } from './frame.ts'
import { tickedIn, typedIn } from './typed.ts'

const most = 24

/** What this visitor may choose from; what was ticked before is ticked again. */
export async function groupChoices(ctx: Ctx, visit: Visit, groups: Pick<Groups, 'list'>): Promise<GroupChoices> {
  const { admin } = visit.rights
  const found = await groups.list({ limit: most, ...(admin ? {} : { managedBy: visit.actor.account }) })
  const ticked = new Set(tickedIn(typedIn(ctx), 'group'))
  return {
    offered: found.rows
      .filter(({ source }) => source === 'database' || source === 'import')
      .map(({ slug, title }) => ({ slug, title, checked: ticked.has(slug) })),
    more: found.next !== undefined,
  }
}

/** What was chosen, by boxes and by names. */
export function chosenGroups(ctx: Ctx): readonly string[] {
  const typed = typedIn(ctx)
  const named = (typed.groups ?? '').split(/[\s,;]+/).filter((slug) => slug !== '')
  return [...new Set([...tickedIn(typed, 'group'), ...named])]
}
