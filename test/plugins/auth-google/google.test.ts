import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import { inspect } from 'node:util'
import { type Fault, isFault, type Json } from '@labgate/contract'
import * as client from 'openid-client'
import plugin from '../../../plugins/auth-google/index.ts'
import { type Google, googleClient, startGoogle } from '../../support/google-upstream.ts'
import { callback, configOf, redirectUri, signInWorld } from '../../support/sign-in-world.ts'

const users = [
  { sub: '1', name: 'Ada', email: 'ada@example.edu', email_verified: true, hd: 'Example.edu', locale: 'en' },
  { sub: '2', name: 'Bob', email: 'bob@gmail.com', email_verified: true },
  { sub: '3', name: 'Eve', email: 'eve@example.edu', email_verified: true },
  { sub: '4', name: 'Mallory', email: 'mallory@evilexample.edu', email_verified: true, hd: 'evilexample.edu' },
  { sub: '5', name: 'Unproven', email: 'unproven@example.edu', email_verified: false, hd: 'example.edu' },
]

let google: Google
before(async () => {
  google = await startGoogle({ users, redirectUris: [redirectUri('google')] })
})
after(() => google.close())
afterEach(() => {
  google.faults.fail = {}
  delete google.faults.idToken
})

const world = (config: Readonly<Record<string, Json>> = {}) =>
  signInWorld(google, { plugin, config: { issuer: google.issuer, credentials: google.credentials, ...config } })
const ours = { hostedDomains: ['example.edu'] }
const emailOf = async (sub: string, config = {}) =>
  (await world(config).assertion(sub)).facts.find(({ claim }) => claim === 'email')

describe('a sign-in at Google', () => {
  test('lets people choose the account and ends in their immutable id', async () => {
    const { to } = await world().begin()
    assert.equal(to.searchParams.get('scope'), 'openid email profile')
    assert.equal(to.searchParams.get('prompt'), 'select_account')
    assert.equal(to.searchParams.has('hd'), false)
    const done = await world().assertion('1')
    assert.equal(done.subject, '1')
    assert.deepEqual(
      done.facts.map(({ claim, value, trust }) => [claim, value, trust]),
      [
        ['email', 'ada@example.edu', 'verified'],
        ['name', 'Ada', 'asserted'],
        ['locale', 'en', 'asserted'],
        ['hd', 'Example.edu', 'verified'],
      ],
    )
    const { to: plain } = await world({ chooseAccount: false }).begin()
    assert.equal(plain.searchParams.has('prompt'), false)
  })

  test('that must be fresh asks to choose again: Google refuses prompt=login', async () => {
    const fresh = { fresh: true }
    const { to } = await world({ chooseAccount: false }).begin(fresh)
    assert.equal(to.searchParams.get('prompt'), 'select_account')
    assert.equal(to.searchParams.has('max_age'), false)
    assert.equal((await world().assertion('1', fresh)).subject, '1')
  })

  test('is where Google is, unless the config says otherwise', () => {
    const { method } = signInWorld(google, { plugin, config: { credentials: google.credentials } })
    assert.ok(method.issuers.includes('https://accounts.google.com'))
    const card = method.card({ locale: 'en' })
    assert.ok('label' in card && card.label === 'Continue with Google')
  })

  test('a code is good once, and rotated keys are found', async () => {
    const one = world()
    const { to, attempt } = await one.begin()
    const back = callback(await google.signIn(to, '1'))
    assert.ok('done' in (await one.method.next!(back, attempt)))
    const again = await one.method.next!(back, attempt)
    assert.ok('no' in again && again.no.reason === 'expired')
    google.rotateKeys()
    assert.equal((await one.assertion('1')).subject, '1')
  })
})

describe('hosted domains', () => {
  test('are hinted at in the address: one by name, several by a star', async () => {
    assert.equal((await world(ours).begin()).to.searchParams.get('hd'), 'example.edu')
    const { to } = await world({ hostedDomains: ['example.edu', 'example.org'] }).begin()
    assert.equal(to.searchParams.get('hd'), '*')
  })

  test('let in by the signed claim, whatever the case', async () => {
    assert.equal((await world(ours).assertion('1')).subject, '1')
    assert.equal((await world({ hostedDomains: ['example.org', 'EXAMPLE.EDU'] }).assertion('1')).subject, '1')
  })

  const outsiders = {
    2: 'a private account',
    3: 'datalab 1.7.16: a private account with an address of the domain (an address is no membership)',
    4: 'datalab 1.7.3: a domain that only ends alike',
  }
  for (const [sub, who] of Object.entries(outsiders)) {
    test(`refuse ${who}, in words`, async () => {
      const step = await world(ours).signIn(sub)
      assert.ok('no' in step)
      assert.equal(step.no.reason, 'not-allowed')
      assert.match(step.no.message, /example\.edu.*another account/)
    })
  }

  test('datalab 1.3: refuse people who had an account before, too', async () => {
    const one = world(ours)
    await one.assertion('1')
    google.faults.idToken = ({ hd: _, ...claims }) => claims
    assert.ok('no' in (await one.signIn('1')))
  })

  test('must be at least one when they are set', () => {
    assert.throws(() => configOf(plugin, { credentials: google.credentials, hostedDomains: [] }), /hostedDomains/)
  })
})

