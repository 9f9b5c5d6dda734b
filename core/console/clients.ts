/** The console’s room for relying parties: all there are, and those that somebody was invited to register. For admins. @module */
import type { Rights } from '../access/stewards.ts'
import type { Ctx } from '../http/context.ts'
import type { Route } from '../http/routes.ts'
import type { Desk } from '../login/desk.ts'
import type { Audit } from '../observe/audit.ts'
import type { ClientRoster } from '../oidc/clients.ts'
import type { AddClient } from '../oidc/new-client.ts'
import type { Registrations } from '../oidc/registrations.ts'
import { clientNewRoutes } from './client-new.ts'
import type { ConsoleFrame, Visit } from './frame.ts'
import { gone } from './scope.ts'

/** What the room stands on. */
export interface ClientsNeeds {
  readonly desk: Desk
  readonly clients: Pick<ClientRoster, 'list' | 'find' | 'remove'>
  readonly registrations: Pick<Registrations, 'invitations' | 'end' | 'of'>
  readonly audit: Audit
  readonly addClient: AddClient
}

const base = '/console/clients'
const may = ({ admin }: Rights) => admin

/** Routes under `/console/clients`. */
export function clientRoutes(frame: ConsoleFrame, needs: ClientsNeeds): Route[] {
  const { desk, clients, registrations, audit } = needs
  const back = () => base
  return [
    frame.page(base, (ctx, visit) => list(ctx, visit, { frame, needs }), may),
    ...clientNewRoutes(frame, needs),
    frame.form(`${base}/:id/remove`, {
      may,
      back,
      async apply(ctx, { actor }) {
        const found = await clients.find(ctx.params.id ?? '')
        if (!found || found.source === 'config') return gone(ctx, desk)
        await clients.remove(found.id)
        await audit({ ...byWhom(actor), type: 'client.removed', client: found.id })
        return { to: base, said: desk.text(ctx, 'console.clients.removed', { name: found.settings.name ?? found.id }) }
      },
    }),
    frame.form(`${base}/invitations/:id/end`, {
      may,
      back,
      async apply(ctx, { actor }) {
        const id = ctx.params.id ?? ''
        await registrations.end(id)
        await audit({ ...byWhom(actor), type: 'client.uninvited', detail: { invitation: id } })
        return { to: base, said: desk.text(ctx, 'console.clients.ended') }
      },
    }),
  ]
}

function byWhom({ account, address, requestId }: Visit['actor']) {
  return { actor: account, address, requestId }
}

async function list(
  ctx: Ctx,
  visit: Visit,
  { frame, needs }: { frame: ConsoleFrame; needs: ClientsNeeds },
): Promise<void> {
  const now = needs.desk.clock.now()
  const listed = await needs.clients.list()
  const clients = await Promise.all(
    listed.map(async ({ id, source, settings }) => ({
      id,
      name: settings.name ?? id,
      source,
      endsAt: source === 'registered' ? (await needs.registrations.of(id))?.endsAt : undefined,
      remove: source === 'config' ? undefined : frame.post(ctx, `${base}/${encodeURIComponent(id)}/remove`),
    })),
  )
  const open = (await needs.registrations.invitations()).filter(
    ({ endedAt, endsAt, used, uses }) => endedAt === undefined && endsAt > now && used < uses,
  )
  frame.show(ctx, 'console-clients', {
    frame: await frame.frame(ctx, visit, 'clients'),
    clients,
    invitations: open.map((one) => ({ ...one, end: frame.post(ctx, `${base}/invitations/${one.id}/end`) })),
  })
}
