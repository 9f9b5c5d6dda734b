/**
 * The profiles Basic OP, Config OP and Form Post OP of the OpenID conformance suite as tests of ours: one for each module, by
 * its name there. What a module looks at is looked at here, in a world that is started once, and nothing waits.
 */
import assert from 'node:assert/strict'
import { after, before, describe, mock, test } from 'node:test'
import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify, SignJWT } from 'jose'
import { atUpstream, movableClock, newBrowser, signInAs, startWorld, textOf, type World } from '../support/flow.ts'
import { callback } from '../support/labgate.ts'
import type { Page, UserAgent } from '../support/user-agent.ts'

const secret = 'a-secret-of-the-client-of-conformance'
const cert = { redirectUris: [callback], secret, firstParty: true, pkce: false }
const withQuery = `${callback}?foo=bar`
type Fields = Readonly<Record<string, string>>

describe('OpenID Connect Basic, Config and Form Post OP', () => {
  const clock = movableClock()
  let world: World
  const at = (path: string) => new URL(path, world.site.issuer)
  before(async () => {
    world = await startWorld({
      options: { replaced: { clock } },
      part: (issuer) => ({
        plugins: { uni: atUpstream(issuer) },
        clients: {
          cert,
          second: { ...cert, redirectUris: [callback] },
          post: { ...cert, authMethod: 'client_secret_post' },
          query: { ...cert, redirectUris: [withQuery] },
          curve: { ...cert, idTokenAlg: 'ES256' },
        },
      }),
    })
  })
  after(() => world.close())

  const requestOf = (more: Fields = {}): URL => {
    const fields: Fields = {
      client_id: 'cert',
      redirect_uri: callback,
      response_type: 'code',
      scope: 'openid',
      state: 'state-of-the-request',
      nonce: 'nonce-of-the-request',
      ...more,
    }
    const url = at('/oidc/auth')
    for (const [name, value] of Object.entries(fields)) if (value !== '') url.searchParams.set(name, value)
    return url
  }
  /** Answers of the authorization endpoint, as the client gets them. */
  const answerTo = async (more: Fields = {}, agent = newBrowser()): Promise<URLSearchParams> => {
    const page = await signInAs(agent, 'alice', requestOf(more))
    return parametersOf(page)
  }
  const parametersOf = (page: Page): URLSearchParams => {
    if (page.status === 0) return page.url.searchParams
    const posted = page.forms.find(({ action }) => action === callback)
    assert.ok(posted, textOf(page))
    return new URLSearchParams(posted.fields)
  }
  const basic = (id: string) => ({ authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}` })
  const tokenOf = async (fields: Fields, id = 'cert') => {
    const answer = await fetch(at('/oidc/token'), {
      method: 'POST',
      headers: basic(id),
      body: new URLSearchParams(fields),
    })
    return { status: answer.status, headers: answer.headers, body: (await answer.json()) as Record<string, string> }
  }
  const redemption = (code: string | null, redirect_uri = callback) => ({
    grant_type: 'authorization_code',
    code: code ?? '',
    redirect_uri,
  })
  const redeemed = async (more: Fields = {}, agent?: UserAgent) => {
    const answer = await answerTo(more, agent)
    const { status, body } = await tokenOf(redemption(answer.get('code'), more.redirect_uri), more.client_id)
    assert.equal(status, 200, JSON.stringify(body))
    return { answer, body, claims: decodeJwt(body.id_token ?? '') }
  }
  const userinfo = async (init: RequestInit) => {
    const answer = await fetch(at('/oidc/userinfo'), init)
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
  }
  const infoOf = async (token: string | undefined) =>
    (await userinfo({ headers: { authorization: `Bearer ${token}` } })).body

  /** The same a while later, for everybody's clock. */
  const later = async (seconds: number, work: () => Promise<void>) => {
    mock.timers.enable({ apis: ['Date'], now: Date.now() + seconds * 1000 })
    await work().finally(() => mock.timers.reset())
  }
  /** Somebody who is signed in is asked all the same. */
  const signedInAnew = async (agent: UserAgent, more: Fields) => {
    const chooser = await agent.open(requestOf(more))
    assert.notEqual(chooser.status, 0, 'nobody was asked')
    const page = await signInAs(agent, 'alice', chooser)
    const { body } = await tokenOf(redemption(parametersOf(page).get('code')))
    return decodeJwt(body.id_token ?? '')
  }

  test('oidcc-server', async () => {
    const { answer, body, claims } = await redeemed()
    assert.deepEqual([answer.get('state'), answer.get('iss')], ['state-of-the-request', world.site.issuer])
    assert.deepEqual(
      [body.token_type, claims.iss, claims.aud, claims.nonce],
      ['Bearer', world.site.issuer, 'cert', 'nonce-of-the-request'],
    )
    assert.ok((claims.exp ?? 0) > (claims.iat ?? 0) && typeof claims.sub === 'string' && claims.sub.length <= 255)
    assert.equal((await tokenOf({ grant_type: 'authorization_code' })).headers.get('cache-control'), 'no-store')
  })

  test('oidcc-response-type-missing', async () => {
    const page = await newBrowser().open(requestOf({ response_type: '' }))
    assert.match(page.url.searchParams.get('error') ?? textOf(page), /invalid_request|unsupported_response_type/)
  })

  test('oidcc-idtoken-signature', async () => {
    const keys = createRemoteJWKSet(at('/oidc/jwks'))
    for (const [id, alg] of [
      ['cert', 'RS256'],
      ['curve', 'ES256'],
    ] as const) {
      const { body } = await redeemed({ client_id: id })
      const { protectedHeader } = await jwtVerify(body.id_token ?? '', keys, {
        issuer: world.site.issuer,
        audience: id,
      })
      assert.equal(protectedHeader.alg, alg)
      assert.ok(protectedHeader.kid)
    }
  })

  test('oidcc-idtoken-unsigned', async () => {
    const document = await discovery()
    assert.ok(!(document.id_token_signing_alg_values_supported as string[]).includes('none'))
    assert.notEqual(decodeProtectedHeader((await redeemed()).body.id_token ?? '').alg, 'none')
  })

  test('oidcc-userinfo-get', async () => {
    const { body, claims } = await redeemed()
    assert.equal((await infoOf(body.access_token)).sub, claims.sub)
  })

  test('oidcc-userinfo-post-header', async () => {
    const { body, claims } = await redeemed()
    const headers = { authorization: `Bearer ${body.access_token}` }
    assert.equal((await userinfo({ method: 'POST', headers })).body.sub, claims.sub)
  })

  test('oidcc-userinfo-post-body', async () => {
    const { body, claims } = await redeemed()
    const form = new URLSearchParams({ access_token: body.access_token ?? '' })
    assert.equal((await userinfo({ method: 'POST', body: form })).body.sub, claims.sub)
  })

  test('oidcc-ensure-request-without-nonce-succeeds-for-code-flow', async () => {
    assert.equal('nonce' in (await redeemed({ nonce: '' })).claims, false)
  })

  for (const [scope, names] of Object.entries({
    profile: ['name', 'preferred_username'],
    email: ['email', 'email_verified'],
    address: [],
    phone: [],
    'profile email address phone': ['name', 'preferred_username', 'email', 'email_verified'],
  }))
    test(`oidcc-scope-${scope.includes(' ') ? 'all' : scope}`, async () => {
      const { body } = await redeemed({ scope: `openid ${scope}` })
      const info = await infoOf(body.access_token)
      for (const name of names) assert.notEqual(info[name], undefined, name)
    })

  test('oidcc-ensure-other-scope-order-succeeds', async () => {
    const { body } = await redeemed({ scope: 'email openid' })
    assert.equal((await infoOf(body.access_token)).email, 'alice@example.org')
  })

  for (const display of ['page', 'popup'])
    test(`oidcc-display-${display}`, async () => {
      assert.ok((await redeemed({ display })).body.id_token)
    })

  test('oidcc-prompt-login', async () => {
    const agent = newBrowser()
    const first = await redeemed({}, agent)
    await later(5, async () => {
      const again = await signedInAnew(agent, { prompt: 'login' })
      assert.equal(again.sub, first.claims.sub)
      assert.ok(Number(again.auth_time) > Number(first.claims.auth_time))
    })
  })

  test('oidcc-prompt-none-not-logged-in', async () => {
    const page = await newBrowser().open(requestOf({ prompt: 'none' }))
    assert.deepEqual([page.url.searchParams.get('error'), page.url.searchParams.get('code')], ['login_required', null])
  })

  test('oidcc-prompt-none-logged-in', async () => {
    const agent = newBrowser()
    const first = await redeemed({}, agent)
    const second = await redeemed({ prompt: 'none' }, agent)
    assert.deepEqual([second.claims.sub, second.claims.auth_time], [first.claims.sub, first.claims.auth_time])
  })

  test('oidcc-max-age-1', async () => {
    const agent = newBrowser()
    const first = await redeemed({}, agent)
    await later(10, async () => {
      const again = await signedInAnew(agent, { max_age: '1' })
      assert.ok(Number(again.auth_time) > Number(first.claims.auth_time))
    })
  })

  test('oidcc-max-age-10000', async () => {
    const agent = newBrowser()
    const first = await redeemed({}, agent)
    const second = await redeemed({ max_age: '10000' }, agent)
    assert.equal(second.claims.auth_time, first.claims.auth_time)
  })

  test('oidcc-ensure-request-with-unknown-parameter-succeeds', async () => {
    assert.ok((await redeemed({ extra: 'foobar' })).body.id_token)
  })

  test('oidcc-id-token-hint', async () => {
    const agent = newBrowser()
    const first = await redeemed({}, agent)
    const hinted = await redeemed({ prompt: 'none', id_token_hint: first.body.id_token ?? '' }, agent)
    assert.equal(hinted.claims.sub, first.claims.sub)
    const bob = newBrowser()
    await signInAs(bob, 'bob', requestOf())
    const other = await bob.open(requestOf({ prompt: 'none', id_token_hint: first.body.id_token ?? '' }))
    assert.equal(other.url.searchParams.get('error'), 'login_required')
  })

  for (const [name, more] of Object.entries({
    'oidcc-login-hint': { login_hint: 'alice@example.org' },
    'oidcc-ui-locales': { ui_locales: 'se' },
    'oidcc-claims-locales': { claims_locales: 'se' },
    'oidcc-ensure-request-with-acr-values-succeeds': { acr_values: '1 2' },
  }))
    test(name, async () => {
      assert.ok((await redeemed(more as Fields)).body.id_token)
    })

  test('oidcc-codereuse', async () => {
    const answer = await answerTo()
    assert.equal((await tokenOf(redemption(answer.get('code')))).status, 200)
    const { status, body } = await tokenOf(redemption(answer.get('code')))
    assert.deepEqual([status, body.error], [400, 'invalid_grant'])
  })

  test('oidcc-codereuse-30seconds', async () => {
    const answer = await answerTo()
    const { body } = await tokenOf(redemption(answer.get('code')))
    clock.advance(30)
    assert.equal((await tokenOf(redemption(answer.get('code')))).body.error, 'invalid_grant')
    assert.notEqual((await infoOf(body.access_token)).sub, decodeJwt(body.id_token ?? '').sub)
  })

  test('oidcc-ensure-registered-redirect-uri', async () => {
    const page = await newBrowser().open(requestOf({ redirect_uri: `${callback}xyz` }))
    assert.equal(page.status, 400)
  })

  test('oidcc-ensure-post-request-succeeds', async () => {
    const agent = newBrowser()
    await redeemed({}, agent)
    const send = (headers: Fields) =>
      fetch(at('/oidc/auth'), { method: 'POST', body: requestOf().searchParams, redirect: 'manual', headers })
    const answer = await send({ 'sec-fetch-site': 'cross-site', origin: 'http://127.0.0.1:9' })
    assert.equal(answer.status, 303)
    const page = await agent.open(new URL(answer.headers.get('location') ?? '', world.site.issuer))
    assert.ok(page.url.searchParams.get('code'), textOf(page))
    const huge = await fetch(at('/oidc/auth'), { method: 'POST', body: new URLSearchParams({ x: 'y'.repeat(9000) }) })
    assert.equal(huge.status, 400)
  })

  test('oidcc-server-client-secret-post', async () => {
    const answer = await answerTo({ client_id: 'post' })
    const body = new URLSearchParams({ ...redemption(answer.get('code')), client_id: 'post', client_secret: secret })
    assert.equal((await fetch(at('/oidc/token'), { method: 'POST', body })).status, 200)
  })

  test('oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported', async () => {
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const request = `${part({ alg: 'none' })}.${part({ client_id: 'cert', scope: 'openid email' })}.`
    const page = await newBrowser().open(requestOf({ request }))
    assert.match(page.url.searchParams.get('error') ?? textOf(page), /request_not_supported|invalid_request_object/)
  })

  test('oidcc-request-uri-unsigned-supported-correctly-or-rejected-as-unsupported', async () => {
    const page = await newBrowser().open(requestOf({ request_uri: 'https://client.example.org/request' }))
    assert.match(page.url.searchParams.get('error') ?? textOf(page), /request_uri_not_supported|invalid_request_uri/)
  })

  test('oidcc-ensure-request-object-with-redirect-uri', async () => {
    const sign = await new SignJWT({ redirect_uri: 'http://evil.example/' })
      .setProtectedHeader({ alg: 'HS256' })
      .setIssuer('cert')
      .setAudience(world.site.issuer)
      .sign(new TextEncoder().encode(secret))
    const page = await newBrowser().open(requestOf({ request: sign, redirect_uri: '' }))
    assert.ok(page.status >= 400 || page.url.href.startsWith(callback), 'nobody is sent elsewhere')
  })

  test('oidcc-claims-essential', async () => {
    const claims = JSON.stringify({ userinfo: { name: { essential: true } } })
    const { body } = await redeemed({ claims })
    assert.equal((await infoOf(body.access_token)).name, 'Alice Liddell')
  })

  test('oidcc-refresh-token', async () => {
    const { body, claims } = await redeemed()
    const next = await tokenOf({ grant_type: 'refresh_token', refresh_token: body.refresh_token ?? '' })
    assert.equal(next.status, 200)
    const renewed = decodeJwt(next.body.id_token ?? '')
    assert.deepEqual(
      [renewed.sub, renewed.iss, renewed.aud, renewed.auth_time],
      [claims.sub, claims.iss, claims.aud, claims.auth_time],
    )
    const { body: third } = await redeemed()
    const foreign = await tokenOf({ grant_type: 'refresh_token', refresh_token: third.refresh_token ?? '' }, 'second')
    assert.equal(foreign.body.error, 'invalid_grant')
  })

  test('oidcc-ensure-request-with-valid-pkce-succeeds', async () => {
    const challenge = { code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM', code_challenge_method: 'S256' }
    const answer = await answerTo(challenge)
    const code_verifier = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk'
    assert.equal((await tokenOf({ ...redemption(answer.get('code')), code_verifier })).status, 200)
  })

  test('oidcc-redirect-uri-query-OK', async () => {
    const { answer } = await redeemed({ client_id: 'query', redirect_uri: withQuery })
    assert.equal(answer.get('foo'), 'bar')
  })

  for (const [name, redirect_uri] of Object.entries({
    'oidcc-redirect-uri-query-mismatch': `${callback}?foo=baz`,
    'oidcc-redirect-uri-query-added': `${withQuery}&more=1`,
  }))
    test(name, async () => {
      const page = await newBrowser().open(requestOf({ client_id: 'query', redirect_uri }))
      assert.equal(page.status, 400)
    })

  const discovery = async () =>
    (await (await fetch(at('/.well-known/openid-configuration'))).json()) as Record<string, unknown>

  test('oidcc-discovery-endpoint-verification', async () => {
    const answer = await fetch(at('/.well-known/openid-configuration'))
    assert.match(answer.headers.get('content-type') ?? '', /^application\/json/)
    const document = (await answer.json()) as Record<string, unknown>
    assert.equal(document.issuer, world.site.issuer)
    for (const name of [
      'authorization_endpoint',
      'token_endpoint',
      'userinfo_endpoint',
      'jwks_uri',
      'end_session_endpoint',
    ])
      assert.ok(String(document[name]).startsWith(`${world.site.issuer}/oidc/`), name)
    for (const [name, value] of Object.entries({
      response_types_supported: 'code',
      response_modes_supported: 'form_post',
      subject_types_supported: 'public',
      id_token_signing_alg_values_supported: 'RS256',
      scopes_supported: 'openid',
      claims_supported: 'sub',
      grant_types_supported: 'authorization_code',
    }))
      assert.ok((document[name] as string[]).includes(value), name)
    assert.equal(document.claims_parameter_supported, true)
    assert.equal(document.request_uri_parameter_supported, false)
  })

  describe('with answers by form_post', () => {
    const response_mode = 'form_post'

    test('oidcc-server (form_post)', async () => {
      const { answer, claims } = await redeemed({ response_mode })
      assert.deepEqual([answer.get('state'), claims.nonce], ['state-of-the-request', 'nonce-of-the-request'])
    })

    test('oidcc-prompt-none-not-logged-in (form_post)', async () => {
      const page = await newBrowser().open(requestOf({ response_mode, prompt: 'none' }))
      assert.equal(parametersOf(page).get('error'), 'login_required')
    })

    test('oidcc-codereuse (form_post)', async () => {
      const answer = await answerTo({ response_mode })
      assert.equal((await tokenOf(redemption(answer.get('code')))).status, 200)
      assert.equal((await tokenOf(redemption(answer.get('code')))).body.error, 'invalid_grant')
    })
  })
})
