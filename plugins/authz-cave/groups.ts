/** Groups by number, and who is in them. A group's name is its slug, as in `/user/cache`. @module */
import { Fault, type Handler, type RouteAsk } from '@labgate/contract'
import { json, words } from './answers.ts'
import type { CaveContext } from './config.ts'
import { assertIs, called, fieldsIn, listed, noSuch, numberOf, textsIn } from './leave.ts'
import { assertSomeAdmin, personNumbered, serviceNumbered } from './people.ts'
import { givenName, permissionId } from './permissions.ts'

/** Handlers of groups. */
export function groupHandlers(context: CaveContext): Readonly<Record<string, Handler>> {
  return { ...readers(context), ...members(context), ...services(context) }
}

async function slugOf({ accounts }: CaveContext, { params }: RouteAsk): Promise<string | undefined> {
  const number = numberOf(params.group)
  return number === 0 ? undefined : (await accounts.findGroup(number))?.slug
}

/** A group that whoever asks looks after. */
async function ownSlug(context: CaveContext, ask: RouteAsk): Promise<string> {
  const slug = await slugOf(context, ask)
  await assertIs(context, ask, { group: slug })
  if (slug === undefined) throw noSuch('Group')
  return slug
}

function readers(context: CaveContext): Readonly<Record<string, Handler>> {
  return {
    async groups(ask) {
      await assertIs(context, ask, 'some')
      const name = ask.url.searchParams.get('name')
      const found = await listed(context, ask, { operation: 'listGroups', query: name ? { search: name } : {} })
      return json(found.map(groupView).toSorted((a, b) => a.id - b.id))
    },
    async newGroup(ask) {
      await assertIs(context, ask, 'super')
      const { name } = fieldsIn(ask)
      if (name === undefined) return words(400, 'Missing name.')
      const { name: slug } = textsIn(ask, ['name'])
      const said = { ERR_CONFLICT: 'Group already exists.' }
      await called(context, ask, { operation: 'createGroup', body: { slug, title: slug }, said })
      return json('success')
    },
    async oneGroup(ask) {
      await assertIs(context, ask, 'some')
      const group = await slugOf(context, ask)
      if (group === undefined) throw noSuch('Group')
      const said = { ERR_NOT_FOUND: "Group doesn't exist" }
      return json(groupView(await called(context, ask, { operation: 'getGroup', params: { group }, said })))
    },
    async groupDatasets(ask) {
      await assertIs(context, ask, 'some')
      const slug = await slugOf(context, ask)
      if (slug === undefined) return json([])
      const grants = await listed(context, ask, { operation: 'listGrants', query: { subject: `group:${slug}` } })
      const rows = await Promise.all(
        grants
          .filter(({ version }) => version === undefined)
          .map(async (grant) => {
            const dataset = await context.access.dataset(String(grant.dataset))
            const permission = givenName(grant)
            const id = dataset?.numericId ?? 0
            return { id, name: String(grant.dataset), permission, permission_id: permissionId(permission) }
          }),
      )
      return json(rows.toSorted((a, b) => a.id - b.id || a.permission_id - b.permission_id))
    },
  }
}

function groupView({ numericId, slug }: Readonly<Record<string, unknown>>) {
  return { id: Number(numericId), name: String(slug) }
}

function members(context: CaveContext): Readonly<Record<string, Handler>> {
  const memberOf = async (ask: RouteAsk) => {
    const found = await context.accounts.groupMembers(numberOf(ask.params.group))
    return found?.find(({ account }) => account.kind === 'person' && account.numericId === numberOf(ask.params.user))
  }
  const inGroup = async (ask: RouteAsk) => {
    const group = await ownSlug(context, ask)
    const member = await memberOf(ask)
    if (!member) throw new Fault('ERR_NOT_FOUND', "User doesn't belong to group")
    return { member, params: { group, account: member.account.id } }
  }
  return {
    groupMembers: (ask) => listOf(context, ask, 'members'),
    groupAdmins: (ask) => listOf(context, ask, 'admins'),
    async addMember(ask) {
      const group = await ownSlug(context, ask)
      const { user_id } = fieldsIn(ask)
      if (user_id === undefined) return words(400, 'Missing user_id.')
      const person = await personNumbered(context, user_id)
      await add(context, ask, { group, account: person.id, taken: 'User already belongs to group.' })
      return json('success')
    },
    async changeMember(ask) {
      const { member, params } = await inGroup(ask)
      const { admin } = fieldsIn(ask)
      if (admin !== undefined && typeof admin !== 'boolean') return words(400, 'admin must be true or false.')
      if (admin !== undefined && admin !== member.manages)
        await called(context, ask, { operation: admin ? 'addManager' : 'removeManager', params })
      return json('success')
    },
    async endMember(ask) {
      const { member, params } = await inGroup(ask)
      if (member.manages && !(await context.admin.rights(ask)).admin)
        throw new Fault('ERR_FORBIDDEN', 'Only superadmins can remove group admins.', { detail: { why: 'role' } })
      if (member.manages) await called(context, ask, { operation: 'removeManager', params })
      await called(context, ask, { operation: 'removeMember', params })
      return json('success')
    },
  }
}

function services(context: CaveContext): Readonly<Record<string, Handler>> {
  return {
    groupServices: (ask) => listOf(context, ask, 'services'),
    async addService(ask) {
      const group = await ownSlug(context, ask)
      const { sa_id } = fieldsIn(ask)
      if (sa_id === undefined) return words(400, 'Missing sa_id.')
      const { id: account } = await serviceNumbered(context, sa_id)
      await add(context, ask, { group, account, taken: 'Service account already belongs to group.' })
      return json('success')
    },
    async endServiceIn(ask) {
      const group = await ownSlug(context, ask)
      const number = numberOf(ask.params.service)
      const found = (await context.accounts.groupMembers(numberOf(ask.params.group)))?.find(
        ({ account }) => account.kind === 'service' && account.numericId === number,
      )
      if (!found) throw new Fault('ERR_NOT_FOUND', "Service account doesn't belong to group")
      await called(context, ask, { operation: 'removeMember', params: { group, account: found.account.id } })
      return json('success')
    },
  }
}

async function add(
  context: CaveContext,
  ask: RouteAsk,
  { group, account, taken }: { readonly group: string; readonly account: string; readonly taken: string },
): Promise<void> {
  const present = await context.accounts.groupMembers(numberOf(ask.params.group))
  if (present?.some((one) => one.account.id === account)) throw new Fault('ERR_CONFLICT', taken)
  await called(context, ask, { operation: 'addMember', params: { group, account } })
}

async function listOf(context: CaveContext, ask: RouteAsk, which: 'members' | 'admins' | 'services') {
  await assertSomeAdmin(context, ask)
  const found = (await context.accounts.groupMembers(numberOf(ask.params.group))) ?? []
  const wanted = found
    .filter(({ account }) => (account.kind === 'service') === (which === 'services'))
    .filter(({ manages }) => which !== 'admins' || manages)
    .toSorted((a, b) => a.account.numericId - b.account.numericId)
  return json(
    wanted.map(({ account, manages }) => {
      const one = { id: account.numericId, name: account.displayName }
      return which === 'members' ? { ...one, admin: manages } : one
    }),
  )
}
