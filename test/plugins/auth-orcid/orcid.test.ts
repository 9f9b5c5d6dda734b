import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import type { Fault, Json } from '@labgate/contract'
import * as client from 'openid-client'
import plugin from '../../../plugins/auth-orcid/index.ts'
import { type Orcid, type OrcidPerson, orcidClient, startOrcid } from '../../support/orcid-upstream.ts'
import { callback, configOf, redirectUri, signInWorld } from '../../support/sign-in-world.ts'

const id = '0000-0002-1825-0097'
const brown = { organization: 'Brown University', ror: 'https://ror.org/05gq02987', role: 'Professor' } as const
const people: readonly OrcidPerson[] = [
  {
    id,
    given_name: 'Josiah',
    family_name: 'Carberry',
    employments: [
      { ...brown, department: 'Psychoceramics', by: 'organisation' },
      { organization: 'Dream Job Ltd', by: 'person' },
      { organization: 'Wizard Import', by: 'onBehalf' },
      { organization: 'Former Place', by: 'organisation', end: '2029-12' },
      { organization: 'Until This Year', by: 'organisation', end: '2030' },
    ],
  },
  { id: '0000-0001-5109-3700', name: 'Laure Haak' },
]

let orcid: Orcid
before(async () => {
  orcid = await startOrcid({ people, redirectUris: [redirectUri('orcid')] })
})
after(() => orcid.close())
afterEach(() => {
  orcid.record = 'ok'
  orcid.faults.fail = {}
  delete orcid.faults.idToken
})

const world = (config: Readonly<Record<string, Json>> = {}) =>
  signInWorld(orcid, { plugin, config: { ...orcid.config, ...config } })
const findings = async () => {
  const all = []
  for await (const finding of world().method.probe!()) all.push(finding)
  return all
}
const offline = (config: Readonly<Record<string, Json>>) =>
  signInWorld(
    { signIn: () => assert.fail('offline') },
    { plugin, config: { clientId: 'APP-1', clientSecret: 'orcid-test-value', ...config } },
  )
const factsOf = async (config = {}) => {
  const { facts } = await world(config).assertion(id)
  return Object.fromEntries(facts.map(({ claim, value, trust }) => [claim, { value, trust }]))
}

describe('a sign-in at ORCID', () => {
  test('asks for openid alone, with the secret in the body, and ends in the bare iD', async () => {
    const { to } = await world().begin()
    assert.equal(to.searchParams.get('scope'), 'openid')
    assert.equal(to.searchParams.has('prompt'), false)
    const done = await world().assertion(id)
    assert.deepEqual([done.issuer, done.subject], [orcid.issuer, id])
    assert.deepEqual(await factsOf(), {
      orcid: { value: id, trust: 'verified' },
      name: { value: 'Josiah Carberry', trust: 'asserted' },
      given_name: { value: 'Josiah', trust: 'asserted' },
      family_name: { value: 'Carberry', trust: 'asserted' },
    })
    assert.deepEqual(Object.keys(done.keep as object), ['at'], 'a token good for twenty years is forgotten at once')
  })

  test('names the same person when tokens spell the iD as an address', async () => {
    const other = await startOrcid({ people, redirectUris: [redirectUri('orcid')], uri: true })
    try {
      const spelled = signInWorld(other, { plugin, config: other.config })
      assert.equal((await spelled.assertion(`https://orcid.org/${id}`)).subject, id)
    } finally {
      await other.close()
    }
  })

  test('claims no e-mail address, whatever the upstream says', async () => {
    orcid.faults.idToken = (claims) => ({ ...claims, email: 'victim@example.org', email_verified: true })
    assert.equal((await factsOf()).email, undefined)
  })

  test('datalab 1.3: the person is who the signed ID token says, not who stands beside it in the token response', async () => {
    const honest = orcid.faults.token
    orcid.faults.token = (body) => ({ ...body, orcid: '0000-0001-5109-3700', name: 'Laure Haak' })
    try {
      assert.equal((await world().assertion(id)).subject, id)
    } finally {
      if (honest) orcid.faults.token = honest
    }
  })

  test('a code is good once, and a replayed one signs nobody in', async () => {
    const one = world()
    const { to, attempt } = await one.begin()
    const back = callback(await orcid.signIn(to, id))
    assert.ok('done' in (await one.method.next!(back, attempt)))
    const again = await one.method.next!(back, attempt)
    assert.ok('no' in again && again.no.reason === 'expired')
  })

  test('rotated keys are found', async () => {
    const one = world()
    await one.assertion(id)
    orcid.rotateKeys()
    assert.equal((await one.assertion(id)).subject, id)
  })

  test('prompt: login asks for the password', async () => {
    const { to } = await world({ prompt: 'login' }).begin()
    assert.equal(to.searchParams.get('prompt'), 'login')
  })
})

