/** The console's room for grants: the ledger's lines, a new one, one with its history, and its end. @module */
import { levels } from '@labgate/contract'
import type { Grant } from '../access/model.ts'
import { seesGrant } from '../access/sight.ts'
import type { Ctx } from '../http/context.ts'
import type { Route } from '../http/routes.ts'
import type { Notice, Views } from '../pages/views.ts'
import type { ConsoleField } from '../pages/views-console.ts'
import type { ConsoleFrame, Visit } from './frame.ts'
import { grantFields, readGrant } from './grant-form.ts'
import type { LedgerConsoleNeeds } from './ledger-needs.ts'
import { ledgerWords, mayExplain } from './ledger-words.ts'
import { gone, rowNumber, seesGrants } from './scope.ts'
import { framed, typedIn } from './typed.ts'
import { subjectTyped } from './typed-subject.ts'

const base = '/console/grants'
const states = ['current', 'ended', 'all'] as const

/** Routes under `/console/grants`. */
export function grantRoutes(frame: ConsoleFrame, needs: LedgerConsoleNeeds): Route[] {
  const place = { frame, needs }
  return [
    frame.page(base, (ctx, visit) => showList(ctx, visit, place), seesGrants),
    frame.page(`${base}/new`, (ctx, visit) => showNew(ctx, visit, place), seesGrants),
    frame.form(`${base}/new`, {
      may: seesGrants,
      async apply(ctx, visit) {
        const asked = await readGrant(ctx, visit, needs)
        const { id } = await needs.ledger.grants.add(visit.actor, asked)
        return { to: `${base}/${id}`, said: needs.desk.text(ctx, 'console.grant.made') }
      },
      again: (ctx, visit, notice) => showNew(ctx, visit, { ...place, notice }),
    }),
    frame.page(`${base}/:id`, (ctx, visit) => showOne(ctx, visit, place), seesGrants),
    frame.form(`${base}/:id/end`, {
      may: seesGrants,
      async apply(ctx, visit) {
        const { id } = await grantInSight(ctx, visit, needs)
        await needs.ledger.grants.end(visit.actor, id)
        return { to: `${base}/${id}`, said: needs.desk.text(ctx, 'console.grant.ended') }
      },
      again: (ctx, visit, notice) => showOne(ctx, visit, { ...place, notice }),
    }),
  ]
}

interface Place {
  readonly frame: ConsoleFrame
  readonly needs: LedgerConsoleNeeds
  readonly notice?: Notice | undefined
}

async function showList(ctx: Ctx, visit: Visit, { frame, needs }: Place): Promise<void> {
  const { ledger, desk } = needs
  const { rights } = visit
  const one = (name: string) => {
    const value = ctx.query[name]
    return typeof value === 'string' ? value.slice(0, 320).trim() : ''
  }
  const [slug, who, asked] = [one('dataset'), one('subject'), one('state')]
  const state = states.find((each) => each === asked) ?? 'current'
  const dataset = slug === '' ? undefined : ((await ledger.datasets.find(slug))?.slug ?? slug)
  const subject = who === '' ? undefined : await subjectTyped(who, needs)
  // A holder that is not known holds nothing.
  const none = who !== '' && subject === undefined
  const found = none
    ? { rows: [], total: 0, next: undefined }
    : await ledger.grants.list({ ...frame.asked(ctx), dataset, subject, state, seenBy: rights })
  const words = ledgerWords(ctx, desk, rights)
  frame.show(ctx, 'console-grants', {
    frame: await frame.frame(ctx, visit, 'grants'),
    paging: frame.paging(ctx, found),
    filters: filters(ctx, needs, { slug, who, state }),
    grants: await Promise.all(found.rows.map(words.line)),
    add: slug === '' ? `${base}/new` : `${base}/new?dataset=${encodeURIComponent(slug)}`,
  })
}

