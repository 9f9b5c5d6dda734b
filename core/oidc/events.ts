/** What the Provider tells by events, in the log and the audit trail. A listener never throws: it would end the process. @module */
import { isFault, type Log } from '@labgate/contract'
import type Provider from 'oidc-provider'
import type { KoaContextWithOIDC } from 'oidc-provider'
import type { Audit } from '../observe/audit.ts'

/** Refusals that are a client's mistake: worth a line for whoever sets the client up, never an alarm. */
const refusals = [
  'authorization.error',
  'grant.error',
  'introspection.error',
  'revocation.error',
  'userinfo.error',
  'end_session.error',
  'device_authorization.error',
  'registration_create.error',
  'registration_update.error',
] as const

/** An error of the Provider; its detail is for the operator, never for the client. */
interface Refusal {
  readonly error?: string
  readonly error_description?: string
  readonly error_detail?: string
}

/** Listens to a Provider; call it once for each that is built. */
export function listenToProvider(
  provider: Provider,
  needs: { log: Log; audit: Audit; used(client: string): void },
): void {
  const { log } = needs
  const on = (event: string, listener: (...args: never[]) => void) =>
    void provider.on(event as 'server_error', listener as () => void)
  for (const event of refusals)
    on(event, (ctx: KoaContextWithOIDC | undefined, error: Refusal) => {
      const { error: code, error_description: why, error_detail: because } = error
      log.info(
        { event, client: ctx?.oidc?.client?.clientId, requestId: requestIdOf(ctx), fault: code, why, because },
        'the Provider refused a request',
      )
    })
  on('server_error', (ctx: KoaContextWithOIDC | undefined, err: Error) => {
    log.error({ err, requestId: requestIdOf(ctx) }, 'the Provider failed')
    // Else every error is a 500: whoever asked is told that it passes.
    if (ctx && isFault(err) && err.code === 'ERR_STORAGE') {
      ctx.status = err.status
      if (err.retryAfterSeconds !== undefined) ctx.set('Retry-After', String(err.retryAfterSeconds))
    }
  })
  // Without a listener Koa prints the stack to standard error, past the log.
  on('error', (err: Error, ctx: KoaContextWithOIDC | undefined) => {
    // Whoever hangs up amid a request fails alone.
    if (ctx?.req.complete === false) log.info({ requestId: requestIdOf(ctx) }, 'a request to the Provider broke off')
    else log.error({ err }, 'the Provider failed')
  })
  on('backchannel.error', (_ctx: unknown, err: Error, client: { clientId: string }) => {
    log.warn({ err, client: client.clientId }, 'back-channel logout failed')
  })
  on('grant.success', (ctx: KoaContextWithOIDC) => {
    const { client } = ctx.oidc
    if (client) needs.used(client.clientId)
  })
  on('grant.revoked', (ctx: KoaContextWithOIDC) => {
    const { client, account, route } = ctx.oidc
    const type = route === 'token' ? 'token.reused' : 'token.revoked'
    needs
      .audit({ type, client: client?.clientId, account: account?.accountId, requestId: requestIdOf(ctx) })
      .catch((err: unknown) => log.error({ err }, 'an audit event of the Provider was lost'))
  })
}

function requestIdOf(ctx: KoaContextWithOIDC | undefined): string | undefined {
  const id = ctx?.res?.getHeader('x-request-id')
  return typeof id === 'string' ? id : undefined
}
