/** Service accounts by number, for site admins. @module */
import { type AccountView, Fault, type Handler, type RouteAsk } from '@labgate/contract'
import { json } from './answers.ts'
import type { CaveContext } from './config.ts'
import { assertIs, called, fieldsIn, listed, numberOf, textsIn } from './leave.ts'
import { byNumber, groupsView, serviceNumbered, userView } from './people.ts'
import { project } from './project.ts'
import { caveScope } from './routes.ts'

/** Handlers of service accounts. */
export function serviceHandlers(context: CaveContext): Readonly<Record<string, Handler>> {
  return { ...readers(context), ...changes(context) }
}

async function numbered(context: CaveContext, ask: RouteAsk): Promise<AccountView> {
  await assertIs(context, ask, 'super')
  return serviceNumbered(context, ask.params.service)
}

function readers(context: CaveContext): Readonly<Record<string, Handler>> {
  return {
    async services(ask) {
      await assertIs(context, ask, 'some')
      const { searchParams } = ask.url
      const [ids, search] = [searchParams.get('id'), searchParams.get('name')]
      const found = await listed(context, ask, {
        operation: 'listServiceAccounts',
        query: ids || !search ? {} : { search },
      })
      const wanted = ids ? new Set(ids.split(',').map((id) => numberOf(id.trim()))) : undefined
      const numbers = found
        .filter(({ state, numericId }) => state === 'active' && (wanted?.has(Number(numericId)) ?? true))
        .map(({ numericId }) => Number(numericId))
        .toSorted((a, b) => a - b)
      const accounts = await Promise.all(numbers.map((number) => byNumber(context, number)))
      return json(await Promise.all(accounts.flatMap((one) => (one ? [userView(context, one, 'some')] : []))))
    },
    oneService: async (ask) => json(await userView(context, await numbered(context, ask), 'full')),
    async serviceToken(ask) {
      await numbered(context, ask)
      throw new Fault('ERR_NOT_FOUND', 'The value of a token is known to its holder alone. Make another one by POST.')
    },
    serviceGroups: async (ask) => json(await groupsView(context, await numbered(context, ask))),
    async servicePermissions(ask) {
      const account = await numbered(context, ask)
      const snapshot = await context.access.snapshot(account.id)
      return json(project({ account }, snapshot))
    },
  }
}

function changes(context: CaveContext): Readonly<Record<string, Handler>> {
  const change = async (ask: RouteAsk, serviceAccount: string, body: { displayName: string } | { state: string }) =>
    called(context, ask, { operation: 'changeServiceAccount', params: { serviceAccount }, body })
  return {
    async newServiceToken(ask) {
      const { id, displayName } = await numbered(context, ask)
      const { description, expires_at } = fieldsIn(ask)
      const name = typeof description === 'string' && description.trim() !== '' ? description.trim() : displayName
      const body = { account: id, name: name.slice(0, 100), scopes: [caveScope] }
      const until = typeof expires_at === 'string' ? { expiresAt: expires_at } : {}
      const { value } = await called(context, ask, { operation: 'createToken', body: { ...body, ...until } })
      return json(String(value))
    },
    async newService(ask) {
      await assertIs(context, ask, 'super')
      const { name } = textsIn(ask, ['name'])
      // It acts on the terms that this person has accepted.
      const parent = ask.principal?.kind === 'person' ? { parent: ask.principal.account.id } : {}
      const body = { username: usernameOf(name), displayName: name, ...parent }
      const said = { ERR_CONFLICT: 'Service Account with name already exists.' }
      const made = await called(context, ask, { operation: 'createServiceAccount', body, said })
      return json(await userView(context, await serviceNumbered(context, made.numericId), 'some'))
    },
    async changeService(ask) {
      const account = await numbered(context, ask)
      const { name, ...rest } = fieldsIn(ask)
      const other = ['admin', 'read_only', 'email', 'pi', 'gdpr_consent'].filter((key) => Boolean(rest[key]))
      if (other.length > 0)
        throw new Fault('ERR_CONFLICT', `${other.join(', ')} of a service account cannot be changed.`)
      if (name !== undefined) await change(ask, account.id, { displayName: textsIn(ask, ['name']).name })
      return json('success')
    },
    // Its number is never given again, so that it is kept, and shut out for good from here.
    async endService(ask) {
      await change(ask, (await numbered(context, ask)).id, { state: 'deactivated' })
      return json('success')
    },
  }
}

function usernameOf(name: string): string {
  return name
    .normalize('NFKD')
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]+/g, '-')
    .replaceAll(/^[^a-z]+|-+$/g, '')
    .slice(0, 39)
}
