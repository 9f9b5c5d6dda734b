import assert from 'node:assert/strict'
import { after, before, describe, mock, test } from 'node:test'
import * as oauth from 'oauth4webapi'
import * as client from 'openid-client'
import {
  atUpstream,
  leaveUpstream,
  movableClock,
  newBrowser,
  signInAs,
  startWorld,
  textOf,
  titleOf,
  type World,
} from '../support/flow.ts'
import { discoverAs } from '../support/own-party.ts'
import { UserAgent } from '../support/user-agent.ts'

const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code'
const grantTypes = [deviceGrant, 'refresh_token']

describe('the device flow (RFC 8628)', () => {
  const clock = movableClock()
  let world: World
  const at = (path: string) => new URL(path, world.site.issuer)
  before(async () => {
    world = await startWorld({
      options: { replaced: { clock } },
      part: (issuer) => ({
        plugins: { uni: atUpstream(issuer) },
        clients: {
          scope: { name: 'Microscope', public: true, firstParty: true, grantTypes },
          other: { name: 'Somebody’s script', public: true, grantTypes },
          none: {
            name: 'No device',
            public: true,
            grantTypes: ['authorization_code'],
            redirectUris: ['http://127.0.0.1:9/'],
          },
        },
      }),
    })
  })
  after(() => world.close())

  const ask = async (id = 'scope', scope = 'openid profile') => {
    const config = await discoverAs(world.site, id, client.None())
    const answer = await client.initiateDeviceAuthorization(config, { scope })
    return { config, answer, complete: answer.verification_uri_complete ?? '', code: answer.user_code }
  }
  type Asked = Awaited<ReturnType<typeof ask>>
  const poll = async ({ answer }: Asked, id = 'scope') => {
    const body = new URLSearchParams({ client_id: id, grant_type: deviceGrant, device_code: answer.device_code })
    const response = await fetch(at('/oidc/token'), { method: 'POST', body })
    return { status: response.status, body: (await response.json()) as Record<string, unknown> }
  }
  /** Types the code of the page, which is filled in by the address. */
  const confirmPage = async (agent: UserAgent, login: string, asked: Asked) => {
    const page = await signInAs(agent, login, asked.complete)
    assert.equal(titleOf(page), 'Connect a device', textOf(page))
    return agent.press(page, 'Go on')
  }

  test('gives a device tokens of the person who types its code and says yes, and openid-client gets them', async () => {
    const asked = await ask()
    assert.match(asked.code, /^[B-Z]{4}-[B-Z]{4}$/)
    assert.equal(asked.answer.verification_uri, String(at('/oidc/device')))
    const agent = new UserAgent({ headers: { 'user-agent': 'Mozilla/5.0 (X11; Linux) Firefox/130' } })
    const confirm = await confirmPage(agent, 'alice', asked)
    assert.equal(titleOf(confirm), 'Connect this device?')
    for (const said of [/Microscope/, new RegExp(asked.code), /127\.0\.0\.1|::1/, /Alice Liddell/])
      assert.match(textOf(confirm), said)
    assert.equal(titleOf(await agent.press(confirm, 'Yes')), 'The device is connected')
    const tokens = await client.pollDeviceAuthorizationGrant(asked.config, { ...asked.answer, interval: 0.01 })
    assert.equal(tokens.claims()?.name, undefined)
    const info = await client.fetchUserInfo(asked.config, tokens.access_token, tokens.claims()?.sub ?? '')
    assert.equal(info.name, 'Alice Liddell')
    const next = await client.refreshTokenGrant(asked.config, tokens.refresh_token ?? '')
    assert.ok(next.access_token)
    assert.equal((await poll(asked)).body.error, 'invalid_grant')
  })

  test('shows the place of the device that asks, not of the browser that approves', async () => {
    const config = await discoverAs(world.site, 'scope', client.None())
    config[client.customFetch] = (url, init) =>
      fetch(url, { ...(init as RequestInit), headers: { ...init.headers, 'user-agent': 'measuring-rig/2 <b>' } })
    const answer = await client.initiateDeviceAuthorization(config, { scope: 'openid' })
    const page = await confirmPage(newBrowser(), 'bob', {
      config,
      answer,
      complete: answer.verification_uri_complete ?? '',
      code: answer.user_code,
    })
    assert.match(page.text, /measuring-rig\/2 &lt;b&gt;/)
  })

  test('a code is typed in any case, with or without its dash', async () => {
    const asked = await ask()
    const agent = newBrowser()
    const page = await signInAs(agent, 'alice', at('/oidc/device'))
    const form = page.forms.find(({ fields }) => 'user_code' in fields)
    const confirm = await agent.submit(page, form, { user_code: ` ${asked.code.toLowerCase().replace('-', ' ')} ` })
    assert.equal(titleOf(confirm), 'Connect this device?')
  })

  test('of somebody else’s client, what it may see is asked besides', async () => {
    const asked = await ask('other')
    const agent = newBrowser()
    const consent = await agent.press(await confirmPage(agent, 'bob', asked), 'Yes')
    assert.equal(titleOf(consent), 'Allow Somebody’s script?')
    assert.equal((await poll(asked, 'other')).body.error, 'authorization_pending')
    assert.equal(titleOf(await agent.press(consent, 'Allow')), 'The device is connected')
    clock.advance(5)
    assert.equal((await poll(asked, 'other')).status, 200)
  })

  test('a no is told to the device (§3.5)', async () => {
    for (const [id, press] of [
      ['scope', ['No']],
      ['other', ['Yes', 'Do not allow']],
    ] as const) {
      const asked = await ask(id)
      const agent = newBrowser()
      let page = await confirmPage(agent, 'dora', asked)
      for (const button of press) page = await agent.press(page, new RegExp(`^${button}`))
      assert.equal(titleOf(page), 'Nothing was connected')
      assert.equal((await poll(asked, id)).body.error, 'access_denied')
    }
  })

  test('a device that asks too often is told to slow down, one that comes too late that its code is over (§3.5)', async () => {
    const asked = await ask()
    assert.equal((await poll(asked)).body.error, 'authorization_pending')
    assert.equal((await poll(asked)).body.error, 'slow_down')
    clock.advance(5)
    assert.equal((await poll(asked)).body.error, 'authorization_pending')
    const confirm = await confirmPage(newBrowser(), 'alice', asked)
    mock.timers.enable({ apis: ['Date'], now: Date.now() + 601_000 })
    try {
      assert.equal((await poll(asked)).body.error, 'expired_token')
      const late = await newBrowser().open(asked.complete)
      assert.ok(late.status > 0 && confirm.status === 200)
    } finally {
      mock.timers.reset()
    }
  })

  test('only a client that may use it gets a code', async () => {
    const config = await discoverAs(world.site, 'none', client.None())
    await assert.rejects(
      client.initiateDeviceAuthorization(config, { scope: 'openid' }),
      (error: client.ResponseBodyError) => /invalid_request|unauthorized_client/.test(error.error),
    )
  })

  describe('is approved by nobody but who means it (S22)', () => {
    test('a link that somebody sends connects nothing by being opened, signed in or not', async () => {
      const asked = await ask()
      const agent = newBrowser()
      await signInAs(agent, 'alice', at('/account'))
      for (let looks = 0; looks < 3; looks++)
        assert.equal(titleOf(await agent.open(asked.complete)), 'Connect a device')
      assert.equal((await poll(asked)).body.error, 'authorization_pending')
    })

    test('a page of another site posts neither the code nor the yes', async () => {
      const asked = await ask()
      const agent = newBrowser()
      const confirm = await confirmPage(agent, 'alice', asked)
      const yes = confirm.forms.find(({ fields }) => fields.confirm === 'yes')
      const cookie = agent.cookieHeader(at('/oidc/device'))
      const send = (fields: Record<string, string>, headers: Record<string, string>) =>
        fetch(at('/oidc/device'), {
          method: 'POST',
          redirect: 'manual',
          headers: { cookie, accept: 'text/html', ...headers },
          body: new URLSearchParams(fields),
        })
      const cross = { 'sec-fetch-site': 'cross-site', origin: 'http://evil.example' }
      assert.equal((await send({ ...yes?.fields }, cross)).status, 303)
      const guessed = await send({ ...yes?.fields, xsrf: 'f'.repeat(48) }, { 'sec-fetch-site': 'same-origin' })
      assert.equal(guessed.status, 400)
      assert.equal((await poll(asked)).body.error, 'authorization_pending')
    })

    test('the form of one person is worth nothing to the next one at this browser, nor in another browser', async () => {
      const asked = await ask()
      const agent = newBrowser()
      const confirm = await confirmPage(agent, 'alice', asked)
      const other = newBrowser()
      await signInAs(other, 'dora', at('/account'))
      const stolen = await other.press(confirm, 'Yes')
      assert.notEqual(titleOf(stolen), 'The device is connected')
      await agent.press(await agent.open(at('/account')), 'Sign out here')
      leaveUpstream(agent)
      await signInAs(agent, 'bob', at('/account'))
      const late = await agent.press(confirm, 'Yes')
      assert.notEqual(titleOf(late), 'The device is connected')
      assert.equal((await poll(asked)).body.error, 'authorization_pending')
    })

    test('a person who is signed out is asked to sign in first, and sees their own name before the yes', async () => {
      const asked = await ask()
      const agent = newBrowser()
      const confirm = await confirmPage(agent, 'alice', asked)
      await agent.press(await agent.open(at('/account')), 'Sign out here')
      leaveUpstream(agent)
      const chooser = await agent.press(confirm, 'Yes')
      const again = await signInAs(agent, 'bob', chooser)
      assert.equal(titleOf(again), 'Connect a device', textOf(again))
      assert.equal((await poll(asked)).body.error, 'authorization_pending')
    })

    test('codes are not guessed: thirty tries, and then none for a while', async () => {
      const agent = newBrowser()
      let page = await signInAs(agent, 'carol', at('/oidc/device'))
      for (let tries = 0; tries < 30; tries++) {
        page = await agent.press(page, 'Go on', { user_code: 'BBBB-BBBB' })
        assert.match(textOf(page), /no such code/)
      }
      page = await agent.press(page, 'Go on', { user_code: 'BBBB-BBBB' })
      assert.deepEqual([page.status, titleOf(page)], [429, 'Too many codes'])
    })

    test('no other spelling of an address leads around the door', async () => {
      const body = new URLSearchParams({ user_code: 'BBBB-BBBB' })
      for (const path of [
        '/oidc/DEVICE',
        '/oidc/device/',
        '/oidc/Device/AUTH',
        '/oidc/device/Auth',
        '/oidc/device/auth/',
      ])
        for (const init of [{}, { method: 'POST', body }])
          assert.equal((await fetch(at(path), { ...init, redirect: 'manual' })).status, 404, path)
      for (const path of ['/oidc/TOKEN', '/oidc/token/', '/oidc/PAR', '/oidc/Auth', '/oidc/auth/', '/oidc/Register'])
        assert.equal((await fetch(at(path), { method: 'POST', body })).status, 404, path)
    })

    test('a code that was approved once is none for anybody else', async () => {
      const asked = await ask()
      const agent = newBrowser()
      await agent.press(await confirmPage(agent, 'alice', asked), 'Yes')
      assert.match(textOf(await confirmPage(newBrowser(), 'bob', asked)), /no such code/)
    })

    test('of somebody who was shut out meanwhile the device gets nothing', async () => {
      const asked = await ask()
      const agent = newBrowser()
      await agent.press(await confirmPage(agent, 'dora', asked), 'Yes')
      const accounts = world.site.labgate.rooms.get('accounts')
      const { id = '' } = (await accounts.findByUsername('dora')) ?? {}
      await accounts.setState(id, 'deactivated')
      assert.equal((await poll(asked)).body.error, 'invalid_grant')
      await accounts.setState(id, 'active')
    })

    test('the audit trail knows who said yes and who said no', async () => {
      const { audit } = world.site.labgate.rooms.get('storage')
      for (const type of ['device.approved', 'device.declined']) {
        const [line] = await audit.list({ type, limit: 1 })
        assert.ok(line?.account && line.client, type)
      }
    })
  })

  test('a browser that has lost its cookies, or comes from nowhere, begins again', async () => {
    const asked = await ask()
    for (const path of ['/oidc/device/nothing', '/oidc/device/auth'])
      assert.equal((await newBrowser().open(at(path))).status, 200)
    const agent = newBrowser()
    const confirm = await confirmPage(agent, 'alice', asked)
    for (const { name } of agent.cookies) if (name.includes('provider')) agent.forget(name)
    assert.equal(titleOf(await agent.press(confirm, 'Yes')), 'Connect a device')
    assert.equal((await poll(asked)).body.error, 'authorization_pending')
  })

  test('without lasting access, the tokens of a device end with the session that approved it', async () => {
    const asked = await ask()
    const agent = newBrowser()
    await agent.press(await confirmPage(agent, 'alice', asked), 'Yes')
    const { body } = await poll(asked)
    const userinfo = () =>
      fetch(at('/oidc/userinfo'), { headers: { authorization: `Bearer ${String(body.access_token)}` } })
    assert.equal((await userinfo()).status, 200)
    await agent.press(await agent.open(at('/account')), 'Sign out here')
    assert.equal((await userinfo()).status, 401)
  })

  test('oauth4webapi reads what discovery says of it', async () => {
    const issuer = new URL(world.site.issuer)
    const found = await oauth.discoveryRequest(issuer, { [oauth.allowInsecureRequests]: true })
    const server = await oauth.processDiscoveryResponse(issuer, found)
    assert.equal(server.device_authorization_endpoint, String(at('/oidc/device/auth')))
    assert.ok(server.grant_types_supported?.includes(deviceGrant))
  })
})
