/** Groups, their members and managers. @module */
import { operation } from './operation.ts'
import { instant, line, lines, listOf, name, page, pageOf, record, ref, searching, text } from './schema.ts'
import { accountNamed, groupInSight, noSuch } from './sight.ts'

export const groupSchemas = {
  Group: record('A group.', {
    numericId: { type: 'integer', description: 'Its number, for dialects that know groups by one.' },
    slug: text('Its name in addresses; `SIGN-IN:NAME` for those that a sign-in speaks of.'),
    title: text('For people.'),
    description: text('For people.'),
    source: text('`database`, `config`, `import`, or the id of the sign-in that brought it.'),
    memberCount: { type: 'integer', description: 'How many are in it.' },
    managers: listOf(text('Account id.'), 'Who looks after it.'),
  }),
  Member: record('Somebody in a group.', {
    account: ref('AccountRef'),
    sources: listOf(text('`admin`, `config`, or the id of a sign-in.'), 'By what they are in it.'),
    isManager: { type: 'boolean', description: 'Whether they look after it.' },
    since: instant('Since when.'),
  }),
}

const params = { group: name('Slug of the group.') }
const withAccount = { ...params, account: name('Id or username.') }
const slug = line('Small letters, digits, dots, dashes and underscores.', 64)
const title = line('For people.')
const description = lines('For people.', 2000)

const groups = [
  operation({
    id: 'listGroups',
    method: 'GET',
    path: '/groups',
    tag: 'groups',
    summary: 'List groups',
    description: 'Those you manage; site admins see all.',
    query: searching,
    answer: { status: 200, description: 'A page of groups.', schema: pageOf(ref('Group')) },
    handle: async ({ caller, query }, needs) =>
      page(await needs.groups.list({ ...query, ...(caller.rights.admin ? {} : { managedBy: caller.account.id }) })),
  }),
  operation({
    id: 'createGroup',
    method: 'POST',
    path: '/groups',
    tag: 'groups',
    summary: 'Create a group',
    body: {
      type: 'object',
      additionalProperties: false,
      required: ['slug', 'title'],
      properties: { slug, title, description },
    },
    answer: { status: 201, description: 'The group.', schema: ref('Group') },
    errors: ['ERR_CONFLICT'],
    handle: ({ caller, body }, needs) => needs.groups.create(caller.actor, body),
  }),
  operation({
    id: 'getGroup',
    method: 'GET',
    path: '/groups/{group}',
    tag: 'groups',
    summary: 'Get a group',
    params,
    answer: { status: 200, description: 'The group.', schema: ref('Group') },
    handle: ({ caller, params }, needs) => groupInSight(needs, caller, params.group),
  }),
  operation({
    id: 'changeGroup',
    method: 'PATCH',
    path: '/groups/{group}',
    tag: 'groups',
    summary: 'Change the words of a group',
    params,
    body: { type: 'object', additionalProperties: false, minProperties: 1, properties: { title, description } },
    answer: { status: 200, description: 'The group.', schema: ref('Group') },
    errors: ['ERR_CONFLICT'],
    async handle({ caller, params, body }, needs) {
      await groupInSight(needs, caller, params.group)
      return needs.groups.change(caller.actor, params.group, body)
    },
  }),
  operation({
    id: 'deleteGroup',
    method: 'DELETE',
    path: '/groups/{group}',
    tag: 'groups',
    summary: 'Delete a group; its grants end',
    params,
    answer: { status: 204, description: 'It is gone.' },
    errors: ['ERR_CONFLICT'],
    async handle({ caller, params }, needs) {
      await groupInSight(needs, caller, params.group)
      await needs.groups.remove(caller.actor, params.group)
    },
  }),
]

const members = [
  operation({
    id: 'listMembers',
    method: 'GET',
    path: '/groups/{group}/members',
    tag: 'groups',
    summary: 'List who is in a group',
    params,
    query: searching,
    answer: { status: 200, description: 'A page of members.', schema: pageOf(ref('Member')) },
    async handle({ caller, params, query }, needs) {
      await groupInSight(needs, caller, params.group)
      return page(await needs.groups.members(params.group, query))
    },
  }),
  operation({
    id: 'addMember',
    method: 'PUT',
    path: '/groups/{group}/members/{account}',
    tag: 'groups',
    summary: 'Put somebody into a group',
    params: withAccount,
    answer: { status: 204, description: 'They are in it.' },
    errors: ['ERR_CONFLICT'],
    async handle({ caller, params }, needs) {
      await groupInSight(needs, caller, params.group)
      const { id } = await accountNamed(needs, params.account)
      await needs.groups.addMember(caller.actor, params.group, id)
    },
  }),
  operation({
    id: 'removeMember',
    method: 'DELETE',
    path: '/groups/{group}/members/{account}',
    tag: 'groups',
    summary: 'Take somebody out of a group',
    params: withAccount,
    answer: { status: 204, description: 'They are not in it.' },
    errors: ['ERR_CONFLICT'],
    async handle({ caller, params }, needs) {
      await groupInSight(needs, caller, params.group)
      const { id, groups } = await accountNamed(needs, params.account)
      if (!groups.includes(params.group)) throw noSuch('member')
      await needs.groups.removeMember(caller.actor, params.group, id)
    },
  }),
  operation({
    id: 'addManager',
    method: 'PUT',
    path: '/groups/{group}/managers/{account}',
    tag: 'groups',
    summary: 'Let somebody look after a group',
    params: withAccount,
    answer: { status: 204, description: 'They look after it.' },
    errors: ['ERR_CONFLICT'],
    async handle({ caller, params }, needs) {
      await groupInSight(needs, caller, params.group)
      const { id } = await accountNamed(needs, params.account)
      await needs.groups.setManager(caller.actor, params.group, { account: id, is: 'manager' })
    },
  }),
  operation({
    id: 'removeManager',
    method: 'DELETE',
    path: '/groups/{group}/managers/{account}',
    tag: 'groups',
    summary: 'Let somebody look after a group no longer',
    params: withAccount,
    answer: { status: 204, description: 'They do not.' },
    errors: ['ERR_CONFLICT'],
    async handle({ caller, params }, needs) {
      const { managers } = await groupInSight(needs, caller, params.group)
      const { id } = await accountNamed(needs, params.account)
      if (!managers.includes(id)) throw noSuch('manager')
      await needs.groups.setManager(caller.actor, params.group, { account: id, is: 'none' })
    },
  }),
]

export const groupOperations = [...groups, ...members]
