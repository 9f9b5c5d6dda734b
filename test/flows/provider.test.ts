import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { decodeProtectedHeader } from 'jose'
import * as client from 'openid-client'
import {
  atUpstream,
  movableClock,
  newBrowser,
  type Party,
  party,
  signInAs,
  startWorld,
  textOf,
  titleOf,
  type World,
} from '../support/flow.ts'
import { callback, signInByEmail, testClients } from '../support/labgate.ts'
import type { Page, UserAgent } from '../support/user-agent.ts'

const secrets = { loose: 'a-secret-of-the-test-client-loose', curve: 'a-secret-of-the-test-client-curve' }

describe('the OpenID Provider', () => {
  const clock = movableClock()
  let world: World
  let web: Party
  let third: Party
  let spa: Party
  const at = (path: string) => new URL(path, world.site.issuer)
  before(async () => {
    world = await startWorld({
      options: { replaced: { clock } },
      part: (issuer) => ({
        plugins: {
          uni: atUpstream(issuer, {
            config: { groups: { claim: 'groups' }, scopes: ['openid', 'profile', 'email', 'groups'] },
          }),
          email: { use: '@labgate/auth-email' },
        },
        claims: {
          profile: { name: 'account:displayName', preferred_username: 'account:username' },
          email: { email: 'account:email', email_verified: 'account:emailVerified' },
          lab: { lab_groups: 'account:groups', lab_role: 'account:role', lab_login: 'fact:preferred_username' },
        },
        clients: {
          ...testClients,
          loose: { ...testClients.web, secret: secrets.loose, pkce: false },
          curve: { ...testClients.web, secret: secrets.curve, idTokenAlg: 'ES256' },
        },
      }),
    })
    web = await party(world.site)
    third = await party(world.site, { id: 'third', secret: testClients.third.secret })
    spa = await party(world.site, { id: 'browser' })
  })
  after(() => world.close())

  const codeOf = (page: Page): string => {
    assert.ok(page.url.href.startsWith(callback), textOf(page))
    return page.url.searchParams.get('code') ?? ''
  }
  const redemption = (page: Page, verifier?: string) => ({
    grant_type: 'authorization_code',
    code: codeOf(page),
    redirect_uri: callback,
    ...(verifier === undefined ? {} : { code_verifier: verifier }),
  })
  const refresh = (token: unknown) => ({ grant_type: 'refresh_token', refresh_token: String(token) })
  const without = (url: URL, ...names: string[]) => {
    const copy = new URL(url)
    for (const name of names) copy.searchParams.delete(name)
    return copy
  }

  describe('PKCE (S7)', () => {
    test('a request without a challenge is refused', async () => {
      const { url } = await web.request()
      const page = await newBrowser().open(without(url, 'code_challenge', 'code_challenge_method'))
      assert.equal(page.url.searchParams.get('error'), 'invalid_request')
      const plain = await web.request({ code_challenge_method: 'plain' })
      assert.equal((await newBrowser().open(plain.url)).url.searchParams.get('error'), 'invalid_request')
    })

    test('a code with a challenge is not redeemed without its verifier or with another', async () => {
      for (const verifier of [undefined, 'x'.repeat(43)]) {
        const { url } = await web.request()
        const page = await signInAs(newBrowser(), 'alice', url)
        const { status, body } = await web.token(redemption(page, verifier))
        assert.deepEqual([status, body.error], [400, 'invalid_grant'])
      }
    })

    test('a client may be excepted, and then a verifier without a challenge is refused', async () => {
      const loose = await party(world.site, { id: 'loose', secret: secrets.loose })
      const bare = async () => {
        const { url } = await loose.request()
        return signInAs(newBrowser(), 'alice', without(url, 'code_challenge', 'code_challenge_method'))
      }
      assert.equal((await loose.token(redemption(await bare()))).status, 200)
      const odd = await loose.token(redemption(await bare(), 'x'.repeat(43)))
      assert.deepEqual([odd.status, odd.body.error], [400, 'invalid_grant'])
    })
  })

  test('redirect URIs are compared character by character (S8)', async () => {
    const wrong = [
      `${callback}/`,
      callback.replace('callback', 'Callback'),
      `${callback}?x=1`,
      `${callback}#f`,
      callback.replace('127', 'user@127'),
      callback.replace(':9/', ':9\\@evil.example/'),
      callback.replace(':9', ':99'),
      callback.replace('callback', 'call%62ack'),
      callback.replace('callback', 'x/../callback'),
      callback.replace('http', 'https'),
      callback.replace('127.0', '127x0'),
      `${callback} `,
      callback.replace('127.0.0.1', 'localhost'),
      callback.replace('http:', ''),
      'http://evil.example/callback',
    ]
    for (const redirect_uri of wrong) {
      const { url } = await web.request({ redirect_uri })
      const response = await fetch(url, { redirect: 'manual', headers: { accept: 'text/html' } })
      assert.equal(response.status, 400, `${redirect_uri} ${response.headers.get('location')}`)
      assert.equal(response.headers.get('location'), null, redirect_uri)
    }
  })

  test('an unknown client gets an error page of ours, with nothing of the request unescaped (S14)', async () => {
    const { url } = await web.request({ client_id: '<script>alert(1)</script>' })
    const page = await newBrowser().open(url)
    assert.equal(page.status, 400)
    assert.notEqual(titleOf(page), '')
    assert.match(page.text, /<main id="main"/)
    assert.doesNotMatch(page.text, /<script>alert/)
    assert.match(page.headers.get('content-security-policy') ?? '', /default-src 'none'/)
  })

  describe('refresh tokens', () => {
    test('are rotated; two at once both work within the grace', async () => {
      const tokens = await web.signIn(newBrowser(), 'alice')
      const answers = await Promise.all([1, 2].map(() => web.token(refresh(tokens.refresh_token))))
      assert.deepEqual(
        answers.map(({ status }) => status),
        [200, 200],
      )
      for (const { body } of answers) {
        assert.notEqual(body.refresh_token, tokens.refresh_token)
        assert.equal((await web.userinfo(String(body.access_token))).status, 200)
      }
    })

    test('used again after the grace end everything of their grant', async () => {
      const tokens = await web.signIn(newBrowser(), 'alice')
      const next = await web.token(refresh(tokens.refresh_token))
      assert.equal(next.status, 200)
      clock.advance(6)
      const reused = await web.token(refresh(tokens.refresh_token))
      assert.deepEqual([reused.status, reused.body.error], [400, 'invalid_grant'])
      assert.equal((await web.token(refresh(next.body.refresh_token))).status, 400)
      assert.equal((await web.userinfo(String(next.body.access_token))).status, 401)
    })

    test('of one client are worth nothing to another', async () => {
      const tokens = await web.signIn(newBrowser(), 'alice')
      const { status, body } = await third.token(refresh(tokens.refresh_token))
      assert.deepEqual([status, body.error], [400, 'invalid_grant'])
      assert.equal((await web.token(refresh(tokens.refresh_token))).status, 200)
    })
  })

  test('of twenty redemptions of one code exactly one is answered, and afterwards nothing from it works', async () => {
    const { url, verifier } = await web.request()
    const page = await signInAs(newBrowser(), 'alice', url)
    const answers = await Promise.all(Array.from({ length: 20 }, () => web.token(redemption(page, verifier))))
    const winners = answers.filter(({ status }) => status === 200)
    assert.equal(winners.length, 1)
    assert.ok(answers.every(({ status, body }) => status === 200 || body.error === 'invalid_grant'))
    const tokens = winners[0]?.body
    assert.equal((await web.userinfo(String(tokens?.access_token))).status, 401)
    assert.equal((await web.token(refresh(tokens?.refresh_token))).status, 400)
  })

  test('client credentials give a token of the client, which is nobody', async () => {
    const { status, body } = await web.token({ grant_type: 'client_credentials' })
    assert.equal(status, 200)
    const seen = await client.tokenIntrospection(web.config, String(body.access_token))
    assert.deepEqual([seen.active, seen.client_id, seen.sub], [true, 'web', undefined])
    assert.equal((await web.userinfo(String(body.access_token))).status, 401)
    const refused = await third.token({ grant_type: 'client_credentials' })
    assert.deepEqual([refused.status, refused.body.access_token], [400, undefined])
  })

  test("introspection answers for a client's own tokens; for others' only to first-party clients; to public ones never", async () => {
    const own = await web.signIn(newBrowser(), 'alice')
    assert.equal((await client.tokenIntrospection(web.config, own.access_token)).active, true)
    assert.deepEqual(await client.tokenIntrospection(third.config, own.access_token), { active: false })
    const theirs = await consented(newBrowser(), 'alice')
    assert.equal((await client.tokenIntrospection(third.config, theirs.access_token)).active, true)
    assert.equal((await client.tokenIntrospection(web.config, theirs.access_token)).active, true)
    const mine = await spa.signIn(newBrowser(), 'alice')
    const body = new URLSearchParams({ client_id: 'browser', token: mine.access_token })
    const answer = await fetch(at('/oidc/introspection'), { method: 'POST', body })
    assert.notEqual(((await answer.json()) as { active?: boolean }).active, true)
  })

  test('revocation ends a token at once, and only its own client may', async () => {
    const tokens = await web.signIn(newBrowser(), 'alice')
    await client.tokenRevocation(third.config, tokens.access_token).catch(() => undefined)
    assert.equal((await web.userinfo(tokens.access_token)).status, 200)
    await client.tokenRevocation(web.config, tokens.access_token)
    assert.equal((await web.userinfo(tokens.access_token)).status, 401)
    await client.tokenRevocation(web.config, tokens.refresh_token ?? '')
    assert.equal((await web.token(refresh(tokens.refresh_token))).status, 400)
  })

  describe('claims', () => {
    const infoOf = async (rp: Party, token: string) =>
      (await (await rp.userinfo(token)).json()) as Record<string, unknown>

    test('an e-mail address leaves only when it was verified', async () => {
      const alice = await web.signIn(newBrowser(), 'alice')
      const info = await infoOf(web, alice.access_token)
      assert.deepEqual([info.email, info.email_verified], ['alice@example.org', true])
      const carol = await web.signIn(newBrowser(), 'carol')
      const hers = await infoOf(web, carol.access_token)
      assert.deepEqual([hers.email, hers.name], [undefined, 'Carol'])
    })

    test('groups, role and facts leave by the scope that the config gives them', async () => {
      const tokens = await web.signIn(newBrowser(), 'dora', { scope: 'openid lab' })
      const { sub: _, ...info } = await infoOf(web, tokens.access_token)
      assert.deepEqual(info, { lab_groups: ['uni:staff'], lab_role: 'user', lab_login: 'dora' })
      const none = await web.signIn(newBrowser(), 'dora', { scope: 'openid' })
      assert.deepEqual(Object.keys(await infoOf(web, none.access_token)), ['sub'])
    })

    test('the claims parameter asks for single claims (OpenID Connect Core §5.5)', async () => {
      const claims = JSON.stringify({ userinfo: { email: null }, id_token: { name: null } })
      const tokens = await web.signIn(newBrowser(), 'alice', { scope: 'openid', claims })
      const { sub: _, ...info } = await infoOf(web, tokens.access_token)
      assert.deepEqual(info, { email: 'alice@example.org' })
      assert.equal(tokens.claims()?.name, 'Alice Liddell')
      assert.equal(tokens.claims()?.email, undefined)
    })

    test('acr, amr and auth_time of the sign-in are in the ID token', async () => {
      world.faults.idToken = (claims) => ({ ...claims, acr: 'urn:example:mfa', amr: ['mfa', 'hwk'] })
      const tokens = await web.signIn(newBrowser(), 'bob')
      delete world.faults.idToken
      const claims = tokens.claims()
      assert.equal(claims?.acr, 'urn:example:mfa')
      assert.deepEqual(claims?.amr, ['mfa', 'hwk'])
      assert.ok(Math.abs((claims?.auth_time ?? 0) - Date.now() / 1000) < 30)
      const asked = await web.request()
      const page = await signInByEmail(world.site, newBrowser(), { at: asked.url, email: 'ivy@example.org' })
      const mail = (await asked.redeem(page.url)).claims()
      assert.ok(Array.isArray(mail?.amr) && mail.amr.length > 0)
    })
  })

  /** Signs in at the third party, allowing what it asks. */
  const consented = async (agent: UserAgent, login: string, parameters: Readonly<Record<string, string>> = {}) => {
    const { url, redeem } = await third.request(parameters)
    const ask = await signInAs(agent, login, url)
    const page = ask.status === 0 ? ask : await agent.press(ask, 'Allow')
    return redeem(page.url)
  }

  describe('consent', () => {
    test('is asked of a third party, remembered across sessions, and withdrawn on the account page with all tokens', async () => {
      const agent = newBrowser()
      const { url, redeem } = await third.request()
      const ask = await signInAs(agent, 'bob', url)
      assert.equal(titleOf(ask), 'Allow Third party?')
      assert.match(textOf(ask), /bob@example\.org/)
      const first = await redeem((await agent.press(ask, 'Allow')).url)
      const other = newBrowser()
      const again = await third.request()
      const silent = await again.redeem((await signInAs(other, 'bob', again.url)).url)
      assert.equal(silent.claims()?.sub, first.claims()?.sub)
      const account = await agent.open(at('/account'))
      assert.match(textOf(account), /Third party/)
      await agent.press(account, 'Take back')
      for (const tokens of [first, silent]) {
        assert.equal((await third.userinfo(tokens.access_token)).status, 401)
        assert.equal((await third.token(refresh(tokens.refresh_token))).status, 400)
      }
      assert.equal((await third.silent(agent)).error, 'consent_required')
      const later = await third.request()
      assert.equal(titleOf(await other.open(later.url)), 'Allow Third party?')
    })

    test('a scope that is left out is not granted', async () => {
      const agent = newBrowser()
      const { url, redeem } = await third.request({ scope: 'openid profile email lab' })
      const ask = await signInAs(agent, 'dora', url)
      const form = ask.forms.find(({ action }) => action.endsWith('/consent'))
      assert.ok(form)
      const sent = form.sent.filter(([, value]) => value !== 'email' && value !== 'lab')
      const tokens = await redeem((await agent.submit(ask, { ...form, sent })).url)
      assert.equal(tokens.scope, 'openid profile')
      const info = (await (await third.userinfo(tokens.access_token)).json()) as Record<string, unknown>
      assert.deepEqual(Object.keys(info).toSorted(), ['name', 'preferred_username', 'sub'])
    })

    test('prompt=consent asks again for everything, and what is left out now is taken back', async () => {
      const agent = newBrowser()
      await consented(agent, 'alice')
      const { url, redeem } = await third.request({ prompt: 'consent' })
      const ask = await agent.open(url)
      const form = ask.forms.find(({ action }) => action.endsWith('/consent'))
      assert.ok(form)
      assert.deepEqual(
        form.sent.filter(([name]) => name === 'scope').map(([, value]) => value),
        ['profile', 'email'],
      )
      const sent = form.sent.filter(([, value]) => value !== 'email')
      const less = await redeem((await agent.submit(ask, { ...form, sent })).url)
      assert.equal(less.scope, 'openid profile')
      const more = await third.request({ prompt: 'consent' })
      const all = await more.redeem((await agent.press(await agent.open(more.url), 'Allow')).url)
      assert.equal(all.scope, 'openid profile email')
    })

    test('a person who declines sends access_denied to the relying party', async () => {
      const agent = newBrowser()
      const { url } = await third.request({ scope: 'openid lab' })
      const page = await agent.press(await signInAs(agent, 'carol', url), 'Do not allow')
      assert.equal(page.url.searchParams.get('error'), 'access_denied')
    })

    test('a first-party client is not asked about', async () => {
      const page = await signInAs(newBrowser(), 'bob', (await web.request()).url)
      assert.equal(page.status, 0)
    })

    test('offline access outlives a sign-out here, and not a sign-out everywhere', async () => {
      const [agent, other] = [newBrowser(), newBrowser()]
      const tokens = await consented(agent, 'bob', { scope: 'openid offline_access', prompt: 'consent' })
      await agent.press(await agent.open(at('/account')), 'Sign out here')
      const next = await third.token(refresh(tokens.refresh_token))
      assert.equal(next.status, 200)
      await signInAs(other, 'bob', at('/account'))
      await other.press(await other.open(at('/account')), 'Sign out everywhere')
      assert.equal((await third.token(refresh(next.body.refresh_token))).status, 400)
    })
  })

  describe('a public client in the browser', () => {
    const from = (origin: string, init: RequestInit = {}): RequestInit => ({
      ...init,
      headers: { ...init.headers, origin, 'sec-fetch-site': 'cross-site' },
    })
    const allowed = (response: Response) => response.headers.get('access-control-allow-origin')

    test('redeems its code and reads userinfo from its registered origin and no other', async () => {
      const origins = { 'http://127.0.0.1:9': 200, 'http://evil.example': 400 }
      for (const [origin, status] of Object.entries(origins)) {
        const { url, verifier } = await spa.request()
        const page = await signInAs(newBrowser(), 'alice', url)
        const body = new URLSearchParams({ ...redemption(page, verifier), client_id: 'browser' })
        const answer = await fetch(at('/oidc/token'), from(origin, { method: 'POST', body }))
        assert.equal(answer.status, status, origin)
        assert.equal(
          allowed(answer) === origin || allowed(answer) === '*',
          status === 200,
          `${origin} ${allowed(answer)}`,
        )
      }
      const { access_token } = await spa.signIn(newBrowser(), 'alice')
      const headers = { authorization: `Bearer ${access_token}` }
      const good = await fetch(at('/oidc/userinfo'), from('http://127.0.0.1:9', { headers }))
      assert.deepEqual([good.status, allowed(good)], [200, 'http://127.0.0.1:9'])
      const bad = await fetch(at('/oidc/userinfo'), from('http://evil.example', { headers }))
      assert.equal(bad.ok, false)
      assert.equal(allowed(bad), null)
    })

    test('reads discovery and keys from anywhere', async () => {
      for (const path of ['/.well-known/openid-configuration', '/oidc/jwks']) {
        const answer = await fetch(at(path), from('http://anywhere.example'))
        assert.equal(answer.status, 200)
        assert.ok(['*', 'http://anywhere.example'].includes(allowed(answer) ?? ''), path)
      }
    })
  })

  test('ID tokens are signed RS256 or ES256 as the client has it, with keys that are published', async () => {
    const curve = await party(world.site, { id: 'curve', secret: secrets.curve })
    const { keys } = (await (await fetch(at('/oidc/jwks'))).json()) as { keys: Record<string, string>[] }
    for (const [rp, alg] of [
      [web, 'RS256'],
      [curve, 'ES256'],
    ] as const) {
      const tokens = await rp.signIn(newBrowser(), 'alice').catch((error: unknown) => error as Error)
      assert.ok('id_token' in tokens, String(tokens))
      const header = decodeProtectedHeader(String(tokens.id_token))
      assert.equal(header.alg, alg)
      assert.ok(keys.some(({ kid, alg: one }) => kid === header.kid && one === alg))
    }
    for (const key of keys) for (const secret of ['d', 'p', 'q', 'k']) assert.equal(key[secret], undefined)
  })

  test('discovery names only endpoints that work, all on the issuer', async () => {
    const document = (await (await fetch(at('/.well-known/openid-configuration'))).json()) as Record<string, unknown>
    assert.equal(document.issuer, world.site.issuer)
    const endpoints = Object.entries(document).filter(([name]) => /_endpoint$|^jwks_uri$/.test(name))
    assert.ok(endpoints.length >= 7)
    for (const [name, url] of endpoints) {
      assert.ok(String(url).startsWith(`${world.site.issuer}/oidc/`), name)
      const [get, post] = await Promise.all([
        fetch(String(url), { redirect: 'manual' }),
        fetch(String(url), { method: 'POST', redirect: 'manual', body: new URLSearchParams() }),
      ])
      assert.ok(
        ![404, 405].includes(get.status) || ![404, 405].includes(post.status),
        `${name} ${get.status} ${post.status}`,
      )
      assert.ok(get.status < 500 && post.status < 500, name)
    }
    assert.deepEqual(document.code_challenge_methods_supported, ['S256'])
    assert.deepEqual(document.backchannel_logout_supported, true)
    const older = await (await fetch(at('/.well-known/oauth-authorization-server'))).json()
    assert.deepEqual((older as { issuer: string }).issuer, world.site.issuer)
  })
})
