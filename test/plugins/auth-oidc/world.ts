/** One instance of the OpenID Connect sign-in against an upstream. @module */
import type { ConfigOf, Json } from '@labgate/contract'
import plugin from '../../../plugins/auth-oidc/index.ts'
import {
  configOf as configFor,
  redirectUri as redirectUriOf,
  type SignInWorld,
  signInWorld,
} from '../../support/sign-in-world.ts'
import { type Upstream, upstreamClient } from '../../support/upstream.ts'

export { callback, guardedFetch, linkOf } from '../../support/sign-in-world.ts'

type OidcConfig = ConfigOf<typeof plugin.config>
export type OidcWorld = SignInWorld<OidcConfig>
export type OidcWorldOptions = Partial<Omit<Parameters<typeof signInWorld>[1], 'plugin'>>

/** The redirect URI of the instance `id` in an {@link oidcWorld}. */
export const redirectUri = (id = 'uni') => redirectUriOf(id)

/** The client to configure at an upstream for the instance `id`. */
export const clientFor = (id = 'uni') => ({ ...upstreamClient, redirect_uris: [redirectUri(id)] })

/** The instance's config as the core makes it, defaults filled in; problems are thrown. */
export const configOf = (given: Readonly<Record<string, Json>>): OidcConfig => configFor(plugin, given)

/** A fresh instance; nothing is shared between two. */
export function oidcWorld(upstream: Pick<Upstream, 'issuer' | 'signIn'>, options: OidcWorldOptions = {}): OidcWorld {
  const client = { clientId: upstreamClient.client_id, clientSecret: upstreamClient.client_secret }
  const config = { issuer: upstream.issuer, ...client, label: 'Demo University', ...options.config }
  return signInWorld(upstream, { id: 'uni', ...options, plugin, config })
}
