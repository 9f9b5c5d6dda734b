import assert from 'node:assert/strict'
import { createHash, randomUUID } from 'node:crypto'
import { after, before, describe, mock, test } from 'node:test'
import { decodeJwt, exportJWK, SignJWT } from 'jose'
import * as client from 'openid-client'
import { atUpstream, newBrowser, party, signInAs, startWorld, textOf, type World } from '../support/flow.ts'
import { callback, testClients } from '../support/labgate.ts'
import { answerOf, discoverAs, type PartyKey, partyKey, requestParts, startJwksServer } from '../support/own-party.ts'

const data = 'https://data.example.org'
const secret = 'a-secret-of-a-test-client-with-proofs'
const plain = { redirectUris: [callback], firstParty: true }
const withSecret = { ...plain, secret }

describe('relying parties that prove more than a secret', () => {
  let world: World
  let key: PartyKey
  let jwksServer: Awaited<ReturnType<typeof startJwksServer>>
  const at = (path: string) => new URL(path, world.site.issuer)
  before(async () => {
    key = await partyKey()
    jwksServer = await startJwksServer(key.jwks)
    world = await startWorld({
      part: (issuer) => ({
        plugins: {
          uni: atUpstream(issuer),
          probe: { use: '../support/plugins/authz-probe.ts', prefix: '/probe' },
        },
        resources: { [data]: { scopes: ['openid', 'email', 'read'], format: 'jwt', life: '10m' } },
        clients: {
          ...testClients,
          signer: { ...plain, authMethod: 'private_key_jwt', jwks: key.jwks },
          distant: { ...plain, authMethod: 'private_key_jwt', jwksUri: jwksServer.uri },
          pushing: { ...withSecret, par: true },
          asking: { ...withSecret, signedRequests: true, jwks: key.jwks },
          bound: { ...withSecret, dpop: true },
          left: { ...withSecret, subjectType: 'pairwise' },
          right: { ...withSecret, subjectType: 'pairwise', redirectUris: ['http://localhost:9/callback'] },
          also: { ...withSecret, subjectType: 'pairwise', redirectUris: [`${callback}/also`] },
          bank: { ...plain, profile: 'fapi2', jwks: key.jwks },
        },
      }),
    })
  })
  after(async () => {
    await world.close()
    jwksServer.close()
  })

  const as = (id: string) => discoverAs(world.site, id, client.ClientSecretBasic(secret))
  const signing = (id: string, one: PartyKey = key) =>
    discoverAs(world.site, id, client.PrivateKeyJwt(one.pair.privateKey))
  const dpopKey = () => client.randomDPoPKeyPair('ES256')

  describe('by a signature (private_key_jwt)', () => {
    test('with keys of the config or the database, or of an address that is asked again when they change', async () => {
      const clients = world.site.labgate.rooms.get('clients')
      const { settings } = (await clients.find('signer')) ?? assert.fail()
      await clients.save('kept', settings)
      for (const id of ['signer', 'distant', 'kept', 'kept']) {
        const config = await signing(id)
        const { parameters, checks } = await requestParts()
        const back = await answerOf(newBrowser(), 'alice', client.buildAuthorizationUrl(config, parameters))
        const tokens = await client.authorizationCodeGrant(config, back, checks)
        assert.ok(tokens.claims()?.sub, id)
      }
      assert.equal(jwksServer.kept.looks, 1)
    })

    test('another key, another audience or a second use of one assertion is refused (RFC 7523 §3)', async () => {
      const config = await signing('signer', await partyKey())
      await assert.rejects(client.clientCredentialsGrant(config), { error: 'invalid_client' })
      const assertion = (aud: string) =>
        new SignJWT({ jti: client.randomState() })
          .setProtectedHeader({ alg: 'ES256', kid: 'k1' })
          .setIssuer('signer')
          .setSubject('signer')
          .setAudience(aud)
          .setExpirationTime('1m')
          .sign(key.pair.privateKey)
      const ask = async (client_assertion: string) => {
        const client_assertion_type = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
        const body = new URLSearchParams({ token: 'x', client_assertion, client_assertion_type })
        return (await fetch(at('/oidc/introspection'), { method: 'POST', body })).status
      }
      assert.equal(await ask(await assertion('https://other.example.org')), 401)
      const good = await assertion(world.site.issuer)
      assert.equal(await ask(good), 200)
      assert.equal(await ask(good), 401)
      const sentAtOnce = await assertion(world.site.issuer)
      const answers = await Promise.all(Array.from({ length: 8 }, () => ask(sentAtOnce)))
      assert.equal(answers.filter((status) => status === 200).length, 1, `${answers}`)
    })
  })

  describe('pushed requests (RFC 9126)', () => {
    test('lead to a code; the address that stands for one counts once', async () => {
      const config = await as('pushing')
      const { parameters, checks } = await requestParts()
      const url = await client.buildAuthorizationUrlWithPAR(config, parameters)
      assert.deepEqual([...url.searchParams.keys()].toSorted(), ['client_id', 'request_uri'])
      const agent = newBrowser()
      const tokens = await client.authorizationCodeGrant(config, await answerOf(agent, 'alice', url), checks)
      assert.ok(tokens.claims())
      const again = await agent.open(url)
      assert.match(again.url.searchParams.get('error') ?? textOf(again), /invalid_request_uri/)
    })

    test('are asked of a client that is set so, and nobody else’s push is taken', async () => {
      const config = await as('pushing')
      const { parameters } = await requestParts()
      const page = await newBrowser().open(client.buildAuthorizationUrl(config, parameters))
      assert.equal(page.url.searchParams.get('error'), 'invalid_request')
      const stranger = await discoverAs(
        world.site,
        'pushing',
        client.ClientSecretBasic('not-its-secret-at-all-0123456789'),
      )
      await assert.rejects(client.buildAuthorizationUrlWithPAR(stranger, parameters))
      const url = await client.buildAuthorizationUrlWithPAR(config, parameters)
      url.searchParams.set('client_id', 'web')
      const other = await newBrowser().open(url)
      const { searchParams } = other.url
      assert.deepEqual([searchParams.get('code'), searchParams.has('error')], [null, true])
    })

    test('a request_uri of another server is never fetched', async () => {
      const config = await as('bound')
      const { parameters } = await requestParts()
      const before = jwksServer.kept.looks
      const url = client.buildAuthorizationUrl(config, { ...parameters, request_uri: jwksServer.uri })
      const page = await newBrowser().open(url)
      assert.match(page.url.searchParams.get('error') ?? textOf(page), /request_uri/)
      assert.equal(jwksServer.kept.looks, before)
    })
  })

  describe('signed requests (RFC 9101)', () => {
    test('are taken by value, and what stands outside of them counts for nothing', async () => {
      const config = await as('asking')
      const { parameters, checks } = await requestParts({ scope: 'openid' })
      const url = await client.buildAuthorizationUrlWithJAR(config, parameters, { key: key.pair.privateKey, kid: 'k1' })
      url.searchParams.set('scope', 'openid profile email')
      const back = await answerOf(newBrowser(), 'alice', url)
      const tokens = await client.authorizationCodeGrant(config, back, checks)
      assert.equal(tokens.scope, 'openid')
    })

    test('unsigned, or signed by another key, they are refused', async () => {
      const config = await as('asking')
      const { parameters } = await requestParts()
      const bare = await newBrowser().open(client.buildAuthorizationUrl(config, parameters))
      assert.equal(bare.url.searchParams.get('error'), 'invalid_request')
      const { privateKey } = (await partyKey()).pair
      const forged = await client.buildAuthorizationUrlWithJAR(config, parameters, { key: privateKey, kid: 'k1' })
      const refused = async () => {
        const page = await newBrowser().open(forged)
        assert.match(page.url.searchParams.get('error') ?? textOf(page), /invalid_request_object/)
      }
      await refused()
      const none = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${forged.searchParams.get('request')?.split('.')[1]}.`
      forged.searchParams.set('request', none)
      await refused()
    })
  })

  describe('tokens bound to a key (RFC 9449)', () => {
    const boundTokens = async (more: Readonly<Record<string, string>> = {}) => {
      const config = await as('bound')
      const pair = await client.randomDPoPKeyPair('ES256', { extractable: true })
      const DPoP = client.getDPoPHandle(config, pair)
      const { parameters, checks } = await requestParts(more)
      const back = await answerOf(newBrowser(), 'alice', client.buildAuthorizationUrl(config, parameters))
      const tokens = await client.authorizationCodeGrant(config, back, checks, undefined, { DPoP })
      const sub = tokens.claims()?.sub ?? assert.fail('no ID token')
      return { config, DPoP, tokens, sub, pair }
    }

    test('open userinfo with a proof, and nothing without it or with another’s', async () => {
      const { config, DPoP, tokens, sub } = await boundTokens()
      assert.equal(tokens.token_type, 'dpop')
      const info = await client.fetchUserInfo(config, tokens.access_token, sub, { DPoP })
      assert.equal(info.email, 'alice@example.org')
      const headers = { authorization: `Bearer ${tokens.access_token}` }
      assert.equal((await fetch(at('/oidc/userinfo'), { headers })).status, 401)
      const other = client.getDPoPHandle(config, await dpopKey())
      await assert.rejects(client.fetchUserInfo(config, tokens.access_token, sub, { DPoP: other }))
    })

    test('as JWTs too (RFC 9068), and introspection names the key', async () => {
      const { config, DPoP, tokens, sub } = await boundTokens({ resource: data, scope: 'openid email read' })
      const { cnf } = decodeJwt(tokens.access_token) as { cnf?: { jkt?: string } }
      assert.ok(cnf?.jkt)
      const info = await client.fetchUserInfo(config, tokens.access_token, sub, { DPoP })
      assert.equal(info.email, 'alice@example.org')
      const headers = { authorization: `Bearer ${tokens.access_token}` }
      assert.equal((await fetch(at('/oidc/userinfo'), { headers })).status, 401)
      const seen = await client.tokenIntrospection(config, tokens.access_token)
      assert.deepEqual([seen.active, seen.cnf, seen.token_type], [true, cnf, 'DPoP'])
    })

    test('no proof, no token, where the client is set so', async () => {
      const config = await as('bound')
      const { parameters, checks } = await requestParts()
      const back = await answerOf(newBrowser(), 'alice', client.buildAuthorizationUrl(config, parameters))
      await assert.rejects(client.authorizationCodeGrant(config, back, checks), { error: 'invalid_grant' })
    })

    test('a refresh asks for the same key of a public client, and binds anew for others', async () => {
      const { config, DPoP, tokens } = await boundTokens()
      const next = await client.refreshTokenGrant(config, tokens.refresh_token ?? '', undefined, { DPoP })
      assert.equal(next.token_type, 'dpop')
      await assert.rejects(client.refreshTokenGrant(config, next.refresh_token ?? ''))
    })

    test('a dialect takes one with its proof: of this request, once', async () => {
      const { config, DPoP, tokens } = await boundTokens({ scope: 'openid probe' })
      const url = at('/probe/api/me')
      const good = await client.fetchProtectedResource(config, tokens.access_token, url, 'GET', undefined, undefined, {
        DPoP,
      })
      assert.equal(good.status, 200, await good.clone().text())
      assert.equal(((await good.json()) as { username: string }).username, 'alice')
      const bearer = { authorization: `Bearer ${tokens.access_token}` }
      assert.equal((await fetch(url, { headers: bearer })).status, 401)
      const stolen: Headers[] = []
      const watched = await as('bound')
      let times = 1
      watched[client.customFetch] = async (target, init) => {
        stolen.push(new Headers(init.headers))
        const answers = await Promise.all(Array.from({ length: times }, () => fetch(target, init as RequestInit)))
        const good = answers.filter(({ status }) => status === 200)
        assert.equal(good.length, 1, 'of those that come at once with one proof, one counts')
        return good[0] ?? assert.fail()
      }
      const askWatched = () =>
        client.fetchProtectedResource(watched, tokens.access_token, url, 'GET', undefined, undefined, { DPoP })
      assert.equal((await askWatched()).status, 200)
      const headers = stolen[0] ?? assert.fail('nothing was sent')
      assert.ok(headers.get('dpop'))
      assert.equal((await fetch(url, { headers })).status, 401)
      assert.equal((await fetch(at('/probe/api/any'), { headers })).status, 401)
      assert.equal((await fetch(url, { headers: { ...bearer, dpop: headers.get('dpop') ?? '' } })).status, 401)
      times = 8
      assert.equal((await askWatched()).status, 200)
    })

    test('a proof that is dated ahead of time counts once, until it can no longer be taken', async () => {
      const { tokens, pair } = await boundTokens({ scope: 'openid probe' })
      const ath = createHash('sha256').update(tokens.access_token).digest('base64url')
      const jwk = await exportJWK(pair.publicKey)
      const ahead = Math.floor(Date.now() / 1000) + 295
      const proofFor = (url: URL) =>
        new SignJWT({ htm: 'GET', htu: url.href, ath, jti: randomUUID() })
          .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk })
          .setIssuedAt(ahead)
          .sign(pair.privateKey)
      const doors = await Promise.all(
        ['/oidc/userinfo', '/probe/api/me'].map(async (path) => ({ url: at(path), dpop: await proofFor(at(path)) })),
      )
      const statuses = () =>
        Promise.all(
          doors.map(async ({ url, dpop }) => {
            const headers = { authorization: `DPoP ${tokens.access_token}`, dpop }
            return (await fetch(url, { headers })).status
          }),
        )
      assert.deepEqual(await statuses(), [200, 200])
      for (const late of [0, 400, 594]) {
        mock.timers.enable({ apis: ['Date'], now: Date.now() + late * 1000 })
        try {
          assert.deepEqual(await statuses(), [401, 401], `${late} seconds later`)
        } finally {
          mock.timers.reset()
        }
      }
    })

    test('a token that is bound to nothing is none with a proof', async () => {
      const web = await party(world.site)
      const { access_token } = await web.signIn(newBrowser(), 'bob', { scope: 'openid probe' })
      const DPoP = client.getDPoPHandle(web.config, await dpopKey())
      const ask = (url: URL) =>
        client.fetchProtectedResource(web.config, access_token, url, 'GET', undefined, undefined, { DPoP })
      for (const path of ['/probe/api/me', '/oidc/userinfo'])
        await assert.rejects(async () => assert.equal((await ask(at(path))).status, 200), path)
      const headers = { authorization: `Bearer ${access_token}` }
      assert.equal((await fetch(at('/probe/api/me'), { headers })).status, 200)
    })
  })

  describe('pairwise ids (OpenID Connect Core §8.1)', () => {
    const subAt = async (id: string, redirect_uri: string, login = 'alice') => {
      const config = await as(id)
      const { parameters, checks } = await requestParts({ redirect_uri })
      const page = await signInAs(newBrowser(), login, client.buildAuthorizationUrl(config, parameters))
      const tokens = await client.authorizationCodeGrant(config, page.url, checks)
      const sub = tokens.claims()?.sub ?? assert.fail('no ID token')
      const info = await client.fetchUserInfo(config, tokens.access_token, sub)
      const seen = await client.tokenIntrospection(config, tokens.access_token)
      assert.deepEqual([info.sub, seen.sub], [sub, sub])
      return sub
    }

    test('differ between hosts and from the account’s own id, agree within a host, and stay', async () => {
      const left = await subAt('left', callback)
      const right = await subAt('right', 'http://localhost:9/callback')
      const also = await subAt('also', `${callback}/also`)
      const own = (await (await party(world.site)).signIn(newBrowser(), 'alice')).claims()?.sub
      assert.equal(new Set([left, right, own]).size, 3)
      assert.equal(also, left)
      assert.notEqual(await subAt('left', callback, 'bob'), left)
      const { salt } = world.site.labgate.rooms.get('pairwise')
      assert.equal(await salt(), await salt())
    })
  })

  describe('answers by form_post', () => {
    test('come as a page that posts itself to the relying party, and may post nowhere else', async () => {
      const web = await party(world.site)
      const { url, redeem } = await web.request({ response_mode: 'form_post' })
      const page = await signInAs(newBrowser(), 'alice', url)
      assert.equal(page.status, 200)
      const [form] = page.forms
      assert.equal(form?.action, callback)
      const csp = page.headers.get('content-security-policy') ?? ''
      assert.match(csp, /form-action 'self' http:\/\/127\.0\.0\.1:9(;|$)/)
      assert.match(csp, /script-src 'nonce-[^']+' 'sha256-[^']+'(;|$)/)
      assert.match(csp, /default-src 'none'/)
      const back = new URL(callback)
      back.search = new URLSearchParams(form?.fields).toString()
      assert.ok((await redeem(back)).claims())
    })

    test('errors too', async () => {
      const web = await party(world.site)
      const { url } = await web.request({ response_mode: 'form_post', prompt: 'none' })
      const page = await newBrowser().open(url)
      assert.equal(page.forms[0]?.fields.error, 'login_required')
      assert.match(page.headers.get('content-security-policy') ?? '', /form-action 'self' http:\/\/127\.0\.0\.1:9(;|$)/)
    })
  })

  describe('the FAPI 2.0 profile', () => {
    test('pushed, signed for, bound to a key, ES256: a whole sign-in', async () => {
      const config = await signing('bank')
      const DPoP = client.getDPoPHandle(config, await dpopKey())
      const { parameters, checks } = await requestParts()
      const url = await client.buildAuthorizationUrlWithPAR(config, parameters, { DPoP })
      const back = await answerOf(newBrowser(), 'alice', url)
      assert.equal(back.searchParams.get('iss'), world.site.issuer)
      const tokens = await client.authorizationCodeGrant(config, back, checks, undefined, { DPoP })
      assert.equal(tokens.token_type, 'dpop')
      assert.equal(JSON.parse(Buffer.from(tokens.id_token?.split('.')[0] ?? '', 'base64url').toString()).alg, 'ES256')
      const next = await client.refreshTokenGrant(config, tokens.refresh_token ?? '', undefined, { DPoP })
      assert.ok(next.access_token)
      assert.equal(next.refresh_token ?? tokens.refresh_token, tokens.refresh_token)
    })

    test('refuses what the profile refuses: no push, no PKCE, no key, RS256, another audience', async () => {
      const config = await signing('bank')
      const { parameters, checks } = await requestParts()
      const open = await newBrowser().open(client.buildAuthorizationUrl(config, parameters))
      assert.equal(open.url.searchParams.get('error'), 'invalid_request')
      const { code_challenge: _, code_challenge_method: __, ...without } = parameters
      await assert.rejects(client.buildAuthorizationUrlWithPAR(config, without), { error: 'invalid_request' })
      const back = await answerOf(newBrowser(), 'alice', await client.buildAuthorizationUrlWithPAR(config, parameters))
      await assert.rejects(client.authorizationCodeGrant(config, back, checks), { error: 'invalid_grant' })
      const both = client.PrivateKeyJwt(key.pair.privateKey, {
        [client.modifyAssertion]: (_header, payload) => {
          payload.aud = [world.site.issuer, String(at('/oidc/token'))]
        },
      })
      const wide = await discoverAs(world.site, 'bank', both)
      await assert.rejects(client.buildAuthorizationUrlWithPAR(wide, parameters), { error: 'invalid_client' })
    })
  })

  test('discovery says what there is', async () => {
    const document = (await (await fetch(at('/.well-known/openid-configuration'))).json()) as Record<string, unknown>
    assert.deepEqual(document.token_endpoint_auth_methods_supported, [
      'client_secret_basic',
      'client_secret_post',
      'private_key_jwt',
      'none',
    ])
    assert.deepEqual(document.subject_types_supported, ['public', 'pairwise'])
    assert.equal(document.request_parameter_supported, true)
    assert.equal(document.request_uri_parameter_supported, false)
    assert.ok((document.dpop_signing_alg_values_supported as string[]).includes('ES256'))
    for (const name of [
      'request_object_signing_alg_values_supported',
      'token_endpoint_auth_signing_alg_values_supported',
    ])
      assert.ok(!(document[name] as string[]).some((alg) => alg === 'none' || alg.startsWith('HS')), name)
    assert.ok(String(document.pushed_authorization_request_endpoint).endsWith('/oidc/par'))
  })
})
