/** Ways to sign in and what each says of a person, as site admins see and take them away. @module */
import { type ApiNeeds, type Caller, operation } from './operation.ts'
import { instant, listOf, name, record, ref, text } from './schema.ts'
import { accountNamed, assertSiteAdmin } from './sight.ts'

export const identitySchemas = {
  Identity: record('A way to sign in.', {
    id: text('Its id.'),
    instance: text('Of which instance.'),
    issuer: text('Who vouches.'),
    subject: text('Its id there.'),
    createdAt: instant('When it was linked.'),
    lastSeenAt: instant('When it was last used.'),
    facts: listOf(
      record('What it says.', {
        claim: text('About what.'),
        value: { description: 'Any JSON.' },
        trust: {
          type: 'string',
          enum: ['verified', 'asserted', 'self'],
          description: 'Whether it was proved, said by the upstream, or typed by the person.',
        },
      }),
      'What it says.',
    ),
  }),
}

const params = { account: name('Id or username.') }

async function idOf(needs: ApiNeeds, caller: Caller, named: string): Promise<string> {
  assertSiteAdmin(caller, 'look after accounts')
  return (await accountNamed(needs, named)).id
}

export const identityOperations = [
  operation({
    id: 'listIdentities',
    method: 'GET',
    path: '/accounts/{account}/identities',
    tag: 'accounts',
    summary: 'List the ways in which somebody signs in, with what each says',
    params,
    answer: {
      status: 200,
      description: 'Every way.',
      schema: record('Ways to sign in.', { items: listOf(ref('Identity'), 'Every way.') }),
    },
    async handle({ caller, params }, needs) {
      const rows = await needs.identities.list(await idOf(needs, caller, params.account))
      // Without what is kept sealed for upstream logout.
      const items = rows.map(({ id, instance, issuer, subject, createdAt, lastSeenAt, facts }) => ({
        ...{ id, instance, issuer, subject, createdAt, lastSeenAt },
        facts: facts.map(({ claim, value, trust }) => ({ claim, value, trust })),
      }))
      return { items }
    },
  }),
  operation({
    id: 'unlinkIdentity',
    method: 'DELETE',
    path: '/accounts/{account}/identities/{identity}',
    tag: 'accounts',
    summary: 'Take a way to sign in away',
    description: 'Sessions begun with it end. The last one goes from a deactivated account only.',
    params: { ...params, identity: name('Id of the way to sign in.') },
    answer: { status: 204, description: 'It leads here no more.' },
    errors: ['ERR_CONFLICT'],
    async handle({ caller, params }, needs) {
      const id = await idOf(needs, caller, params.account)
      await needs.revokeUpstream(await needs.keeping.unlink(caller.actor, id, params.identity))
    },
  }),
]
