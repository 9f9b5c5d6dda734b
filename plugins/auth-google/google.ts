/**
 * What is particular to Google: accounts of organisations are told by the signed `hd` claim, never by an address, and an
 * address is only believed where Google hosts it.
 * @module
 */
import { type Documents, factsOf, openIdMethod, redirectUriOf, type Verdict } from '@labgate/auth-oidc/sign-in'
import type { AuthContext, AuthMethod, Fact, Finding } from '@labgate/contract'
import type { GoogleConfig } from './config.ts'
import { type Application, applicationOf } from './credentials.ts'

/** Makes a sign-in with a Google account. Pure. @throws Fault ERR_CONFIG (unusable credentials) */
export function googleMethod(context: AuthContext<GoogleConfig>): AuthMethod {
  const { config } = context
  const { clientId, clientSecret, redirectUris } = applicationOf(config)
  const method = openIdMethod(context, {
    plugin: 'auth-google',
    name: config.label ?? 'Google',
    icon,
    issuer: config.issuer,
    client: { clientId, clientSecret, clientAuth: 'post' },
    callbackPath: config.callbackPath,
    scopes: ['openid', 'email', 'profile'],
    parameters: { hd: hintOf(config) },
    prompt: config.chooseAccount ? 'select_account' : undefined,
    // Google refuses `prompt=login`, and says when somebody signed in to few applications only.
    freshPrompt: 'select_account',
    judge: (documents) => judge(config, documents),
  })
  return { ...method, probe: () => probe(method, { redirectUris, expected: redirectUriOf(context, config).href }) }
}

/** Only a help for the account chooser: whoever signs in can take it out of the address. */
function hintOf({ hostedDomains = [] }: GoogleConfig): string | undefined {
  return hostedDomains.length > 1 ? '*' : hostedDomains[0]
}

function judge({ hostedDomains, thirdPartyEmail }: GoogleConfig, documents: Documents): Verdict {
  const { hd } = documents.idToken
  const isOurs = hostedDomains?.some((domain) => typeof hd === 'string' && domain.toLowerCase() === hd.toLowerCase())
  if (isOurs === false) {
    return { no: 'not-allowed', text: 'otherDomain', values: { domains: hostedDomains?.join(', ') ?? '' } }
  }
  const trust = thirdPartyEmail === 'verified' || typeof hd === 'string' ? 'verified' : 'asserted'
  const facts = factsOf(documents, { claims, emailVerified: 'required' }).map((fact) => believed(fact, trust))
  return { facts: typeof hd === 'string' ? [...facts, { claim: 'hd', value: hd, trust: 'verified' }] : facts }
}

const claims = {
  name: 'name',
  given_name: 'given_name',
  family_name: 'family_name',
  picture: 'picture',
  locale: 'locale',
}

/** Of an address that it does not host, Google only knows that somebody could read its mail once. */
function believed(fact: Fact, trust: Fact['trust']): Fact {
  if (fact.claim !== 'email' || fact.trust !== 'verified') return fact
  return /@(gmail|googlemail)\.com$/i.test(String(fact.value)) ? fact : { ...fact, trust }
}

type Registered = Pick<Application, 'redirectUris'> & { readonly expected: string }

async function* probe(method: AuthMethod, { redirectUris, expected }: Registered): AsyncIterable<Finding> {
  yield* method.probe?.() ?? []
  if (redirectUris === undefined || redirectUris.includes(expected)) return
  const mend = `add ${expected} to the client’s authorized redirect URIs (and download the document again)`
  yield { ok: false, what: 'the credentials document does not list our redirect URI', mend }
}

const icon =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><path fill="none" stroke="#4285f4" stroke-width="4" d="M13 12h8a9 9 0 1 1-2.6-6.4"/></svg>'
