/** Service accounts: accounts of programs. @module */
import type { ServiceAccount } from '../accounts/service-accounts.ts'
import { type ApiNeeds, type Caller, operation } from './operation.ts'
import { instant, line, lines, name, page, pageOf, record, ref, searching, text } from './schema.ts'
import { accountNamed, noSuch, ownsAccount } from './sight.ts'

const state = { type: 'string', enum: ['active', 'deactivated'], description: 'Whether it may act.' } as const

export const serviceAccountSchemas = {
  ServiceAccount: record(
    'An account of a program.',
    {
      id: text('Its id.'),
      username: text('Its username; never changed.'),
      displayName: text('For people.'),
      numericId: { type: 'integer', description: 'Its number, for dialects that know accounts by one.' },
      description: text('What it is for.'),
      parent: text('Account it belongs to: it acts only while that one may.'),
      state,
      role: { type: 'string', enum: ['user', 'manager', 'admin'], description: 'Its role.' },
      createdAt: instant('When it was made.'),
      updatedAt: instant('When it was last changed.'),
    },
    ['parent'],
  ),
}

const params = { serviceAccount: name('Id or username.') }
const words = { displayName: line('For people.'), description: lines('What it is for.', 2000) }

export const serviceAccountOperations = [
  operation({
    id: 'listServiceAccounts',
    method: 'GET',
    path: '/service-accounts',
    tag: 'service accounts',
    summary: 'List service accounts',
    description: 'Your own; site admins see all.',
    query: searching,
    answer: { status: 200, description: 'A page of service accounts.', schema: pageOf(ref('ServiceAccount')) },
    handle: async ({ caller, query }, needs) =>
      page(
        await needs.serviceAccounts.list({ ...query, ...(caller.rights.admin ? {} : { parent: caller.account.id }) }),
      ),
  }),
  operation({
    id: 'createServiceAccount',
    method: 'POST',
    path: '/service-accounts',
    tag: 'service accounts',
    summary: 'Create a service account',
    body: {
      type: 'object',
      additionalProperties: false,
      required: ['username', 'displayName'],
      properties: {
        username: line('Its username.', 64),
        ...words,
        parent: line('Id or username of whom it belongs to.'),
      },
    },
    answer: { status: 201, description: 'The service account.', schema: ref('ServiceAccount') },
    errors: ['ERR_NOT_FOUND', 'ERR_CONFLICT'],
    async handle({ caller, body: { parent, ...body } }, needs) {
      const of = parent === undefined ? undefined : await accountNamed(needs, parent)
      return needs.serviceAccounts.create(caller.actor, { ...body, parent: of?.id })
    },
  }),
  operation({
    id: 'getServiceAccount',
    method: 'GET',
    path: '/service-accounts/{serviceAccount}',
    tag: 'service accounts',
    summary: 'Get a service account',
    params,
    answer: { status: 200, description: 'The service account.', schema: ref('ServiceAccount') },
    handle: ({ caller, params }, needs) => inSight(needs, caller, params.serviceAccount),
  }),
  operation({
    id: 'changeServiceAccount',
    method: 'PATCH',
    path: '/service-accounts/{serviceAccount}',
    tag: 'service accounts',
    summary: 'Change a service account',
    params,
    body: {
      type: 'object',
      additionalProperties: false,
      minProperties: 1,
      properties: {
        ...words,
        state,
        parent: {
          anyOf: [line('Id or username.'), { type: 'null' }],
          description: 'Whom it belongs to; `null`: nobody.',
        },
      },
    },
    answer: { status: 200, description: 'The service account.', schema: ref('ServiceAccount') },
    errors: ['ERR_CONFLICT'],
    async handle({ caller, params, body: { parent, ...body } }, needs) {
      const { id } = await inSight(needs, caller, params.serviceAccount)
      // A string or `null`: the check has let nothing else pass.
      const of = typeof parent === 'string' ? { parent: (await accountNamed(needs, parent)).id } : { parent: null }
      return needs.serviceAccounts.change(caller.actor, id, { ...body, ...(parent === undefined ? {} : of) })
    },
  }),
]

async function inSight(needs: ApiNeeds, caller: Caller, named: string): Promise<ServiceAccount> {
  const account = await needs.serviceAccounts.find(named)
  if (!account || !ownsAccount(caller, account)) throw noSuch('service account')
  return account
}
