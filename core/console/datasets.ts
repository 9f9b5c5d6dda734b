/** The console's room for datasets: the list, a new one, one with everything of it, and its removal. @module */
import { Fault } from '@labgate/contract'
import type { Dataset } from '../access/model.ts'
import type { Rights } from '../access/stewards.ts'
import type { Ctx } from '../http/context.ts'
import type { Route } from '../http/routes.ts'
import type { Notice, Views } from '../pages/views.ts'
import type { ConsoleField } from '../pages/views-console.ts'
import { datasetFields, datasetTyped } from './dataset-fields.ts'
import type { ConsoleFrame, Visit } from './frame.ts'
import type { LedgerConsoleNeeds } from './ledger-needs.ts'
import { datasetPath, ledgerWords } from './ledger-words.ts'
import { gone, isAmong, keptDatasets, seenDatasets, seesDatasets } from './scope.ts'
import { framed, typedIn } from './typed.ts'
import { formatLists, placeText, readLists, tableText } from './typed-ledger.ts'

const base = '/console/datasets'
const byAdmin = ({ admin }: Rights) => admin
/** Large lists of places and tables. */
const bodyBytes = 512 * 1024

/** Routes under `/console/datasets`, those of roots excepted. */
export function datasetRoutes(frame: ConsoleFrame, needs: LedgerConsoleNeeds): Route[] {
  const showNew = newPage(frame, needs)
  return [
    frame.page(base, (ctx, visit) => showList(ctx, visit, { frame, needs }), seesDatasets),
    frame.page(`${base}/new`, showNew, byAdmin),
    frame.form(`${base}/new`, {
      may: byAdmin,
      bodyBytes,
      async apply(ctx, { actor }) {
        const { slug = '', title = '', ...typed } = typedIn(ctx)
        const patch = { ...datasetTyped(typed), ...readLists(typed) }
        const name = title.trim() === '' ? slug.trim() : title
        const made = await needs.ledger.datasets.create(actor, { ...patch, slug: slug.trim(), title: name })
        return { to: datasetPath(made.slug), said: needs.desk.text(ctx, 'console.ds.made', { title: made.title }) }
      },
      again: showNew,
    }),
    frame.page(`${base}/:slug`, (ctx, visit) => showOne(ctx, visit, { frame, needs }), seesDatasets),
    ...changeRoutes(frame, needs),
  ]
}

interface Place {
  readonly frame: ConsoleFrame
  readonly needs: LedgerConsoleNeeds
}

async function showList(ctx: Ctx, visit: Visit, { frame, needs }: Place): Promise<void> {
  const found = await needs.ledger.datasets.list({ ...frame.asked(ctx), slugs: seenDatasets(visit.rights) })
  frame.show(ctx, 'console-datasets', {
    frame: await frame.frame(ctx, visit, 'datasets'),
    paging: frame.paging(ctx, found),
    datasets: found.rows.map(({ slug, title, visibility, frozen, source, versions }) => ({
      slug,
      title,
      href: datasetPath(slug),
      isHidden: visibility === 'hidden',
      isFrozen: frozen !== undefined,
      ofConfig: source === 'config',
      versions: versions.length,
    })),
    isNewOffered: visit.rights.admin,
  })
}

function newPage(frame: ConsoleFrame, { desk }: LedgerConsoleNeeds) {
  return async (ctx: Ctx, visit: Visit, notice?: Notice): Promise<void> => {
    const typed = typedIn(ctx)
    const slug: ConsoleField = {
      id: 'slug',
      name: 'slug',
      label: desk.text(ctx, 'console.ds.slug'),
      hint: desk.text(ctx, 'console.ds.slugHint'),
      value: typed.slug,
      required: true,
      plain: true,
      maxLength: 64,
    }
    frame.show(ctx, 'console-dataset-new', {
      frame: await framed(frame, { ctx, visit, room: 'datasets', notice }),
      form: {
        post: frame.post(ctx, `${base}/new`),
        fields: [slug, ...datasetFields(ctx, { desk, values: typed, binds: 'yes' })],
      },
    })
  }
}

