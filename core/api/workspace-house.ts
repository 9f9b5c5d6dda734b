/** Workspaces as a whole: quotas, usage, places to run, a word to owners, what people have stored. For site admins, but for one's own. @module */
import { Fault } from '@labgate/contract'
import { archiveType, nameOfArchive } from '../workspaces/storages.ts'
import { type Download, operation } from './operation.ts'
import { instant, line, lines, name, pageOf, record, ref, text } from './schema.ts'
import { accountNamed, assertSiteAdmin, noSuch } from './sight.ts'

const count = (description: string) => ({ type: 'integer', minimum: 0, description }) as const
const share = {
  instances: { ...count('Workspaces at once.'), maximum: 1_000_000 },
  memoryBytes: { ...count('Memory of all of them in bytes.'), maximum: Number.MAX_SAFE_INTEGER },
  milliCpus: { ...count('Thousandths of CPUs of all of them.'), maximum: 1_000_000_000 },
} as const

const length = (description: string) => ({ type: 'integer', minimum: 60, maximum: 31_622_400, description }) as const
const lengths = {
  firstSeconds: length('At first.'),
  extensionSeconds: length('What one extension adds, from then on.'),
  maxSeconds: length('In all, however often it is extended.'),
} as const

export const workspaceHouseSchemas = {
  WorkspaceQuota: record(
    'How much may run at once; what is absent is not limited.',
    {
      scope: text('`site`, `user` (each person, unless named), `account:ID`, `group:SLUG`.'),
      ...share,
      source: { type: 'string', enum: ['console', 'config'], description: 'Set here, or in the config file.' },
      taken: record('How much of it is taken; of `user` only where it is asked for one account.', {
        instances: count('Workspaces.'),
        memoryBytes: count('Memory in bytes.'),
        milliCpus: count('Thousandths of CPUs.'),
      }),
    },
    ['instances', 'memoryBytes', 'milliCpus', 'taken'],
  ),
  WorkspaceLeases: record('How long workspaces run where their profile does not say.', {
    ...lengths,
    source: { type: 'string', enum: ['console', 'config'], description: 'Set here, or in the config file.' },
  }),
  WorkspaceUsage: record('What was reserved in a time.', {
    scope: text('`account:ID` or `group:SLUG`.'),
    workspaces: count('How many ran.'),
    hours: { type: 'number', description: 'Hours of all of them.' },
    memoryGibHours: { type: 'number', description: 'Gibibytes of memory times hours.' },
    cpuHours: { type: 'number', description: 'CPUs times hours.' },
  }),
  WorkspacePlace: record('A place to run.', {
    place: text('A runner, or a machine of one: `cluster`, `cluster/node3`.'),
    drained: { type: 'boolean', description: 'Whether it takes nothing new.' },
  }),
}

