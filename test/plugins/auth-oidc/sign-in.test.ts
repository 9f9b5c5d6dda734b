import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import type { Fault } from '@labgate/contract'
import { startUpstream, type Upstream } from '../../support/upstream.ts'
import { callback, clientFor, linkOf, oidcWorld } from './world.ts'

const users = [
  {
    sub: 'ada',
    name: 'Ada',
    email: 'ada@example.org',
    email_verified: true,
    groups: ['staff', 'ops'],
    amr: ['pwd'],
    acr: 'loa2',
  },
  { sub: 'eve', name: 'Eve', email: 'victim@example.org', email_verified: false },
  { sub: 'nob', name: 'No Flag', email: 'victim@example.org' },
  { sub: 'str', name: 'String', email: 'victim@example.org', email_verified: 'true' },
  { sub: 'odd', email: 'a@example.org,b@example.org', email_verified: true },
]

let upstream: Upstream

before(async () => {
  upstream = await startUpstream({ users, clients: [clientFor(), { ...clientFor('other'), client_id: 'other' }] })
})
after(() => upstream.close())
afterEach(() => {
  upstream.faults.fail = {}
  for (const one of ['idToken', 'userinfo', 'discovery', 'callback'] as const) delete upstream.faults[one]
})

const isUpstreamFault = (words: RegExp) => (error: Fault) => {
  assert.equal(error.code, 'ERR_UPSTREAM')
  assert.match(error.message, words)
  assert.match(error.message, /auth-oidc "uni"/)
  assert.match(error.message, /127\.0\.0\.1:\d+/)
  return true
}

describe('a sign-in', () => {
  test('sends PKCE S256, state and nonce of the attempt, and ends in the person (OpenID Connect Core §3.1)', async () => {
    const world = oidcWorld(upstream, {
      config: { scopes: ['openid', 'profile', 'email', 'groups'], groups: { claim: 'groups' } },
    })
    const { to, attempt } = await world.begin()
    assert.equal(to.searchParams.get('code_challenge_method'), 'S256')
    assert.equal(to.searchParams.get('state'), attempt.state)
    assert.equal(to.searchParams.get('nonce'), attempt.nonce)
    assert.equal(to.searchParams.get('redirect_uri'), world.redirectUri.href)
    assert.ok(!to.href.includes(attempt.codeVerifier))
    const step = await world.method.next!(callback(await upstream.signIn(to, 'ada')), attempt)
    assert.ok('done' in step)
    const { done } = step
    assert.equal(done.issuer, upstream.issuer)
    assert.ok(world.method.issuers.includes(done.issuer))
    assert.equal(done.subject, 'ada')
    assert.deepEqual(done.amr, [])
    assert.equal(done.at.getUTCFullYear(), 2030, 'without auth_time, it is our own now')
    const fact = (name: string) => done.facts.find(({ claim }) => claim === name)
    assert.deepEqual(fact('email'), { claim: 'email', value: 'ada@example.org', trust: 'verified' })
    assert.deepEqual(fact('groups'), { claim: 'groups', value: ['ops', 'staff'], trust: 'asserted' })
    assert.deepEqual(fact('name'), { claim: 'name', value: 'Ada', trust: 'asserted' })
  })

  test('keeps nothing upstream-side but what later questions need', async () => {
    const { keep } = await oidcWorld(upstream).assertion('ada')
    assert.deepEqual(Object.keys(keep as object), ['at'])
  })

  test('ends in `denied` when the person says no (RFC 6749 §4.1.2.1)', async () => {
    const step = await oidcWorld(upstream).signIn('deny')
    assert.ok('no' in step)
    assert.equal(step.no.reason, 'denied')
    assert.match(step.no.message, /Demo University/)
  })

  test('works with the secret in the body', async () => {
    const options = { clients: [{ ...clientFor(), token_endpoint_auth_method: 'client_secret_post' as const }], users }
    const strict = await startUpstream(options)
    try {
      assert.equal((await oidcWorld(strict, { config: { clientAuth: 'post' } }).assertion('ada')).subject, 'ada')
    } finally {
      await strict.close()
    }
  })

  test('works without a discovery document when every endpoint is given', async () => {
    upstream.faults.fail = { discovery: '500' }
    const { issuer } = upstream
    const endpoints = {
      authorizationEndpoint: `${issuer}/auth`,
      tokenEndpoint: `${issuer}/token`,
      jwksUri: `${issuer}/jwks`,
    }
    const done = await oidcWorld(upstream, { config: { ...endpoints, userinfoEndpoint: `${issuer}/me` } }).assertion(
      'ada',
    )
    assert.equal(done.facts.find(({ claim }) => claim === 'email')?.trust, 'verified')
  })

  test('passes locale, login hint, acr and parameters on, and lets no parameter replace the protocol’s', async () => {
    const config = {
      acrValues: ['loa2', 'loa3'],
      parameters: { hd: 'example.org', state: 'mine', response_type: 'token' },
    }
    const { to, attempt } = await oidcWorld(upstream, { config }).begin()
    assert.equal(to.searchParams.get('acr_values'), 'loa2 loa3')
    assert.equal(to.searchParams.get('hd'), 'example.org')
    assert.equal(to.searchParams.get('ui_locales'), 'en')
    assert.equal(to.searchParams.get('state'), attempt.state)
    assert.equal(to.searchParams.get('response_type'), 'code')
  })

  test('uses the path of an older server in both requests when callbackPath is set', async () => {
    const alias = 'https://gate.example.test/login/oidc/return'
    const older = await startUpstream({ users, clients: [{ ...clientFor(), redirect_uris: [alias] }] })
    try {
      const world = oidcWorld(older, { config: { callbackPath: '/login/oidc/return' } })
      const { to } = await world.begin()
      assert.equal(to.searchParams.get('redirect_uri'), alias)
      assert.equal((await world.assertion('ada')).subject, 'ada')
    } finally {
      await older.close()
    }
  })
})

