/** Whole accounts: merged, handed out, erased, looked back on. For site admins. @module */
import { Fault, type Schema } from '@labgate/contract'
import { type ApiNeeds, type Caller, operation } from './operation.ts'
import { instant, line, listOf, name, page, pageOf, paging, record, ref, text } from './schema.ts'
import { accountNamed, assertSiteAdmin } from './sight.ts'

const number = (description: string): Schema => ({ type: 'integer', description })
const anything = (description: string): Schema => ({ type: 'object', description })
const many = (what: string) => listOf(anything('One, by its columns.'), what)

const moves = record('What moves to the other account.', {
  identities: listOf(
    record('A way to sign in.', { instance: text('Of which instance.'), subject: text('Its id there.') }),
    'Ways to sign in.',
  ),
  groups: listOf(record('A membership.', { group: text('A slug.'), source: text('What put them there.') }), 'Groups.'),
  managed: listOf(text('A slug.'), 'Groups they look after.'),
  grants: listOf(
    record(
      'A line of the ledger.',
      {
        id: number('Its id; the other account gets a line like it.'),
        dataset: text('On which dataset.'),
        version: text('On which version only.'),
        verb: text('A level or a permission.'),
      },
      ['version'],
    ),
    'Grants to the account itself.',
  ),
  acceptances: listOf(
    record('An acceptance.', { terms: text('Of which terms.'), number: number('Of which text.') }),
    'Terms they accepted.',
  ),
  requests: listOf(number('An id.'), 'Requests for access.'),
  serviceAccounts: listOf(text('An id.'), 'Their service accounts.'),
  answers: listOf(text('A question.'), 'Answers to profile questions.'),
  managers: listOf(text('An id.'), 'Who manages them.'),
  people: listOf(text('An id.'), 'Whom they manage.'),
})

const stays = record(
  'What does not move.',
  {
    role: text('Its role, where the other account has another: roles never move.'),
    configGrants: listOf(
      number('An id.'),
      'Grants of the config file: the other account gets its own, the file stays.',
    ),
    answers: listOf(text('A question.'), 'Questions that the other account has answered itself.'),
    requests: listOf(number('An id.'), 'Open requests that the other account has made as well; they are withdrawn.'),
  },
  ['role'],
)

const exported: Readonly<Record<string, Schema>> = {
  format: text('`labgate-account-1`.'),
  exportedAt: instant('When.'),
  account: anything('The account.'),
  merged: many('Accounts that were merged into it.'),
  identities: many('Ways to sign in, with what each said.'),
  answers: many('Answers to profile questions.'),
  groups: many('Memberships.'),
  managedGroups: many('Groups they look after.'),
  managers: many('Who manages them.'),
  managed: many('Whom they manage.'),
  grants: many('Lines of the ledger that name them.'),
  acceptances: many('Terms they accepted.'),
  requests: many('Requests for access.'),
  tokens: many('API tokens, without their values.'),
  sessions: many('Browsers they are signed in at.'),
  consents: many('What they let services see.'),
  issued: many('What services hold now, without its values.'),
  serviceAccounts: many('Their service accounts.'),
  invitations: many('Invitations to their address.'),
  history: many('What happened to them, and what they did.'),
  plugins: {
    type: 'object',
    description: 'What plugins keep, by instance.',
    additionalProperties: { type: 'array', items: {}, description: 'Its documents.' },
  },
  missing: listOf(text('An instance.'), 'Instances that could not say what they hold.'),
}

export const accountLifeSchemas = {
  MergePreview: record(
    'What a merge does.',
    {
      from: ref('AccountRef'),
      into: ref('AccountRef'),
      moves,
      stays,
      ends: record('What ends.', {
        tokens: number('API tokens.'),
        sessions: number('Browser sessions.'),
        consents: listOf(text('A client.'), 'Services that may see something.'),
      }),
      refused: text('Why it cannot be done.'),
    },
    ['refused'],
  ),
  AccountExport: record('Everything kept about somebody.', exported),
  Erased: record('What was erased.', {
    account: text('Its id, which stays.'),
    merged: listOf(text('An id.'), 'Accounts that were merged into it, erased with it.'),
    inConfig: listOf(number('An id.'), 'Grants that the config file gives to them by name: change the file.'),
  }),
}

