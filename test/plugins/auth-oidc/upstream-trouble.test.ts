import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import { type Fault, isFault } from '@labgate/contract'
import { type Failure, type Spot, startUpstream, type Upstream } from '../../support/upstream.ts'
import { callback, clientFor, oidcWorld } from './world.ts'

const users = [{ sub: 'ada', email: 'ada@example.org', email_verified: true }]
let upstream: Upstream

before(async () => {
  upstream = await startUpstream({ users, clients: [clientFor()] })
})
after(() => upstream.close())
afterEach(() => {
  upstream.faults.fail = {}
})

const failures: readonly Failure[] = ['500', 'html', 'huge', 'hang', 'drop']
const spots: readonly Spot[] = ['token', 'userinfo', 'jwks']

describe('an upstream whose answer cannot be used becomes ERR_UPSTREAM naming instance and host', () => {
  for (const spot of spots) {
    for (const failure of failures) {
      test(`${spot}: ${failure}`, async () => {
        const world = oidcWorld(upstream)
        const { to, attempt } = await world.begin()
        const back = await upstream.signIn(to, 'ada')
        upstream.faults.fail = { [spot]: failure }
        await assert.rejects(
          async () => world.method.next!(callback(back), attempt),
          (error: Fault) => isFault(error) && error.code === 'ERR_UPSTREAM' && error.message.includes('127.0.0.1'),
        )
      })
    }
  }
  for (const failure of failures) {
    test(`discovery: ${failure} tells the person to use another way`, async () => {
      upstream.faults.fail = { discovery: failure }
      const world = oidcWorld(upstream)
      await assert.rejects(world.begin(), (error: Fault) => {
        assert.equal(error.code, 'ERR_METHOD_DOWN')
        assert.match(error.message, /Demo University does not answer/)
        assert.equal(error.shown, true)
        assert.ok(isFault(error.cause) && error.cause.code === 'ERR_UPSTREAM')
        return true
      })
      assert.equal((await world.method.health!()).ok, false)
    })
  }
})

