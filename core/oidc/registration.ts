/** Dynamic registration at the Provider (RFC 7591, RFC 7592): its features, and where registered clients are kept. @module */
import type { Clock } from '@labgate/contract'
import Provider, {
  type Adapter,
  type AdapterPayload,
  type Configuration,
  errors,
  type KoaContextWithOIDC,
} from 'oidc-provider'
import type { Audit } from '../observe/audit.ts'
import type { ClientRoster } from './clients.ts'
import { applyPolicy, type Metadata, settingsOfMetadata } from './registration-policy.ts'
import type { ClientInvitation, Registrations } from './registrations.ts'

/** What registration needs. */
export interface RegistrationNeeds {
  readonly clock: Clock
  readonly audit: Audit
  readonly registrations: Registrations
  readonly roster: Pick<ClientRoster, 'behind' | 'register' | 'remove' | 'registered' | 'sweep'>
  /** How many registered clients there may be; `undefined`: nobody registers. */
  readonly mostRegistered: number | undefined
}

const came = new WeakMap<object, Pick<ClientInvitation, 'id' | 'scopes' | 'grantTypes' | 'redirectHosts'>>()

/** The features, when the config has registration. */
export function registrationFeatures(
  needs: RegistrationNeeds,
): Pick<NonNullable<Configuration['features']>, 'registration' | 'registrationManagement'> {
  if (needs.mostRegistered === undefined) return {}
  return {
    registration: {
      enabled: true,
      initialAccessToken: true,
      policies: { invited: (ctx, properties) => invited(ctx, properties as Metadata, needs) },
    },
    registrationManagement: { enabled: true, rotateRegistrationAccessToken: true },
  }
}

/** By an invitation a client comes in; by its own token it changes, within the same bounds. */
async function invited(ctx: KoaContextWithOIDC, properties: Metadata, needs: RegistrationNeeds): Promise<void> {
  const { entities } = ctx.oidc
  const known = entities.Client && (await needs.registrations.of(entities.Client.clientId))
  if (known) {
    applyPolicy(properties, known.policy)
    came.set(ctx, { id: known.invitation, ...known.policy })
    return
  }
  const token = (entities.InitialAccessToken as { jti?: string } | undefined)?.jti
  const invitation = token === undefined ? undefined : await needs.registrations.byToken(token)
  if (invitation === undefined) throw new errors.InvalidToken('no such invitation')
  applyPolicy(properties, invitation)
  await needs.roster.sweep()
  if ((await needs.roster.registered()) >= (needs.mostRegistered ?? 0))
    throw new errors.InvalidClientMetadata('there are too many registered clients')
  if (!(await needs.registrations.take(invitation.id))) throw new errors.InvalidToken('the invitation was used up')
  came.set(ctx, invitation)
}

/** Initial access tokens are invitations: nothing of them is kept with the other tokens. */
export function invitationTokens(
  tokens: Adapter,
  { registrations }: Pick<RegistrationNeeds, 'registrations'>,
): Adapter {
  return {
    ...tokens,
    async find(token) {
      const found = await registrations.byToken(token)
      if (found === undefined) return undefined
      const [iat, exp] = [found.createdAt, found.endsAt].map((at) => Math.floor(at.getTime() / 1000))
      return { kind: 'InitialAccessToken', jti: token, iat, exp, policies: ['invited'] } as AdapterPayload
    },
  }
}

/** Where the library keeps clients that register, change and leave. */
export function registeredClients(clients: Adapter, needs: RegistrationNeeds): Adapter {
  return {
    ...clients,
    async upsert(id, payload) {
      const { ctx } = Provider
      const by = ctx && came.get(ctx)
      if (ctx === undefined || by === undefined) throw new TypeError('only an invited client is kept')
      const { client_secret: secret, ...metadata } = payload as Metadata
      const isNew = ctx.oidc.entities.Client === undefined
      await needs.roster.register(id, settingsOfMetadata(metadata), typeof secret === 'string' ? secret : undefined)
      const { scopes, grantTypes, redirectHosts } = by
      await needs.registrations.keep(id, { invitation: by.id, policy: { scopes, grantTypes, redirectHosts } })
      const type = isNew ? 'client.added' : 'client.changed'
      await needs.audit({ type, client: id, address: ctx.ip, detail: { invitation: by.id } })
    },
    async destroy(id) {
      await needs.roster.remove(id)
      await needs.audit({ type: 'client.removed', client: id, address: Provider.ctx?.ip })
    },
  }
}