const quotas = [
  operation({
    id: 'listWorkspaceQuotas',
    method: 'GET',
    path: '/workspace-quotas',
    tag: 'workspaces',
    summary: 'List quotas',
    answer: { status: 200, description: 'Every quota that is set.', schema: pageOf(ref('WorkspaceQuota')) },
    async handle({ caller }, needs) {
      assertSiteAdmin(caller, 'see quotas')
      const found = await needs.workspaces.quotas()
      return { items: found.map(({ quota, ...line }) => ({ ...quota, ...line })), total: found.length }
    },
  }),
  operation({
    id: 'listAccountWorkspaceQuotas',
    method: 'GET',
    path: '/accounts/{account}/workspace-quotas',
    tag: 'workspaces',
    summary: 'The quotas that concern an account, with what is taken',
    params: { account: name('Id or username.') },
    answer: {
      status: 200,
      description: 'Its own first, then those of its groups, then the site’s.',
      schema: pageOf(ref('WorkspaceQuota')),
    },
    async handle({ caller, params }, needs) {
      assertSiteAdmin(caller, 'see quotas')
      const found = await needs.workspaces.standing((await accountNamed(needs, params.account)).id)
      return { items: found.map(({ quota, ...line }) => ({ ...quota, ...line })), total: found.length }
    },
  }),
  operation({
    id: 'setWorkspaceQuota',
    method: 'PUT',
    path: '/workspace-quotas/{scope}',
    tag: 'workspaces',
    summary: 'Set a quota in place of what the config says',
    description: 'An account is named by its id. What the body leaves out is not limited.',
    params: { scope: name('`site`, `user`, `account:ID`, `group:SLUG`.') },
    body: { type: 'object', additionalProperties: false, properties: share },
    answer: { status: 204, description: 'It counts from now on; what runs goes on.' },
    async handle({ caller, params: { scope }, body }, needs) {
      assertSiteAdmin(caller, 'set quotas')
      if (scope.startsWith('account:') && !(await needs.accounts.find(scope.slice(8)))) throw noSuch('account')
      const { instances, memoryBytes, milliCpus } = body
      await needs.workspaces.setQuota(caller.actor, scope, { instances, memoryBytes, milliCpus })
    },
  }),
  operation({
    id: 'getWorkspaceLeases',
    method: 'GET',
    path: '/workspace-leases',
    tag: 'workspaces',
    summary: 'How long workspaces run where their profile does not say',
    answer: { status: 200, description: 'What counts.', schema: ref('WorkspaceLeases') },
    async handle({ caller }, needs) {
      assertSiteAdmin(caller, 'see leases')
      return needs.workspaces.leases()
    },
  }),
  operation({
    id: 'setWorkspaceLeases',
    method: 'PUT',
    path: '/workspace-leases',
    tag: 'workspaces',
    summary: 'Set leases in place of what the config says',
    body: {
      type: 'object',
      additionalProperties: false,
      required: ['firstSeconds', 'extensionSeconds', 'maxSeconds'],
      properties: lengths,
    },
    answer: { status: 204, description: 'They count from now on; what runs keeps what it has.' },
    async handle({ caller, body }, needs) {
      assertSiteAdmin(caller, 'set leases')
      await needs.workspaces.setLeases(caller.actor, body)
    },
  }),
  operation({
    id: 'deleteWorkspaceLeases',
    method: 'DELETE',
    path: '/workspace-leases',
    tag: 'workspaces',
    summary: 'Take back leases that were set here',
    answer: { status: 204, description: 'What the config says counts again.' },
    async handle({ caller }, needs) {
      assertSiteAdmin(caller, 'set leases')
      await needs.workspaces.setLeases(caller.actor, undefined)
    },
  }),
  operation({
    id: 'deleteWorkspaceQuota',
    method: 'DELETE',
    path: '/workspace-quotas/{scope}',
    tag: 'workspaces',
    summary: 'Take back a quota that was set here',
    params: { scope: name('Its scope.') },
    answer: { status: 204, description: 'What the config says counts again.' },
    async handle({ caller, params: { scope } }, needs) {
      assertSiteAdmin(caller, 'set quotas')
      const isSet = (await needs.workspaces.quotas()).some((one) => one.scope === scope && one.source === 'console')
      if (!isSet) throw noSuch('quota')
      await needs.workspaces.setQuota(caller.actor, scope, undefined)
    },
  }),
]

