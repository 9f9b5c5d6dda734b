import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import * as client from 'openid-client'
import { atUpstream, startWorld, type World } from '../support/flow.ts'
import { relyingParty } from '../support/labgate.ts'
import { UserAgent } from '../support/user-agent.ts'

const house = { kind: 'system', name: 'test' } as const
const longName = 'x'.repeat(201)

describe('a group that an upstream speaks of', () => {
  let world: World
  const clock = { shift: 0, now: () => new Date(Date.now() + clock.shift) }
  const room = () => world.site.labgate.rooms.get
  before(async () => {
    const config = { scopes: ['openid', 'email', 'groups', 'offline_access'], groups: { claim: 'groups' } }
    const mapped = { 'Optics Lab': 'optics', made: 'made-here' }
    world = await startWorld({
      users: [
        {
          sub: 'eve',
          email: 'eve@uni.example',
          email_verified: true,
          groups: ['sc', 'admins', 'uni:sc', '__proto__', 'constructor', 'Optics Lab', 'a\nb', longName],
        },
        { sub: 'ada', email: 'ada@uni.example', email_verified: true, groups: ['Optics Lab', 'made'] },
      ],
      part: (upstream) => ({ plugins: { uni: atUpstream(upstream, { config, groups: mapped }) } }),
      options: { replaced: { clock } },
    })
    for (const slug of ['sc', 'admins', 'optics']) await room()('groups').create(house, { slug, title: `Our ${slug}` })
  })
  after(() => world.close())

  const signIn = async (login: string) => {
    const rp = await relyingParty(world.site.issuer)
    const { url, redeem } = await rp.request({ scope: 'openid groups offline_access', prompt: 'consent' })
    const agent = new UserAgent({ stopAt: ['http://127.0.0.1:9/', world.upstream.issuer] })
    const away = await agent.open(url)
    let page = await agent.open(await world.upstream.signIn(away.url, login))
    while (page.status !== 0) page = await agent.press(page, 'Allow')
    const tokens = await redeem(page.url)
    const sub = tokens.claims()?.sub ?? assert.fail('no ID token')
    return { rp, tokens, sub, info: await client.fetchUserInfo(rp.config, tokens.access_token, sub) }
  }
  const membersOf = async (slug: string) => (await room()('groups').members(slug, { limit: 10 })).rows

  test('puts nobody into one of ours, whatever its name; unusable names are left out', async () => {
    const { sub, info } = await signIn('eve')
    assert.deepEqual(info.groups, ['optics', 'uni:__proto__', 'uni:admins', 'uni:constructor', 'uni:sc', 'uni:uni:sc'])
    assert.deepEqual([await membersOf('sc'), await membersOf('admins')], [[], []])
    const member = (await membersOf('uni:sc')).find(({ account }) => account.id === sub)
    assert.deepEqual(member?.sources, ['uni'])
    const group = await room()('groups').find('uni:sc')
    assert.deepEqual([group?.title, group?.source], ['sc', 'uni'])
  })

  test('is one of ours where the config says so: ours keeps its source, a missing one is made', async () => {
    const { sub, info } = await signIn('ada')
    assert.deepEqual(info.groups, ['made-here', 'optics'])
    const [optics, made] = [await room()('groups').find('optics'), await room()('groups').find('made-here')]
    assert.deepEqual([optics?.source, optics?.title, made?.source], ['database', 'Our optics', 'uni'])
    const member = (await membersOf('optics')).find(({ account }) => account.id === sub)
    assert.deepEqual(member?.sources, ['uni'], 'its word, not an admin’s: it never makes a steering committee')
  })

  test('is mapped when a refresh looks again as well, and an account’s revision grows with it', async () => {
    const { rp, tokens, sub } = await signIn('ada')
    const revision = async () => (await room()('storage').accountRows.find(sub))?.revision ?? 0
    const before = await revision()
    world.faults.userinfo = (claims) => ({ ...claims, groups: ['Optics Lab', 'sc'] })
    world.faults.idToken = (claims) => ({ ...claims, groups: ['Optics Lab', 'sc'] })
    clock.shift = 20 * 60_000
    const later = await client.refreshTokenGrant(rp.config, tokens.refresh_token ?? assert.fail('no refresh token'))
    const info = await client.fetchUserInfo(rp.config, later.access_token, sub)
    assert.deepEqual(info.groups, ['optics', 'uni:sc'])
    assert.ok((await revision()) > before)
  })

  test('cannot be changed by hand', async () => {
    const groups = room()('groups')
    const { sub } = await signIn('ada')
    const refused = { code: 'ERR_CONFLICT' }
    await assert.rejects(groups.change(house, 'uni:sc', { title: 'Mine' }), refused)
    await assert.rejects(groups.remove(house, 'uni:sc'), refused)
    await assert.rejects(groups.addMember(house, 'uni:sc', sub), refused)
    await assert.rejects(groups.setManager(house, 'uni:sc', { account: sub, is: 'manager' }), refused)
    await assert.rejects(groups.removeMember(house, 'optics', sub), refused, 'the upstream says so')
  })
})