const params = { account: name('Id or username.') }
const into = line('Id or username of the account that takes over.', 300)

async function idOf(needs: ApiNeeds, caller: Caller, named: string): Promise<string> {
  assertSiteAdmin(caller, 'look after accounts')
  return (await accountNamed(needs, named)).id
}

export const accountLifeOperations = [
  operation({
    id: 'previewMerge',
    method: 'GET',
    path: '/accounts/{account}/merge',
    tag: 'accounts',
    summary: 'Look at what merging an account into another would do',
    params,
    query: { into },
    answer: { status: 200, description: 'What it would do, and why it cannot be done.', schema: ref('MergePreview') },
    async handle({ caller, params, query }, needs) {
      if (query.into === undefined) throw new Fault('ERR_INPUT', 'The query’s `into` must be given.')
      const from = await idOf(needs, caller, params.account)
      return needs.life.mergePreview(from, await idOf(needs, caller, query.into))
    },
  }),
  operation({
    id: 'mergeAccount',
    method: 'POST',
    path: '/accounts/{account}/merge',
    tag: 'accounts',
    summary: 'Merge an account into another of the same person',
    description:
      'Ways to sign in, groups, grants, accepted terms, requests and service accounts move; the role does not. The account is shut for good. Done again it changes nothing.',
    params,
    body: { type: 'object', additionalProperties: false, required: ['into'], properties: { into } },
    answer: { status: 200, description: 'What it did.', schema: ref('MergePreview') },
    errors: ['ERR_CONFLICT'],
    async handle({ caller, params, body }, needs) {
      const from = await idOf(needs, caller, params.account)
      return needs.life.merge(caller.actor, from, await idOf(needs, caller, body.into))
    },
  }),
  operation({
    id: 'exportAccount',
    method: 'GET',
    path: '/accounts/{account}/export',
    tag: 'accounts',
    summary: 'Get everything kept about somebody',
    description: 'Of the core and of every plugin, without secrets. The audit trail keeps who asked.',
    params,
    answer: { status: 200, description: 'Everything.', schema: ref('AccountExport') },
    async handle({ caller, params }, needs) {
      return needs.life.exportOf(caller.actor, await idOf(needs, caller, params.account))
    },
  }),
  operation({
    id: 'eraseAccount',
    method: 'POST',
    path: '/accounts/{account}/erase',
    tag: 'accounts',
    summary: 'Erase a person for good',
    description:
      'There is no way back: only an id stays. Done again it finishes what was broken off. The database file is rewritten, which takes as long as copying it.',
    params,
    body: {
      type: 'object',
      additionalProperties: false,
      required: ['username'],
      properties: { username: line('The username, to say that this account is meant.', 300) },
    },
    answer: { status: 200, description: 'It was erased.', schema: ref('Erased') },
    errors: ['ERR_CONFLICT', 'ERR_PLUGIN'],
    async handle({ caller, params, body }, needs) {
      assertSiteAdmin(caller, 'look after accounts')
      const { id, username } = await accountNamed(needs, params.account)
      if (username !== body.username) throw new Fault('ERR_CONFLICT', 'The username is another one.')
      return needs.life.erase(caller.actor, id)
    },
  }),
  operation({
    id: 'listHistory',
    method: 'GET',
    path: '/accounts/{account}/history',
    tag: 'accounts',
    summary: 'List what happened to an account, the newest first',
    description: 'Sign-ins and refusals, ways in, sessions, tokens, consents, groups, accepted terms.',
    params,
    query: {
      ...paging,
      after: { type: 'string', pattern: '^[1-9][0-9]{0,14}$', description: '`next` of the page before.' },
    },
    answer: { status: 200, description: 'A page of the history.', schema: pageOf(ref('AuditLine')) },
    async handle({ caller, params, query: { after, limit } }, needs) {
      const id = await idOf(needs, caller, params.account)
      const before = after === undefined ? undefined : Number(after)
      const { rows, next } = await needs.life.history(id, { seenBy: 'admin', before, limit })
      return page({ rows, next: next === undefined ? undefined : String(next) })
    },
  }),
]
