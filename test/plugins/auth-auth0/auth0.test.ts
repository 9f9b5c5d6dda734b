import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import { type Fault, isFault, type Json } from '@labgate/contract'
import * as client from 'openid-client'
import plugin from '../../../plugins/auth-auth0/index.ts'
import { auth0Client, rolesClaim, startAuth0 } from '../../support/auth0-upstream.ts'
import { callback, linkOf, redirectUri, signInWorld } from '../../support/sign-in-world.ts'
import type { Upstream } from '../../support/upstream.ts'

const back = new URL('https://gate.example.test/')
const ada = {
  sub: 'auth0|ada',
  name: 'Ada',
  email: 'Ada@example.org',
  email_verified: true,
  org_id: 'org_1',
  org_name: 'lab',
  [rolesClaim]: ['ops', 'staff'] as readonly string[],
}
const users = [
  ada,
  { sub: 'auth0|eve', name: 'Eve', email: 'ada@example.org', email_verified: false },
  { sub: 'auth0|bob', name: 'Bob', email: 'bob@example.org', email_verified: true },
]

let auth0: Upstream
before(async () => {
  auth0 = await startAuth0({ users, redirectUris: [redirectUri('auth0')], logoutUris: [back.href] })
})
after(() => auth0.close())
afterEach(() => {
  auth0.faults.fail = {}
  for (const one of ['idToken', 'userinfo', 'discovery', 'secret'] as const) delete auth0.faults[one]
})

const known = { clientId: auth0Client.client_id, clientSecret: auth0Client.client_secret }
const world = (config: Readonly<Record<string, Json>> = {}) =>
  signInWorld(auth0, { plugin, config: { domain: auth0.issuer, ...known, ...config } })
const factOf = async (claim: string, config = {}, sub = ada.sub) =>
  (await world(config).assertion(sub)).facts.find((fact) => fact.claim === claim)
const refusal = async (sub: string, config = {}) => {
  const step = await world(config).signIn(sub)
  assert.ok('no' in step, `expected a refusal, got ${JSON.stringify(step)}`)
  return step.no
}

describe('a sign-in at Auth0', () => {
  test('names the tenant by its domain with a slash, and the person by sub', async () => {
    const one = world()
    const done = await one.assertion(ada.sub)
    assert.ok(auth0.issuer.endsWith('/'))
    assert.deepEqual([done.issuer, done.subject], [auth0.issuer, ada.sub])
    assert.ok(one.method.issuers.includes(done.issuer))
    assert.deepEqual(await factOf('email'), { claim: 'email', value: 'Ada@example.org', trust: 'verified' })
  })

  test('takes the domain in every spelling people copy, and nothing else', () => {
    const created = (domain: string) =>
      signInWorld({ signIn: () => assert.fail() }, { plugin, config: { domain, ...known } }).method
    for (const domain of ['example.eu.auth0.com', 'https://example.eu.auth0.com', 'https://example.eu.auth0.com/']) {
      const { issuers, card } = created(domain)
      assert.ok(issuers.includes('https://example.eu.auth0.com/'), domain)
      const shown = card({ locale: 'en' })
      assert.ok('label' in shown && shown.label === 'Continue with example.eu.auth0.com')
    }
    for (const domain of ['https://example.eu.auth0.com/login', 'a b', 'me@example.eu.auth0.com', 'x.example?y=1']) {
      assert.throws(
        () => created(domain),
        (error: Fault) => isFault(error) && error.code === 'ERR_CONFIG',
        domain,
      )
    }
  })

  test('asks for organisation, connection and audience as configured', async () => {
    const asked = { organization: 'org_1', connection: 'google-oauth2', audience: 'https://api.example.org' }
    const { to } = await world(asked).begin()
    for (const [name, value] of Object.entries(asked)) assert.equal(to.searchParams.get(name), value)
    const { to: plain } = await world().begin()
    for (const name of Object.keys(asked)) assert.equal(plain.searchParams.has(name), false)
  })

  test('a fresh one asks for the password and believes only a new proof', async () => {
    const { to } = await world().begin({ fresh: true })
    assert.deepEqual([to.searchParams.get('prompt'), to.searchParams.get('max_age')], ['login', '0'])
    auth0.faults.idToken = (claims) => ({ ...claims, auth_time: Number(claims.auth_time) - 3600 })
    await assert.rejects(world().assertion(ada.sub, { fresh: true }), (error: Fault) => error.code === 'ERR_UPSTREAM')
  })

  test('a code is good once, and rotated keys are found', async () => {
    const one = world()
    const { to, attempt } = await one.begin()
    const reply = callback(await auth0.signIn(to, ada.sub))
    assert.ok('done' in (await one.method.next!(reply, attempt)))
    const again = await one.method.next!(reply, attempt)
    assert.ok('no' in again && again.no.reason === 'expired')
    auth0.rotateKeys()
    assert.equal((await one.assertion(ada.sub)).subject, ada.sub)
  })

  test('GA4GH 4.2: an ID token signed with the shared secret (HS256) is refused, though discovery lists it', async () => {
    auth0.faults.secret = auth0Client.client_secret
    auth0.faults.discovery = (document) => ({ ...document, id_token_signing_alg_values_supported: ['HS256', 'RS256'] })
    await assert.rejects(world().assertion(ada.sub), (error: Fault) => {
      assert.equal(error.code, 'ERR_UPSTREAM')
      return /auth-auth0 "auth0".*unsupported JWS algorithm/.test(error.message)
    })
  })

  test('GA4GH 4.2: an ID token of another issuer is refused', async () => {
    auth0.faults.idToken = (claims) => ({ ...claims, iss: auth0.issuer.replace(/\/$/, '.evil.example/') })
    await assert.rejects(world().assertion(ada.sub), (error: Fault) => error.code === 'ERR_UPSTREAM')
  })
})