/** The dataset of the address; one that is out of sight is not there. */
export async function datasetInSight(ctx: Ctx, { rights }: Visit, needs: LedgerConsoleNeeds): Promise<Dataset> {
  const found = await needs.ledger.datasets.find(ctx.params.slug ?? '')
  return found && isAmong(seenDatasets(rights), found.slug) ? found : gone(ctx, needs.desk)
}

/** The same, to be changed. */
export async function datasetKept(ctx: Ctx, visit: Visit, needs: LedgerConsoleNeeds): Promise<Dataset> {
  const found = await datasetInSight(ctx, visit, needs)
  return isAmong(keptDatasets(visit.rights), found.slug) ? found : gone(ctx, needs.desk)
}

async function showOne(ctx: Ctx, visit: Visit, { frame, needs, notice }: Place & { notice?: Notice }): Promise<void> {
  const dataset = await datasetInSight(ctx, visit, needs)
  const { slug } = dataset
  const isKept = isAmong(keptDatasets(visit.rights), slug)
  const canChange = isKept && dataset.source !== 'config'
  const at = datasetPath(slug)
  const isAgain = notice !== undefined && ctx.path.endsWith('/change')
  const data: Views['console-dataset'] = {
    frame: await framed(frame, { ctx, visit, room: 'datasets', notice }),
    dataset: factsOf(dataset),
    ...(await around(ctx, visit, { needs, dataset, isKept })),
    addGrant: `/console/grants/new?dataset=${encodeURIComponent(slug)}`,
    ...(visit.rights.admin || visit.rights.steering
      ? { nameAdmin: `/console/grants/new?dataset=${encodeURIComponent(slug)}&level=admin` }
      : {}),
    isFactsOpen: isAgain,
    ...(canChange ? { facts: factsForm(ctx, { frame, needs, dataset, visit, isAgain }) } : {}),
    ...(canChange ? stateForms(ctx, { frame, needs, dataset, visit }) : {}),
    ...(canChange && visit.rights.admin ? { remove: frame.post(ctx, `${at}/remove`) } : {}),
  }
  frame.show(ctx, 'console-dataset', data)
}

function factsOf(dataset: Dataset): Views['console-dataset']['dataset'] {
  const { places, versions, tables, visibility, source, ...facts } = dataset
  const of = (version: string | undefined) => places.filter((place) => place.version === version).map(placeText)
  return {
    ...facts,
    isHidden: visibility === 'hidden',
    ofConfig: source === 'config',
    tables: tables.map(tableText),
    places: of(undefined),
    versions: versions.map((one) => ({ ...one, places: of(one.version) })),
  }
}

/** Who and what belongs to it. */
async function around(
  ctx: Ctx,
  { rights }: Visit,
  { needs, dataset: { slug }, isKept }: { needs: LedgerConsoleNeeds; dataset: Dataset; isKept: boolean },
) {
  const { ledger, desk } = needs
  const words = ledgerWords(ctx, desk, rights)
  const query = `dataset=${encodeURIComponent(slug)}`
  const [admins, grants, terms, requests] = await Promise.all([
    ledger.grants.list({ dataset: slug, level: 'admin', limit: 20 }),
    ledger.grants.list({ dataset: slug, seenBy: rights, limit: 1 }),
    isKept ? ledger.terms.list({ dataset: slug, limit: 50 }) : { rows: [] },
    isKept ? ledger.requests.list({ datasets: [slug], state: 'open', limit: 1 }) : undefined,
  ])
  const named = admins.rows.filter(({ version }) => version === undefined)
  return {
    admins: await Promise.all(named.map(({ subject }) => words.subject(subject))),
    moreAdmins: admins.next !== undefined,
    terms: terms.rows.map(({ id, title, version, retiredAt }) => ({
      label: title,
      href: `/console/terms/${encodeURIComponent(id)}`,
      isRetired: retiredAt !== undefined,
      version,
    })),
    grants: { count: grants.total, href: `/console/grants?${query}` },
    ...(requests === undefined ? {} : { requests: { count: requests.total, href: `/console/requests?${query}` } }),
    ...(isKept ? { roots: `${datasetPath(slug)}/roots`, addTerms: `/console/terms/new?${query}` } : {}),
  }
}

interface Changing extends Place {
  readonly dataset: Dataset
}

