/** Who somebody is: their own data for everybody, others' for those who look after something. @module */
import {
  type AccountView,
  Fault,
  type Handler,
  type Json,
  type PeopleAsk,
  type Principal,
  type RouteAsk,
  type Snapshot,
} from '@labgate/contract'
import { json, jsonText, words } from './answers.ts'
import type { CaveContext } from './config.ts'
import { noSuch, numberOf } from './leave.ts'
import { affiliationsOf, consentOf, datasetsAdmin, factOf, isAdmin, missingOf, project, textOf } from './project.ts'

/** As many as fit into an address; who asks for more must hear so: a name left out is an error in the client. */
const mostIds = 1000
/** Of one page, and of a list that has no pages. */
const [mostOnPage, mostListed] = [100, 1000]

/** Handlers of people. */
export function peopleHandlers(context: CaveContext): Readonly<Record<string, Handler>> {
  const { access } = context
  // A snapshot is one and the same object as long as nothing changes.
  const written = new WeakMap<Snapshot, string>()
  const snapshotOf = ({ principal }: RouteAsk) => access.snapshot(principalOf(principal).account.id)
  const mine: Handler = async (ask) => {
    const snapshot = await snapshotOf(ask)
    const known = written.get(snapshot)
    if (known !== undefined) return jsonText(known)
    const text = textOf(snapshot, snapshot)
    written.set(snapshot, text)
    return jsonText(text)
  }
  /** A person whom only those who look after something may look up. */
  const person = async (ask: RouteAsk) => {
    await assertSomeAdmin(context, ask)
    return personNumbered(context, ask.params.id)
  }
  return {
    cache: mine,
    mine,
    me: async (ask) => json(await userView(context, principalOf(ask.principal).account, 'full')),
    missing: async (ask) => json(missingOf(await snapshotOf(ask))),
    async user({ principal, params }) {
      const found = await personNumbered(context, params.id)
      return json(await userView(context, found, await howFor(context, principal)))
    },
    async usernames({ url }) {
      const found = await byNumbers(context, url.searchParams.get('id'))
      return json(found.map(({ numericId, displayName }) => ({ id: numericId, name: displayName })))
    },
    users: async (ask) => users(context, ask),
    async permissions(ask) {
      const account = await person(ask)
      return json(project({ account }, await access.snapshot(account.id)))
    },
    userGroups: async (ask) => json(await groupsView(context, await person(ask))),
    async userTos(ask) {
      const { terms } = await access.snapshot((await person(ask)).id)
      const accepted = terms.filter(({ acceptedAt }) => acceptedAt !== undefined)
      return json(accepted.map(({ numericId, title }) => ({ id: numericId, name: title })))
    },
  }
}

async function users(context: CaveContext, { principal, url: { searchParams } }: RouteAsk) {
  const { accounts } = context
  const how = await howFor(context, principal)
  const view = async (found: readonly AccountView[], as = how) =>
    Promise.all(found.map((one) => userView(context, one, as)))
  const [ids, email, name] = ['id', 'email', 'name'].map((key) => searchParams.get(key))
  // Viewers show names beside what people made: those everybody gets.
  if (ids) return json(await view(await byNumbers(context, ids)))
  if (how === 'name') throw noAdmin()
  if (email || name) {
    const part = (email || name || '').toLowerCase()
    const found = (await accounts.search(part)).filter((one) =>
      (email ? (one.email ?? '') : one.kind === 'person' ? one.displayName : '').toLowerCase().includes(part),
    )
    return json(await view(found))
  }
  const [from, to] = [searchParams.get('from'), searchParams.get('to')]
  if (from || to) {
    const span = spanOf(from, to)
    const found = span && (await accounts.people({ ...span, offset: 0, limit: mostListed }))
    return json(await view(found?.accounts ?? []))
  }
  const page = wholeOf(searchParams.get('page') ?? '1')
  const wanted = wholeOf(searchParams.get('per_page') ?? '20')
  if (page === undefined || wanted === undefined) return words(400, 'page and per_page must be whole numbers.')
  const limit = Math.min(wanted, mostOnPage)
  const found = await accounts.people({ offset: (page - 1) * limit, limit })
  if (found.accounts.length === 0 && page > 1) return words(404, 'There is no such page.')
  return json({ pages: Math.ceil(found.total / limit), items: await view(found.accounts, 'some') })
}

/** Seconds since 1970, as many as are given; `undefined` for what is no instant. */
function spanOf(from: string | null, to: string | null): Pick<PeopleAsk, 'createdFrom' | 'createdUntil'> | undefined {
  const [createdFrom, createdUntil] = [from, to].map((written) => (written ? instantOf(written) : undefined))
  if ((from && !createdFrom) || (to && !createdUntil)) return undefined
  return { createdFrom, createdUntil }
}

