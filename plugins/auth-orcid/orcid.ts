/**
 * What is particular to ORCID: fixed endpoints (documentation and reports disagree about the sandbox’s issuer, so nothing is
 * discovered), the secret in the body, an iD as subject, and no e-mail address.
 * @module
 */
import { type Documents, factsOf, openIdMethod, type Verdict } from '@labgate/auth-oidc/sign-in'
import type { AuthContext, AuthMethod, Fact } from '@labgate/contract'
import type { OrcidConfig } from './config.ts'
import { employmentFacts } from './employment.ts'
import { parseId } from './id.ts'

/** Makes a sign-in with an ORCID iD. Pure. */
export function orcidMethod(context: AuthContext<OrcidConfig>): AuthMethod {
  const { config } = context
  const site = config.sandbox ? 'https://sandbox.orcid.org' : 'https://orcid.org'
  return openIdMethod(context, {
    plugin: 'auth-orcid',
    name: config.label ?? (config.sandbox ? 'ORCID sandbox' : 'ORCID'),
    icon,
    issuer: config.issuer ?? site,
    endpoints: {
      authorizationEndpoint: config.authorizationEndpoint ?? `${site}/oauth/authorize`,
      tokenEndpoint: config.tokenEndpoint ?? `${site}/oauth/token`,
      userinfoEndpoint: config.userinfoEndpoint ?? `${site}/oauth/userinfo`,
      jwksUri: config.jwksUri ?? `${site}/oauth/jwks`,
    },
    client: { clientId: config.clientId, clientSecret: config.clientSecret.reveal(), clientAuth: 'post' },
    callbackPath: config.callbackPath,
    scopes: ['openid'],
    prompt: config.prompt,
    subject: parseId,
    judge: (documents) => judge(context, documents),
  })
}

async function judge(context: AuthContext<OrcidConfig>, documents: Documents): Promise<Verdict> {
  const { subject } = documents
  const said = factsOf(documents, { claims, emailVerified: 'required' }).filter(({ claim }) => claim !== 'email')
  const employment = context.config.employment ? await employmentFacts(context, subject) : []
  return { facts: [{ claim: 'orcid', value: subject, trust: 'verified' }, ...named(said), ...employment] }
}

const claims = { name: 'name', given_name: 'given_name', family_name: 'family_name' }

/** ORCID often leaves `name` empty; people need one. */
function named(said: readonly Fact[]): readonly Fact[] {
  const part = (claim: string) => said.find((fact) => fact.claim === claim)?.value
  if (part('name') !== undefined) return said
  const parts = [part('given_name'), part('family_name')].filter((one) => typeof one === 'string')
  return parts.length === 0 ? said : [{ claim: 'name', value: parts.join(' '), trust: 'asserted' }, ...said]
}

const icon =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><circle cx="12" cy="12" r="12" fill="#a6ce39"/><path fill="#fff" d="M6.5 9.2h1.6v8.3H6.5zM6.4 6.3a.9.9 0 1 1 1.8 0 .9.9 0 0 1-1.8 0M10 6.4h3.9a5.5 5.5 0 1 1 0 11.1H10zm1.6 1.5V16h2.1a4 4 0 0 0 0-8.1z"/></svg>'