describe('a fresh sign-in', () => {
  test('asks for prompt=login and max_age=0, and is believed when the upstream did it', async () => {
    const world = oidcWorld(upstream)
    const { to } = await world.begin({ fresh: true })
    assert.equal(to.searchParams.get('prompt'), 'login')
    assert.equal(to.searchParams.get('max_age'), '0')
    assert.equal((await world.assertion('ada', { fresh: true })).subject, 'ada')
  })

  test('is refused when the person’s last sign-in upstream was before the attempt', async () => {
    upstream.faults.idToken = (claims) => ({ ...claims, auth_time: Number(claims.auth_time) - 3600 })
    await assert.rejects(oidcWorld(upstream).assertion('ada', { fresh: true }), isUpstreamFault(/elapsed/))
  })

  test('is refused when the upstream does not say when the person signed in', async () => {
    upstream.faults.idToken = ({ auth_time: _, ...claims }) => claims
    await assert.rejects(oidcWorld(upstream).assertion('ada', { fresh: true }), isUpstreamFault(/auth_time/))
  })

  test('does not count the time that the person took', async () => {
    const world = oidcWorld(upstream)
    const { to, attempt } = await world.begin({ fresh: true })
    upstream.faults.idToken = (claims) => ({ ...claims, auth_time: Number(claims.auth_time) - 300 })
    const back = await upstream.signIn(to, 'ada')
    world.advance(300)
    assert.ok('done' in (await world.method.next!(callback(back), attempt)))
  })
})

describe('an ID token is refused', () => {
  const now = () => Math.floor(Date.now() / 1000)
  const bad: readonly (readonly [string, object, RegExp])[] = [
    ['with a wrong nonce (OpenID Connect Core §3.1.3.7, 11)', { nonce: 'another' }, /nonce/],
    ['without a nonce', { nonce: undefined }, /nonce/],
    ['of another issuer (2)', { iss: 'https://other.example' }, /iss/],
    ['for another audience (3)', { aud: 'somebody-else' }, /aud/],
    ['for several audiences with another authorised party (5)', { aud: ['labgate', 'x'], azp: 'x' }, /azp/],
    ['after its end (9)', { exp: now() - 3600 }, /exp|timestamp/],
    ['about nobody', { sub: undefined }, /sub/],
    ['whose subject is not the one of userinfo (5.3.2)', { sub: 'eve' }, /sub/],
  ]
  for (const [name, change, words] of bad) {
    test(name, async () => {
      upstream.faults.idToken = (claims) => ({ ...claims, ...change })
      await assert.rejects(oidcWorld(upstream).assertion('ada'), isUpstreamFault(words))
    })
  }

  test('when the signature is not by the upstream’s keys', async () => {
    const other = await startUpstream()
    try {
      upstream.faults.discovery = (document) => ({ ...document, jwks_uri: `${other.issuer}/jwks` })
      await assert.rejects(oidcWorld(upstream).assertion('ada'), isUpstreamFault(/key/))
    } finally {
      await other.close()
    }
  })

  test('is accepted a few seconds after its end: clocks differ', async () => {
    upstream.faults.idToken = (claims) => ({ ...claims, exp: now() - 10 })
    assert.equal((await oidcWorld(upstream).assertion('ada')).subject, 'ada')
  })
})