describe('the address', () => {
  test('GA4GH 4.2: must be verified, and who has not done it reads what to do', async () => {
    const { reason, message } = await refusal('auth0|eve')
    assert.equal(reason, 'unverified')
    assert.match(message, /has not verified your e-mail address.*follow the link/)
    assert.equal((await refusal('auth0|eve', { emails: ['ada@example.org'] })).reason, 'unverified')
  })

  const lists = {
    emails: { emails: [' ADA@Example.org '] },
    'the spelling of the GA4GH server': { authorizedEmails: 'carol@example.org, ADA@example.org,' },
  }
  for (const [name, config] of Object.entries(lists)) {
    test(`on the list lets in, others read why not (${name})`, async () => {
      assert.equal((await world(config).assertion(ada.sub)).subject, ada.sub)
      const { reason, message } = await refusal('auth0|bob', config)
      assert.equal(reason, 'not-allowed')
      assert.match(message, /bob@example\.org may not sign in here/)
    })
  }

  test('GA4GH 4.2: the list still holds ten minutes, an hour and a week after the start', async () => {
    const one = world({ authorizedEmails: 'ada@example.org' })
    for (const seconds of [601, 3600, 7 * 86_400]) {
      one.advance(seconds)
      assert.equal((await one.assertion(ada.sub)).subject, ada.sub)
      assert.ok('no' in (await one.signIn('auth0|bob')))
    }
    assert.deepEqual([...one.stored.keys()], [], 'it is kept in no cache')
  })

  test('lists: an empty one is nobody, both spellings or no address stop the start', async () => {
    assert.equal((await refusal(ada.sub, { emails: [] })).reason, 'not-allowed')
    assert.equal((await refusal(ada.sub, { authorizedEmails: '' })).reason, 'not-allowed')
    assert.throws(() => world({ emails: [], authorizedEmails: '' }), /not both/)
    assert.throws(() => world({ authorizedEmails: 'ada@example.org;bob@example.org' }), /no e-mail address/)
  })
})

describe('an organisation', () => {
  test('is checked in what comes back, by id or by name', async () => {
    for (const organization of ['org_1', 'lab', 'LAB']) {
      assert.equal((await world({ organization }).assertion(ada.sub)).subject, ada.sub)
    }
    const expected = { claim: 'organisations', value: ['org_1', 'lab'], trust: 'verified' }
    assert.deepEqual(await factOf('organisations'), expected)
  })

  test('refuses people of another one, or of none, in words', async () => {
    for (const organization of ['org_2', 'ORG_1', 'other']) {
      const { reason, message } = await refusal(ada.sub, { organization })
      assert.equal(reason, 'not-allowed')
      assert.match(message, /another organisation/)
    }
    assert.equal((await refusal('auth0|bob', { organization: 'org_1' })).reason, 'not-allowed')
  })
})

