/** People as site admins change them, and the traces of middle_auth's Redis. @module */
import { type AccountView, Fault, type Handler, type Json, type RouteAsk } from '@labgate/contract'
import { json, words } from './answers.ts'
import type { CaveContext } from './config.ts'
import { assertIs, called, fieldsIn, textsIn } from './leave.ts'
import { affiliationsView, byNumber, personNumbered, userView } from './people.ts'

/** Handlers of people and of Redis. */
export function userHandlers(context: CaveContext): Readonly<Record<string, Handler>> {
  return { ...changes(context), ...redis(context) }
}

async function numbered(context: CaveContext, ask: RouteAsk): Promise<AccountView> {
  await assertIs(context, ask, 'super')
  return personNumbered(context, ask.params.id)
}

function changes(context: CaveContext): Readonly<Record<string, Handler>> {
  return {
    async newUser(ask) {
      await assertIs(context, ask, 'some')
      const { email, name } = textsIn(ask, ['name', 'email'])
      if ((await context.admin.rights(ask)).admin && (await context.accounts.findByVerifiedEmail(email)))
        throw new Fault('ERR_CONFLICT', 'User with email already exists.')
      // An account is made at the first sign-in, and has no number before.
      await called(context, ask, { operation: 'invitePerson', body: { email } })
      const unknown = {
        id: null,
        service_account: false,
        name,
        created: null,
        pi: '',
        affiliations: affiliationsView([]),
      }
      return json({ ...unknown, gdpr_consent: false, admin_datasets: [], admin: false, email })
    },
    async changeUser(ask) {
      await assertIs(context, ask, 'super')
      const fields = fieldsIn(ask)
      const isSelf = ask.principal?.account.numericId === Number(ask.params.id)
      if (isSelf && fields.admin !== undefined && fields.admin !== true)
        throw new Fault('ERR_FORBIDDEN', 'Cannot remove admin permissions from yourself.', { detail: { why: 'self' } })
      const account = await numbered(context, ask)
      const before = (await userView(context, account, 'full')) as { readonly [key: string]: Json }
      const changed = changeable.filter(
        (name) => fields[name] !== undefined && fields[name] !== (before[name] ?? false),
      )
      for (const step of changed.map((name) => stepOf(name, fields[name])))
        await called(context, ask, { ...step, params: { ...step.params, account: account.id } })
      return json('success')
    },
    async endUser(ask) {
      await assertIs(context, ask, 'super')
      if (ask.principal?.account.numericId === Number(ask.params.id))
        throw new Fault('ERR_FORBIDDEN', 'Cannot delete yourself.', { detail: { why: 'self' } })
      const account = await byNumber(context, ask.params.id)
      if (account?.kind === 'person') {
        const params = { account: account.id }
        await called(context, ask, { operation: 'eraseAccount', params, body: { username: account.username } })
      }
      return json('success')
    },
  }
}

function redis(context: CaveContext): Readonly<Record<string, Handler>> {
  return {
    async updateCache(ask) {
      await numbered(context, ask)
      // Nothing is kept that could be old.
      return json('success')
    },
    async debugRedis(ask) {
      await numbered(context, ask)
      return json({ tokens: [], values: {} })
    },
    async fixRedis(ask) {
      await numbered(context, ask)
      return json({ elements_removed: 0, tokens_to_remove: [] })
    },
    async redisKeys(ask) {
      await assertIs(context, ask, 'super')
      return json([])
    },
    async redisKey(ask) {
      await assertIs(context, ask, 'super')
      return words(404, 'key does not exist')
    },
    async redisLife(ask) {
      await assertIs(context, ask, 'super')
      // As Redis says of a key that it has not.
      return json(-2)
    },
  }
}

const changeable = ['admin', 'name', 'email', 'pi', 'gdpr_consent', 'read_only'] as const

function stepOf(name: (typeof changeable)[number], value: Json | undefined): Step {
  if (name === 'admin') {
    if (typeof value !== 'boolean') throw new Fault('ERR_INPUT', 'admin must be true or false.')
    return { operation: 'changeAccount', body: { role: value ? 'admin' : 'user' } }
  }
  if (name === 'read_only' || name === 'gdpr_consent')
    throw new Fault('ERR_CONFLICT', `${name} of a person cannot be changed.`)
  if (typeof value !== 'string') throw new Fault('ERR_INPUT', `${name} must be text.`)
  if (name === 'name') return { operation: 'changeAccount', body: { displayName: value } }
  if (name === 'email') return { operation: 'changeAccount', body: { email: value } }
  return { operation: 'setProfile', params: { question: name }, body: { value } }
}

interface Step {
  readonly operation: string
  readonly params?: Readonly<Record<string, string>>
  readonly body: Readonly<Record<string, Json>>
}
