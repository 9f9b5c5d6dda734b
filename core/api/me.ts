/** Whose token it is, and what it looks after. @module */
import { operation } from './operation.ts'
import { listOf, record, ref, text } from './schema.ts'

export const meSchemas = {
  Me: record('Whose token this is.', {
    account: record('The account.', {
      id: text('Its id.'),
      username: text('Its username.'),
      displayName: text('Its name.'),
      kind: { type: 'string', enum: ['person', 'service'], description: 'A person or a program.' },
    }),
    token: ref('Token'),
    rights: record('What the account looks after, now.', {
      admin: { type: 'boolean', description: 'Site admin: everything.' },
      steering: { type: 'boolean', description: 'In the steering committee: names the admins of datasets.' },
      datasets: listOf(text('A slug.'), 'Datasets they are admin of.'),
      managed: listOf(text('A slug.'), 'Datasets they hold `manage` on, or more.'),
      groups: listOf(text('A slug.'), 'Groups they manage.'),
    }),
  }),
}

export const meOperations = [
  operation({
    id: 'getMe',
    method: 'GET',
    path: '/me',
    tag: 'me',
    summary: 'Whose token this is, and what it may look after',
    answer: {
      status: 200,
      description: 'The account, the token without its value, and the rights.',
      schema: ref('Me'),
    },
    handle: async ({ caller: { account, token, rights } }) => ({ account, token, rights }),
  }),
]