describe('keys', () => {
  test('that were rotated since the last sign-in are found at once', async () => {
    const world = oidcWorld(upstream)
    await world.assertion('ada')
    upstream.rotateKeys()
    assert.equal((await world.assertion('ada')).subject, 'ada')
    const before = upstream.requests.filter((one) => one === 'GET /jwks').length
    await world.assertion('ada')
    assert.equal(upstream.requests.filter((one) => one === 'GET /jwks').length, before, 'the new keys are kept')
  })
})

describe('the way back is refused', () => {
  test('when the `iss` parameter is another’s (RFC 9207 §2.4)', async () => {
    upstream.faults.callback = (url) => {
      url.searchParams.set('iss', 'https://evil.example')
      return url
    }
    await assert.rejects(oidcWorld(upstream).signIn('ada'), isUpstreamFault(/iss/))
  })

  test('when the advertised `iss` parameter is missing (RFC 9207 §2.4)', async () => {
    upstream.faults.callback = (url) => {
      url.searchParams.delete('iss')
      return url
    }
    await assert.rejects(oidcWorld(upstream).signIn('ada'), isUpstreamFault(/iss/))
  })

  test('when the state is another attempt’s', async () => {
    const world = oidcWorld(upstream)
    const { to, attempt } = await world.begin()
    const back = await upstream.signIn(to, 'ada')
    const other = { ...attempt, state: world.attempt().state }
    await assert.rejects(async () => world.method.next!(callback(back), other), isUpstreamFault(/state/))
  })

  test('when the verifier is another attempt’s (RFC 7636 §4.6)', async () => {
    const world = oidcWorld(upstream)
    const { to, attempt } = await world.begin()
    const back = await upstream.signIn(to, 'ada')
    const other = { ...attempt, codeVerifier: world.attempt().codeVerifier }
    const step = await world.method.next!(callback(back), other)
    assert.ok('no' in step)
    assert.equal(step.no.reason, 'expired')
  })

  test('when the code was used before (RFC 6749 §4.1.2)', async () => {
    const world = oidcWorld(upstream)
    const { to, attempt } = await world.begin()
    const back = await upstream.signIn(to, 'ada')
    assert.ok('done' in (await world.method.next!(callback(back), attempt)))
    const again = await world.method.next!(callback(back), attempt)
    assert.ok('no' in again)
    assert.equal(again.no.reason, 'expired')
  })

  test('when a code of instance A comes to instance B of another upstream, with `iss` and without', async () => {
    const b = await startUpstream({ users, clients: [clientFor()] })
    try {
      const worldA = oidcWorld(upstream)
      const worldB = oidcWorld(b)
      const { to } = await worldA.begin()
      const { attempt } = await worldB.begin()
      const back = await upstream.signIn(to, 'ada')
      back.searchParams.set('state', attempt.state)
      await assert.rejects(async () => worldB.method.next!(callback(back), attempt), isUpstreamFault(/iss/))
      back.searchParams.set('iss', b.issuer)
      const step = await worldB.method.next!(callback(back), attempt)
      assert.ok('no' in step && step.no.reason === 'expired')
    } finally {
      await b.close()
    }
  })

  test('when it carries a code of another client of the same upstream', async () => {
    const world = oidcWorld(upstream)
    const other = oidcWorld(upstream, { id: 'other', config: { clientId: 'other' } })
    const { to } = await other.begin()
    const { attempt } = await world.begin()
    const back = await upstream.signIn(to, 'ada')
    back.searchParams.set('state', attempt.state)
    const step = await world.method.next!(callback(back), attempt)
    assert.ok('no' in step)
  })
})