describe('the places of ORCID', () => {
  const places = async (config: Readonly<Record<string, Json>>) => {
    const one = offline(config)
    const { to } = await one.begin()
    return { to: to.origin + to.pathname, issuers: one.method.issuers, card: one.method.card({ locale: 'en' }) }
  }

  test('are orcid.org or its sandbox, without a discovery', async () => {
    const main = await places({})
    assert.equal(main.to, 'https://orcid.org/oauth/authorize')
    assert.ok(main.issuers.includes('https://orcid.org'))
    assert.ok('label' in main.card && main.card.label === 'Sign in with ORCID')
    const sandbox = await places({ sandbox: true })
    assert.equal(sandbox.to, 'https://sandbox.orcid.org/oauth/authorize')
    assert.ok(sandbox.issuers.includes('https://sandbox.orcid.org') && !sandbox.issuers.includes('https://orcid.org'))
    assert.ok('label' in sandbox.card && sandbox.card.label === 'Sign in with ORCID sandbox')
  })

  test('can be set one by one: a sandbox whose tokens name another issuer', async () => {
    const odd = await places({ sandbox: true, issuer: 'https://orcid.org' })
    assert.equal(odd.to, 'https://sandbox.orcid.org/oauth/authorize')
    assert.ok(odd.issuers.includes('https://orcid.org'))
    const own = await places({ authorizationEndpoint: 'https://orcid.example/go' })
    assert.equal(own.to, 'https://orcid.example/go')
  })

  test('datalab 1.1: the word "false" does not switch the sandbox on', () => {
    const given = { clientId: 'APP-1', clientSecret: 'orcid-test-value', sandbox: 'false' }
    assert.throws(() => configOf(plugin, given), /sandbox/)
  })

  test('are looked at by the doctor through the signing keys', async () => {
    const good = await findings()
    assert.deepEqual(
      good.map(({ ok }) => ok),
      [true],
    )
    for (const failure of ['500', 'html', 'drop'] as const) {
      orcid.faults.fail = { jwks: failure }
      const [bad] = await findings()
      assert.equal(bad?.ok, false, failure)
      assert.match(bad?.mend ?? '', /signing keys/)
    }
  })

  test('that take no such client are a fault that names the settings', async () => {
    const wrong = world({ clientSecret: 'another-test-value' })
    await assert.rejects(wrong.assertion(id), (error: Fault) => {
      assert.equal(error.code, 'ERR_UPSTREAM_REFUSED')
      return /auth-orcid "orcid".*clientSecret/.test(error.message)
    })
  })
})

describe('employment', () => {
  test('is not asked for unless the config says so', async () => {
    await world().assertion(id)
    assert.ok(!orcid.requests.some((one) => one.includes('/v3.0/')))
  })

  test('lists what is current, and tells apart who wrote it', async () => {
    const { employment, affiliation } = await factsOf({ employment: true })
    assert.equal(employment?.trust, 'self')
    assert.deepEqual(employment?.value, [
      {
        organisation: 'Brown University',
        department: 'Psychoceramics',
        role: 'Professor',
        ror: 'https://ror.org/05gq02987',
        addedBy: 'organisation',
      },
      { organisation: 'Dream Job Ltd', addedBy: 'person' },
      { organisation: 'Wizard Import', addedBy: 'person' },
      { organisation: 'Until This Year', addedBy: 'organisation' },
    ])
    assert.deepEqual(affiliation, { value: ['Brown University', 'Until This Year'], trust: 'asserted' })
  })

  test('of an empty record is an empty list: who left must lose it', async () => {
    const { facts } = await world({ employment: true }).assertion('0000-0001-5109-3700')
    assert.deepEqual(facts.find(({ claim }) => claim === 'affiliation')?.value, [])
  })

  for (const how of ['404', '500', 'html', 'huge', 'redirect', 'hang'] as const) {
    test(`that cannot be read (${how}) costs a line in the log, not the sign-in`, async () => {
      orcid.record = how
      const one = world({ employment: true })
      const { facts, subject } = await one.assertion(id)
      assert.equal(subject, id)
      assert.deepEqual(
        facts.filter(({ claim }) => ['employment', 'affiliation'].includes(claim)),
        [],
      )
      assert.match(one.logs.map(({ message }) => message).join(), /auth-orcid "orcid": no employments/)
    })
  }

  test('of an odd shape is none', async () => {
    orcid.record = 'odd'
    assert.deepEqual((await factsOf({ employment: true })).employment?.value, [])
  })
})

test('the stand-in is one that openid-client can sign in at', async () => {
  const { issuer } = orcid
  const metadata = {
    issuer,
    authorization_endpoint: `${issuer}/oauth/authorize`,
    token_endpoint: `${issuer}/oauth/token`,
    userinfo_endpoint: `${issuer}/oauth/userinfo`,
    jwks_uri: `${issuer}/oauth/jwks`,
  }
  const { client_id, client_secret } = orcidClient
  const config = new client.Configuration(metadata, client_id, {}, client.ClientSecretPost(client_secret))
  client.allowInsecureRequests(config)
  const [state, nonce] = [client.randomState(), client.randomNonce()]
  const to = client.buildAuthorizationUrl(config, { redirect_uri: redirectUri('orcid'), scope: 'openid', state, nonce })
  const back = await orcid.signIn(to, id)
  const tokens = await client.authorizationCodeGrant(config, back, { expectedState: state, expectedNonce: nonce })
  assert.equal(tokens.claims()?.sub, id)
  assert.equal(tokens.orcid, id)
  assert.equal((await client.fetchUserInfo(config, tokens.access_token, id)).family_name, 'Carberry')
})
