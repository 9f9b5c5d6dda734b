import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Fault } from '@labgate/contract'
import { githubApp, primary } from '../../support/github.ts'
import { callback, factOf, members, withGitHub } from './world.ts'

describe('who the person is', () => {
  test('the subject is the numeric id, and stays when the login changes', () =>
    withGitHub(async ({ github, instance, ada }) => {
      const { assertion } = instance()
      const first = await assertion('ada')
      assert.equal(first.subject, '4711')
      assert.equal(first.issuer, `${github.url}/login/oauth`)
      assert.deepEqual(first.facts, [
        { claim: 'login', value: 'ada', trust: 'asserted' },
        { claim: 'preferred_username', value: 'ada', trust: 'asserted' },
        { claim: 'name', value: 'Ada Lovelace', trust: 'self' },
        { claim: 'email', value: 'ada@example.org', trust: 'verified' },
      ])
      ada.login = 'lovelace'
      const second = await assertion('lovelace')
      assert.equal(second.subject, '4711')
      assert.equal(factOf(second.facts, 'login'), 'lovelace')
    }))

  test('asks for no more than it needs, keeps no token and sends PKCE', () =>
    withGitHub(async ({ instance }) => {
      const { begin, assertion } = instance()
      const { searchParams } = (await begin()).to
      assert.equal(searchParams.get('scope'), 'user:email')
      assert.equal(searchParams.get('code_challenge_method'), 'S256')
      assert.equal(searchParams.get('prompt'), null)
      assert.equal((await assertion('ada')).keep, undefined)
      assert.equal((await begin({ fresh: true })).to.searchParams.get('prompt'), 'select_account')
    }))

  for (const [what, emails, value, trust] of [
    [
      'the primary address that is not verified',
      [primary('a@example.org', { verified: false })],
      'a@example.org',
      'self',
    ],
    ['a missing flag', [{ email: 'a@example.org', primary: true }], 'a@example.org', 'self'],
    ['a flag that is a text', [primary('a@example.org', { verified: 'true' })], 'a@example.org', 'self'],
    ['another verified address than the primary', [{ email: 'b@example.org', verified: true }], undefined, undefined],
    ['a thing that is no address', [primary('a@example.org,b@example.org')], undefined, undefined],
  ] as const)
    test(`${what} is ${trust ?? 'no'} e-mail fact`, () =>
      withGitHub(async ({ instance, ada }) => {
        ada.emails = [...emails]
        const { facts } = await instance().assertion('ada')
        const email = facts.find(({ claim }) => claim === 'email')
        assert.deepEqual([email?.value, email?.trust], [value, trust])
      }))

  test('the primary address is found on a later page', () =>
    withGitHub(async ({ instance, ada, github }) => {
      const others = Array.from({ length: 100 }, (_, n) => ({
        email: `a${n}@example.org`,
        verified: true,
        primary: false,
      }))
      ada.emails = [...others, primary('ada@example.org')]
      const { facts } = await instance().assertion('ada')
      assert.deepEqual(factOf(facts, 'email'), 'ada@example.org')
      assert.equal(github.requests.filter((request) => request.includes('/user/emails')).length, 2)
    }))

  test('without the scope for addresses, the public one is what the person says of themselves', () =>
    withGitHub(
      async ({ instance, ada }) => {
        ada.email = 'public@example.org'
        const { facts } = await instance().assertion('ada')
        const email = facts.find(({ claim }) => claim === 'email')
        assert.deepEqual([email?.value, email?.trust], ['public@example.org', 'self'])
      },
      { grant: '' },
    ))
})

