/** Workspaces: what runs for whom. For site admins alone; people have their own pages. @module */
import type { Workspace } from '../workspaces/model.ts'
import { type ApiNeeds, operation } from './operation.ts'
import { line, listOf, name, page, pageOf, record, ref, rowId, searching, text } from './schema.ts'
import { accountNamed, assertSiteAdmin, noSuch } from './sight.ts'
import { states } from './workspace-schemas.ts'

const params = { workspace: name('Its id.') }
const why = line('Why; stands in the audit trail.', 500)
const answer = { status: 200, description: 'The workspace.', schema: ref('Workspace') } as const
const nothing = { type: 'object', additionalProperties: false, properties: {} } as const

/** A workspace, for site admins. @throws Fault ERR_FORBIDDEN, ERR_NOT_FOUND */
async function found(needs: ApiNeeds, id: string): Promise<Workspace> {
  const workspace = await needs.workspaces.find(id)
  if (!workspace) throw noSuch('workspace')
  return workspace
}

/** Most lines of an app that are answered at once, and how long they may take. */
const mostLines = 5000
const linesMs = 10_000

const reading = [
  operation({
    id: 'listWorkspaces',
    method: 'GET',
    path: '/workspaces',
    tag: 'workspaces',
    summary: 'List workspaces, newest first',
    query: {
      ...searching,
      state: { type: 'string', enum: states, description: 'Only in this state.' },
      runner: line('Only of this runner.'),
      profile: line('Only of this app profile.'),
      account: line('Only of this account, by id or username.'),
    },
    answer: { status: 200, description: 'A page of workspaces.', schema: pageOf(ref('Workspace')) },
    errors: ['ERR_NOT_FOUND'],
    async handle({ caller, query: { state, account, ...query } }, needs) {
      assertSiteAdmin(caller, 'see all workspaces')
      const of = account === undefined ? undefined : (await accountNamed(needs, account)).id
      return page(await needs.workspaces.list({ ...query, account: of, states: state && [state] }))
    },
  }),
  operation({
    id: 'getWorkspace',
    method: 'GET',
    path: '/workspaces/{workspace}',
    tag: 'workspaces',
    summary: 'Get a workspace',
    params,
    answer,
    async handle({ caller, params }, needs) {
      assertSiteAdmin(caller, 'see this')
      return found(needs, params.workspace)
    },
  }),
  operation({
    id: 'listWorkspaceEvents',
    method: 'GET',
    path: '/workspaces/{workspace}/events',
    tag: 'workspaces',
    summary: 'What happened to a workspace, the oldest first',
    description: 'At most 1,000 at once: ask again with the number of the last.',
    params,
    query: { after: { ...rowId('Number of the last event that is known.') } },
    answer: { status: 200, description: 'Its events.', schema: pageOf(ref('WorkspaceEvent')) },
    async handle({ caller, params, query }, needs) {
      assertSiteAdmin(caller, 'see this')
      const { id } = await found(needs, params.workspace)
      return { items: await needs.workspaces.events(id, Number(query.after ?? 0)) }
    },
  }),
  operation({
    id: 'getWorkspaceLogs',
    method: 'GET',
    path: '/workspaces/{workspace}/logs',
    tag: 'workspaces',
    summary: 'The last lines that an app wrote',
    params,
    query: {
      tail: { type: 'integer', minimum: 1, maximum: mostLines, default: 200, description: 'How many lines at most.' },
    },
    answer: {
      status: 200,
      description: 'Lines, the oldest first.',
      schema: record('Lines.', { lines: listOf(text('A line.'), 'The lines.') }),
    },
    errors: ['ERR_CONFLICT', 'ERR_LAUNCH'],
    async handle({ caller, params, query }, needs) {
      assertSiteAdmin(caller, 'see this')
      const { id } = await found(needs, params.workspace)
      const tail = query.tail ?? 200
      const signal = AbortSignal.timeout(linesMs)
      const kept: string[] = []
      for await (const one of needs.workspaces.logs(id, { tail, follow: false, signal })) kept.push(one.slice(0, 4000))
      return { lines: kept.slice(-tail) }
    },
  }),
]

