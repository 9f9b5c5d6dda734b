/** What may I see, and why: a person's own view of the ledger, with the way to what is missing. @module */
import { Fault, type GrantView, type Held, isFault, type Level, levels, type Missing } from '@labgate/contract'
import type { Access, ExplainedGrant, Explanation } from '../access/access.ts'
import type { Ledger } from '../access/ledger.ts'
import type { AccessRequest, Subject } from '../access/model.ts'
import type { BrowserSession } from '../accounts/sessions.ts'
import type { Ctx } from '../http/context.ts'
import type { Route } from '../http/routes.ts'
import { seeOther } from '../http/see-other.ts'
import type { Desk } from '../login/desk.ts'
import type { Door } from '../login/door.ts'
import type { Post } from '../pages/views.ts'
import type { MissingView, MyDatasetPageView, MyDatasetView, MyRequestView } from '../pages/views-person.ts'
import { rowNumber } from './scope.ts'

export interface MyAccessNeeds {
  readonly desk: Desk
  readonly door: Door
  readonly access: Access
  readonly ledger: Ledger
}

const purpose = 'my-access'
const home = '/account/access'
const pageSize = 50
const noteKey = ({ handle }: BrowserSession) => `access:${handle}`

/** Routes under `/account/access`. */
export function myAccessRoutes(needs: MyAccessNeeds): Route[] {
  const { desk, door } = needs
  const binding = (ctx: Ctx) => desk.cookie.idOf(ctx.req)
  const post = { method: 'POST', guard: door.guard(), csrf: { binding, purpose }, body: { type: 'form' } } as const
  const page = { method: 'GET', guard: door.guard() } as const
  return [
    { ...page, path: home, handler: (ctx) => showAll(ctx, needs) },
    { ...page, path: `${home}/:dataset`, handler: async (ctx) => showOne(ctx, needs) },
    { ...post, path: `${home}/:dataset/ask`, handler: (ctx) => ask(ctx, needs) },
    {
      ...post,
      path: '/account/requests/:id/withdraw',
      async handler(ctx) {
        const mine = await session(ctx, needs)
        // No row has the number 0.
        await needs.ledger.requests.withdraw(actor(ctx, mine), rowNumber(ctx.params.id) ?? 0)
        await leave(ctx, { desk, mine, key: 'access.gone', to: home })
      },
    },
  ]
}

async function session(ctx: Ctx, { desk }: MyAccessNeeds): Promise<BrowserSession> {
  const found = await desk.cookie.of(ctx.req)
  if (!found) throw new Fault('ERR_UNAUTHENTICATED', desk.text(ctx, 'login.signInFirst'))
  return found
}

function actor(ctx: Ctx, { account }: BrowserSession) {
  const { address, requestId } = ctx.state
  return { kind: 'account', account, address, requestId } as const
}

function postTo(ctx: Ctx, desk: Desk, action: string): Post {
  return { action, csrf: desk.csrf.token(desk.cookie.idOf(ctx.req) ?? 'none', purpose) }
}

async function leave(
  ctx: Ctx,
  { desk, mine, key, to }: { desk: Desk; mine: BrowserSession; key: string; to: string },
): Promise<void> {
  await desk.attempts.leaveNote(noteKey(mine), desk.text(ctx, key))
  seeOther(ctx, to)
}

async function message(desk: Desk, mine: BrowserSession) {
  const note = await desk.attempts.takeNote(noteKey(mine))
  return note === undefined ? undefined : ({ tone: 'success', text: note } as const)
}

