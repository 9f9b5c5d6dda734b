/** Accounts: people and programs, as site admins see and change them. @module */
import { type ApiNeeds, type Caller, operation } from './operation.ts'
import { instant, line, listOf, maybeLine, name, page, pageOf, paging, record, ref, text } from './schema.ts'
import { accountNamed, assertSiteAdmin, noSuch } from './sight.ts'

const state = {
  type: 'string',
  enum: ['pending', 'active', 'deactivated'],
  description: 'Only `active` ones act.',
} as const
const role = { type: 'string', enum: ['user', 'manager', 'admin'], description: 'Its role.' } as const
const kind = { type: 'string', enum: ['person', 'service'], description: 'A person or a program.' } as const

export const accountSchemas = {
  AccountRef: record('Which account.', {
    id: text('Its id.'),
    username: text('Its username.'),
    displayName: text('Its name.'),
  }),
  Account: record(
    'An account.',
    {
      id: text('Its id.'),
      username: text('Its username; never changed.'),
      displayName: text('Its name.'),
      numericId: { type: 'integer', description: 'Its number, for dialects that know people by one.' },
      email: text('Contact address.'),
      emailVerified: { type: 'boolean', description: 'Whether a proof of the address was seen.' },
      kind,
      parent: text('Whom a service account belongs to.'),
      state,
      role,
      groups: listOf(text('A slug.'), 'Groups it is in.'),
      createdAt: instant('When it was made.'),
      updatedAt: instant('When it was last changed.'),
      lastSignInAt: instant('When it last signed in.'),
    },
    ['email', 'parent', 'lastSignInAt'],
  ),
  Session: record('A browser somebody is signed in at.', {
    handle: text('Its public name; it opens nothing.'),
    host: text('Of which host.'),
    instance: text('The way they signed in.'),
    createdAt: instant('Since when.'),
    lastSeenAt: instant('When it was last used.'),
    endsAt: instant('When it ends at the latest.'),
    authTime: instant('When they proved who they are.'),
    remember: { type: 'boolean', description: 'Whether it outlives the browser.' },
    address: text('From where.'),
    userAgent: text('What the browser calls itself.'),
  }),
}

const params = { account: name('Id or username.') }

const managersAnswer = {
  status: 200,
  description: 'Who manages the person, and whom they manage.',
  schema: record('Managers.', {
    managers: listOf(ref('AccountRef'), 'Direct managers.'),
    managed: listOf(ref('AccountRef'), 'Whom the person manages, directly or through others.'),
  }),
} as const

async function managersOf(needs: ApiNeeds, account: string) {
  const found = async (ids: readonly string[]) => {
    const rows = await Promise.all(ids.map((id) => needs.accounts.find(id)))
    return rows.filter((row) => row !== undefined)
  }
  return {
    managers: await found(await needs.managers.of(account)),
    managed: await found(await needs.managers.below(account)),
  }
}

async function forAdmin(needs: ApiNeeds, caller: Caller, named: string) {
  assertSiteAdmin(caller, 'look after accounts')
  return accountNamed(needs, named)
}

