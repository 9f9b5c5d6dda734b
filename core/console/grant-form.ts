/** The form of a new grant: for whom, what, on which conditions, why. @module */
import { Fault, type Level, levels } from '@labgate/contract'
import type { NewGrant, Subject } from '../access/model.ts'
import type { Ctx } from '../http/context.ts'
import type { ConsoleField } from '../pages/views-console.ts'
import type { Visit } from './frame.ts'
import type { LedgerConsoleNeeds } from './ledger-needs.ts'
import { givenDatasets, gone, isAmong } from './scope.ts'
import { typedIn } from './typed.ts'
import { readConditions } from './typed-ledger.ts'
import { createWho } from './who.ts'

type Typed = Readonly<Record<string, string>>

const kinds = ['account', 'name', 'group', 'signed-in', 'anyone'] as const
const conditionNames = ['terms', 'from', 'until', 'facts', 'withinGroup']

/** The grant that was typed. @throws Fault ERR_INPUT, ERR_NOT_FOUND for a dataset that is not theirs to give */
export async function readGrant(ctx: Ctx, visit: Visit, needs: LedgerConsoleNeeds): Promise<NewGrant> {
  const typed = typedIn(ctx)
  const dataset = await needs.ledger.datasets.find((typed.dataset ?? '').trim())
  if (!dataset || !isAmong(givenDatasets(visit.rights), dataset.slug)) gone(ctx, needs.desk)
  const version = typed.version?.trim()
  return {
    subject: await subjectOf(ctx, typed, needs),
    dataset: dataset.slug,
    ...(version ? { version } : {}),
    ...verbOf(ctx, typed, needs),
    conditions: readConditions(typed),
    why: typed.why ?? '',
  }
}

async function subjectOf(ctx: Ctx, typed: Typed, { desk }: LedgerConsoleNeeds): Promise<Subject> {
  const who = (typed.who ?? '').trim()
  const kind = kinds.find((one) => one === typed.kind)
  switch (kind) {
    case 'account':
      return { kind, account: (await createWho(desk).find(ctx, who)).id }
    case 'group':
      return { kind, group: who }
    case 'name':
      return { kind, instance: (typed.instance ?? '').trim(), value: who }
    case undefined:
      throw new Fault('ERR_INPUT', desk.text(ctx, 'console.grant.noKind'))
    default:
      // What was typed for another kind must not be lost in silence: it would be given to everybody.
      if (who !== '') throw new Fault('ERR_INPUT', desk.text(ctx, 'console.grant.nobodyNamed'))
      return { kind }
  }
}

function verbOf(
  ctx: Ctx,
  { level, permission }: Typed,
  { desk }: LedgerConsoleNeeds,
): Pick<NewGrant, 'level' | 'permission'> {
  const named = (permission ?? '').trim()
  const found = levels.find((one) => one === level)
  if (level !== 'permission' && named !== '') throw new Fault('ERR_INPUT', desk.text(ctx, 'console.grant.levelOrName'))
  if (level === 'permission') return { permission: named }
  if (found === undefined) throw new Fault('ERR_INPUT', desk.text(ctx, 'console.grant.noLevel'))
  return { level: found }
}

/** Levels that these rights can give somewhere. */
function levelsFor({ rights }: Visit): readonly Level[] {
  if (rights.admin || rights.steering) return levels
  return levels.filter((level) => level !== 'admin')
}

/** The fields of the form, filled with what was typed. */
export async function grantFields(
  ctx: Ctx,
  visit: Visit,
  { needs, typed }: { needs: LedgerConsoleNeeds; typed: Typed },
) {
  const { desk } = needs
  const text = (key: string) => desk.text(ctx, `console.grant.${key}`)
  const field = (name: string, more: Partial<ConsoleField> = {}): ConsoleField => ({
    id: name,
    name,
    label: text(name),
    value: typed[name],
    ...more,
  })
  const hinted = (name: string, more: Partial<ConsoleField> = {}) => field(name, { hint: text(`${name}Hint`), ...more })
  const level = levelsFor(visit).map((value) => ({ value, label: text(`levels.${value}`) }))
  const { admin, groups } = visit.rights
  const needsGroup = !admin && groups.length > 0
  return {
    who: [
      field('kind', {
        type: 'select',
        options: kinds.map((value) => ({ value, label: desk.text(ctx, `console.subjects.${value}`) })),
      }),
      hinted('who', { plain: true, maxLength: 320 }),
      hinted('instance', {
        type: 'select',
        options: [{ value: '', label: text('noInstance') }, ...instances(ctx, needs)],
      }),
    ],
    what: [
      hinted('dataset', { required: true, plain: true, maxLength: 128 }),
      hinted('version', { plain: true, maxLength: 64 }),
      field('level', {
        type: 'select',
        options: [...level, { value: 'permission', label: text('levels.permission') }],
      }),
      hinted('permission', { plain: true, maxLength: 64 }),
    ],
    conditions: [
      hinted('from', { type: 'datetime-local' }),
      hinted('until', { type: 'datetime-local' }),
      hinted('terms', { plain: true, maxLength: 100 }),
      hinted('withinGroup', { plain: true, maxLength: 64 }),
      hinted('facts', { type: 'area', rows: 3, plain: true }),
    ],
    hasConditions: needsGroup || conditionNames.some((name) => (typed[name] ?? '').trim() !== ''),
    why: hinted('why', { type: 'area', rows: 2, maxLength: 1000 }),
  }
}

function instances(ctx: Ctx, { desk }: LedgerConsoleNeeds) {
  const locale = desk.locale(ctx)
  return desk.methods.choices(locale).map(({ id }) => ({ value: id, label: desk.methods.label(id, locale) }))
}