async function showAll(ctx: Ctx, needs: MyAccessNeeds): Promise<void> {
  const { desk, access, ledger } = needs
  const mine = await session(ctx, needs)
  const { search, after } = asked(ctx)
  const [snapshot, requests, others] = await Promise.all([
    access.snapshot(mine.account),
    ledger.requests.list({ account: mine.account, limit: 20 }),
    ledger.datasets.list({ search, after, limit: pageSize, visibility: 'listed' }),
  ])
  const titles = new Map(others.rows.map(({ slug, title }) => [slug, title]))
  const title = async (slug: string) => titles.get(slug) ?? (await access.dataset(slug))?.title ?? slug
  const termsTitles = new Map(snapshot.terms.map((one) => [one.terms, one.title]))
  const at = (next: string | undefined) =>
    `${home}?${new URLSearchParams({ ...(search === undefined ? {} : { search }), ...(next === undefined ? {} : { after: next }) })}`
  desk.show(ctx, 'my-access', {
    now: desk.clock.now(),
    message: await message(desk, mine),
    mine: await Promise.all(
      snapshot.grants.map(async (grant) =>
        myDataset(ctx, { desk, grant, title: await title(grant.dataset), termsTitles }),
      ),
    ),
    requests: await Promise.all(
      requests.rows.map(async (one) => requestView(ctx, { desk, one, title: await title(one.dataset) })),
    ),
    terms: snapshot.terms.map((one) => ({
      title: one.title,
      href: `/terms/${encodeURIComponent(one.terms)}`,
      acceptedAt: one.acceptedAt,
    })),
    others: others.rows.map(({ slug, title: name, description }) => ({
      title: name,
      text: firstWords(description),
      href: pageOf(slug),
    })),
    paging: {
      search: search ?? '',
      shown: others.rows.length,
      total: others.total,
      ...(after === undefined ? {} : { first: at(undefined) }),
      ...(others.next === undefined ? {} : { next: at(others.next) }),
    },
  })
}

function asked(ctx: Ctx): { search: string | undefined; after: string | undefined } {
  const one = (name: string) => {
    const value = ctx.query[name]
    return typeof value === 'string' && value !== '' ? value.slice(0, 200) : undefined
  }
  return { search: one('search'), after: one('after') }
}

function pageOf(slug: string, version?: string): string {
  const query = version === undefined ? '' : `?${new URLSearchParams({ version })}`
  return `${home}/${encodeURIComponent(slug)}${query}`
}

function myDataset(
  ctx: Ctx,
  one: { desk: Desk; grant: GrantView; title: string; termsTitles: ReadonlyMap<string, string> },
): MyDatasetView {
  const { desk, grant, title, termsTitles } = one
  const what = heldWords(ctx, desk, grant)
  return {
    title,
    href: pageOf(grant.dataset, grant.version),
    version: grant.version,
    holds: what === '' ? undefined : desk.text(ctx, 'access.holds', { levels: what }),
    missing: grant.missingTerms.map((id) => ({
      text: termsTitles.get(id) ?? id,
      link: { label: desk.text(ctx, 'access.read'), href: `/terms/${encodeURIComponent(id)}` },
    })),
  }
}

/** `see, change and use “segment”`. */
function heldWords(ctx: Ctx, desk: Desk, { level, permissions }: Held): string {
  const upTo = level === undefined ? [] : levels.slice(0, levels.indexOf(level) + 1)
  const words = [
    ...upTo.map((one) => desk.text(ctx, `access.verbs.${one}`)),
    ...permissions.map((name) => desk.text(ctx, 'access.permission', { name })),
  ]
  return new Intl.ListFormat(desk.locale(ctx)).format(words)
}

function requestView(ctx: Ctx, { desk, one, title }: { desk: Desk; one: AccessRequest; title: string }): MyRequestView {
  return {
    dataset: title,
    version: one.version,
    level: one.level,
    state: one.state,
    at: one.createdAt,
    note: one.note,
    ...(one.state === 'open' ? { withdraw: postTo(ctx, desk, `/account/requests/${one.id}/withdraw`) } : {}),
  }
}

