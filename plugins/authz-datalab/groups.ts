/** Groups as admins see and change them, by the admin API's operations in the name of who asks. @module */
import type { GroupView, Handler, Json, RouteAsk, RouteReply } from '@labgate/contract'
import { asDatalab, bodyOf, empty, failure, success } from './answers.ts'
import type { DatalabContext } from './config.ts'
import { immutableId, numberOf } from './ids.ts'
import { assertAdmin, everyItem, personBy } from './people.ts'
import { briefOf, groupOf, type JsonObject } from './person.ts'

/** datalab's own limit. */
const idPattern = /^[a-z0-9][a-z0-9._-]{0,39}$/

/** Handlers of groups. */
export function groupHandlers(context: DatalabContext): Readonly<Record<string, Handler>> {
  const forAdmin =
    (work: (context: DatalabContext, ask: RouteAsk) => Promise<RouteReply>): Handler =>
    (ask) =>
      asDatalab(async () => {
        await assertAdmin(context, ask)
        return work(context, ask)
      })
  return {
    groups: forAdmin(groups),
    createGroup: forAdmin(createGroup),
    changeGroup: forAdmin(changeGroup),
    deleteGroup: forAdmin(deleteGroup),
    addMember: forAdmin(addMember),
    removeMember: forAdmin(removeMember),
  }
}

async function groups(context: DatalabContext, ask: RouteAsk): Promise<RouteReply> {
  const rows = (await everyItem(context, ask, { id: 'listGroups' })) as unknown as readonly GroupView[]
  const own = rows.filter(({ slug }) => !slug.includes(':'))
  return success({ data: await Promise.all(own.map((group) => withPeople(context, group))) })
}

async function withPeople({ accounts }: DatalabContext, group: GroupView): Promise<JsonObject> {
  const members = (await accounts.groupMembers(group.numericId)) ?? []
  const people = members.filter(({ account }) => account.kind === 'person')
  const managers = people.filter(({ manages }) => manages)
  return {
    ...groupOf(group),
    members: people.map(({ account }) => briefOf(account)),
    managers: managers.map(({ account }) => briefOf(account)),
  }
}

/** Accounts behind a list of ids, or what is wrong with it. */
async function peopleIn(context: DatalabContext, ids: Json | undefined): Promise<readonly string[] | string> {
  if (ids === undefined || ids === null) return []
  if (!Array.isArray(ids)) return 'Managers must be a list.'
  const found = await Promise.all((ids as readonly Json[]).map((id) => personBy(context, id)))
  return found.every((one) => one !== undefined) ? found.map(({ id }) => id) : 'A manager was not found.'
}

async function createGroup(context: DatalabContext, ask: RouteAsk): Promise<RouteReply> {
  const { group_id: slug, display_name: title, description, managers } = bodyOf(ask)
  if (typeof slug !== 'string' || !idPattern.test(slug))
    return failure(400, 'A group ID is needed: 1 to 40 small letters, digits, dots, dashes and underscores.')
  const people = await peopleIn(context, managers)
  if (typeof people === 'string') return failure(400, people)
  const words = wordsOf(title ?? slug, description)
  if (typeof words === 'string') return failure(400, words)
  const body = { slug, title: slug, ...words }
  await context.admin.call(ask, 'createGroup', { body })
  for (const account of people) await manage(context, ask, { group: slug, account })
  const made = await context.accounts.findGroup(slug)
  return success({ group_immutable_id: immutableId(made?.numericId ?? 0) })
}

async function changeGroup(context: DatalabContext, ask: RouteAsk): Promise<RouteReply> {
  const group = await groupBy(context, ask)
  if (!group) return failure(404, 'Group not found.')
  const { group_id: slug, display_name: title, description, managers } = bodyOf(ask)
  // Grants, invitations and the config name a group by it.
  if (slug !== undefined && slug !== group.slug) return failure(400, 'The ID of a group cannot be changed.')
  const people = await peopleIn(context, managers)
  if (typeof people === 'string') return failure(400, people)
  const words = wordsOf(title, description)
  if (typeof words === 'string') return failure(400, words)
  const params = { group: group.slug }
  if (Object.keys(words).length > 0) await context.admin.call(ask, 'changeGroup', { params, body: words })
  if (managers !== undefined) await setManagers(context, ask, { group, people })
  return success({ message: 'Group updated successfully.' })
}

async function setManagers(
  context: DatalabContext,
  ask: RouteAsk,
  { group, people }: { readonly group: GroupView; readonly people: readonly string[] },
): Promise<void> {
  const members = (await context.accounts.groupMembers(group.numericId)) ?? []
  const before = members.filter(({ manages }) => manages).map(({ account }) => account.id)
  for (const account of people.filter((id) => !before.includes(id)))
    await manage(context, ask, { group: group.slug, account })
  for (const account of before.filter((id) => !people.includes(id)))
    await context.admin.call(ask, 'removeManager', { params: { group: group.slug, account } })
}

/** A manager there is one of the members here as well, so that both are listed. */
async function manage(
  context: DatalabContext,
  ask: RouteAsk,
  params: { readonly group: string; readonly account: string },
) {
  await context.admin.call(ask, 'addMember', { params })
  await context.admin.call(ask, 'addManager', { params })
}

async function deleteGroup(context: DatalabContext, ask: RouteAsk): Promise<RouteReply> {
  const group = await groupBy(context, ask)
  if (!group) return failure(404, 'Group not found.')
  await context.admin.call(ask, 'deleteGroup', { params: { group: group.slug } })
  return success()
}

async function addMember(context: DatalabContext, ask: RouteAsk): Promise<RouteReply> {
  const { user_id: user } = bodyOf(ask)
  if (user === undefined || user === '') return failure(400, 'No user ID provided.')
  const group = await groupBy(context, ask)
  if (!group) return failure(404, 'Group does not exist.')
  const person = await personBy(context, user)
  if (!person) return failure(400, 'Unable to add user to group: user does not exist.')
  if (person.groups.includes(group.slug)) return empty(304)
  await context.admin.call(ask, 'addMember', { params: { group: group.slug, account: person.id } })
  return success({ message: 'User added to group.' })
}

async function removeMember(context: DatalabContext, ask: RouteAsk): Promise<RouteReply> {
  const group = await groupBy(context, ask)
  if (!group) return failure(404, 'Group does not exist.')
  const person = await personBy(context, ask.params.user)
  if (!person) return failure(400, 'Unable to remove user from group: user does not exist.')
  if (!person.groups.includes(group.slug)) return empty(304)
  const params = { group: group.slug, account: person.id }
  const members = (await context.accounts.groupMembers(group.numericId)) ?? []
  if (members.some(({ account, manages }) => manages && account.id === person.id))
    await context.admin.call(ask, 'removeManager', { params })
  await context.admin.call(ask, 'removeMember', { params })
  return success({ message: 'User removed from group.' })
}

/** A group of ours; what an upstream speaks of cannot be changed here. */
async function groupBy({ accounts }: DatalabContext, { params }: RouteAsk): Promise<GroupView | undefined> {
  const number = numberOf(params.group)
  const found = number ? await accounts.findGroup(number) : undefined
  return found?.slug.includes(':') ? undefined : found
}

function wordsOf(title: Json | undefined, description: Json | undefined): Readonly<Record<string, string>> | string {
  const given = { title, description }
  const words: Record<string, string> = {}
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined || value === null) continue
    if (typeof value !== 'string' || value.length > 1000) return 'The name or description of the group is not valid.'
    words[name] = value
  }
  return words.title === '' ? 'The name of the group is empty.' : words
}