describe('roles', () => {
  const roles = { roles: { claim: rolesClaim } }

  test('of a namespaced claim become groups', async () => {
    assert.deepEqual((await factOf('groups', roles))?.value, ['ops', 'staff'])
    assert.deepEqual((await factOf('groups', roles, 'auth0|bob'))?.value, [], 'who has none is said to have none')
    assert.equal(await factOf('groups'), undefined)
  })

  test('are looked at again at refresh, and a membership that is over ends the identity', async () => {
    const scopes = ['openid', 'profile', 'email', 'offline_access']
    const one = world({ ...roles, scopes, organization: 'org_1' })
    const link = linkOf(await one.assertion(ada.sub))
    const fewer = (claims: Record<string, unknown>) => ({ ...claims, [rolesClaim]: ['staff'] })
    Object.assign(auth0.faults, { idToken: fewer, userinfo: fewer })
    const again = await one.method.refresh!(link)
    assert.ok(again !== 'gone')
    assert.deepEqual(again.facts.find(({ claim }) => claim === 'groups')?.value, ['staff'])
    const out = ({ org_id: _, org_name: __, ...claims }: Record<string, unknown>) => claims
    Object.assign(auth0.faults, { idToken: out, userinfo: out })
    assert.equal(await one.method.refresh!(linkOf(again)), 'gone')
  })
})

describe('signing out', () => {
  const leave = async (config: Readonly<Record<string, Json>>) => {
    const one = world(config)
    return one.method.logout!(linkOf(await one.assertion(ada.sub)), back)
  }

  test('ends nothing at Auth0 unless the config says so', async () => {
    assert.equal(await leave({}), undefined)
    assert.deepEqual(Object.keys((await world().assertion(ada.sub)).keep as object), ['at'])
  })

  test('goes the way that discovery shows', async () => {
    const url = await leave({ logout: 'tenant' })
    assert.equal(url?.pathname, '/oidc/logout')
    assert.equal(url?.searchParams.get('post_logout_redirect_uri'), back.href)
    assert.equal(url?.searchParams.has('federated'), false)
    assert.equal((await fetch(url!)).status, 200, 'the tenant accepts hint and way back')
  })

  test('GA4GH 4.2: else by a well-formed /v2/logout, which the tenant accepts', async () => {
    auth0.faults.discovery = ({ end_session_endpoint: _, ...document }) => document
    const url = await leave({ logout: 'tenant' })
    assert.equal(url?.origin + (url?.pathname ?? ''), `${new URL(auth0.issuer).origin}/v2/logout`)
    assert.deepEqual([...(url?.searchParams.keys() ?? [])], ['client_id', 'returnTo'], 'and no token in it')
    const answer = await fetch(url!, { redirect: 'manual' })
    assert.deepEqual([answer.status, answer.headers.get('location')], [302, back.href])
  })

  test('at the provider behind, too, when it is federated', async () => {
    assert.equal((await leave({ logout: 'federated' }))?.searchParams.has('federated'), true)
    auth0.faults.discovery = ({ end_session_endpoint: _, ...document }) => document
    assert.equal((await leave({ logout: 'federated' }))?.searchParams.has('federated'), true)
  })
})

test('the stand-in is one that openid-client can sign in at', async () => {
  const { client_id, client_secret } = auth0Client
  const auth = client.ClientSecretPost(client_secret)
  const execute = [client.allowInsecureRequests]
  const config = await client.discovery(new URL(auth0.issuer), client_id, {}, auth, { execute })
  assert.equal(config.serverMetadata().issuer, auth0.issuer)
  const [state, nonce] = [client.randomState(), client.randomNonce()]
  const asked = { redirect_uri: redirectUri('auth0'), scope: 'openid email', state, nonce, organization: 'org_1' }
  const home = await auth0.signIn(client.buildAuthorizationUrl(config, asked), ada.sub)
  const tokens = await client.authorizationCodeGrant(config, home, { expectedState: state, expectedNonce: nonce })
  assert.deepEqual([tokens.claims()?.iss, tokens.claims()?.org_id], [auth0.issuer, 'org_1'])
})