describe('what GitHub says at the callback and at its token endpoint', () => {
  test('who turns it down reads so', () =>
    withGitHub(async ({ instance }) => {
      const step = await instance().signIn('deny')
      assert.ok('no' in step)
      assert.equal(step.no.reason, 'denied')
      assert.match(step.no.message, /GitHub told us/)
    }))

  test('takes the issuer that GitHub names (RFC 9207), and an answer without one of an older Enterprise Server', () =>
    withGitHub(async ({ instance, github }) => {
      const { begin, method } = instance()
      const { to, attempt } = await begin()
      const back = await github.signIn(to, 'ada')
      assert.equal(back.searchParams.get('iss'), `${github.url}/login/oauth`)
      back.searchParams.delete('iss')
      assert.ok('done' in (await method.next!(callback(back), attempt)))
    }))

  test('a code is good once: the error comes with status 200', () =>
    withGitHub(async ({ instance, github }) => {
      const { begin, method } = instance()
      const { to, attempt } = await begin()
      const back = callback(await github.signIn(to, 'ada'))
      assert.ok('done' in (await method.next!(back, attempt)))
      const again = await method.next!(back, attempt)
      assert.ok('no' in again)
      assert.equal(again.no.reason, 'expired')
    }))

  test('a wrong client secret and a wrong callback name the setting', () =>
    withGitHub(async ({ instance }) => {
      const wrongSecret = instance({ ...githubApp, clientSecret: 'not-the-value' }).signIn('ada')
      await assert.rejects(wrongSecret, (error: Fault) => {
        assert.equal(error.code, 'ERR_UPSTREAM_REFUSED')
        return /invalid_client.*clientSecret/.test(error.message)
      })
      const wrongCallback = instance({ callbackPath: '/login/github/authorized' }).signIn('ada')
      await assert.rejects(wrongCallback, (error: Fault) =>
        /redirect_uri_mismatch; check the redirect URI/.test(error.message),
      )
    }))

  test('somebody without any verified address is told where to verify it', () =>
    withGitHub(async ({ instance, github }) => {
      const error = {
        error: 'unverified_user_email',
        error_description: 'The user must have a verified primary email.',
      }
      github.faults.said.token = () => ({ status: 200, json: error })
      const step = await instance().signIn('ada')
      assert.ok('no' in step)
      assert.equal(step.no.reason, 'unverified')
      assert.match(step.no.message, /\/settings\/emails/)
    }))
})

describe('a GitHub that is not well', () => {
  for (const spot of ['token', 'user', 'emails', 'memberships'] as const)
    for (const failure of ['hang', '500', 'html', 'huge', 'drop'] as const)
      test(`${spot}: ${failure} ends in ERR_UPSTREAM, never in a sign-in`, () =>
        withGitHub(async ({ instance, github }) => {
          github.faults.fail = { [spot]: failure }
          const { signIn } = instance(members(9919))
          await assert.rejects(signIn('ada'), (error: Fault) => error.code === 'ERR_UPSTREAM')
        }))

  test('a rate limit is not taken for a refusal, and says how long', () =>
    withGitHub(async ({ instance, github }) => {
      const headers = { 'x-ratelimit-remaining': '0', 'retry-after': '120' }
      github.faults.said.memberships = () => ({ status: 403, json: { message: 'API rate limit exceeded' }, headers })
      await assert.rejects(
        instance(members(9919)).signIn('ada'),
        (error: Fault) => error.code === 'ERR_UPSTREAM' && error.retryAfterSeconds === 120,
      )
    }))

  test('hides its button for half a minute, with the reason, and says so in its health', () =>
    withGitHub(async ({ instance, github }) => {
      github.faults.fail = { user: 'drop' }
      const { signIn, method, advance } = instance()
      await assert.rejects(signIn('ada'))
      const card = method.card({ locale: 'en' })
      assert.ok('hidden' in card && card.show)
      assert.equal((await method.health!()).ok, false)
      advance(31)
      assert.ok('label' in method.card({ locale: 'en' }))
    }))

  test('a next page on another host gets no token', () =>
    withGitHub(async ({ instance, github }) => {
      github.faults.said.emails = (answer) => ({
        ...answer,
        headers: { link: '<https://evil.example/user/emails?page=2>; rel="next"' },
      })
      await assert.rejects(instance().signIn('ada'), (error: Fault) => /another host/.test(error.message))
    }))

  test('a list without end is given up', () =>
    withGitHub(async ({ instance, github }) => {
      const link = `<${github.url}/api/v3/user/emails?page=2>; rel="next"`
      github.faults.said.emails = (answer) => ({ ...answer, headers: { link } })
      await assert.rejects(instance().signIn('ada'), (error: Fault) => /more than 20 pages/.test(error.message))
    }))

  test('an API that answers with a redirect gets no token at the other place', () =>
    withGitHub(async ({ instance, github }) => {
      github.faults.said.user = () => ({ status: 302, headers: { location: `${github.url}/api/v3/user/orgs` } })
      await assert.rejects(instance().signIn('ada'), (error: Fault) => error.code === 'ERR_UPSTREAM')
      assert.ok(!github.requests.some((request) => request.includes('/user/orgs')))
    }))
})