function instantOf(written: string): Date | undefined {
  return /^\d{1,11}(\.\d{1,9})?$/.test(written) ? new Date(Math.floor(Number(written) * 1000)) : undefined
}

function wholeOf(written: string): number | undefined {
  return /^[1-9]\d{0,6}$/.test(written) ? Number(written) : undefined
}

/** `name`: no more than what a viewer shows beside an annotation. */
type How = 'name' | 'some' | 'full'

/**
 * Programs of somebody who looks after nothing are told no more than that person: where people may have service accounts
 * of their own, one must not be the way to everybody's address.
 */
async function howFor({ access, accounts }: CaveContext, asking: Principal | undefined): Promise<How> {
  const { account, kind } = principalOf(asking)
  const keeper = kind === 'person' || account.parent === undefined ? account : await accounts.find(account.parent)
  if (keeper === undefined) return 'name'
  if (isAdmin(keeper)) return 'full'
  if (kind === 'service' && keeper === account) return 'full'
  const snapshot = await access.snapshot(keeper.id)
  if (snapshot.managedGroups.length === 0 && datasetsAdmin(snapshot).length === 0) return 'name'
  return kind === 'service' ? 'full' : 'some'
}

/** @throws Fault ERR_FORBIDDEN for those who look after nothing */
export async function assertSomeAdmin(context: CaveContext, { principal }: RouteAsk): Promise<void> {
  if ((await howFor(context, principal)) === 'name') throw noAdmin()
}

function noAdmin(): Fault {
  return new Fault('ERR_FORBIDDEN', 'Requires admin privilege.', { detail: { why: 'role' } })
}

/** Somebody as lists of middle_auth show them. */
export async function userView(context: CaveContext, account: AccountView, how: How): Promise<Json> {
  const known = { id: account.numericId, service_account: account.kind === 'service', name: account.displayName }
  if (how === 'name') return known
  const snapshot = await context.access.snapshot(account.id)
  const created = account.createdAt.toUTCString()
  const affiliations = affiliationsView(affiliationsOf(snapshot))
  const some = { ...known, created, pi: factOf(snapshot, 'pi'), affiliations }
  if (how === 'some') return some
  const full = {
    ...{ ...some, gdpr_consent: consentOf(snapshot), admin_datasets: await adminDatasets(context, snapshot) },
    ...{ admin: isAdmin(account), email: account.email ?? '' },
  }
  const parent = account.parent === undefined ? undefined : await context.accounts.find(account.parent)
  return parent ? { ...full, parent_id: parent.numericId, parent: await userView(context, parent, 'some') } : full
}

/** A list in a list: so it is sent, and so it is read where it is read at all. */
export function affiliationsView(list: readonly Json[]): Json {
  return [list]
}

async function adminDatasets({ access }: CaveContext, snapshot: Snapshot): Promise<Json> {
  const found = await Promise.all(datasetsAdmin(snapshot).map((slug) => access.dataset(slug)))
  return found.flatMap((one) => (one ? [{ id: one.numericId, name: one.slug }] : []))
}

/** The groups somebody is in. */
export async function groupsView({ accounts }: CaveContext, { groups }: AccountView): Promise<Json> {
  const found = await Promise.all(groups.map((slug) => accounts.findGroup(slug)))
  return found.flatMap((one) => (one ? [{ id: one.numericId, name: one.slug }] : [])).toSorted((a, b) => a.id - b.id)
}

function principalOf(principal: Principal | undefined): Principal {
  if (!principal) throw new TypeError('the guard of this route lets nobody by unknown')
  return principal
}

/** Whom a number means, if anybody who is still here: an erased account keeps its number, and has no name. */
export async function byNumber({ accounts }: CaveContext, number: unknown): Promise<AccountView | undefined> {
  const id = numberOf(number)
  const found = id === 0 ? undefined : await accounts.findByNumericId(id)
  return found?.displayName === '' ? undefined : found
}

/** @throws Fault ERR_NOT_FOUND for programs, too */
export async function personNumbered(context: CaveContext, number: unknown): Promise<AccountView> {
  const found = await byNumber(context, number)
  if (found?.kind !== 'person') throw noSuch('User')
  return found
}

/** @throws Fault ERR_NOT_FOUND for people, and for programs that were shut out */
export async function serviceNumbered(context: CaveContext, number: unknown): Promise<AccountView> {
  const found = await byNumber(context, number)
  if (found?.kind !== 'service' || found.state !== 'active') throw noSuch('Service account')
  return found
}

async function byNumbers(context: CaveContext, list: string | null): Promise<readonly AccountView[]> {
  const ids = [...new Set((list ?? '').split(','))]
  if (ids.length > mostIds) throw new Fault('ERR_INPUT', `At most ${mostIds} ids may be asked for at once.`)
  const found = await Promise.all(ids.map((id) => byNumber(context, id.trim())))
  return found.filter((one) => one !== undefined)
}