const house = [
  operation({
    id: 'getWorkspaceUsage',
    method: 'GET',
    path: '/workspace-usage',
    tag: 'workspaces',
    summary: 'What was reserved in a time, by account or group',
    description: 'Default: the last 30 days. Who is in two groups counts in both.',
    query: {
      from: instant('The beginning.'),
      until: instant('The end.'),
      by: { type: 'string', enum: ['account', 'group'], default: 'account', description: 'Whose.' },
    },
    answer: { status: 200, description: 'The most first.', schema: pageOf(ref('WorkspaceUsage')) },
    async handle({ caller, query: { from, until, by } }, needs) {
      assertSiteAdmin(caller, 'see usage')
      const end = until === undefined ? needs.clock.now() : new Date(until)
      const begin = from === undefined ? new Date(end.getTime() - 30 * 86_400_000) : new Date(from)
      if (begin >= end) throw new Fault('ERR_INPUT', 'The time must end after it begins.')
      const items = await needs.workspaces.usage({ from: begin, until: end, by: by ?? 'account' })
      return { items, total: items.length }
    },
  }),
  operation({
    id: 'listWorkspacePlaces',
    method: 'GET',
    path: '/workspace-places',
    tag: 'workspaces',
    summary: 'List places to run',
    answer: { status: 200, description: 'Runners and their machines.', schema: pageOf(ref('WorkspacePlace')) },
    async handle({ caller }, needs) {
      assertSiteAdmin(caller, 'see places')
      const drained = await needs.workspaces.drained()
      const places = [...new Set([...needs.workspaces.places(), ...drained])]
      return { items: places.map((place) => ({ place, drained: drained.includes(place) })), total: places.length }
    },
  }),
  operation({
    id: 'drainWorkspacePlace',
    method: 'POST',
    path: '/workspace-places/drain',
    tag: 'workspaces',
    summary: 'Let a place take nothing new, or again',
    description: 'What runs there goes on until it ends.',
    body: {
      type: 'object',
      additionalProperties: false,
      required: ['place', 'state'],
      properties: {
        place: line('A runner, or a machine of one: `cluster`, `cluster/node3`.'),
        state: { type: 'string', enum: ['on', 'off'], description: '`on`: nothing new.' },
      },
    },
    answer: { status: 204, description: 'It is so.' },
    errors: ['ERR_NOT_FOUND'],
    async handle({ caller, body: { place, state } }, needs) {
      assertSiteAdmin(caller, 'drain places')
      const known = [...needs.workspaces.places(), ...(await needs.workspaces.drained())]
      if (!known.includes(place)) throw noSuch('place')
      await needs.workspaces.drain(caller.actor, place, state)
    },
  }),
  operation({
    id: 'messageWorkspaces',
    method: 'POST',
    path: '/workspace-messages',
    tag: 'workspaces',
    summary: 'A word to owners of running workspaces',
    description: 'It stands on the page of each that fits, and goes by mail to each owner.',
    body: {
      type: 'object',
      additionalProperties: false,
      required: ['text'],
      properties: {
        text: lines('What they should know; no markup.', 1000),
        runner: line('Only of this runner.'),
        profile: line('Only of this app profile.'),
        account: line('Only of this account, by id or username.'),
      },
    },
    answer: {
      status: 200,
      description: 'How many were told.',
      schema: record('How many.', { count: count('Workspaces whose owners were told.') }),
    },
    errors: ['ERR_NOT_FOUND'],
    async handle({ caller, body: { text: words, account, ...to } }, needs) {
      assertSiteAdmin(caller, 'write to owners')
      const of = account === undefined ? undefined : (await accountNamed(needs, account)).id
      return { count: await needs.workspaces.message(caller.actor, { ...to, account: of }, words) }
    },
  }),
]

const storages = [
  operation({
    id: 'getWorkspaceStorage',
    method: 'GET',
    path: '/accounts/{account}/workspace-storage/{profile}',
    tag: 'workspaces',
    summary: 'What an account has stored for an app, as a tar archive',
    description:
      'One’s own, or to site admins anybody’s; it stands in the audit trail. One at a time for each account. An archive that ends before its end is broken off: keep it only when the transfer went well.',
    params: { account: name('Id or username.'), profile: name('The app profile.') },
    answer: { status: 200, description: 'The archive, streamed (POSIX ustar or pax).', file: archiveType },
    errors: ['ERR_CONFLICT', 'ERR_LAUNCH'],
    async handle({ caller, params: { account, profile } }, needs): Promise<Download> {
      const isOwn = account === caller.account.id || account === caller.account.username
      if (!isOwn) assertSiteAdmin(caller, 'download what others have stored')
      const { id } = isOwn ? caller.account : await accountNamed(needs, account)
      const parts = await needs.workspaces.archive(caller.actor, { account: id, profile })
      return { name: nameOfArchive(profile), parts }
    },
  }),
]

/** Quotas, usage, places, messages and storages. */
export const workspaceHouseOperations = [...quotas, ...house, ...storages]
