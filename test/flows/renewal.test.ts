import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import * as client from 'openid-client'
import { atUpstream, startWorld, type World } from '../support/flow.ts'
import { relyingParty } from '../support/labgate.ts'
import { UserAgent } from '../support/user-agent.ts'

describe('groups of an upstream', () => {
  let world: World
  const clock = { shift: 0, now: () => new Date(Date.now() + clock.shift) }
  before(async () => {
    const config = { scopes: ['openid', 'email', 'groups', 'offline_access'], groups: { claim: 'groups' } }
    world = await startWorld({
      users: [{ sub: 'ada', email: 'ada@uni.example', email_verified: true, groups: ['staff', 'optics'] }],
      part: (upstream) => ({ plugins: { uni: atUpstream(upstream, { config }) } }),
      options: { replaced: { clock } },
    })
  })
  after(() => world.close())

  const signIn = async () => {
    const rp = await relyingParty(world.site.issuer)
    const { url, redeem } = await rp.request({ scope: 'openid groups offline_access', prompt: 'consent' })
    const agent = new UserAgent({ stopAt: ['http://127.0.0.1:9/', world.upstream.issuer] })
    const away = await agent.open(url)
    let page = await agent.open(await world.upstream.signIn(away.url, 'ada'))
    while (page.status !== 0) page = await agent.press(page, 'Allow')
    return { rp, tokens: await redeem(page.url) }
  }
  const groupsNow = async (rp: Awaited<ReturnType<typeof relyingParty>>, token: string, sub: string) =>
    (await client.fetchUserInfo(rp.config, token, sub)).groups

  test('are claims, and are looked at again when a refresh token is used later; an upstream that is down changes nothing', async () => {
    const { rp, tokens } = await signIn()
    const sub = tokens.claims()?.sub ?? assert.fail('no ID token')
    assert.deepEqual(await groupsNow(rp, tokens.access_token, sub), ['uni:optics', 'uni:staff'])

    world.faults.userinfo = (claims) => ({ ...claims, groups: ['staff'] })
    world.faults.idToken = (claims) => ({ ...claims, groups: ['staff'] })
    clock.shift = 20 * 60_000
    const second = await client.refreshTokenGrant(rp.config, tokens.refresh_token ?? assert.fail('no refresh token'))
    assert.deepEqual(await groupsNow(rp, second.access_token, sub), ['uni:staff'])

    world.faults.fail = { token: '500', discovery: '500', userinfo: '500' }
    clock.shift = 50 * 60_000
    const third = await client.refreshTokenGrant(rp.config, second.refresh_token ?? assert.fail('no refresh token'))
    assert.deepEqual(await groupsNow(rp, third.access_token, sub), ['uni:staff'])
  })
})