async function showOne(ctx: Ctx, needs: MyAccessNeeds, failed?: { text: string; why: string }): Promise<void> {
  const { desk, access, ledger } = needs
  const mine = await session(ctx, needs)
  const name = ctx.params.dataset ?? ''
  const version = typeof ctx.query.version === 'string' ? ctx.query.version : undefined
  const answers = await Promise.all(
    levels.map(async (verb) => access.explain({ account: mine.account, dataset: name, version, verb })),
  )
  const [first] = answers
  const dataset = first?.dataset === undefined ? undefined : await access.dataset(first.dataset)
  // A hidden dataset that the person has no part in is answered as one that is not there.
  const isKnown = version === undefined || dataset?.versions.some((one) => one.version === version) === true
  if (!dataset || !isKnown) throw new Fault('ERR_NOT_FOUND', desk.text(ctx, 'access.unknown'))
  const open = await ledger.requests.list({ account: mine.account, state: 'open', limit: 100 })
  const request = open.rows.find((one) => one.dataset === dataset.slug && one.version === version)
  const lacking = answers.filter(({ allowed }) => !allowed)
  desk.show(ctx, 'my-dataset', {
    now: desk.clock.now(),
    message: failed === undefined ? await message(desk, mine) : { tone: 'error', text: failed.text },
    dataset,
    versions: [
      { label: desk.text(ctx, 'access.whole'), href: pageOf(dataset.slug), current: version === undefined },
      ...dataset.versions.map((one) => ({
        label: one.title === '' ? one.version : one.title,
        href: pageOf(dataset.slug, one.version),
        current: one.version === version,
      })),
    ],
    answers: answers.map(({ allowed, words }, index) => ({ level: levels[index] as Level, allowed, words })),
    next: steps(ctx, desk, lacking),
    lines: [...new Map(answers.flatMap(({ lines }) => lines).map((line) => [line.grant.id, line])).values()].map(
      (line) => lineView(ctx, desk, line),
    ),
    request: request && requestView(ctx, { desk, one: request, title: dataset.title }),
    ask:
      request === undefined && lacking.length > 0 && dataset.frozen === undefined
        ? {
            ...postTo(
              ctx,
              desk,
              `${home}/${encodeURIComponent(dataset.slug)}/ask${version === undefined ? '' : `?${new URLSearchParams({ version })}`}`,
            ),
            levels: levels.filter((_, index) => answers[index]?.allowed === false),
            why: failed?.why ?? '',
          }
        : undefined,
  })
}

/** What the person can do themselves about the first no. */
function steps(ctx: Ctx, desk: Desk, lacking: readonly Explanation[]): MissingView[] {
  const [first] = lacking
  const missing = first?.missing
  if (first === undefined || missing === undefined) return []
  const text = first.words.at(-1) ?? ''
  const link = linkFor(ctx, desk, missing)
  return [{ text, ...(link === undefined ? {} : { link }) }]
}

function linkFor(ctx: Ctx, desk: Desk, missing: Missing): MissingView['link'] {
  if (missing.step === 'terms')
    return { label: desk.text(ctx, 'access.read'), href: `/terms/${encodeURIComponent(missing.terms)}` }
  if (missing.step === 'grant') return { label: desk.text(ctx, 'access.askLink'), href: `${ctx.url}#ask` }
  if (missing.step === 'fact') return { label: desk.text(ctx, 'access.signIns'), href: '/account#sign-ins' }
  return undefined
}

function lineView(ctx: Ctx, desk: Desk, { grant, counts }: ExplainedGrant): MyDatasetPageView['lines'][number] {
  const what = heldWords(ctx, desk, {
    level: grant.level,
    permissions: grant.permission === undefined ? [] : [grant.permission],
  })
  return {
    text: desk.text(ctx, `access.lines.${grant.subject.kind}`, { what, name: nameOf(grant.subject) }),
    why: grant.why,
    counts,
    since: grant.createdAt,
  }
}

function nameOf(subject: Subject): string {
  if (subject.kind === 'group') return subject.group
  return subject.kind === 'name' ? subject.value : ''
}

async function ask(ctx: Ctx, needs: MyAccessNeeds): Promise<void> {
  const mine = await session(ctx, needs)
  const form = ctx.state.form ?? new URLSearchParams()
  const version = typeof ctx.query.version === 'string' ? ctx.query.version : undefined
  const dataset = ctx.params.dataset ?? ''
  const why = form.get('why') ?? ''
  const level = levels.find((one) => one === form.get('level'))
  try {
    if (level === undefined) throw new Fault('ERR_INPUT', needs.desk.text(ctx, 'access.noLevel'))
    await needs.ledger.requests.ask(actor(ctx, mine), { dataset, version, level, why })
  } catch (error) {
    if (!isFault(error) || !error.shown || error.status >= 500 || error.code === 'ERR_NOT_FOUND') throw error
    ctx.status = error.status
    await showOne(ctx, needs, { text: error.message, why })
    return
  }
  await leave(ctx, { desk: needs.desk, mine, key: 'access.sent', to: pageOf(dataset, version) })
}

function firstWords(text: string): string {
  return text.length > 160 ? `${text.slice(0, 159).trimEnd()}…` : text
}
