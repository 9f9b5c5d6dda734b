/**
 * What is particular to Auth0: the issuer is the domain with a slash, organisations come back as claims that must be checked,
 * a verified address is a must, and there are two ways to sign out.
 * @module
 */
import { type Documents, factsOf, openIdMethod, type Verdict } from '@labgate/auth-oidc/sign-in'
import { type AuthContext, type AuthMethod, type Fact, Fault } from '@labgate/contract'
import { allowedEmails } from './allowed.ts'
import type { Auth0Config } from './config.ts'

interface Rules {
  readonly config: Auth0Config
  readonly allowed: ReadonlySet<string> | undefined
}

/** Makes a sign-in at an Auth0 tenant. Pure. @throws Fault ERR_CONFIG (no domain, unusable allow list) */
export function auth0Method(context: AuthContext<Auth0Config>): AuthMethod {
  const { config } = context
  const { clientId, organization, connection, audience } = config
  const tenant = tenantOf(config.domain)
  const rules = { config, allowed: allowedEmails(config) }
  const method = openIdMethod(context, {
    plugin: 'auth-auth0',
    name: config.label ?? tenant.host,
    icon,
    issuer: tenant.href,
    client: { clientId, clientSecret: config.clientSecret.reveal(), clientAuth: 'post' },
    callbackPath: config.callbackPath,
    scopes: config.scopes,
    parameters: { organization, connection, audience },
    logout: config.logout !== 'none',
    judge: (documents) => judge(rules, documents),
  })
  if (config.logout === 'none') return method
  const logout: AuthMethod['logout'] = async (link, back) => {
    const to = (await method.logout?.(link, back)) ?? olderLogout(tenant, { clientId, back })
    if (config.logout === 'federated') to.searchParams.set('federated', '')
    return to
  }
  return { ...method, logout }
}

/** `example.eu.auth0.com`, with or without scheme and slash; the issuer always has both. */
function tenantOf(domain: string): URL {
  const url = URL.parse(domain.includes('://') ? domain : `https://${domain}`)
  if (url !== null && url.pathname === '/' && url.search === '' && url.username === '') return url
  throw new Fault('ERR_CONFIG', `auth-auth0: domain "${domain}" is no host name; copy “Domain” of the application`)
}

/** For tenants whose discovery shows no `end_session_endpoint`. `back` must be among the tenant's Allowed Logout URLs. */
function olderLogout(tenant: URL, { clientId, back }: { readonly clientId: string; readonly back: URL }): URL {
  const url = new URL('/v2/logout', tenant)
  url.search = new URLSearchParams({ client_id: clientId, returnTo: back.href }).toString()
  return url
}

function judge({ config, allowed }: Rules, documents: Documents): Verdict {
  const { claims, roles } = config
  if (!isMember(config, documents)) return { no: 'not-allowed', text: 'otherOrganization' }
  const facts = factsOf(documents, { claims, groups: roles, emailVerified: 'required' })
  const email = facts.find(({ claim, trust }) => claim === 'email' && trust === 'verified')
  if (email === undefined) return { no: 'unverified', text: 'unverified' }
  const address = String(email.value)
  if (allowed?.has(address.toLowerCase()) === false) {
    return { no: 'not-allowed', text: 'notListed', values: { address } }
  }
  return { facts: [...facts, ...organisations(documents)] }
}

/** Asking for an organisation is only a wish: a person can take it out of the address. */
function isMember({ organization }: Auth0Config, documents: Documents): boolean {
  if (organization === undefined) return true
  const { id, name } = organisationOf(documents)
  return organization.startsWith('org_') ? id === organization : name?.toLowerCase() === organization.toLowerCase()
}

function organisations(documents: Documents): readonly Fact[] {
  const { id, name } = organisationOf(documents)
  const known = [id, name].filter((one) => one !== undefined)
  return known.length === 0 ? [] : [{ claim: 'organisations', value: known, trust: 'verified' }]
}

/** A refresh may bring no ID token; userinfo says the same. */
function organisationOf({ idToken, userinfo }: Documents) {
  const text = (value: unknown) => (typeof value === 'string' && value !== '' ? value : undefined)
  return { id: text(idToken.org_id ?? userinfo.org_id), name: text(idToken.org_name ?? userinfo.org_name) }
}

/** A shield with a keyhole, nobody's trade mark. */
const icon =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><path fill="#c2410c" d="M12 1.5 3.5 4.6v6.6c0 5.3 3.5 9.3 8.5 11.3 5-2 8.5-6 8.5-11.3V4.6z"/><path fill="#fff" d="M12 6.5a3 3 0 0 1 1.4 5.65l.8 4.35H9.8l.8-4.35A3 3 0 0 1 12 6.5z"/></svg>'
