/** The console's page for the objects of a dataset's tables that anyone may see. @module */
import type { Dataset } from '../access/model.ts'
import type { Ctx } from '../http/context.ts'
import type { Route } from '../http/routes.ts'
import type { Notice } from '../pages/views.ts'
import type { ConsoleForm } from '../pages/views-console.ts'
import { datasetKept } from './datasets.ts'
import type { ConsoleFrame, Visit } from './frame.ts'
import type { LedgerConsoleNeeds } from './ledger-needs.ts'
import { datasetPath, ledgerWords } from './ledger-words.ts'
import { gone, keepsDatasets } from './scope.ts'
import { framed, typedIn } from './typed.ts'
import { idsOf, tableOf, tableText } from './typed-ledger.ts'

const path = '/console/datasets/:slug/roots'
/** Room for 20,000 ids, apart by new lines as a browser writes them. */
const bodyBytes = 1024 * 1024

/** Routes of `/console/datasets/:slug/roots`. */
export function rootRoutes(frame: ConsoleFrame, needs: LedgerConsoleNeeds): Route[] {
  const show = rootsPage(frame, needs)
  return [
    frame.page(path, show, keepsDatasets),
    frame.form(path, {
      may: keepsDatasets,
      bodyBytes,
      async apply(ctx, visit) {
        const { slug, tables } = await datasetKept(ctx, visit, needs)
        const { table = '', roots, do: act } = typedIn(ctx)
        const { namespace, name } = tableOf(table)
        // A table of another dataset answers like one that nobody has.
        if (!tables.some((one) => one.namespace === namespace && one.name === name)) gone(ctx, needs.desk)
        const ids = idsOf(roots)
        const to = `${datasetPath(slug)}/roots`
        if (act === 'remove') {
          const count = await needs.ledger.datasets.removeRoots(visit.actor, { namespace, name }, ids)
          return { to, said: needs.desk.text(ctx, 'console.roots.removed', { count: String(count) }) }
        }
        const count = await needs.ledger.datasets.addRoots(visit.actor, { namespace, name }, ids)
        return { to, said: needs.desk.text(ctx, 'console.roots.added', { count: String(count) }) }
      },
      again: show,
    }),
  ]
}

function rootsPage(frame: ConsoleFrame, needs: LedgerConsoleNeeds) {
  return async (ctx: Ctx, visit: Visit, notice?: Notice): Promise<void> => {
    const dataset = await datasetKept(ctx, visit, needs)
    const { slug, title } = dataset
    const words = ledgerWords(ctx, needs.desk, visit.rights)
    const found = await needs.ledger.datasets.roots({ ...frame.asked(ctx), dataset: slug })
    const at = `${datasetPath(slug)}/roots`
    const ofConfig = dataset.source === 'config'
    frame.show(ctx, 'console-roots', {
      frame: await framed(frame, { ctx, visit, room: 'datasets', notice }),
      dataset: { slug, title, href: datasetPath(slug), ofConfig },
      paging: frame.paging(ctx, found),
      roots: await Promise.all(
        found.rows.map(async (row) => ({
          table: tableText(row),
          root: row.root,
          by: await words.who(row.addedBy),
          at: row.createdAt,
          remove: {
            ...frame.post(ctx, at),
            fields: { table: tableText(row), roots: row.root, do: 'remove' },
          },
        })),
      ),
      hasTables: dataset.tables.length > 0,
      ...(dataset.tables.length > 0 ? { change: changeForm(ctx, { frame, needs, dataset, at }) } : {}),
    })
  }
}

function changeForm(
  ctx: Ctx,
  { frame, needs, dataset, at }: { frame: ConsoleFrame; needs: LedgerConsoleNeeds; dataset: Dataset; at: string },
): ConsoleForm {
  const typed = typedIn(ctx)
  const text = (key: string) => needs.desk.text(ctx, `console.roots.${key}`)
  const tables = dataset.tables.map((table) => ({ value: tableText(table), label: tableText(table) }))
  return {
    post: frame.post(ctx, at),
    fields: [
      { id: 'table', name: 'table', label: text('table'), type: 'select', value: typed.table, options: tables },
      {
        id: 'roots',
        name: 'roots',
        label: text('ids'),
        hint: text('idsHint'),
        type: 'area',
        rows: 6,
        plain: true,
        required: true,
        value: typed.roots,
      },
    ],
  }
}
