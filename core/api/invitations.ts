/** Invitations by mail, and people who wait for approval. @module */
import { operation } from './operation.ts'
import { instant, line, lines, listOf, name, page, pageOf, paging, record, ref, searching, text } from './schema.ts'
import { accountNamed, assertSiteAdmin, noSuch } from './sight.ts'

const state = {
  type: 'string',
  enum: ['open', 'accepted', 'over', 'ended'],
  description: 'How it stands; `over`: nobody came in time.',
} as const
const role = {
  type: 'string',
  enum: ['user', 'manager', 'admin'],
  description: 'Role of a new account. More than `user` counts only for a sign-in that proves the invited address.',
} as const
const slugs = {
  type: 'array',
  maxItems: 50,
  items: { type: 'string', minLength: 1, maxLength: 64, description: 'A slug.' },
  description: 'Groups to be in from the start.',
} as const
const days = { type: 'integer', minimum: 1, maximum: 365, description: 'How long it lasts; default 14.' } as const
const note = lines('Said to the person.', 1000)

export const invitationSchemas = {
  AccountInvitation: record(
    'Somebody is invited by mail.',
    {
      id: text('Its id; it opens nothing.'),
      email: text('Whom the mail went to.'),
      role,
      groups: listOf(text('A slug.'), 'Groups it leads into.'),
      note: text('Said to the person.'),
      madeBy: text('Who invites.'),
      createdAt: instant('When its newest link was made.'),
      endsAt: instant('Until when it is good.'),
      acceptedBy: text('The account that accepted it.'),
      acceptedAt: instant('When.'),
      endedAt: instant('When it was withdrawn.'),
      state,
    },
    ['acceptedBy', 'acceptedAt', 'endedAt'],
  ),
  InvitationSent: record('An invitation, sent.', {
    invitation: ref('AccountInvitation'),
    mailed: { type: 'boolean', description: 'Whether the mail left. If not: mend mail, and send it again.' },
  }),
  WaitingPerson: record('Somebody who has signed in and waits.', {
    account: ref('Account'),
    since: instant('Since when.'),
    signIns: listOf(
      record('One way they came.', {
        instance: text('The way to sign in.'),
        issuer: text('Who vouches.'),
        subject: text('As whom.'),
        at: instant('When last.'),
        facts: listOf(
          record('What it says of them.', {
            claim: text('About what.'),
            value: { description: 'What.' },
            trust: text('`verified`, `asserted` or `self`.'),
          }),
          'All it says.',
        ),
      }),
      'By which they came.',
    ),
  }),
}

const params = { invitation: name('Id of the invitation.') }

const invitationOperations = [
  operation({
    id: 'listAccountInvitations',
    method: 'GET',
    path: '/invitations',
    tag: 'invitations',
    summary: 'List invitations by mail, the newest first',
    description: 'Site admins see all, others those they made.',
    query: { ...paging, search: line('Part of the address.'), state },
    answer: { status: 200, description: 'A page of invitations.', schema: pageOf(ref('AccountInvitation')) },
    handle: async ({ caller, query }, { invitations }) => page(await invitations.list(caller.actor, query)),
  }),
  operation({
    id: 'invitePerson',
    method: 'POST',
    path: '/invitations',
    tag: 'invitations',
    summary: 'Invite somebody by mail',
    description:
      'Managers of groups invite into these, without a role. The answer is the same whether or not the address is known here. The link is in the mail only.',
    body: {
      type: 'object',
      additionalProperties: false,
      required: ['email'],
      properties: { email: line('One plain address.', 254), role, groups: slugs, note, days },
    },
    answer: { status: 201, description: 'The invitation.', schema: ref('InvitationSent') },
    errors: ['ERR_CONFLICT', 'ERR_NOT_FOUND'],
    handle: ({ caller, body }, { invitations }) => invitations.invite(caller.actor, body),
  }),
  operation({
    id: 'getAccountInvitation',
    method: 'GET',
    path: '/invitations/{invitation}',
    tag: 'invitations',
    summary: 'Get an invitation by mail',
    params,
    answer: { status: 200, description: 'The invitation.', schema: ref('AccountInvitation') },
    async handle({ caller, params }, { invitations }) {
      return (await invitations.find(caller.actor, params.invitation)) ?? nothing()
    },
  }),
  operation({
    id: 'resendAccountInvitation',
    method: 'POST',
    path: '/invitations/{invitation}/resend',
    tag: 'invitations',
    summary: 'Send an invitation again, with a new link in place of the old one',
    params,
    body: { type: 'object', additionalProperties: false, properties: { days } },
    answer: { status: 200, description: 'The invitation.', schema: ref('InvitationSent') },
    errors: ['ERR_CONFLICT'],
    handle: ({ caller, params, body }, { invitations }) => invitations.resend(caller.actor, params.invitation, body),
  }),
  operation({
    id: 'endAccountInvitation',
    method: 'DELETE',
    path: '/invitations/{invitation}',
    tag: 'invitations',
    summary: 'Withdraw an invitation by mail',
    params,
    answer: { status: 204, description: 'Its link leads nowhere.' },
    errors: ['ERR_CONFLICT'],
    async handle({ caller, params }, { invitations }) {
      const found = await invitations.find(caller.actor, params.invitation)
      if (!found || found.state === 'ended') nothing()
      await invitations.end(caller.actor, params.invitation)
    },
  }),
]

function nothing(): never {
  throw noSuch('invitation')
}

const waitingOperations = [
  operation({
    id: 'listWaiting',
    method: 'GET',
    path: '/waiting',
    tag: 'invitations',
    summary: 'List people who wait for approval, the oldest first, with what their sign-in said',
    query: searching,
    answer: { status: 200, description: 'A page of people.', schema: pageOf(ref('WaitingPerson')) },
    async handle({ caller, query }, { approval }) {
      assertSiteAdmin(caller, 'see who waits')
      return page(await approval.waiting(query))
    },
  }),
  operation({
    id: 'decideWaiting',
    method: 'POST',
    path: '/waiting/{account}/decision',
    tag: 'invitations',
    summary: 'Let in somebody who waits, or turn them down; the person is told',
    params: { account: name('Id or username.') },
    body: {
      type: 'object',
      additionalProperties: false,
      required: ['approve'],
      properties: {
        approve: { type: 'string', enum: ['yes', 'no'], description: 'The decision.' },
        groups: { ...slugs, description: 'With `yes`: groups to be in from the start.' },
        note,
      },
    },
    answer: { status: 200, description: 'The account.', schema: ref('Account') },
    errors: ['ERR_CONFLICT'],
    async handle({ caller, params, body: { approve, ...decision } }, needs) {
      assertSiteAdmin(caller, 'decide who comes in')
      const { id } = await accountNamed(needs, params.account)
      return approve === 'yes'
        ? needs.approval.approve(caller.actor, id, decision)
        : needs.approval.turnDown(caller.actor, id, decision)
    },
  }),
]

/** Invitations first, then those who wait. */
export const joiningOperations = [...invitationOperations, ...waitingOperations]
