/** The few Provider methods that login needs, as plain functions: so that login knows no oidc-provider and the Provider no login. @module */
import type { IncomingMessage } from 'node:http'
import { Fault } from '@labgate/contract'
import type Provider from 'oidc-provider'
import { errors } from 'oidc-provider'
import type { Ctx } from './http/context.ts'
import type { ClientInfo, Interaction, Interactions } from './login/interactions.ts'
import { doorClientId } from './oidc/clients.ts'
import { bornOf } from './oidc/grants.ts'
import type { ArtifactStore } from './storage/artifacts.ts'

type OpenInteraction = Awaited<ReturnType<Provider['interactionDetails']>>

/** `provider` is asked at each call, because it can be swapped while flows are open. */
export function providerInteractions(needs: {
  provider(): Provider
  artifacts: ArtifactStore
  expiredText: string
}): Interactions {
  const { provider, artifacts } = needs
  /** As a request has found it: what it came to is written on that very one. */
  const opened = new WeakMap<IncomingMessage, OpenInteraction>()
  const openedBy = async ({ req, res }: Ctx): Promise<OpenInteraction> => {
    const open = opened.get(req) ?? (await provider().interactionDetails(req, res))
    opened.set(req, open)
    return open
  }
  const expired = (cause?: unknown) => new Fault('ERR_LOGIN_EXPIRED', needs.expiredText, { cause })
  const client = async (id: string): Promise<ClientInfo | undefined> => {
    // Our own doors lead to this site itself: there is no other to name.
    if (id === doorClientId) return undefined
    const found = await provider()
      .Client.find(id)
      .catch(() => undefined)
    return (
      found && {
        id,
        name: found.clientName ?? id,
        logo: found.logoUri,
        homepage: found.clientUri,
        home: found.initiateLoginUri ?? found.clientUri,
        since: bornOf(found as object),
      }
    )
  }
  return {
    client,
    async details(ctx, uid) {
      const open = await openedBy(ctx).catch((error: unknown) => {
        throw error instanceof errors.SessionNotFound ? expired(error) : error
      })
      // The cookie's path is the interaction's own, but a browser's word is not enough.
      if (open.uid !== uid) throw expired()
      const { params, prompt, session, grantId } = open
      return {
        uid,
        prompt: { name: prompt.name, reasons: prompt.reasons, details: prompt.details },
        clientId: String(params.client_id),
        redirectUri: typeof params.redirect_uri === 'string' ? params.redirect_uri : undefined,
        loginHint: typeof params.login_hint === 'string' ? params.login_hint : undefined,
        wish: typeof params.labgate_sign_in === 'string' ? params.labgate_sign_in : undefined,
        prompts: typeof params.prompt === 'string' ? params.prompt.split(' ').filter(Boolean) : [],
        maxAge: params.max_age === undefined ? undefined : Number(params.max_age),
        scopes: typeof params.scope === 'string' ? params.scope.split(' ').filter(Boolean) : [],
        session: session
          ? { accountId: session.accountId, uid: (session as unknown as { uid: string }).uid }
          : undefined,
        grantId,
      } satisfies Interaction
    },
    async detach(ctx) {
      const open = await openedBy(ctx)
      // The library takes back what it does not find: without it, resuming asks for no session in particular.
      open.session = undefined
      await open.persist()
    },
    async finish(ctx, result) {
      const open = await openedBy(ctx)
      // As `interactionResult` of the library does, which would read it anew.
      const said = 'error' in result ? result : { ...open.lastSubmission, ...result }
      open.result = said as NonNullable<OpenInteraction['result']>
      await open.persist()
      return open.returnTo
    },
    async clientOfLost(uid) {
      const found = (await artifacts.find('Interaction', uid))?.payload as
        | { params?: { client_id?: string } }
        | undefined
      return found?.params?.client_id === undefined ? undefined : client(found.params.client_id)
    },
    async grant(interaction, accountId, choice) {
      const { Grant } = provider()
      const known = interaction.grantId === undefined ? undefined : await Grant.find(interaction.grantId)
      const grant = known?.accountId === accountId ? known : new Grant({ accountId, clientId: interaction.clientId })
      if (choice.scopes.length > 0) grant.addOIDCScope(choice.scopes.join(' '))
      const left = choice.asked.filter((scope) => !choice.scopes.includes(scope))
      // What was left out before and is taken now must not stay rejected: the library lets rejections win.
      if (grant.rejected?.openid?.scope)
        grant.rejected.openid.scope = without(grant.rejected.openid.scope, choice.scopes)
      if (left.length > 0) grant.rejectOIDCScope(left.join(' '))
      if (choice.claims.length > 0) grant.addOIDCClaims([...choice.claims])
      const resources = (interaction.prompt.details.missingResourceScopes ?? {}) as Readonly<
        Record<string, readonly string[]>
      >
      for (const [indicator, scopes] of Object.entries(resources)) grant.addResourceScope(indicator, scopes.join(' '))
      return grant.save()
    },
  }
}

function without(scope: string, gone: readonly string[]): string {
  return scope
    .split(' ')
    .filter((one) => !gone.includes(one))
    .join(' ')
}
