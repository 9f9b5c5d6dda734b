/** People as admins see and change them, by the admin API's operations in the name of who asks. @module */
import { type AccountView, Fault, type Handler, type Json, type RouteAsk, type RouteReply } from '@labgate/contract'
import { asDatalab, bodyOf, failure, isObject, success } from './answers.ts'
import type { DatalabContext } from './config.ts'
import { immutableId, numberOf } from './ids.ts'
import { known } from './me.ts'
import { groupRef, personOf } from './person.ts'

const states: Readonly<Record<string, string>> = { active: 'active', deactivated: 'deactivated' }
const roles = ['user', 'manager', 'admin']

/** Handlers of users, roles and managers. */
export function peopleHandlers(context: DatalabContext): Readonly<Record<string, Handler>> {
  return {
    users: (ask) => users(context, ask),
    changeUser: (ask) => changeUser(context, ask),
    activity: (ask) => activity(context, ask),
    setRole: (ask) => setRole(context, ask),
    setManagers: (ask) => setManagers(context, ask),
  }
}

/** Every item of a paged operation. */
export async function everyItem(
  { admin }: DatalabContext,
  ask: RouteAsk,
  operation: { readonly id: string; readonly params?: Readonly<Record<string, string>> },
): Promise<readonly Json[]> {
  const found: Json[] = []
  for (let after: Json | undefined = ''; typeof after === 'string'; ) {
    const query: Record<string, string | number> = { limit: 1000, ...(after === '' ? {} : { after }) }
    const { id, params = {} } = operation
    const page: Json = await admin.call(ask, id, { params, query })
    if (!isObject(page) || !Array.isArray(page.items)) throw new TypeError(`${id} does not answer pages`)
    found.push(...(page.items as readonly Json[]))
    after = page.next
  }
  return found
}

async function users(context: DatalabContext, ask: RouteAsk): Promise<RouteReply> {
  const { accounts } = context
  await assertAdmin(context, ask)
  // Not by the operation that lists accounts: that has those too who were erased or merged.
  const people: AccountView[] = []
  for (let more = true; more; ) {
    const page = await accounts.people({ offset: people.length, limit: 1000 })
    people.push(...page.accounts)
    more = page.accounts.length > 0 && people.length < page.total
  }
  const slugs = [...new Set(people.flatMap(({ groups }) => groups))]
  const views = new Map(await Promise.all(slugs.map(async (slug) => [slug, await accounts.findGroup(slug)] as const)))
  const data = await Promise.all(
    people.map(async (person) => {
      const groups = person.groups.flatMap((slug) => views.get(slug) ?? []).map(groupRef)
      const managers = (await accounts.managers(person.id)).map(({ numericId }) => immutableId(numericId))
      return personOf(person, { identities: [], groups, managers })
    }),
  )
  return success({ data })
}

/** A living account by its id; a program is nobody here. */
export async function personBy({ accounts }: DatalabContext, id: Json | undefined): Promise<AccountView | undefined> {
  const number = numberOf(id)
  const found = number ? await accounts.findByNumericId(number) : undefined
  // Who was erased keeps the number, and has no name.
  return found?.kind === 'person' && found.displayName !== '' ? found : undefined
}

async function changeUser(context: DatalabContext, ask: RouteAsk): Promise<RouteReply> {
  const own = known(ask.principal).account
  const isSelf = ask.params.user === immutableId(own.numericId)
  if (!isSelf && own.role !== 'admin')
    throw new Fault('ERR_FORBIDDEN', 'Current user not allowed to edit this profile.')
  return asDatalab(async () => {
    const wanted = wantedOf(bodyOf(ask))
    if (typeof wanted === 'string') return failure(400, wanted)
    if (isSelf && wanted.state === undefined) {
      if (wanted.displayName === undefined && wanted.email === undefined) return success({ message: nothing })
      await context.self.change(ask, wanted)
      return success({ message: 'User updated successfully' })
    }
    // Also one's own state: who may decide over accounts is asked by the house.
    const person = isSelf ? own : await personBy(context, ask.params.user)
    if (!person) return failure(404, 'User not found.')
    const changes = changesOf(wanted)
    if (changes.length === 0) return success({ message: nothing })
    for (const body of changes) await context.admin.call(ask, 'changeAccount', { params: { account: person.id }, body })
    return success({ message: 'User updated successfully' })
  })
}