describe('an upstream that is down', () => {
  test('hides its button with the reason, and comes back by itself', async () => {
    upstream.faults.fail = { discovery: '500' }
    const world = oidcWorld(upstream)
    await world.method.start!(new AbortController().signal)
    await until(() => 'hidden' in world.method.card({ locale: 'en' }))
    const hidden = world.method.card({ locale: 'en' })
    assert.ok('hidden' in hidden && hidden.show === true)
    assert.match(hidden.hidden, /does not answer/)
    upstream.faults.fail = {}
    world.advance(6)
    await until(() => 'label' in world.method.card({ locale: 'en' }))
    assert.deepEqual(await world.method.health!(), { ok: true })
    assert.equal((await world.assertion('ada')).subject, 'ada')
  })

  test('does not fail the start and is not asked on every look at the chooser', async () => {
    upstream.faults.fail = { discovery: '500' }
    const world = oidcWorld(upstream)
    const asked = upstream.requests.length
    await world.method.start!(new AbortController().signal)
    for (let look = 0; look < 20; look++) {
      world.method.card({ locale: 'en' })
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    assert.equal(upstream.requests.length - asked, 1)
  })

  test('that is a dead port counts as down, too', async () => {
    const dead = await startUpstream({ users, clients: [clientFor()] })
    await dead.close()
    const world = oidcWorld(dead)
    await assert.rejects(world.begin(), (error: Fault) => error.code === 'ERR_METHOD_DOWN')
    assert.ok('hidden' in world.method.card({ locale: 'en' }))
    const findings = []
    for await (const finding of world.method.probe!()) findings.push(finding)
    assert.deepEqual(
      findings.map(({ ok }) => ok),
      [false],
    )
  })

  test('is not believed to be down because of a bad answer in one person’s browser', async () => {
    const world = oidcWorld(upstream)
    const { to, attempt } = await world.begin()
    const back = await upstream.signIn(to, 'ada')
    back.searchParams.set('code', 'made-up')
    const step = await world.method.next!(callback(back), attempt)
    assert.ok('no' in step)
    back.searchParams.set('iss', 'https://evil.example')
    await assert.rejects(async () => world.method.next!(callback(back), attempt))
    assert.ok('label' in world.method.card({ locale: 'en' }))
    assert.deepEqual(await world.method.health!(), { ok: true })
  })
})

describe('a wrong setting is named', () => {
  const refused = (words: RegExp) => (error: Fault) => {
    assert.equal(error.code, 'ERR_UPSTREAM_REFUSED')
    assert.match(error.message, words)
    return true
  }

  test('a wrong client secret (RFC 6749 §5.2 invalid_client)', async () => {
    const world = oidcWorld(upstream, { config: { clientSecret: 'not-the-one' } })
    await assert.rejects(
      world.signIn('ada'),
      refused(/auth-oidc "uni".*invalid_client.*check clientId, clientSecret and clientAuth/),
    )
    const health = await world.method.health!()
    assert.equal(health.ok, false)
    assert.match(health.detail ?? '', /clientSecret/)
  })

  test('a refusal without a challenge', async () => {
    upstream.faults.fail = { token: 'refuse-client' }
    await assert.rejects(oidcWorld(upstream).signIn('ada'), refused(/clientSecret/))
  })

  const answers = [
    ['invalid_scope', 'ERR_UPSTREAM_REFUSED', /check scopes/],
    ['unauthorized_client', 'ERR_UPSTREAM_REFUSED', /authorization code grant/],
    ['server_error', 'ERR_UPSTREAM', /server_error/],
    ['temporarily_unavailable', 'ERR_UPSTREAM', /temporarily_unavailable/],
  ] as const
  for (const [error, code, words] of answers) {
    test(`error=${error} at the callback (RFC 6749 §4.1.2.1)`, async () => {
      const world = oidcWorld(upstream)
      const { attempt } = await world.begin()
      const query = new URLSearchParams({ error, state: attempt.state, iss: upstream.issuer })
      const back = new URL(`${world.redirectUri.href}?${query}`)
      await assert.rejects(
        async () => world.method.next!(callback(back), attempt),
        (fault: Fault) => fault.code === code && words.test(fault.message),
      )
    })
  }

  test('login_required at the callback asks for a new start', async () => {
    const world = oidcWorld(upstream)
    const { attempt } = await world.begin()
    const query = new URLSearchParams({ error: 'login_required', state: attempt.state, iss: upstream.issuer })
    const step = await world.method.next!(callback(new URL(`${world.redirectUri.href}?${query}`)), attempt)
    assert.ok('no' in step && step.no.reason === 'failed')
  })

  test('an issuer that is not what the discovery document says (OpenID Connect Discovery §4.3)', async () => {
    upstream.faults.discovery = (document) => ({ ...document, issuer: 'https://other.example' })
    try {
      const error: Fault = await oidcWorld(upstream)
        .begin()
        .then(undefined, (thrown) => thrown)
      assert.equal(error.code, 'ERR_METHOD_DOWN')
      assert.match((error.cause as Fault).message, /issuer/)
    } finally {
      delete upstream.faults.discovery
    }
  })

  test('endpoints without TLS outside this machine are not spoken to', async () => {
    for (const name of ['token_endpoint', 'authorization_endpoint']) {
      upstream.faults.discovery = (document) => ({ ...document, [name]: 'http://198.51.100.7/x' })
      try {
        const error: Fault = await oidcWorld(upstream)
          .signIn('ada')
          .then(undefined, (thrown) => thrown)
        assert.ok(isFault(error), name)
        assert.match(error.code, /ERR_UPSTREAM|ERR_METHOD_DOWN/)
      } finally {
        delete upstream.faults.discovery
      }
    }
  })
})

async function until(holds: () => boolean): Promise<void> {
  for (let turn = 0; turn < 100; turn++) {
    if (holds()) return
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  assert.fail('it never came true')
}