describe('an e-mail address', () => {
  const trustOf = async (login: string, config = {}) => {
    const { facts } = await oidcWorld(upstream, { config }).assertion(login)
    return facts.find(({ claim }) => claim === 'email')?.trust
  }
  const flags = { eve: 'flagged false', nob: 'without a flag', str: 'flagged with the string "true"' }
  for (const [login, name] of Object.entries(flags)) {
    test(`${name} is never verified`, async () => assert.equal(await trustOf(login), 'self'))
  }

  test('without a flag is verified when the operator says so, but not against the flag', async () => {
    assert.equal(await trustOf('nob', { emailVerified: 'assumed' }), 'verified')
    assert.equal(await trustOf('eve', { emailVerified: 'assumed' }), 'self')
    assert.equal(await trustOf('str', { emailVerified: 'assumed' }), 'self')
  })

  test('takes its flag from its own document only', async () => {
    upstream.faults.idToken = (claims) => ({ ...claims, email_verified: true })
    assert.equal(await trustOf('nob'), 'self')
    upstream.faults.idToken = (claims) => ({ ...claims, email: 'other@example.org' })
    upstream.faults.userinfo = ({ email: _, ...claims }) => ({ ...claims, email_verified: true })
    assert.equal(await trustOf('ada'), 'self')
  })

  test('that one document denies is not verified by the other', async () => {
    upstream.faults.idToken = (claims) => ({ ...claims, email: 'ADA@example.org', email_verified: false })
    assert.equal(await trustOf('ada'), 'self')
  })

  test('that is two addresses is no fact', async () => assert.equal(await trustOf('odd'), undefined))
})

describe('claims', () => {
  test('of the ID token win over userinfo', async () => {
    upstream.faults.idToken = (claims) => ({ ...claims, name: 'Signed' })
    const { facts } = await oidcWorld(upstream).assertion('ada')
    assert.equal(facts.find(({ claim }) => claim === 'name')?.value, 'Signed')
  })

  test('are read by name or by path, and become the facts that the config names', async () => {
    upstream.faults.userinfo = (claims) => ({
      ...claims,
      realm: { roles: ['a', 7, 'b'] },
      'https://example.org/id': 'x1',
    })
    const config = { claims: { employee: 'https://example.org/id' }, groups: { claim: 'realm.roles', as: 'roles' } }
    const { facts } = await oidcWorld(upstream, { config }).assertion('ada')
    const plain = facts.filter(({ claim }) => claim !== 'email')
    assert.deepEqual(plain, [
      { claim: 'employee', value: 'x1', trust: 'asserted' },
      { claim: 'roles', value: ['a', 'b'], trust: 'asserted' },
    ])
  })

  test('of groups that are not there are an empty list', async () => {
    const { facts } = await oidcWorld(upstream, { config: { groups: { claim: 'nowhere' } } }).assertion('ada')
    assert.deepEqual(facts.find(({ claim }) => claim === 'groups')?.value, [])
  })

  test('amr and acr are handed on', async () => {
    upstream.faults.idToken = (claims) => ({ ...claims, amr: ['mfa', 3], acr: 'loa2' })
    const { amr, acr } = await oidcWorld(upstream).assertion('ada')
    assert.deepEqual([amr, acr], [['mfa'], 'loa2'])
  })
})

test('no fault or log line carries a secret, a token or a code', async () => {
  const world = oidcWorld(upstream)
  upstream.faults.idToken = (claims) => ({ ...claims, nonce: 'wrong' })
  const { to, attempt } = await world.begin()
  const back = await upstream.signIn(to, 'ada')
  const error: unknown = await world.method.next!(callback(back), attempt).then(undefined, (thrown) => thrown)
  const { inspect } = await import('node:util')
  const shown = inspect({ error, logs: world.logs }, { depth: 20, showHidden: true })
  for (const secret of [
    back.searchParams.get('code')!,
    attempt.codeVerifier,
    attempt.nonce,
    'upstream-test-value',
    'eyJ',
  ]) {
    assert.ok(!shown.includes(secret), `found ${secret} in ${shown}`)
  }
})

test('two instances share nothing', async () => {
  const other = await startUpstream({ users: [{ sub: 'ada', name: 'Another Ada' }], clients: [clientFor('two')] })
  try {
    const one = await oidcWorld(upstream).assertion('ada')
    const two = await oidcWorld(other, { id: 'two' }).assertion('ada')
    assert.notEqual(one.issuer, two.issuer)
    assert.equal(linkOf(two).subject, 'ada')
  } finally {
    await other.close()
  }
})