function factsForm(
  ctx: Ctx,
  { frame, needs, dataset, visit, isAgain }: Changing & { visit: Visit; isAgain: boolean },
): Views['console-dataset']['facts'] {
  const { title, description, visibility, slug, updatedAt } = dataset
  const typed = isAgain ? typedIn(ctx) : {}
  const values = { title, description, visibility, ...formatLists(dataset), ...typed }
  const seen = typed.seen ?? updatedAt.toISOString()
  return {
    post: { ...frame.post(ctx, `${datasetPath(slug)}/change`), fields: { seen } },
    fields: datasetFields(ctx, { desk: needs.desk, values, binds: visit.rights.admin ? 'yes' : 'no' }),
  }
}

function stateForms(
  ctx: Ctx,
  { frame, needs, dataset, visit }: Changing & { visit: Visit },
): Pick<Views['console-dataset'], 'freeze' | 'open'> {
  const at = datasetPath(dataset.slug)
  if (dataset.frozen !== undefined) return { open: frame.post(ctx, `${at}/open`) }
  const reason: ConsoleField = {
    id: 'reason',
    name: 'reason',
    label: needs.desk.text(ctx, 'console.ds.reason'),
    hint: needs.desk.text(ctx, visit.rights.admin ? 'console.ds.reasonHint' : 'console.ds.reasonHintKeeper'),
    value: typedIn(ctx).reason,
    required: true,
    maxLength: 500,
  }
  return { freeze: { post: frame.post(ctx, `${at}/freeze`), fields: [reason] } }
}

function changeRoutes(frame: ConsoleFrame, needs: LedgerConsoleNeeds): Route[] {
  const again = (ctx: Ctx, visit: Visit, notice: Notice) => showOne(ctx, visit, { frame, needs, notice })
  const on = (
    path: string,
    key: string,
    apply: (ctx: Ctx, visit: Visit, dataset: Dataset) => Promise<unknown>,
  ): Route =>
    frame.form(`${base}/:slug/${path}`, {
      may: seesDatasets,
      bodyBytes,
      async apply(ctx, visit) {
        const dataset = await datasetKept(ctx, visit, needs)
        await apply(ctx, visit, dataset)
        return { to: datasetPath(dataset.slug), said: needs.desk.text(ctx, `console.ds.${key}`) }
      },
      again,
    })
  return [
    on('change', 'saved', (ctx, { actor }, { slug }) => {
      const typed = typedIn(ctx)
      return needs.ledger.datasets.change(actor, slug, { ...datasetTyped(typed), ...readLists(typed) })
    }),
    frame.form(`${base}/:slug/freeze`, {
      may: seesDatasets,
      async apply(ctx, visit) {
        const { slug, title } = await datasetKept(ctx, visit, needs)
        await needs.ledger.datasets.change(visit.actor, slug, { frozen: (typedIn(ctx).reason ?? '').trim() })
        if (visit.rights.admin) return { to: datasetPath(slug), said: needs.desk.text(ctx, 'console.ds.frozen') }
        // What is held on a closed dataset counts for nobody, its admins included: its page is closed to them now.
        needs.desk.show(ctx, 'message', {
          title: needs.desk.text(ctx, 'console.ds.closedTitle', { title }),
          text: [needs.desk.text(ctx, 'console.ds.closedText')],
          tone: 'success',
          link: { label: needs.desk.text(ctx, 'console.nav.account'), href: '/account' },
        })
        return 'answered'
      },
      again,
    }),
    on('open', 'opened', (_ctx, { actor }, { slug }) => needs.ledger.datasets.change(actor, slug, { frozen: null })),
    frame.form(`${base}/:slug/remove`, {
      may: byAdmin,
      async apply(ctx, visit) {
        const { slug, title } = await datasetKept(ctx, visit, needs)
        // Typed once more: grants, terms and requests go with it.
        if (typedIn(ctx).typed?.trim() !== slug)
          throw new Fault('ERR_INPUT', needs.desk.text(ctx, 'console.typeNameWrong', { name: slug }))
        await needs.ledger.datasets.remove(visit.actor, slug)
        return { to: base, said: needs.desk.text(ctx, 'console.ds.removed', { title }) }
      },
      again,
    }),
  ]
}
