/** The console’s room for terms of use. @module */
import type { Route } from '../http/routes.ts'
import { acceptanceTable } from './acceptance-table.ts'
import type { ConsoleFrame } from './frame.ts'
import { termsForms } from './terms-forms.ts'
import { createTermsPages, mayTerms, type TermsNeeds, termsBase, termsOf } from './terms-pages.ts'

/** Routes under `/console/terms`. */
export function termsRoutes(frame: ConsoleFrame, needs: TermsNeeds): Route[] {
  const pages = createTermsPages(frame, needs)
  return [
    frame.page(termsBase, pages.list, mayTerms),
    frame.page(`${termsBase}/new`, (ctx, visit) => pages.makeNew(ctx, visit, {}), mayTerms),
    frame.page(`${termsBase}/:id`, (ctx, visit) => pages.one(ctx, visit, {}), mayTerms),
    frame.page(
      `${termsBase}/:id/acceptances.csv`,
      async (ctx, visit) => acceptanceTable(ctx, await termsOf(ctx, visit, needs), needs),
      mayTerms,
    ),
    ...termsForms(frame, needs, pages),
  ]
}
