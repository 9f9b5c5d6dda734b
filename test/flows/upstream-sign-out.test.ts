import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import * as client from 'openid-client'
import { atUpstream, hasButton, movableClock, startWorld, textOf, type World } from '../support/flow.ts'
import { relyingParty } from '../support/labgate.ts'
import { type Page, UserAgent } from '../support/user-agent.ts'

describe('leaving, as far as the upstream is concerned', () => {
  let world: World
  const clock = movableClock()
  before(async () => {
    const scopes = ['openid', 'email', 'groups', 'offline_access']
    const config = { scopes, groups: { claim: 'groups' }, logout: true, prompt: 'consent' }
    world = await startWorld({
      users: [{ sub: 'alice', email: 'alice@example.org', email_verified: true, groups: ['staff'] }],
      part: (upstream) => ({
        plugins: { uni: atUpstream(upstream, { config }), email: { use: '@labgate/auth-email' } },
      }),
      options: { replaced: { clock } },
    })
  })
  after(() => world.close())

  const revocations = () => world.upstream.requests.filter((line) => line === 'POST /token/revocation').length
  const newBrowser = () => new UserAgent({ stopAt: ['http://127.0.0.1:9/', world.upstream.issuer] })

  /** From the chooser through the upstream, and back to wherever it leads. */
  async function throughUpstream(agent: UserAgent, at: string | URL): Promise<Page> {
    const chooser = await agent.open(at)
    const away = hasButton(chooser, 'University') ? await agent.press(chooser, 'University') : chooser
    return agent.open(await world.upstream.signIn(away.url, 'alice'))
  }

  async function withTokens(agent: UserAgent) {
    const rp = await relyingParty(world.site.issuer)
    const { url, redeem } = await rp.request({ scope: 'openid groups offline_access', prompt: 'consent' })
    let page = await throughUpstream(agent, url)
    while (page.status !== 0) page = await agent.press(page, 'Allow')
    return { rp, tokens: await redeem(page.url) }
  }

  test('a sign-out offers the way to sign out there, and leaves the groups of other browsers alone', async () => {
    const [here, there] = [newBrowser(), newBrowser()]
    const { rp, tokens } = await withTokens(there)
    const account = await throughUpstream(here, `${world.site.issuer}/account`)
    const before = revocations()
    const left = await here.press(account, 'Sign out here')
    const href = /href="([^"]*\/session\/end[^"]*)"/.exec(left.text)?.[1]?.replaceAll('&amp;', '&')
    assert.ok(href, textOf(left))
    const end = new URL(href)
    assert.equal(end.origin, world.upstream.issuer)
    assert.ok(end.searchParams.get('id_token_hint'))
    assert.equal(end.searchParams.get('post_logout_redirect_uri'), `${world.site.issuer}/`)
    assert.equal(revocations(), before)

    clock.advance(20 * 60)
    const later = await client.refreshTokenGrant(rp.config, tokens.refresh_token ?? '')
    const sub = tokens.claims()?.sub ?? ''
    assert.deepEqual((await client.fetchUserInfo(rp.config, later.access_token, sub)).groups, ['uni:staff'])
  })

  test('a sign-out everywhere ends the tokens that are held there', async () => {
    const agent = newBrowser()
    const account = await throughUpstream(agent, `${world.site.issuer}/account`)
    const before = revocations()
    const left = await agent.press(account, 'Sign out everywhere')
    assert.equal(left.status, 200)
    assert.equal(revocations(), before + 1)
    assert.match(left.text, /\/session\/end/)
  })

  test('removing the way to sign in ends them, too, and an upstream that is down does not keep it', async () => {
    const agent = newBrowser()
    let account = await throughUpstream(agent, `${world.site.issuer}/account`)
    const before = revocations()
    const asked = await agent.press(account, /e-mail/i)
    const code = await agent.submit(
      asked,
      asked.forms.find(({ fields }) => 'email' in fields),
      {
        email: 'alice@example.org',
      },
    )
    const mail = await world.site.mail('alice@example.org')
    account = await agent.submit(
      code,
      code.forms.find(({ fields }) => 'code' in fields),
      { code: mail.code },
    )
    world.faults.fail = { revocation: '500' }
    const identities = world.site.labgate.rooms.get('identities')
    const forms = account.forms.filter(({ action }) => action.endsWith('/unlink'))
    assert.equal(forms.length, 2, textOf(account))
    const owner = await world.site.labgate.rooms.get('accounts').findByVerifiedEmail('alice@example.org')
    const uni = (await identities.list(owner?.id ?? '')).find(({ instance }) => instance === 'uni')
    const page = await agent.submit(
      account,
      forms.find(({ action }) => action.includes(uni?.id ?? 'none')),
    )
    assert.equal(page.status, 200)
    assert.equal((await identities.list(owner?.id ?? '')).length, 1)
    assert.equal(revocations(), before + 1)
  })
})
