/** The person at hand, and what anybody who is signed in may look up about others: names, never addresses. @module */
import { Fault, type GroupView, type Handler, type Principal, type RouteAsk } from '@labgate/contract'
import { away, failure, json, success } from './answers.ts'
import type { DatalabContext } from './config.ts'
import { immutableId } from './ids.ts'
import { briefOf, groupOf, groupRef, identitiesOf, personOf } from './person.ts'
import type { Providers } from './providers.ts'

const mostResults = 100

/** Handlers of the current user and of searches. */
export function meHandlers(context: DatalabContext, providers: Providers): Readonly<Record<string, Handler>> {
  const { accounts, access } = context
  const searchUsers: Handler = async ({ url }) => {
    const asked = searchIn(url)
    if (typeof asked === 'string') return failure(400, asked)
    const part = asked.query.toLowerCase()
    // The address is searched by the house as well: who finds somebody by it would know whose it is.
    const found = (await accounts.search(asked.query)).filter(
      ({ kind, state, displayName, username }) =>
        kind === 'person' &&
        state === 'active' &&
        (displayName.toLowerCase().includes(part) || username.toLowerCase().includes(part)),
    )
    return success({ users: found.slice(0, asked.most).map(briefOf) })
  }
  return {
    async currentUser({ principal }) {
      const { account } = known(principal)
      const { facts, groups } = await access.snapshot(account.id)
      const views = await Promise.all(groups.map((slug) => accounts.findGroup(slug)))
      const managers = await accounts.managers(account.id)
      return json(
        personOf(account, {
          identities: identitiesOf(facts, providers),
          groups: views.filter((view): view is GroupView => view !== undefined).map(groupRef),
          managers: managers.map(({ numericId }) => immutableId(numericId)),
        }),
      )
    },
    currentUserSlash: async ({ url }) => {
      const to = new URL(url)
      to.pathname += '/'
      return away(to, 308)
    },
    searchUsers,
    searchUsersOld: searchUsers,
    searchUsersBare: searchUsers,
    async searchGroups({ url }) {
      const asked = searchIn(url)
      if (typeof asked === 'string') return failure(400, asked)
      return success({ data: (await accounts.searchGroups(asked.query)).slice(0, asked.most).map(groupOf) })
    },
  }
}

function searchIn({ searchParams }: URL): { readonly query: string; readonly most: number } | string {
  const query = searchParams.get('query')?.trim() ?? ''
  const most = searchParams.get('nresults') ?? String(mostResults)
  if (query === '') return 'No query was given.'
  if (query.length > 200) return 'The query is too long.'
  if (!/^[1-9]\d{0,5}$/.test(most)) return 'nresults must be a number.'
  return { query, most: Math.min(mostResults, Number(most)) }
}

/** Who passed a guard that lets nobody by unknown. */
export function known(principal: RouteAsk['principal']): Principal {
  if (!principal) throw new Fault('ERR_UNAUTHENTICATED', 'Please sign in first.')
  return principal
}
