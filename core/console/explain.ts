/** The console's answer to "why": the judgement with its lines and conditions, and what each dialect would say. @module */
import { isFault, type Json, type Principal } from '@labgate/contract'
import type { Explanation } from '../access/access.ts'
import { refusalWords } from '../access/refusal.ts'
import type { AccountRow } from '../accounts/accounts.ts'
import type { Ctx } from '../http/context.ts'
import type { Route } from '../http/routes.ts'
import type { Views } from '../pages/views.ts'
import type { LinkView } from '../pages/views-console-ledger.ts'
import type { AuditLine } from '../storage/audit.ts'
import type { ConsoleFrame, Visit } from './frame.ts'
import type { LedgerConsoleNeeds } from './ledger-needs.ts'
import { ledgerWords, mayExplain } from './ledger-words.ts'
import { keepsDatasets } from './scope.ts'
import { createWho } from './who.ts'

/** What is asked, as it stands in the address. */
interface Asked {
  readonly account: string
  readonly dataset: string
  readonly version: string
  readonly verb: string
  readonly service: string
}

type Answer = NonNullable<Views['console-explain']['answer']>

/** Routes under `/console/explain`. Nothing is changed here: the question stands in the address and can be sent on. */
export function explainRoutes(frame: ConsoleFrame, needs: LedgerConsoleNeeds): Route[] {
  return [
    frame.page(
      '/console/explain',
      async (ctx, visit) => {
        const code = one(ctx, 'event')
        const event = code === '' ? undefined : await refusedAt(code, visit, needs)
        const asked = event?.asked ?? askedIn(ctx)
        const without =
          code !== '' && event === undefined ? await refusedWithout(ctx, visit, { needs, code }) : undefined
        const unknown = code !== '' && event === undefined && without === undefined
        const outcome = await answerOf(ctx, visit, { needs, asked: unknown || without ? nothing : asked })
        frame.show(ctx, 'console-explain', {
          frame: await frame.frame(ctx, visit, 'explain'),
          ...fields(ctx, needs, { asked, code }),
          ...(unknown ? problem(needs.desk.text(ctx, 'console.explain.noEvent')) : outcome),
          ...(event === undefined ? {} : { refused: await refusedView(ctx, visit, { needs, event, code }) }),
          ...(without === undefined ? {} : { refused: without }),
        })
      },
      keepsDatasets,
    ),
  ]
}

const nothing: Asked = { account: '', dataset: '', version: '', verb: 'view', service: '' }

function one(ctx: Ctx, name: string): string {
  const value = ctx.query[name]
  return typeof value === 'string' ? value.slice(0, 320).trim() : ''
}

function askedIn(ctx: Ctx): Asked {
  const verb = one(ctx, 'verb')
  return {
    account: one(ctx, 'account'),
    dataset: one(ctx, 'dataset'),
    version: one(ctx, 'version'),
    verb: verb === '' ? 'view' : verb,
    service: one(ctx, 'service'),
  }
}

function problem(text: string): Pick<Views['console-explain'], 'problem'> {
  return { problem: { tone: 'error', text } }
}

interface RefusedEvent {
  readonly line: AuditLine
  readonly asked: Asked
}

/** The refusal that a person was shown, if its dataset is the visitor's to look after; else nobody learns of it. */
async function refusedAt(
  code: string,
  { rights }: Visit,
  needs: LedgerConsoleNeeds,
): Promise<RefusedEvent | undefined> {
  const found = await needs.trail.list({ requestId: code, type: 'access.refused', limit: 20 })
  for (const line of found) {
    const detail = (line.detail ?? {}) as { readonly [name: string]: Json }
    const word = (name: string) => (typeof detail[name] === 'string' ? (detail[name] as string) : '')
    if (word('dataset') === '') continue
    const dataset = await needs.ledger.datasets.find(word('dataset'))
    if (!rights.admin && (!dataset || !mayExplain(rights, dataset.slug))) continue
    const asked = {
      account: line.account ?? line.actor ?? '',
      dataset: word('dataset'),
      version: word('version'),
      verb: word('verb') || 'view',
      service: word('service') || (line.client ?? ''),
    }
    return { line, asked }
  }
  return undefined
}

/** A refusal about no dataset, at sign-in or before a dialect's handler, is for site admins. */
async function refusedWithout(
  ctx: Ctx,
  { rights }: Visit,
  { needs, code }: { needs: LedgerConsoleNeeds; code: string },
): Promise<Views['console-explain']['refused']> {
  if (!rights.admin) return undefined
  const found = await needs.trail.list({ requestId: code, limit: 20 })
  const line = found.find((one) => refusalWords(one, undefined).length > 0)
  if (line === undefined) return undefined
  const row = line.account === undefined ? undefined : await needs.desk.accounts.find(line.account)
  const who =
    line.account === undefined ? nobody(ctx, needs) : await ledgerWords(ctx, needs.desk, rights).who(line.account)
  return { at: line.at, who, code, detail: refusalWords(line, row?.state).join(' '), isBare: true }
}

async function refusedView(
  ctx: Ctx,
  { rights }: Visit,
  { needs, event, code }: { needs: LedgerConsoleNeeds; event: RefusedEvent; code: string },
): Promise<Views['console-explain']['refused']> {
  const { asked, line } = event
  const who = asked.account === '' ? nobody(ctx, needs) : await ledgerWords(ctx, needs.desk, rights).who(asked.account)
  return { at: line.at, who, code, detail: questionOf(ctx, needs, { asked, who }) }
}

