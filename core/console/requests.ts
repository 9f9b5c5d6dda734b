/** The console's room for requests: who asks for access, and the answer. @module */
import { Fault, levels } from '@labgate/contract'
import type { AccessRequest } from '../access/model.ts'
import type { Ctx } from '../http/context.ts'
import type { Route } from '../http/routes.ts'
import type { Notice, Views } from '../pages/views.ts'
import type { ConsoleField } from '../pages/views-console.ts'
import type { ConsoleFrame, Visit } from './frame.ts'
import type { LedgerConsoleNeeds } from './ledger-needs.ts'
import { type LedgerWords, ledgerWords } from './ledger-words.ts'
import { gone, isAmong, keepsDatasets, keptDatasets, rowNumber } from './scope.ts'
import { framed, typedIn } from './typed.ts'
import { instantOf } from './typed-ledger.ts'

const base = '/console/requests'
const states = ['open', 'granted', 'refused', 'withdrawn', 'all'] as const

/** Routes under `/console/requests`. */
export function requestRoutes(frame: ConsoleFrame, needs: LedgerConsoleNeeds): Route[] {
  const { desk } = needs
  const answer = (way: 'grant' | 'refuse') =>
    frame.form(`${base}/:id/${way}`, {
      may: keepsDatasets,
      async apply(ctx, visit) {
        const { id } = await requestInSight(ctx, visit, needs)
        const { level, until, note } = typedIn(ctx)
        const found = levels.find((one) => one === level)
        if (way === 'grant' && found === undefined)
          throw new Fault('ERR_INPUT', desk.text(ctx, 'console.grant.noLevel'))
        await needs.ledger.requests.decide(visit.actor, id, {
          grant: way === 'grant' ? 'yes' : 'no',
          ...(way === 'grant' ? { level: found, until: instantOf(until) } : {}),
          note,
        })
        return { to: base, said: desk.text(ctx, `console.request.done.${way}`) }
      },
      again: (ctx, visit, notice) => showList(ctx, visit, { frame, needs, failed: { notice, way } }),
    })
  return [
    frame.page(base, (ctx, visit) => showList(ctx, visit, { frame, needs }), keepsDatasets),
    answer('grant'),
    answer('refuse'),
  ]
}

async function requestInSight(ctx: Ctx, { rights }: Visit, needs: LedgerConsoleNeeds): Promise<AccessRequest> {
  const id = rowNumber(ctx.params.id)
  const found = id === undefined ? undefined : await needs.ledger.requests.find(id)
  return found && isAmong(keptDatasets(rights), found.dataset) ? found : gone(ctx, needs.desk)
}

interface Listing {
  readonly frame: ConsoleFrame
  readonly needs: LedgerConsoleNeeds
  readonly failed?: { readonly notice: Notice; readonly way: 'grant' | 'refuse' } | undefined
}

async function showList(ctx: Ctx, visit: Visit, { frame, needs, failed }: Listing): Promise<void> {
  const { ledger, desk } = needs
  const kept = keptDatasets(visit.rights)
  const slug = typeof ctx.query.dataset === 'string' ? ctx.query.dataset.slice(0, 128).trim() : ''
  const state = states.find((each) => each === ctx.query.state) ?? 'open'
  const datasets = slug === '' ? kept : isAmong(kept, slug) ? [slug] : []
  const found = await ledger.requests.list({
    ...frame.asked(ctx),
    datasets,
    ...(state === 'all' ? {} : { state }),
  })
  const words = ledgerWords(ctx, desk, visit.rights)
  // The one whose answer failed is shown, wherever in the list it stands.
  const again = failed === undefined ? undefined : Number(ctx.params.id)
  const rows = [...found.rows]
  if (again !== undefined && !rows.some(({ id }) => id === again)) {
    const missed = await requestInSight(ctx, visit, needs).catch(() => undefined)
    if (missed) rows.unshift(missed)
  }
  frame.show(ctx, 'console-requests', {
    frame: await framed(frame, { ctx, visit, room: 'requests', notice: failed?.notice }),
    paging: frame.paging(ctx, found, base),
    filters: filters(ctx, needs, { slug, state }),
    requests: await Promise.all(
      rows.map((one) =>
        lineOf(ctx, one, { frame, needs, words, way: one.id === again ? failed?.way : undefined, visit }),
      ),
    ),
  })
}

function filters(
  ctx: Ctx,
  { desk }: LedgerConsoleNeeds,
  { slug, state }: { slug: string; state: string },
): ConsoleField[] {
  return [
    {
      id: 'dataset',
      name: 'dataset',
      label: desk.text(ctx, 'console.grant.dataset'),
      value: slug,
      plain: true,
      maxLength: 128,
    },
    {
      id: 'state',
      name: 'state',
      label: desk.text(ctx, 'console.grant.state'),
      type: 'select',
      value: state,
      options: states.map((value) => ({ value, label: desk.text(ctx, `console.request.states.${value}`) })),
    },
  ]
}

interface Line {
  readonly frame: ConsoleFrame
  readonly needs: LedgerConsoleNeeds
  readonly words: LedgerWords
  readonly visit: Visit
  /** The form that comes again. */
  readonly way: 'grant' | 'refuse' | undefined
}

async function lineOf(
  ctx: Ctx,
  one: AccessRequest,
  { frame, needs, words, visit, way }: Line,
): Promise<Views['console-requests']['requests'][number]> {
  const { account, dataset, decidedBy, createdAt, ...facts } = one
  const line = {
    ...facts,
    who: await words.who(account),
    dataset: words.dataset(dataset),
    at: createdAt,
    decidedBy: decidedBy === undefined ? undefined : await words.who(decidedBy),
  }
  if (one.state !== 'open') return line
  const typed = way === undefined ? {} : typedIn(ctx)
  const text = (key: string) => needs.desk.text(ctx, `console.request.${key}`)
  const note = (id: string, kind: 'grant' | 'refuse'): ConsoleField => ({
    id: `${id}-${one.id}`,
    name: 'note',
    label: text('note'),
    hint: text('noteHint'),
    type: 'area',
    rows: 2,
    maxLength: 1000,
    value: way === kind ? typed.note : '',
  })
  const given = visit.rights.admin ? levels : levels.filter((level) => level !== 'admin')
  const wanted = given.includes(one.level) ? one.level : 'manage'
  return {
    ...line,
    ...(way === undefined ? {} : { isOpen: way }),
    grant: {
      post: frame.post(ctx, `${base}/${one.id}/grant`),
      fields: [
        {
          id: `level-${one.id}`,
          name: 'level',
          label: text('level'),
          type: 'select',
          value: (way === 'grant' ? typed.level : undefined) ?? wanted,
          options: given.map((value) => ({
            value,
            label: needs.desk.text(ctx, `console.grant.levels.${value}`),
          })),
        },
        {
          id: `until-${one.id}`,
          name: 'until',
          label: needs.desk.text(ctx, 'console.grant.until'),
          hint: needs.desk.text(ctx, 'console.grant.untilHint'),
          type: 'datetime-local',
          value: way === 'grant' ? typed.until : '',
        },
        note('grant-note', 'grant'),
      ],
    },
    refuse: { post: frame.post(ctx, `${base}/${one.id}/refuse`), fields: [note('refuse-note', 'refuse')] },
  }
}