const nothing = 'No update to perform.'

interface Wanted {
  readonly displayName?: string
  /** `null`: none any more. */
  readonly email?: string | null
  readonly state?: string
}

/** What is to be changed, or what is wrong with it. */
function wantedOf(body: Readonly<Record<string, Json>>): Wanted | string {
  const { display_name: name, contact_email: email, account_status: status } = body
  if (name !== undefined && name !== null && typeof name !== 'string') return 'Invalid display name was passed'
  if (email !== undefined && email !== null && typeof email !== 'string') return 'Invalid email address was passed'
  const state = typeof status === 'string' ? states[status] : undefined
  // Nobody is put back to waiting: what they hold would have to end, and `deactivated` says that.
  if (status !== undefined && status !== null && state === undefined) return 'Invalid account status was passed'
  return {
    ...(name ? { displayName: name } : {}),
    ...(email === undefined ? {} : { email: email || null }),
    ...(state === undefined ? {} : { state }),
  }
}

/** One operation changes one thing. */
function changesOf({ displayName, email, state }: Wanted): Json[] {
  return [
    ...(displayName === undefined ? [] : [{ displayName }]),
    ...(email === undefined ? [] : [{ email: email ?? '' }]),
    ...(state === undefined ? [] : [{ state }]),
  ]
}

/** Days on which somebody made something are known to the datalab behind; there are none here. */
async function activity(context: DatalabContext, ask: RouteAsk): Promise<RouteReply> {
  const own = known(ask.principal).account
  const { months = '12' } = Object.fromEntries(ask.url.searchParams)
  if (!/^[1-9]\d{0,3}$/.test(months)) return failure(400, 'months must be a number.')
  const isSelf = ask.params.user === immutableId(own.numericId)
  if (!isSelf && own.role !== 'admin') return failure(403, 'Unauthorized')
  if (!isSelf && (await personBy(context, ask.params.user)) === undefined) return failure(404, 'User not found.')
  return success({ data: {} })
}

async function setRole(context: DatalabContext, ask: RouteAsk): Promise<RouteReply> {
  return asDatalab(async () => {
    await assertAdmin(context, ask)
    const { role } = bodyOf(ask)
    // The role and nothing else of what was sent.
    if (typeof role !== 'string' || !roles.includes(role))
      return failure(400, 'The role must be user, manager or admin.')
    const person = await personBy(context, ask.params.user)
    if (!person) return failure(404, 'User not found.')
    if (person.role === role) return success({ message: 'No update was performed' })
    await context.admin.call(ask, 'changeAccount', { params: { account: person.id }, body: { role } })
    // A plain user has no row of a role there, so that the first one is new.
    return person.role === 'user' ? success({ message: "New user's role created." }, 201) : success()
  })
}

async function setManagers(context: DatalabContext, ask: RouteAsk): Promise<RouteReply> {
  return asDatalab(async () => {
    await assertAdmin(context, ask)
    const { managers } = bodyOf(ask)
    if (managers === undefined) return failure(400, 'Managers list not provided')
    if (!Array.isArray(managers)) return failure(400, 'Managers must be a list')
    const person = await personBy(context, ask.params.user)
    if (!person) return failure(404, 'User not found')
    const ids: string[] = []
    for (const manager of managers as readonly Json[]) {
      if (numberOf(manager) === undefined) return failure(400, 'Invalid manager ID format')
      const found = await personBy(context, manager)
      if (!found) return failure(404, 'Manager not found')
      ids.push(found.id)
    }
    await context.admin.call(ask, 'setManagers', { params: { account: person.id }, body: { managers: ids } })
    return success()
  })
}

/** Leave before anything is looked up, so that nobody else learns which ids there are. @throws Fault ERR_FORBIDDEN */
export async function assertAdmin({ admin }: DatalabContext, ask: RouteAsk): Promise<void> {
  // An operation and not the rights alone: a key without the scope of the administration is an ordinary one.
  const me = await admin.call(ask, 'getMe')
  const rights = isObject(me) && me.rights !== undefined && isObject(me.rights) ? me.rights : {}
  if (rights.admin !== true) throw new Fault('ERR_FORBIDDEN', 'Only a site admin may do this.')
}
