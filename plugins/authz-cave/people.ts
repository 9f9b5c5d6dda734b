/** Who somebody is: their own data for everybody, others' for those who look after something. @module */
import type { AccountView, Handler, Json, Principal, RouteAsk, Snapshot } from '@labgate/contract'
import { json, words } from './answers.ts'
import type { CaveContext } from './config.ts'
import { affiliationsOf, datasetsAdmin, factOf, isAdmin, missingOf, project } from './project.ts'

const mostIds = 200

/** Handlers of people and groups. */
export function peopleHandlers(context: CaveContext): Readonly<Record<string, Handler>> {
  const { access, accounts } = context
  const snapshotOf = ({ principal }: RouteAsk) => access.snapshot(principalOf(principal).account.id)
  const mine: Handler = async (ask) => json(project(principalOf(ask.principal), await snapshotOf(ask)))
  const personOf = async (account: AccountView, how: How): Promise<Json> =>
    userOf(await access.snapshot(account.id), how)
  return {
    cache: mine,
    mine,
    me: async (ask) => json(userOf(await snapshotOf(ask), 'full')),
    missing: async (ask) => json(missingOf(await snapshotOf(ask))),
    async user({ principal, params }) {
      const found = await byNumber(context, params.id)
      if (!found) return words(404, "User doesn't exist")
      return json(await personOf(found, await howFor(context, principal)))
    },
    async usernames({ url }) {
      const found = await byNumbers(context, url.searchParams.get('id'))
      return json(found.map(({ numericId, displayName }) => ({ id: numericId, name: displayName })))
    },
    async users({ principal, url: { searchParams } }) {
      const how = await howFor(context, principal)
      const ids = searchParams.get('id')
      if (ids !== null) {
        const found = await byNumbers(context, ids)
        return json(await Promise.all(found.map((one) => personOf(one, how))))
      }
      if (how === 'name') return noAdmin()
      const [email, name] = [searchParams.get('email'), searchParams.get('name')]
      if (!email && !name) return words(400, 'Ask by id, email or name.')
      const part = (email || name || '').toLowerCase()
      const found = (await accounts.search(part)).filter((one) =>
        (email ? (one.email ?? '') : one.displayName).toLowerCase().includes(part),
      )
      return json(await Promise.all(found.map((one) => personOf(one, how))))
    },
    async permissions({ principal, params }) {
      if ((await howFor(context, principal)) === 'name') return noAdmin()
      const found = await byNumber(context, params.id)
      if (found?.kind !== 'person') return words(404, "User doesn't exist")
      const snapshot = await access.snapshot(found.id)
      return json(project({ ...principalOf(principal), account: snapshot.account }, snapshot))
    },
    async group({ principal, params }) {
      if ((await howFor(context, principal)) === 'name') return noAdmin()
      const members = await accounts.groupMembers(numberOf(params.id))
      if (!members) return words(404, "Group doesn't exist")
      return json(
        members
          .map(({ account, manages }) => ({ id: account.numericId, name: account.displayName, admin: manages }))
          .toSorted((a, b) => a.id - b.id),
      )
    },
  }
}

/** `name`: no more than what a viewer shows beside an annotation. */
type How = 'name' | 'some' | 'full'

async function howFor({ access }: CaveContext, asking: Principal | undefined): Promise<How> {
  const principal = principalOf(asking)
  if (principal.kind === 'service' || isAdmin(principal.account)) return 'full'
  const snapshot = await access.snapshot(principal.account.id)
  return snapshot.managedGroups.length > 0 || datasetsAdmin(snapshot).length > 0 ? 'some' : 'name'
}

function userOf(snapshot: Snapshot, how: How): { readonly [key: string]: Json } {
  const { account } = snapshot
  const known = { id: account.numericId, service_account: account.kind === 'service', name: account.displayName }
  if (how === 'name') return known
  const some = { ...known, created: null, pi: factOf(snapshot, 'pi'), affiliations: affiliationsOf(snapshot) }
  if (how === 'some') return some
  const admin_datasets = [...datasetsAdmin(snapshot)]
  return { ...some, gdpr_consent: false, admin_datasets, admin: isAdmin(account), email: account.email ?? '' }
}

const noAdmin = () => words(403, 'Requires admin privilege.')

function principalOf(principal: Principal | undefined): Principal {
  if (!principal) throw new TypeError('the guard of this route lets nobody by unknown')
  return principal
}

function numberOf(written: string | undefined): number {
  return /^\d{1,15}$/.test(written ?? '') ? Number(written) : 0
}

async function byNumber({ accounts }: CaveContext, written: string | undefined): Promise<AccountView | undefined> {
  const id = numberOf(written)
  return id === 0 ? undefined : accounts.findByNumericId(id)
}

async function byNumbers(context: CaveContext, list: string | null): Promise<readonly AccountView[]> {
  const ids = [...new Set((list ?? '').split(',').slice(0, mostIds))]
  const found = await Promise.all(ids.map((id) => byNumber(context, id.trim())))
  return found.filter((one) => one !== undefined)
}
