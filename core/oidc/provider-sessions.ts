/** Ending the Provider's session when ours ends: back-channel logout, the session's tokens, the session itself. @module */
import type { AccountId, Log } from '@labgate/contract'
import type Provider from 'oidc-provider'
import type { Ended, EndListener } from '../accounts/sessions.ts'
import type { ArtifactStore } from '../storage/artifacts.ts'
import { tokenModels } from './models.ts'

/** What ending sessions at the Provider takes. */
export interface ProviderSessionsNeeds {
  provider(): Provider
  readonly artifacts: ArtifactStore
  readonly log: Log
}

/** Ends what the Provider holds: sessions, grants and tokens. */
export interface ProviderSessions {
  /** Ends the session and its tokens; relying parties are told by what it answers. */
  readonly end: EndListener
  /** Ends every token one client holds for an account, as when its consent is withdrawn. */
  revokeClient(account: AccountId, client: string): Promise<void>
  /** Ends every token and session of an account. */
  revokeAccount(account: AccountId): Promise<void>
}

/** The library's method, which its types do not name. */
function notifyClient(client: object, account: AccountId, sid: string): Promise<void> {
  return (client as { backchannelLogout(sub: string, sid: string): Promise<void> }).backchannelLogout(account, sid)
}

interface SessionPayload {
  readonly uid: string
}

/** Makes them for the current Provider. */
export function createProviderSessions({ provider, artifacts, log }: ProviderSessionsNeeds): ProviderSessions {
  const notify = async (clientId: string, account: AccountId, sid: string | undefined): Promise<void> => {
    const client = await provider().Client.find(clientId)
    if (!client?.backchannelLogoutUri || sid === undefined) return
    // A relying party that is down must not keep a person from signing out.
    await notifyClient(client, account, sid).catch((err: unknown) =>
      log.warn({ client: clientId, err }, 'back-channel logout failed'),
    )
  }
  const endSession = async (uid: string, reach: Ended['reach']): Promise<() => Promise<void>> => {
    const session = await provider().Session.findByUid(uid)
    if (!session) return async () => undefined
    const account = session.accountId as string
    const authorizations = Object.entries(session.authorizations ?? {})
    await Promise.all(
      authorizations.map(async ([, { grantId, ...rest }]) => {
        const persists = (rest as { persistsLogout?: boolean }).persistsLogout === true
        if (grantId && (reach === 'everything' || !persists)) await revokeGrant(artifacts, grantId)
      }),
    )
    await session.destroy()
    return async () => void (await Promise.all(authorizations.map(([client, { sid }]) => notify(client, account, sid))))
  }
  return {
    end: async ({ providerUid, reach }) =>
      providerUid === undefined ? async () => undefined : endSession(providerUid, reach),
    revokeClient: (account, client) => revokeClientOf(artifacts, { account, client }),
    async revokeAccount(account) {
      const sessions = (await artifacts.listByAccount(account, 'Session')) as unknown as SessionPayload[]
      const told = await Promise.all(sessions.map(({ uid }) => endSession(uid, 'everything')))
      await artifacts.deleteByAccount(account)
      await Promise.all(told.map((tell) => tell()))
    },
  }
}

/** Ends every token one client holds for an account; needs no Provider. */
export async function revokeClientOf(
  artifacts: ArtifactStore,
  { account, client }: { readonly account: AccountId; readonly client: string },
): Promise<void> {
  const grants = (await artifacts.listByAccount(account, 'Grant')) as unknown as { jti: string; clientId: string }[]
  for (const grant of grants.filter(({ clientId }) => clientId === client)) await revokeGrant(artifacts, grant.jti)
}

/** With the grant itself, which is one session's alone: a token that is being made from one of them is nothing then, either. */
async function revokeGrant(artifacts: ArtifactStore, grant: string): Promise<void> {
  await Promise.all([artifacts.deleteByGrant(grant, tokenModels), artifacts.delete('Grant', grant)])
}
