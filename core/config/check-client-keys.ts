/** What must go together in a relying party's entry: keys, how it proves itself, and the profiles that ask for more. Pure. @module */
import type { ClientEntry } from './schema.ts'

/** A condition that does not hold, below the client's entry. */
export interface BrokenKey {
  readonly path: readonly string[]
  readonly part: 'key'
  readonly message: string
}

const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code'

/** Every broken condition of one client's keys, profile, pairwise ids and token exchange. */
export function keyConditions(client: ClientEntry): BrokenKey[] {
  return [...proofConditions(client), ...pairwiseConditions(client), ...exchangeConditions(client)].map(
    ([message, ...path]): BrokenKey => ({ path, part: 'key', message }),
  )
}

type Said = readonly [message: string, ...path: string[]]

function proofConditions(client: ClientEntry): Said[] {
  const said: Said[] = []
  const isFapi = client.profile === 'fapi2'
  const signs = client.authMethod === 'private_key_jwt' || isFapi
  if (signs && client.public) said.push(['a public client has no key to authenticate with', 'public'])
  if (client.jwks && client.jwksUri) said.push(['`jwks` and `jwksUri` are two ways to say one thing', 'jwksUri'])
  if ((signs || client.signedRequests) && !client.jwks && !client.jwksUri)
    said.push(['`jwks` or `jwksUri` is missing: nothing could check its signatures'])
  if (isFapi && !client.pkce) said.push(['the profile `fapi2` asks for PKCE', 'pkce'])
  return said
}

function pairwiseConditions(client: ClientEntry): Said[] {
  if (client.subjectType !== 'pairwise') return []
  const said: Said[] = []
  const hosts = new Set(client.redirectUris.map((uri) => new URL(uri).host))
  if (hosts.size === 0) said.push(['pairwise ids need a redirect URI: its host is whom they are for', 'subjectType'])
  if (hosts.size > 1 && !client.sectorIdentifierUri)
    said.push([
      'redirect URIs of several hosts need a `sectorIdentifierUri` (OpenID Connect Core §8.1)',
      'redirectUris',
    ])
  if (client.grantTypes.includes(deviceGrant)) said.push(['pairwise ids do not go with the device flow', 'grantTypes'])
  return said
}

function exchangeConditions({ tokenExchange, firstParty, public: isPublic, dpop, profile }: ClientEntry): Said[] {
  if (tokenExchange === undefined) return []
  const said: Said[] = []
  if (!firstParty || isPublic) said.push(['is for first-party clients that can authenticate', 'tokenExchange'])
  if (dpop || profile)
    said.push(['gives tokens that are bound to no key: it goes with neither `dpop` nor `profile`', 'tokenExchange'])
  return said
}
