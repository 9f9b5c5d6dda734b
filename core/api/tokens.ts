/** API tokens. @module */
import { type ApiNeeds, type Ask, operation } from './operation.ts'
import { instant, line, listOf, name, page, pageOf, paging, record, ref, text } from './schema.ts'
import { accountInSight, noSuch, ownsAccount } from './sight.ts'

const state = { type: 'string', enum: ['active', 'expired', 'revoked'], description: 'Whether it counts.' } as const

export const tokenSchemas = {
  Token: record(
    'An API token, without its value.',
    {
      id: text('Its id; it opens nothing.'),
      account: text('Whom it speaks for.'),
      name: text('What it is called.'),
      hint: text('The first characters of the value.'),
      scopes: listOf(text('A scope.'), 'What it may be used for.'),
      createdBy: text('Who made it.'),
      createdAt: instant('When.'),
      expiresAt: instant('Until when it counts.'),
      lastUsedAt: instant('When it was last used, to the minute.'),
      lastUsedAddress: text('From where.'),
      revokedAt: instant('When it was revoked.'),
      state,
    },
    ['expiresAt', 'lastUsedAt', 'lastUsedAddress', 'revokedAt'],
  ),
}

const params = { token: name('Id of the token.') }

export const tokenOperations = [
  operation({
    id: 'listTokens',
    method: 'GET',
    path: '/tokens',
    tag: 'tokens',
    summary: 'List API tokens, without their values',
    description: 'Your own, or those of an account you look after; site admins see all.',
    query: { ...paging, account: name('Only of this account: id or username.'), state },
    answer: { status: 200, description: 'A page of tokens.', schema: pageOf(ref('Token')) },
    errors: ['ERR_NOT_FOUND'],
    async handle({ caller, query: { account, ...query } }, needs) {
      const of = account === undefined ? undefined : (await accountInSight(needs, caller, account)).id
      const whose = of ?? (caller.rights.admin ? undefined : caller.account.id)
      return page(await needs.tokens.list({ ...query, ...(whose === undefined ? {} : { account: whose }) }))
    },
  }),
  operation({
    id: 'createToken',
    method: 'POST',
    path: '/tokens',
    tag: 'tokens',
    summary: 'Create an API token',
    description:
      'For yourself, or for a service account you look after: nobody makes one for another person. One for the account of the token you call with may do no more, and lives no longer, than that token.',
    body: {
      type: 'object',
      additionalProperties: false,
      required: ['account', 'name', 'scopes'],
      properties: {
        account: line('Id or username of whom it speaks for.'),
        name: line('What it is called.', 100),
        scopes: {
          type: 'array',
          items: line('A scope.'),
          minItems: 1,
          maxItems: 20,
          uniqueItems: true,
          description: 'What it may be used for.',
        },
        expiresAt: {
          type: 'string',
          anyOf: [{ format: 'date-time' }, { const: 'never' }],
          description: 'Until when it counts, or `never` (service accounts only); absent: the usual life.',
        },
      },
    },
    answer: {
      status: 201,
      description: 'The value, which is shown here and nowhere else, and the token.',
      schema: record('A new token.', { value: text('The value; keep it secret.'), token: ref('Token') }),
    },
    errors: ['ERR_NOT_FOUND', 'ERR_CONFLICT'],
    async handle({ caller, body: { expiresAt, account, ...body } }, needs) {
      const { id } = await accountInSight(needs, caller, account)
      const until = expiresAt === undefined || expiresAt === 'never' ? expiresAt : new Date(expiresAt)
      return needs.tokens.create(caller.actor, { ...body, account: id, expiresAt: until, by: caller.token })
    },
  }),
  operation({
    id: 'getToken',
    method: 'GET',
    path: '/tokens/{token}',
    tag: 'tokens',
    summary: 'Get an API token, without its value',
    params,
    answer: { status: 200, description: 'The token.', schema: ref('Token') },
    handle: (ask, needs) => inSight(ask, needs),
  }),
  operation({
    id: 'revokeToken',
    method: 'DELETE',
    path: '/tokens/{token}',
    tag: 'tokens',
    summary: 'Revoke an API token, at once',
    params,
    answer: { status: 204, description: 'It counts no longer.' },
    async handle(ask, needs) {
      const { id, revokedAt } = await inSight(ask, needs)
      if (revokedAt !== undefined) throw noSuch('token that counts')
      await needs.tokens.revoke(ask.caller.actor, id)
    },
  }),
]

async function inSight(
  { caller, params }: Pick<Ask<{ readonly token: string }, unknown, unknown>, 'caller' | 'params'>,
  needs: ApiNeeds,
) {
  const token = await needs.tokens.find(params.token)
  const account = token && (await needs.accounts.find(token.account))
  if (!token || !account || !ownsAccount(caller, account)) throw noSuch('token')
  return token
}