export const accountOperations = [
  operation({
    id: 'listAccounts',
    method: 'GET',
    path: '/accounts',
    tag: 'accounts',
    summary: 'List accounts, the newest first',
    query: {
      ...paging,
      after: { type: 'string', pattern: '^[1-9][0-9]{0,8}$', description: '`next` of the page before.' },
      search: line('Part of a username, name or address.'),
      state,
      role,
    },
    answer: { status: 200, description: 'A page of accounts.', schema: pageOf(ref('Account')) },
    async handle({ caller, query: { after, limit, ...query } }, needs) {
      assertSiteAdmin(caller, 'list accounts')
      const offset = Number(after ?? 0)
      const total = await needs.accounts.count(query)
      const rows = await needs.accounts.list({ ...query, limit, offset })
      return page({ rows, total, next: offset + rows.length < total ? String(offset + limit) : undefined })
    },
  }),
  operation({
    id: 'getAccount',
    method: 'GET',
    path: '/accounts/{account}',
    tag: 'accounts',
    summary: 'Get an account',
    params,
    answer: { status: 200, description: 'The account.', schema: ref('Account') },
    handle: ({ caller, params }, needs) => forAdmin(needs, caller, params.account),
  }),
  operation({
    id: 'changeAccount',
    method: 'PATCH',
    path: '/accounts/{account}',
    tag: 'accounts',
    summary: 'Let an account act or shut it out, or change its role, name or address',
    description:
      'One of them at a time. Who is shut out loses sessions and tokens at once. The last admin stays one. An address must be proved by a way in which the person signs in; an empty one is none.',
    params,
    body: {
      type: 'object',
      additionalProperties: false,
      minProperties: 1,
      maxProperties: 1,
      properties: {
        state: { ...state, enum: ['active', 'deactivated'] },
        role,
        displayName: line('Its name.', 150),
        email: maybeLine('Contact address.', 254),
      },
    },
    answer: { status: 200, description: 'The account.', schema: ref('Account') },
    errors: ['ERR_CONFLICT'],
    async handle({ caller, params, body }, needs) {
      const { id } = await forAdmin(needs, caller, params.account)
      const { displayName, email } = body
      if (displayName !== undefined || email !== undefined) {
        await needs.ownWords.set(caller.actor, id, { displayName, email: email === '' ? null : email })
        return needs.accounts.find(id)
      }
      if (body.role !== undefined) return needs.standing.setRole(caller.actor, id, body.role)
      return needs.standing.setState(caller.actor, id, body.state ?? 'active')
    },
  }),
  operation({
    id: 'getManagers',
    method: 'GET',
    path: '/accounts/{account}/managers',
    tag: 'accounts',
    summary: 'List who manages a person, and whom they manage',
    description: 'Dialects that know managers of people (datalab) go by it; it gives nothing on datasets.',
    params,
    answer: managersAnswer,
    async handle({ caller, params }, needs) {
      return managersOf(needs, (await forAdmin(needs, caller, params.account)).id)
    },
  }),
  operation({
    id: 'setManagers',
    method: 'PUT',
    path: '/accounts/{account}/managers',
    tag: 'accounts',
    summary: 'Say who manages a person',
    description: 'All of them at once. Nobody may come to stand above themselves, nor more than ten above one another.',
    params,
    body: {
      type: 'object',
      additionalProperties: false,
      required: ['managers'],
      properties: {
        managers: { type: 'array', maxItems: 20, items: name('Id or username.'), description: 'Every manager.' },
      },
    },
    answer: managersAnswer,
    errors: ['ERR_CONFLICT'],
    async handle({ caller, params, body }, needs) {
      const { id } = await forAdmin(needs, caller, params.account)
      const managers = await Promise.all(body.managers.map((one) => accountNamed(needs, one)))
      await needs.managers.set(
        caller.actor,
        id,
        managers.map((one) => one.id),
      )
      return managersOf(needs, id)
    },
  }),
  operation({
    id: 'listSessions',
    method: 'GET',
    path: '/accounts/{account}/sessions',
    tag: 'accounts',
    summary: 'List the browsers an account is signed in at',
    params,
    answer: {
      status: 200,
      description: 'Every session.',
      schema: record('Sessions.', { items: listOf(ref('Session'), 'Every session.') }),
    },
    async handle({ caller, params }, needs) {
      const { id } = await forAdmin(needs, caller, params.account)
      return { items: await needs.sessions.list(id) }
    },
  }),
  operation({
    id: 'endSession',
    method: 'DELETE',
    path: '/accounts/{account}/sessions/{session}',
    tag: 'accounts',
    summary: 'End one session of an account',
    params: { ...params, session: name('Handle of the session.') },
    answer: { status: 204, description: 'They are signed out there.' },
    async handle({ caller, params }, needs) {
      const { id } = await forAdmin(needs, caller, params.account)
      const found = (await needs.sessions.list(id)).find(({ handle }) => handle === params.session)
      if (!found) throw noSuch('session')
      await needs.sessions.endByHandle(id, found.handle)
      await note(needs, caller, { type: 'session.revoked', account: id })
    },
  }),
  operation({
    id: 'endSessions',
    method: 'DELETE',
    path: '/accounts/{account}/sessions',
    tag: 'accounts',
    summary: 'End every session of an account, with the tokens that hang on them',
    params,
    answer: { status: 204, description: 'They are signed in nowhere.' },
    async handle({ caller, params }, needs) {
      const { id } = await forAdmin(needs, caller, params.account)
      await needs.sessions.endAll(id)
      await note(needs, caller, { type: 'session.revoked', account: id })
    },
  }),
  operation({
    id: 'signOut',
    method: 'POST',
    path: '/accounts/{account}/sign-out',
    tag: 'accounts',
    summary: 'End every session of an account, and every token its sign-ins led to',
    description: 'API tokens stay. Services with a back-channel logout address are told.',
    params,
    answer: { status: 204, description: 'They are signed in nowhere, and must prove again who they are.' },
    async handle({ caller, params }, needs) {
      const { id } = await forAdmin(needs, caller, params.account)
      await needs.sessions.endAll(id)
      await needs.revokeAccount(id)
      await note(needs, caller, { type: 'sign-out.everywhere', account: id })
    },
  }),
]

function note(
  { audit }: ApiNeeds,
  { actor }: Caller,
  event: { readonly type: 'session.revoked' | 'sign-out.everywhere'; readonly account: string },
): Promise<void> {
  return audit({ ...event, actor: actor.account, address: actor.address, requestId: actor.requestId })
}
