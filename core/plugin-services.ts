/**
 * What an instance is handed: services that live as long as the process, so that an instance whose settings stay the same
 * runs on when the config around it changes. What a config decides is asked of the site that serves at that moment.
 * @module
 */
import { isSecret } from '@labgate/contract'
import { createSelfFace } from './accounts/own-words.ts'
import { createTokensFace } from './accounts/token-face.ts'
import type { Ground } from './assembly.ts'
import { isMailTrouble } from './observe/sign-ins.ts'
import type { Services } from './registry/context.ts'
import type { InstanceName } from './registry/instance.ts'
import type { LiveSite } from './site.ts'

/** What the services stand on. */
export interface ServiceNeeds {
  readonly ground: Ground
  readonly installation: string
  /** The site that serves now. */
  current(): Pick<LiveSite, 'rooms' | 'adminFace'>
  /** A way out for an instance. */
  fetchFor(id: string, ca: string | undefined): Services['fetch']
}

/** The services of one instance. */
export function servicesOf(needs: ServiceNeeds, { id, kind }: InstanceName, pluginConfig: unknown): Services {
  const { get } = needs.ground
  const room = needs.current
  const tokens = () => createTokensFace({ tokens: room().rooms.get('tokens'), clock: get('clock') })
  return {
    clock: get('clock'),
    random: get('random'),
    log: get('log').child({ instance: id }),
    fetch: needs.fetchFor(id, trustedCa(pluginConfig)),
    store: get('storage').documents(`plugin:${id}`),
    mail: {
      async send(message) {
        await room()
          .rooms.get('mail')
          .send(message)
          .catch((error: unknown) => {
            if (kind === 'auth' && isMailTrouble(error)) get('signIns').note('failed')
            throw error
          })
      },
    },
    accounts: get('accounts'),
    access: get('access'),
    tokens: {
      list: (who) => tokens().list(who),
      make: (who, wanted) => tokens().make(who, wanted),
      revoke: (who, token) => tokens().revoke(who, token),
      find: (who, value) => tokens().find(who, value),
    },
    admin: {
      rights: (who) => room().adminFace.rights(who),
      call: (who, operation, input) => room().adminFace.call(who, operation, input),
    },
    self: createSelfFace(get('ownWords')),
    installation: needs.installation,
    noteIssue: ({ account, ask, detail }) =>
      get('audit')({
        type: 'dialect.issued',
        ...{ account, actor: account, requestId: ask.requestId, address: ask.address },
        detail: { service: id, ...detail },
      }),
  }
}

/** The authority a plugin's config names as `tls.ca`, for upstreams inside a lab. */
function trustedCa(pluginConfig: unknown): string | undefined {
  const ca = (pluginConfig as { tls?: { ca?: unknown } } | undefined)?.tls?.ca
  return isSecret(ca) ? ca.reveal() : undefined
}