function filters(
  ctx: Ctx,
  { desk }: LedgerConsoleNeeds,
  { slug, who, state }: { slug: string; who: string; state: string },
): readonly ConsoleField[] {
  const text = (key: string) => desk.text(ctx, `console.grant.${key}`)
  return [
    { id: 'dataset', name: 'dataset', label: text('dataset'), value: slug, plain: true, maxLength: 128 },
    { id: 'subject', name: 'subject', label: text('holder'), value: who, plain: true, maxLength: 320 },
    {
      id: 'state',
      name: 'state',
      label: text('state'),
      type: 'select',
      value: state,
      options: states.map((value) => ({ value, label: desk.text(ctx, `console.grant.states.${value}`) })),
    },
  ]
}

async function showNew(ctx: Ctx, visit: Visit, { frame, needs, notice }: Place): Promise<void> {
  const fromAddress = Object.fromEntries(
    ['dataset', 'level', 'kind', 'who', 'version'].flatMap((name) => {
      const value = ctx.query[name]
      return typeof value === 'string' ? [[name, value.slice(0, 320)]] : []
    }),
  )
  const typed = ctx.method === 'POST' ? typedIn(ctx) : fromAddress
  const data: Views['console-grant-new'] = {
    frame: await framed(frame, { ctx, visit, room: 'grants', notice }),
    post: frame.post(ctx, `${base}/new`),
    ...(await grantFields(ctx, visit, { needs, typed })),
  }
  frame.show(ctx, 'console-grant-new', data)
}

async function grantInSight(ctx: Ctx, { rights }: Visit, { ledger, desk }: LedgerConsoleNeeds): Promise<Grant> {
  const id = rowNumber(ctx.params.id)
  const found = id === undefined ? undefined : await ledger.grants.find(id)
  return found && seesGrant(rights, found) ? found : gone(ctx, desk)
}

async function showOne(ctx: Ctx, visit: Visit, { frame, needs, notice }: Place): Promise<void> {
  const { desk } = needs
  const grant = await grantInSight(ctx, visit, needs)
  const words = ledgerWords(ctx, desk, visit.rights)
  const { id, source, endedAt, subject, dataset } = grant
  const verb = grant.level ?? grant.permission ?? levels[0] ?? 'view'
  const question = subject.kind === 'account' && mayExplain(visit.rights, dataset)
  frame.show(ctx, 'console-grant', {
    frame: await framed(frame, { ctx, visit, room: 'grants', notice }),
    grant: {
      ...(await words.line(grant)),
      by: await words.who(grant.grantedBy),
      why: grant.why,
      source,
      endedAt,
      endedBy: grant.endedBy === undefined ? undefined : await words.who(grant.endedBy),
    },
    trail: await trailOf(grant, { needs, visit, who: words.who }),
    ...(source !== 'config' && endedAt === undefined ? { end: frame.post(ctx, `${base}/${id}/end`) } : {}),
    ...(question && subject.kind === 'account'
      ? {
          explain: `/console/explain?${new URLSearchParams({
            account: subject.account,
            dataset,
            ...(grant.version === undefined ? {} : { version: grant.version }),
            verb,
          })}`,
        }
      : {}),
  })
}

/** A moment around an instant: the line is written in the same change, a little later. */
const aroundMs = 10_000

async function trailOf(
  { id, createdAt, endedAt }: Grant,
  { needs, visit, who }: { needs: LedgerConsoleNeeds; visit: Visit; who: (id: string) => Promise<{ label: string }> },
): Promise<Views['console-grant']['trail']> {
  const near = (at: Date) =>
    needs.trail.about({
      name: 'grant',
      value: id,
      from: new Date(at.getTime() - aroundMs),
      until: new Date(at.getTime() + aroundMs),
      limit: 20,
    })
  const found = [...(endedAt === undefined ? [] : await near(endedAt)), ...(await near(createdAt))]
  const lines = [...new Map(found.map((line) => [line.id, line])).values()]
  return Promise.all(
    lines.map(async ({ actor, id: line, at, type, address, requestId }) => ({
      id: line,
      at,
      type,
      // Where somebody sat is for those who read the whole trail.
      ...(visit.rights.admin ? { address, requestId } : {}),
      by: await who(actor ?? 'system'),
    })),
  )
}