const wishing = [
  operation({
    id: 'startWorkspace',
    method: 'POST',
    path: '/workspaces',
    tag: 'workspaces',
    summary: 'Start a workspace for an account',
    description:
      'For whom it is must be allowed to start it, and their quota must have room for it. It is answered at once; look at its state.',
    body: {
      type: 'object',
      additionalProperties: false,
      required: ['account', 'profile'],
      properties: {
        account: line('Id or username of whose it shall be.'),
        profile: line('The app profile.'),
        size: line('Name of a size; default the first.'),
        image: line('One of the images that may be chosen; default the first.', 1000),
        title: line('A name for it.', 100),
      },
    },
    answer: { ...answer, status: 201 },
    errors: ['ERR_NOT_FOUND', 'ERR_CONFLICT', 'ERR_RATE', 'ERR_LAUNCH'],
    async handle({ caller, body: { account, ...ask } }, needs) {
      assertSiteAdmin(caller, 'start workspaces for others')
      const owner = await accountNamed(needs, account)
      return needs.workspaces.request(caller.actor, { ...ask, account: owner.id })
    },
  }),
  operation({
    id: 'stopWorkspace',
    method: 'POST',
    path: '/workspaces/{workspace}/stop',
    tag: 'workspaces',
    summary: 'Stop a workspace, in whatever state it is',
    params,
    body: { ...nothing, properties: { why } },
    answer,
    errors: ['ERR_CONFLICT'],
    async handle({ caller, params, body }, needs) {
      assertSiteAdmin(caller, 'stop this')
      return needs.workspaces.stop(caller.actor, params.workspace, body.why === undefined ? {} : { why: body.why })
    },
  }),
  operation({
    id: 'restartWorkspace',
    method: 'POST',
    path: '/workspaces/{workspace}/restart',
    tag: 'workspaces',
    summary: 'Start a workspace anew, whether it runs or has ended',
    params,
    body: nothing,
    answer,
    errors: ['ERR_CONFLICT', 'ERR_LAUNCH'],
    async handle({ caller, params }, needs) {
      assertSiteAdmin(caller, 'restart this')
      return needs.workspaces.restart(caller.actor, params.workspace)
    },
  }),
  operation({
    id: 'extendWorkspace',
    method: 'POST',
    path: '/workspaces/{workspace}/extend',
    tag: 'workspaces',
    summary: 'Let a workspace run longer, up to its limit',
    params,
    body: nothing,
    answer,
    errors: ['ERR_CONFLICT'],
    async handle({ caller, params }, needs) {
      assertSiteAdmin(caller, 'extend this')
      return needs.workspaces.extend(caller.actor, params.workspace)
    },
  }),
  operation({
    id: 'revealWorkspaceCredential',
    method: 'POST',
    path: '/workspaces/{workspace}/reveal',
    tag: 'workspaces',
    summary: 'The credential of one’s own workspace past the proxy, once',
    description: 'To its owner alone, who may be no other than the one who asks. A restart makes another one.',
    params,
    body: nothing,
    answer: {
      status: 200,
      description: 'It is not shown again.',
      schema: record('What the app asks for.', {
        address: text('Host and port.'),
        path: text('Path of the app’s first page.'),
        credential: text('Its token or password.'),
      }),
    },
    errors: ['ERR_CONFLICT'],
    async handle({ caller, params }, needs) {
      assertSiteAdmin(caller, 'ask for this')
      return needs.workspaces.reveal(caller.actor, params.workspace)
    },
  }),
  operation({
    id: 'removeWorkspace',
    method: 'POST',
    path: '/workspaces/{workspace}/remove',
    tag: 'workspaces',
    summary: 'Remove a workspace by force',
    description: 'Its record ends even when the place where it runs does not answer.',
    params,
    body: { ...nothing, required: ['why'], properties: { why } },
    answer,
    errors: ['ERR_CONFLICT'],
    async handle({ caller, params, body }, needs) {
      assertSiteAdmin(caller, 'remove this')
      return needs.workspaces.forceRemove(caller.actor, params.workspace, body.why)
    },
  }),
  operation({
    id: 'forgetWorkspace',
    method: 'DELETE',
    path: '/workspaces/{workspace}',
    tag: 'workspaces',
    summary: 'Drop the record of a workspace that has ended',
    params,
    answer: { status: 204, description: 'It is gone.' },
    errors: ['ERR_CONFLICT'],
    async handle({ caller, params }, needs) {
      assertSiteAdmin(caller, 'drop this')
      await needs.workspaces.forget(caller.actor, params.workspace)
    },
  }),
  operation({
    id: 'addWorkspaceGuest',
    method: 'PUT',
    path: '/workspaces/{workspace}/guests/{account}',
    tag: 'workspaces',
    summary: 'Let somebody into a workspace',
    description: 'Where each workspace has an origin of its own.',
    params: { ...params, account: name('Id or username.') },
    answer: { status: 204, description: 'They may enter.' },
    errors: ['ERR_CONFLICT'],
    async handle({ caller, params }, needs) {
      assertSiteAdmin(caller, 'let others in')
      const guest = await accountNamed(needs, params.account)
      await needs.workspaces.invite(caller.actor, params.workspace, guest.id)
    },
  }),
  operation({
    id: 'removeWorkspaceGuest',
    method: 'DELETE',
    path: '/workspaces/{workspace}/guests/{account}',
    tag: 'workspaces',
    summary: 'Shut somebody out of a workspace',
    params: { ...params, account: name('Id or username.') },
    answer: { status: 204, description: 'They may not enter any more.' },
    async handle({ caller, params }, needs) {
      assertSiteAdmin(caller, 'shut others out')
      const guest = await accountNamed(needs, params.account)
      await needs.workspaces.uninvite(caller.actor, params.workspace, guest.id)
    },
  }),
]

/** Reading and wishing; quotas, usage and places are in their own file. */
export const workspaceOperations = [...reading, ...wishing]