function nobody(ctx: Ctx, { desk }: LedgerConsoleNeeds): LinkView {
  return { label: desk.text(ctx, 'console.explain.nobody') }
}

function questionOf(ctx: Ctx, { desk }: LedgerConsoleNeeds, { asked, who }: { asked: Asked; who: LinkView }): string {
  const { dataset, version, verb, service } = asked
  const place = version === '' ? dataset : `${dataset} ${version}`
  const key = service === '' ? 'question' : 'questionIn'
  return desk.text(ctx, `console.explain.${key}`, { who: who.label, verb, place, service })
}

async function answerOf(
  ctx: Ctx,
  visit: Visit,
  { needs, asked }: { needs: LedgerConsoleNeeds; asked: Asked },
): Promise<Pick<Views['console-explain'], 'answer' | 'problem'>> {
  if (asked.dataset === '') return {}
  const { ledger, desk, access } = needs
  const dataset = await ledger.datasets.find(asked.dataset)
  // What is not theirs answers as what is not there.
  if (!dataset || !mayExplain(visit.rights, dataset.slug)) return problem(desk.text(ctx, 'console.gone'))
  try {
    const account = asked.account === '' ? undefined : await createWho(desk).find(ctx, asked.account)
    const explanation = await access.explain({
      account: account?.id,
      dataset: dataset.slug,
      ...(asked.version === '' ? {} : { version: asked.version }),
      verb: asked.verb,
      ...(asked.service === '' ? {} : { service: asked.service }),
    })
    return { answer: await answerView(ctx, visit, { needs, asked, account, explanation }) }
  } catch (error) {
    if (isFault(error) && error.shown && error.status < 500) return problem(error.message)
    throw error
  }
}

async function answerView(
  ctx: Ctx,
  { rights }: Visit,
  {
    needs,
    asked,
    account,
    explanation,
  }: {
    needs: LedgerConsoleNeeds
    asked: Asked
    account: AccountRow | undefined
    explanation: Explanation
  },
): Promise<Answer> {
  const words = ledgerWords(ctx, needs.desk, rights)
  const who = account === undefined ? nobody(ctx, needs) : await words.who(account.id)
  return {
    allowed: explanation.allowed,
    question: questionOf(ctx, needs, { asked, who }),
    words: explanation.words,
    lines: await Promise.all(
      explanation.lines.map(async ({ grant, counts, missing }) => ({
        ...(await words.line(grant)),
        counts,
        missing: missing.map(words.missing),
      })),
    ),
    terms: explanation.terms.map(({ terms, title, acceptedAt, services, requiredNumber }) => ({
      label: title,
      href: `/console/terms/${encodeURIComponent(terms)}`,
      acceptedAt,
      services,
      number: requiredNumber,
    })),
    // A dialect tells all that somebody holds, of other datasets too: that is for site admins.
    wire: account !== undefined && rights.admin ? await wireOf(account, needs) : [],
  }
}

async function wireOf(account: AccountRow, { dialects, access, desk }: LedgerConsoleNeeds): Promise<Answer['wire']> {
  const principal: Principal = {
    kind: account.kind,
    account,
    via: 'token',
    scopes: ['*'],
    authenticatedAt: desk.clock.now(),
    amr: [],
  }
  return Promise.all(
    dialects.map(async ({ id, plugin, adapter }) => {
      const snapshot = await access.snapshot(account.id, { service: id })
      return { id, plugin, json: JSON.stringify(projected(adapter, { principal, snapshot }), null, 2) }
    }),
  )
}

/** A dialect that cannot answer must not take the page with it. */
function projected(
  adapter: LedgerConsoleNeeds['dialects'][number]['adapter'],
  { principal, snapshot }: { principal: Principal; snapshot: Parameters<typeof adapter.project>[1] },
): Json {
  try {
    return adapter.project(principal, snapshot)
  } catch (error) {
    return { error: isFault(error) ? error.code : 'ERR_PLUGIN' }
  }
}

function fields(
  ctx: Ctx,
  { desk, services }: LedgerConsoleNeeds,
  { asked, code }: { asked: Asked; code: string },
): Pick<Views['console-explain'], 'fields' | 'event'> {
  const text = (key: string) => desk.text(ctx, `console.explain.${key}`)
  const field = (name: keyof Asked, maxLength: number) => ({
    id: name,
    name,
    label: text(name),
    hint: text(`${name}Hint`),
    value: asked[name],
    plain: true,
    maxLength,
  })
  return {
    fields: [
      field('account', 320),
      { ...field('dataset', 128), required: true },
      field('version', 64),
      field('verb', 64),
      {
        ...field('service', 64),
        type: 'select',
        options: [
          { value: '', label: text('anyService') },
          ...[...new Set([...services(), ...(asked.service === '' ? [] : [asked.service])])].map((value) => ({
            value,
            label: value,
          })),
        ],
      },
    ],
    event: {
      id: 'event',
      name: 'event',
      label: text('event'),
      hint: text('eventHint'),
      value: code,
      plain: true,
      maxLength: 64,
    },
  }
}
