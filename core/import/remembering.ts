/** What an import remembers of each row, so that the next one knows what it made. @module */
import { type Applying, named } from './applying.ts'
import { adopted } from './comparing.ts'
import type { FoundMember } from './model.ts'
import { remember } from './rows.ts'
import { type Kind, kinds, type Step } from './steps.ts'

/** Whether the source has shut somebody out, or let them in again, since the last import. */
export const stateChanged = ({ do: what, before, digest }: Step<unknown>): boolean =>
  what === 'change' && before?.split('.')[0] !== digest.split('.')[0]

/** Remembers the steps of a slice; what had to wait for its end is remembered there. */
export async function rememberAll(applying: Applying): Promise<void> {
  const { em, plan, source, clock } = applying
  for (const kind of kinds) {
    const steps: readonly Step<unknown>[] = plan.steps[kind]
    const rows = steps.filter((step) => !stateChanged(step)).map((step) => rememberedOf(applying, kind, step))
    await remember(em, rows, { source, kind, at: clock.now() })
  }
}

/** Key, target and digest. */
export function rememberedOf(
  { ids }: Pick<Applying, 'ids'>,
  kind: Kind,
  step: Step<unknown>,
): [string, string, string] {
  const own = targetOf(ids, kind, step)
  return [step.key, step.do === 'adopt' ? adopted(own) : own, step.digest]
}

function targetOf(ids: ReadonlyMap<string, string>, kind: Kind, step: Step<unknown>): string {
  if (kind === 'member' || kind === 'manager') {
    const { group, who } = step.row as FoundMember
    return JSON.stringify([ids.get(named('group', group)), ids.get(named(who.kind, who.key))])
  }
  if (kind === 'acceptance') return step.target ?? step.key
  return step.target ?? ids.get(named(kind, step.key)) ?? ''
}
