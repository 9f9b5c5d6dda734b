import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, type JWK, jwtVerify, SignJWT } from 'jose'
import * as client from 'openid-client'
import { ArtifactEntity } from '../../core/storage/entities.ts'
import { movableClock, type Party, party } from '../support/flow.ts'
import { browser, relyingParty, signInByEmail, startLabgate, type TestLabgate } from '../support/labgate.ts'

const resource = 'https://data.example.org'

describe('JWT access tokens (RFC 9068)', () => {
  let site: TestLabgate
  const clock = movableClock()
  before(async () => {
    const resources = { [resource]: { scopes: ['openid', 'email', 'read'], format: 'jwt', life: '1h' } }
    site = await startLabgate({ resources }, { replaced: { clock } })
  })
  after(() => site.stop())

  const signIn = async (email: string) => {
    const rp = await relyingParty(site.issuer)
    const { url, redeem } = await rp.request({ resource, scope: 'openid email read' })
    const page = await signInByEmail(site, browser(), { at: url, email })
    const tokens = await redeem(page.url)
    return { rp, tokens, sub: tokens.claims()?.sub ?? assert.fail('no ID token') }
  }

  test('a resource server verifies one offline, and it lives ten minutes at most', async () => {
    const { tokens, sub } = await signIn('jwt-1@example.org')
    const keys = createRemoteJWKSet(new URL('/oidc/jwks', site.issuer))
    const { payload } = await jwtVerify(tokens.access_token, keys, {
      issuer: site.issuer,
      audience: resource,
      typ: 'at+jwt',
    })
    assert.equal(payload.sub, sub)
    assert.equal((payload.exp ?? 0) - (payload.iat ?? 0), 600)
  })

  test('our own userinfo, introspection and revocation answer for it', async () => {
    const { rp, tokens, sub } = await signIn('jwt-2@example.org')
    const info = await client.fetchUserInfo(rp.config, tokens.access_token, sub)
    assert.equal(info.email, 'jwt-2@example.org')
    const before = await client.tokenIntrospection(rp.config, tokens.access_token)
    assert.equal(before.active, true)
    assert.equal(before.sub, sub)
    await client.tokenRevocation(rp.config, tokens.access_token)
    assert.equal((await client.tokenIntrospection(rp.config, tokens.access_token)).active, false)
    await assert.rejects(client.fetchUserInfo(rp.config, tokens.access_token, sub))
  })

  describe('of a client itself', () => {
    type Asker = Pick<Party, 'config'>
    const grant = async ({ config }: Asker) =>
      (await client.clientCredentialsGrant(config, { resource, scope: 'read' })).access_token
    const isActive = async ({ config }: Asker, token: string) => (await client.tokenIntrospection(config, token)).active
    const rows = () => site.labgate.rooms.get('storage').em().count(ArtifactEntity)
    const join = async () => {
      const { web: settings } = site.labgate.rooms.get('config').clients
      const { secret } = await site.labgate.rooms.get('clients').save('machine', settings ?? assert.fail())
      return party(site, { id: 'machine', secret })
    }

    test('nothing is stored of it, and introspection knows it until it is revoked', async () => {
      const rp = await relyingParty(site.issuer)
      const before = await rows()
      const token = await grant(rp)
      assert.equal(await rows(), before)
      const { active, client_id: id, scope, aud } = await client.tokenIntrospection(rp.config, token)
      assert.deepEqual([active, id, scope, aud], [true, 'web', 'read', undefined])
      await client.tokenRevocation(rp.config, token)
      assert.equal(await isActive(rp, token), false)
      assert.equal(await isActive(rp, await grant(rp)), true)
    })

    test('it is over when its client is removed, also for one that takes the name again', async () => {
      const before = await join()
      const token = await grant(before)
      const web = await relyingParty(site.issuer)
      assert.deepEqual([await isActive(before, token), await isActive(web, token)], [true, true])
      await site.labgate.rooms.get('clients').remove('machine')
      assert.equal(await isActive(web, token), false)
      const again = await join()
      assert.equal(await isActive(again, token), false)
      assert.equal(await isActive(again, await grant(again)), true)
      await site.labgate.rooms.get('clients').remove('machine')
    })

    test('a name that somebody made up is no token, whatever signs it is of', async () => {
      const rp = await relyingParty(site.issuer)
      for (const proof of ['a', 'ä', '😀']) {
        const name = `e30~${proof.repeat(43)}`
        assert.equal(await isActive(rp, name), false)
        await client.tokenRevocation(rp.config, name)
      }
    })

    test('what a stolen signing key makes is none', async () => {
      const rp = await relyingParty(site.issuer)
      const token = await grant(rp)
      const { kid, alg } = decodeProtectedHeader(token)
      const jwk = (await site.labgate.rooms.get('keys').load()).keys.find((key) => key.kid === kid) ?? assert.fail()
      const sign = async (claims: object) =>
        new SignJWT({ ...claims })
          .setProtectedHeader({ typ: 'at+jwt', alg: alg ?? '', kid: kid ?? '' })
          .sign(jwk as JWK)
      const claims = decodeJwt(token)
      assert.equal(await isActive(rp, await sign(claims)), true)
      for (const change of [{ scope: 'read write' }, { exp: (claims.exp ?? 0) + 60 }, { client_id: 'third' }])
        assert.equal(await isActive(rp, await sign({ ...claims, ...change })), false)
      const [jti = '', proof = ''] = claims.jti?.split('.') ?? []
      for (const other of [jti, `${jti}.`, `x${jti}.${proof}`, `${jti}.${proof}.`])
        assert.equal(await isActive(rp, await sign({ ...claims, jti: other })), false)
    })
  })

  test('our endpoints answer for it as long as it lives', async () => {
    const { rp, tokens } = await signIn('jwt-6@example.org')
    const own = await client.clientCredentialsGrant(rp.config, { resource, scope: 'read' })
    const answers = async () => {
      const all = [tokens, own].map(({ access_token }) => client.tokenIntrospection(rp.config, access_token))
      return Promise.all(all)
    }
    const [first] = await answers()
    assert.equal((first?.exp ?? 0) - (first?.iat ?? 0), 600)
    clock.advance(590)
    assert.deepEqual(
      (await answers()).map(({ active }) => active),
      [true, true],
    )
    clock.advance(20)
    assert.deepEqual(
      (await answers()).map(({ active }) => active),
      [false, false],
    )
  })

  test('its jti opens nothing, and a changed or foreign JWT is no token', async () => {
    const { rp, tokens } = await signIn('jwt-3@example.org')
    const [head = '', body = '', signature = ''] = tokens.access_token.split('.')
    const claims = JSON.parse(Buffer.from(body, 'base64url').toString()) as { jti: string }
    const altered = Buffer.from(JSON.stringify({ ...claims, sub: 'someone-else' })).toString('base64url')
    for (const token of [claims.jti, `${head}.${altered}.${signature}`]) {
      const answer = await fetch(new URL('/oidc/userinfo', site.issuer), {
        headers: { authorization: `Bearer ${token}` },
      })
      assert.equal(answer.status, 401)
    }
    assert.equal((await client.tokenIntrospection(rp.config, claims.jti)).active, false)
  })

  test('a deactivated account has no use of it at our endpoints', async () => {
    const { rp, tokens, sub } = await signIn('jwt-4@example.org')
    await site.labgate.rooms.get('accounts').setState(sub, 'deactivated')
    await assert.rejects(client.fetchUserInfo(rp.config, tokens.access_token, sub))
    assert.equal((await client.tokenIntrospection(rp.config, tokens.access_token)).active, false)
  })

  test('a resource that nobody configured is refused (RFC 8707 §2)', async () => {
    const rp = await relyingParty(site.issuer)
    const { url } = await rp.request({ resource: 'https://other.example.org' })
    const page = await signInByEmail(site, browser(), { at: url, email: 'jwt-5@example.org' }).catch(
      (error: Error) => error,
    )
    const back = page instanceof Error ? await browser().open(url) : page
    assert.equal(back.url.searchParams.get('error'), 'invalid_target')
  })
})