describe('an address', () => {
  test('is verified where Google hosts it', async () => {
    assert.equal((await emailOf('1'))?.trust, 'verified')
    assert.equal((await emailOf('2'))?.trust, 'verified')
  })

  test('of another provider was checked once: asserted, unless the operator decides otherwise', async () => {
    assert.equal((await emailOf('3'))?.trust, 'asserted')
    assert.equal((await emailOf('3', { thirdPartyEmail: 'verified' }))?.trust, 'verified')
  })

  test('without the flag is not verified, hosted or not', async () => {
    assert.equal((await emailOf('5', { thirdPartyEmail: 'verified' }))?.trust, 'self')
  })

  test('that ends in gmail.com without being there is not Gmail’s', async () => {
    google.faults.idToken = (claims) => ({ ...claims, email: 'eve@evilgmail.com' })
    assert.equal((await emailOf('3'))?.trust, 'asserted')
  })
})

describe('the credentials', () => {
  const { client_id: clientId, client_secret: clientSecret } = googleClient
  const created = (config: Readonly<Record<string, Json>>) => () =>
    signInWorld(google, { plugin, config: { issuer: google.issuer, ...config } })

  test('may be given as id and secret', async () => {
    assert.equal((await created({ clientId, clientSecret })().assertion('1')).subject, '1')
  })

  test('are needed, whole, and in one spelling only', () => {
    assert.throws(created({}), /clientId/)
    assert.throws(created({ clientId }), /clientSecret/)
    assert.throws(created({ credentials: google.credentials, clientId }), /not both/)
  })

  const unusable = {
    'no JSON': 'google-test-value {',
    'a desktop app': '{"installed":{"client_id":"a","client_secret":"google-test-value"}}',
    'a service account': '{"type":"service_account","private_key":"google-test-value"}',
    'without a secret': '{"web":{"client_id":"google-test-value"}}',
    'a list': '["google-test-value"]',
    nothing: 'null',
  }
  for (const [what, credentials] of Object.entries(unusable)) {
    test(`that are ${what} stop the start with words, and are not shown`, () => {
      assert.throws(created({ credentials }), (error: Fault) => {
        assert.ok(isFault(error) && error.code === 'ERR_CONFIG')
        assert.match(error.message, /auth-google: `credentials`/)
        return !inspect(error, { depth: 9 }).includes('google-test-value')
      })
    })
  }

  test('are compared with our redirect URI by the doctor', async () => {
    const findings = async (config = {}) => {
      const all = []
      for await (const finding of world(config).method.probe!()) all.push(finding)
      return all
    }
    assert.deepEqual(
      (await findings()).map(({ ok }) => ok),
      [true],
    )
    const [, missing] = await findings({ callbackPath: '/accounts/google/login/callback/' })
    assert.equal(missing?.ok, false)
    assert.match(missing?.mend ?? '', /https:\/\/gate\.example\.test\/accounts\/google\/login\/callback\//)
  })
})

test('the stand-in is one that openid-client can sign in at', async () => {
  const { client_id, client_secret } = googleClient
  const auth = client.ClientSecretPost(client_secret)
  const execute = [client.allowInsecureRequests]
  const config = await client.discovery(new URL(google.issuer), client_id, {}, auth, { execute })
  const [state, nonce] = [client.randomState(), client.randomNonce()]
  const asked = { redirect_uri: redirectUri('google'), scope: 'openid email', hd: 'example.edu', state, nonce }
  const back = await google.signIn(client.buildAuthorizationUrl(config, asked), '1')
  const tokens = await client.authorizationCodeGrant(config, back, { expectedState: state, expectedNonce: nonce })
  assert.equal(tokens.claims()?.hd, 'Example.edu')
  assert.equal(config.serverMetadata().end_session_endpoint, undefined)
})
