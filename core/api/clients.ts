/** Relying parties kept in the database, invitations to register one, and what people let them see. For site admins. @module */
import { Fault } from '@labgate/contract'
import { presetNames } from '../oidc/client-recipes.ts'
import type { ClientSettings } from '../oidc/clients.ts'
import { type ApiNeeds, type Caller, operation } from './operation.ts'
import { instant, line, listOf, name, record, ref, text } from './schema.ts'
import { accountNamed, assertSiteAdmin, noSuch } from './sight.ts'

const words = (description: string) => listOf(text('One.'), description)
const settingsText = 'As an entry of `clients` in the config file has it, without its secret.'

export const clientSchemas = {
  Client: record('A relying party.', {
    id: text('Its client id.'),
    source: {
      type: 'string',
      enum: ['config', 'database', 'registered'],
      description: 'Who keeps it; `registered`: it registered itself.',
    },
    settings: { type: 'object', description: settingsText },
  }),
  ClientSecret: record(
    'A relying party, with a secret that is shown this once.',
    { id: text('Its client id.'), secret: text('Its secret; absent where it has none.') },
    ['secret'],
  ),
  ClientAdded: record(
    'A relying party that was added, with a secret that is shown this once.',
    {
      id: text('Its client id.'),
      secret: text('Its secret; absent where it has none.'),
      recipe: ref('ClientRecipe'),
    },
    ['secret', 'recipe'],
  ),
  ClientRecipe: record('What the side of a relying party is told, with its secret in it.', {
    file: text('Which file it is.'),
    language: text('How Markdown names its language.'),
    text: text('What stands in it.'),
  }),
  ClientInvitation: record(
    'Somebody may register clients.',
    {
      id: text('Its id; it opens nothing.'),
      note: text('What it is for.'),
      madeBy: text('Who made it.'),
      createdAt: instant('When.'),
      endsAt: instant('Until when it is good.'),
      endedAt: instant('When it was ended.'),
      uses: { type: 'integer', description: 'How many clients it lets in.' },
      used: { type: 'integer', description: 'How many came.' },
      scopes: words('Scopes they may have.'),
      grantTypes: words('Grant types they may have.'),
      redirectHosts: words('Hosts of their addresses.'),
    },
    ['endedAt'],
  ),
  ClientInvited: record('An invitation, with the token that is shown this once.', {
    invitation: ref('ClientInvitation'),
    token: text('The initial access token (RFC 7591 §3).'),
    registrationEndpoint: text('Where it is good.'),
  }),
  Consent: record('What somebody lets a client see.', {
    client: text('Its client id.'),
    scopes: words('Scopes.'),
    claims: words('Single claims.'),
    at: instant('Since when.'),
  }),
}

const params = { client: name('Client id.') }
const few = { type: 'array', maxItems: 50, items: line('One.', 300) } as const

/** Who looks after relying parties. */
function assertKeeper(caller: Caller): void {
  assertSiteAdmin(caller, 'look after clients')
}

function note(
  { audit }: ApiNeeds,
  { actor }: Caller,
  event: Pick<Parameters<ApiNeeds['audit']>[0], 'type' | 'client' | 'account' | 'detail'>,
): Promise<void> {
  return audit({ ...event, actor: actor.account, address: actor.address, requestId: actor.requestId })
}

async function kept(needs: ApiNeeds, id: string) {
  const found = (await needs.clients.find(id)) ?? noClient()
  if (found.source === 'config') throw new Fault('ERR_CONFLICT', 'It is in the config file; change it there.')
  return found
}

function noClient(): never {
  throw noSuch('client')
}

function shown<T extends { readonly settings: ClientSettings }>(client: T) {
  const { secret: _, ...settings } = client.settings
  return { ...client, settings }
}

const ownClients = [
  operation({
    id: 'listClients',
    method: 'GET',
    path: '/clients',
    tag: 'clients',
    summary: 'List relying parties, of the config file, added, and registered by themselves',
    answer: {
      status: 200,
      description: 'Every one.',
      schema: record('Clients.', { items: listOf(ref('Client'), 'Every one.') }),
    },
    async handle({ caller }, { clients }) {
      assertKeeper(caller)
      return { items: (await clients.list()).map(shown) }
    },
  }),
  operation({
    id: 'getClient',
    method: 'GET',
    path: '/clients/{client}',
    tag: 'clients',
    summary: 'Get a relying party',
    params,
    answer: { status: 200, description: 'It.', schema: ref('Client') },
    async handle({ caller, params }, { clients }) {
      assertKeeper(caller)
      return shown((await clients.find(params.client)) ?? noClient())
    },
  }),
  operation({
    id: 'addClient',
    method: 'POST',
    path: '/clients',
    tag: 'clients',
    summary: 'Add a relying party; its secret is in the answer, this once',
    description:
      'With `preset`, what fits that program at that address is filled in, and the answer has the configuration for its own side.',
    body: {
      type: 'object',
      additionalProperties: false,
      required: ['id'],
      properties: {
        id: line('Its client id.'),
        preset: {
          type: 'object',
          additionalProperties: false,
          required: ['name', 'url'],
          description: 'A program that many labs have.',
          properties: {
            name: { type: 'string', enum: presetNames, description: 'Which.' },
            url: line('Where that program is reached.', 2000),
          },
        },
        settings: {
          type: 'object',
          additionalProperties: true,
          description: `${settingsText} It wins over what the preset fills in.`,
        },
      },
    },
    answer: { status: 201, description: 'It was added.', schema: ref('ClientAdded') },
    errors: ['ERR_CONFLICT'],
    async handle({ caller, body: { id, preset, settings = {} } }, needs) {
      assertKeeper(caller)
      const { secret, recipe } = await needs.addClient({ id, preset, settings: settings as Record<string, unknown> })
      await note(needs, caller, { type: 'client.added', client: id })
      return { id, secret, recipe }
    },
  }),
  operation({
    id: 'renewClientSecret',
    method: 'POST',
    path: '/clients/{client}/secret',
    tag: 'clients',
    summary: 'Give a relying party a new secret; the former ends at once',
    params,
    answer: { status: 200, description: 'The new secret, this once.', schema: ref('ClientSecret') },
    errors: ['ERR_CONFLICT'],
    async handle({ caller, params }, needs) {
      assertKeeper(caller)
      const { id, settings } = await kept(needs, params.client)
      const { secret } = await needs.clients.save(id, settings)
      if (secret === undefined) throw new Fault('ERR_CONFLICT', 'It has no secret: it is public, or signs.')
      await note(needs, caller, { type: 'client.changed', client: id, detail: { changed: 'credentials' } })
      return { id, secret }
    },
  }),
  operation({
    id: 'removeClient',
    method: 'DELETE',
    path: '/clients/{client}',
    tag: 'clients',
    summary: 'Remove a relying party; what was issued to it ends at once',
    params,
    answer: { status: 204, description: 'It is gone.' },
    errors: ['ERR_CONFLICT'],
    async handle({ caller, params }, needs) {
      assertKeeper(caller)
      const { id } = await kept(needs, params.client)
      await needs.clients.remove(id)
      await note(needs, caller, { type: 'client.removed', client: id })
    },
  }),
]

