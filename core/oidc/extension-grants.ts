/** Extension grants (RFC 6749 §4.5) that adapters bring to the token endpoint. @module */
import type { OidcAdditions } from '@labgate/contract'
import type Provider from 'oidc-provider'

/** Registers each adapter's grant types; the library has authenticated the client before a handler runs. */
export function registerExtensionGrants(provider: Provider, additions: readonly OidcAdditions[]): void {
  for (const addition of additions)
    for (const [name, grant] of Object.entries(addition.grantTypes ?? {}))
      provider.registerGrantType(
        name,
        async (ctx) => {
          const parameters = Object.fromEntries(
            grant.parameters.flatMap((key) => {
              const value = (ctx.oidc.params as Record<string, unknown> | undefined)?.[key]
              return typeof value === 'string' ? [[key, value]] : []
            }),
          )
          const answer = await grant.handle({ clientId: ctx.oidc.client?.clientId ?? '', parameters })
          ctx.status = answer.status
          ctx.body = answer.json
        },
        [...grant.parameters],
      )
}