const invitedClients = [
  operation({
    id: 'listClientInvitations',
    method: 'GET',
    path: '/client-invitations',
    tag: 'clients',
    summary: 'List invitations to register a client, the newest first',
    answer: {
      status: 200,
      description: 'Every one.',
      schema: record('Invitations.', { items: listOf(ref('ClientInvitation'), 'Every one.') }),
    },
    async handle({ caller }, { registrations }) {
      assertKeeper(caller)
      return { items: await registrations.invitations() }
    },
  }),
  operation({
    id: 'inviteClient',
    method: 'POST',
    path: '/client-invitations',
    tag: 'clients',
    summary: 'Let somebody register a client; the token for it is in the answer, this once',
    description: 'Good only where `clientRegistration.enabled` is set in the config file.',
    body: {
      type: 'object',
      additionalProperties: false,
      properties: {
        redirectHosts: { ...few, description: 'Hosts of its addresses, such as `app.example.org`.' },
        scopes: { ...few, description: 'Scopes it may have; default `openid`, `profile`, `email`.' },
        grantTypes: { ...few, description: 'Grant types; default `authorization_code` and `refresh_token`.' },
        uses: { type: 'integer', minimum: 1, maximum: 1000, description: 'How many clients; default 1.' },
        days: { type: 'integer', minimum: 1, maximum: 365, description: 'How long it lasts; default 7.' },
        note: line('What it is for.'),
      },
    },
    answer: { status: 201, description: 'The invitation.', schema: ref('ClientInvited') },
    async handle({ caller, body }, needs) {
      assertKeeper(caller)
      const made = await needs.registrations.invite(caller.actor.account, body)
      await note(needs, caller, { type: 'client.invited', detail: { invitation: made.invitation.id } })
      return { ...made, registrationEndpoint: `${needs.issuer}/oidc/register` }
    },
  }),
  operation({
    id: 'endClientInvitation',
    method: 'DELETE',
    path: '/client-invitations/{invitation}',
    tag: 'clients',
    summary: 'End an invitation to register a client; clients that came by it stay',
    params: { invitation: name('Id of the invitation.') },
    answer: { status: 204, description: 'Its token opens nothing.' },
    async handle({ caller, params }, needs) {
      assertKeeper(caller)
      const open = await needs.registrations.invitations()
      if (!open.some(({ id, endedAt }) => id === params.invitation && endedAt === undefined)) throw noSuch('invitation')
      await needs.registrations.end(params.invitation)
      await note(needs, caller, { type: 'client.uninvited', detail: { invitation: params.invitation } })
    },
  }),
]

const consents = [
  operation({
    id: 'listConsents',
    method: 'GET',
    path: '/accounts/{account}/consents',
    tag: 'clients',
    summary: 'List what somebody lets relying parties see',
    params: { account: name('Id or username.') },
    answer: {
      status: 200,
      description: 'Every consent.',
      schema: record('Consents.', { items: listOf(ref('Consent'), 'Every consent.') }),
    },
    async handle({ caller, params }, needs) {
      assertKeeper(caller)
      return { items: await needs.consents.list((await accountNamed(needs, params.account)).id) }
    },
  }),
  operation({
    id: 'revokeConsent',
    method: 'DELETE',
    path: '/accounts/{account}/consents/{client}',
    tag: 'clients',
    summary: 'Take back what somebody let a relying party see; its tokens for them end at once',
    params: { account: name('Id or username.'), ...params },
    answer: { status: 204, description: 'It was taken back.' },
    async handle({ caller, params }, needs) {
      assertKeeper(caller)
      const { id } = await accountNamed(needs, params.account)
      if (!(await needs.consents.find(id, params.client))) throw noSuch('consent')
      // In this order: what a crash in between leaves is still listed, and can be revoked again.
      await needs.revokeClient(id, params.client)
      await needs.consents.forget(id, params.client)
      await note(needs, caller, { type: 'consent.revoked', account: id, client: params.client })
    },
  }),
]

/** Clients, those that were invited, what people let them see. */
export const clientOperations = [...ownClients, ...invitedClients, ...consents]
