import assert from 'node:assert/strict'
import { request } from 'node:http'
import { after, before, describe, test } from 'node:test'
import { cookieNames } from '../../../core/http/cookies.ts'
import { browser, freePort, signInByEmail, startLabgate } from '../../support/labgate.ts'
import { type CaveWorld, startCave } from './world.ts'

const house = { kind: 'system', name: 'test' } as const
const viewer = 'http://viewer.example'
const service = 'http://chunks.example'

describe('a browser at the API of CAVE', () => {
  let cave: CaveWorld
  const room = () => cave.site.labgate.rooms.get
  const issuer = () => cave.site.issuer
  const open = (path: string, headers: Readonly<Record<string, string>> = {}, more: RequestInit = {}) =>
    fetch(`${issuer()}${path}`, { redirect: 'manual', headers, ...more })
  const authorize = (redirect: string) => `${issuer()}/sticky_auth/api/v1/authorize?redirect=${redirect}`
  const session = (agent: ReturnType<typeof browser>) => {
    const { session: name } = cookieNames(issuer())
    return `${name}=${agent.cookies.find((one) => one.name === name)?.value}`
  }
  const signedIn = async (name: string) => {
    const agent = browser()
    await signInByEmail(cave.site, agent, { at: `${issuer()}/account`, email: `${name}@lab.example` })
    return { agent, cookie: session(agent) }
  }
  const tokensOf = async (name: string) => {
    const account = (await room()('accounts').findByVerifiedEmail(`${name}@lab.example`))?.id ?? ''
    return (await room()('tokens').list({ account, limit: 100, state: 'active' })).rows
  }

  before(async () => {
    cave = await startCave({ viewers: [viewer], services: [service] }, { datasets: { fanc: { title: 'FANC' } } })
    await cave.person('ada')
    const { terms, grants } = room()('ledger')
    await terms.add(house, { id: 'fanc-terms', title: 'FANC terms', dataset: 'fanc', markdown: '# Cite us' })
    await grants.add(house, { subject: { kind: 'signed-in' }, dataset: 'fanc', level: 'view' })
  })
  after(() => cave?.site.stop())

  test('comes back to the page alone where its query is too long to be carried along', async () => {
    const path = '/auth/api/v1/user/cache'
    const answer = await open(`${path}?a=${'%61'.repeat(3000)}`, {})
    const quoted = `${issuer()}${path}`.replace('http:', 'http%3A').replace(/:(\d+)/, '%3A$1')
    assert.deepEqual([answer.status, answer.headers.get('location')], [302, authorize(quoted)])
  })

  test('is sent to sign in where a program hears that a token is missing', async () => {
    const here = `${issuer()}/auth/api/v1/user/cache?a=b%20c&d=(e)!`
    const quoted = here.replace('http:', 'http%3A').replace(/:(\d+)/, '%3A$1')
    const wanted = authorize(
      quoted
        .replace('?', '%3F')
        .replace('=', '%3D')
        .replace('%20', '%2520')
        .replace('&', '%26')
        .replace('=(e)!', '%3D%28e%29%21'),
    )
    const path = '/auth/api/v1/user/cache?a=b%20c&d=(e)!'
    for (const headers of [{}, { cookie: 'middle_auth_token=nothing' }, { accept: 'text/html' }]) {
      const answer = await open(path, headers)
      assert.deepEqual([answer.status, answer.headers.get('location')], [302, wanted])
    }
    for (const [name, value] of [
      ['x-requested-with', 'XMLHttpRequest'],
      ['origin', 'https://somewhere.example'],
      ['authorization', 'Bearer nothing'],
    ] as const) {
      const answer = await open(path, { [name]: value })
      assert.equal(answer.status, 401, name)
      assert.equal(answer.headers.get('content-type'), 'application/json')
    }
    assert.equal((await open(path, {}, { method: 'HEAD' })).status, 401)
    assert.equal((await open('/auth/api/v1/user/token', {}, { method: 'POST' })).status, 401)
    for (const blind of ['refresh_token', 'redis', 'group'])
      assert.equal(
        (await open(`/auth/api/v1/${blind}`)).status,
        401,
        `${blind} reads no cookie: it would go in circles`,
      )
  })

  test('comes back to the same address with the token in a cookie of the API alone', async () => {
    const { agent } = await signedIn('bea')
    const page = await agent.open(`${issuer()}/auth/api/v1/user/cache?x=1`)
    assert.equal(page.url.pathname + page.url.search, '/auth/api/v1/user/cache?x=1')
    assert.equal((JSON.parse(page.text) as { email: string }).email, 'bea@lab.example')
    const [first, ...rest] = await tokensOf('bea')
    assert.deepEqual([rest.length, first?.scopes], [0, ['cave']])
    const again = await agent.open(`${issuer()}/sticky_auth/api/v1/user/me`)
    assert.equal((JSON.parse(again.text) as { name: string }).name, 'bea')
    assert.equal((await tokensOf('bea')).length, 1, 'the cookie is read')
  })

  test('is not led to any other address of this house', async () => {
    const { cookie } = await signedIn('bea')
    const before = (await tokensOf('bea')).length
    for (const path of [
      ...['/', '/account', '/console', '/auth', '/auth/api/v1/authorize', '/sticky_auth/api/v1/authorize'],
      ...['/sticky_auth/api/v1/oauth2callback', '/auth/api/v1/refresh_token', '/auth/api/v1/user/cache/more'],
      ...['/auth/api/v1/logout', '/auth/api/v1/create_token', '/auth/api/v1/../../../account'],
    ]) {
      const url = `/sticky_auth/api/v1/oauth2callback?redirect=${encodeURIComponent(issuer() + path)}`
      assert.equal((await open(url, { cookie })).status, 400, path)
    }
    assert.equal((await tokensOf('bea')).length, before)
  })

  test('loses the token from its address, and keeps it in a cookie that no script reads', async () => {
    const token = cave.tokens['ada cave'] ?? ''
    const path = '/auth/api/v1/user/cache'
    const answer = await open(`${path}?middle_auth_token=${token}&x=1&token=${token}&dsg_token=y`)
    assert.equal(answer.status, 302)
    assert.equal(answer.headers.get('location'), `${issuer()}${path}?x=1`)
    assert.equal(answer.headers.get('referrer-policy'), 'no-referrer')
    const cookies = answer.headers.getSetCookie()
    assert.deepEqual(cookies.map((one) => one.toLowerCase()).toSorted(), [
      `middle_auth_token=${token}; path=/auth; samesite=lax; httponly`.toLowerCase(),
      `middle_auth_token=${token}; path=/sticky_auth; samesite=lax; httponly`.toLowerCase(),
    ])
    const beside = await open(`${path}?middle_auth_token=unlooked-at`, { cookie: `middle_auth_token=${token}` })
    assert.deepEqual([beside.status, beside.headers.getSetCookie()], [302, []], 'the cookie counted')
    const unknown = await open(`${path}?middle_auth_token=nothing&x=1`)
    assert.deepEqual([unknown.status, unknown.headers.getSetCookie()], [302, []])
    assert.ok(!unknown.headers.get('location')?.includes('nothing'))
    const program = await open(`${path}?middle_auth_token=${token}`, { 'x-requested-with': 'x' })
    assert.equal(program.status, 200)
  })

  test('is given cookies for https alone where the house has it', async () => {
    const port = await freePort()
    const config = { prefix: '/a', stickyPrefix: '/a' }
    const plugins = { email: { use: '@labgate/auth-email' }, cave: { use: '@labgate/authz-cave', config } }
    const site = await startLabgate({ issuer: 'https://lab.example', proxies: ['127.0.0.1'], plugins }, { port })
    try {
      const { get } = site.labgate.rooms
      const id = await get('storage').transaction((em) =>
        get('accounts').createIn(em, { facts: [], state: 'active', role: 'user' }),
      )
      const { value } = await get('tokens').create(house, { account: id, name: 'x', scopes: ['cave'] })
      const cookies = await new Promise((done, fail) => {
        const headers = { host: 'lab.example', 'x-forwarded-proto': 'https', 'x-forwarded-for': '10.0.0.1' }
        const path = `/a/api/v1/user/cache?middle_auth_token=${value}`
        request({ host: '127.0.0.1', port, path, headers }, (answer) => {
          answer.resume()
          done(answer.headers['set-cookie'])
        })
          .on('error', fail)
          .end()
      })
      assert.deepEqual(cookies, [`middle_auth_token=${value}; path=/a; samesite=lax; secure; httponly`])
    } finally {
      await site.stop()
    }
  })

  test('gets the cookie at the end of a sign-in for a service, too, and loses it when it signs out', async () => {
    const { agent, cookie } = await signedIn('cleo')
    const answer = await open(`/sticky_auth/api/v1/oauth2callback?redirect=${encodeURIComponent(`${service}/x`)}`, {
      cookie,
    })
    assert.equal(answer.status, 302)
    const token = new URL(answer.headers.get('location') ?? '').searchParams.get('middle_auth_token')
    assert.ok(answer.headers.getSetCookie().every((one) => one.startsWith(`middle_auth_token=${token};`)))
    assert.equal(answer.headers.getSetCookie().length, 2)
    const asked = await agent.open(`${issuer()}/sticky_auth/api/v1/logout`)
    assert.equal((await tokensOf('cleo')).length, 1, 'a GET only asks')
    const done = await agent.submit(
      asked,
      asked.forms.findLast(({ action }) => action !== '/language'),
    )
    assert.match(done.text, /Signed out of CAVE/)
    assert.equal((await tokensOf('cleo')).length, 0)
    assert.ok(agent.cookies.every(({ name, value }) => name !== 'middle_auth_token' || value === ''))
  })

  test('a form of another page leads to the terms and accepts nothing', async () => {
    const id = (await room()('storage').ledgerRows.termsById(['fanc-terms']))[0]?.numericId
    const { agent, cookie } = await signedIn('dan')
    const form = (body: string, query = '') =>
      open(
        `/sticky_auth/api/v1/authorize${query}`,
        { cookie, 'content-type': 'application/x-www-form-urlencoded', origin: viewer, 'sec-fetch-site': 'cross-site' },
        { method: 'POST', body },
      )
    const answer = await form(`tos_agree=true&tos_id=${id}`)
    assert.equal(answer.status, 302)
    assert.equal(answer.headers.get('location'), `${issuer()}/sticky_auth/api/v1/oauth2callback?tos_id=${id}`)
    const both = await form(`tos_agree=true&tos_id=999&redirect=${service}`, `?tos_id=${id}`)
    assert.equal(both.headers.get('location'), `${issuer()}/sticky_auth/api/v1/oauth2callback?tos_id=${id}`)
    const away = await form('tos_agree=true', '?redirect=https://evil.example/')
    assert.deepEqual([away.status, away.headers.get('location')], [400, null])
    const owes = async () => {
      const account = (await room()('accounts').findByVerifiedEmail('dan@lab.example'))?.id ?? ''
      return (await room()('access').snapshot(account)).grants.flatMap(({ missingTerms }) => missingTerms)
    }
    assert.deepEqual(await owes(), ['fanc-terms'])
    const accept = `/sticky_auth/api/v1/tos/${id}/accept`
    const seen = await agent.open(answer.headers.get('location') ?? '')
    assert.match(seen.text, /Cite us/)
    assert.deepEqual(await owes(), ['fanc-terms'])
    for (const headers of [
      { cookie, origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' },
      { cookie, origin: viewer, 'sec-fetch-site': 'cross-site' },
    ])
      assert.equal((await open(accept, headers, { method: 'POST', body: 'tos_agree=true' })).status, 403)
    const own = await open(accept, { cookie, origin: issuer() }, { method: 'POST', body: 'tos_agree=true' })
    assert.deepEqual([own.status, own.headers.get('location')], [303, accept], 'our own page asks')
    assert.deepEqual(await owes(), ['fanc-terms'])
  })

  test('ends where terms were asked for: a message, a redirect, or a page and no token', async () => {
    const id = (await room()('storage').ledgerRows.termsById(['fanc-terms']))[0]?.numericId
    const { agent, cookie } = await signedIn('eve')
    const accept = `/sticky_auth/api/v1/tos/${id}/accept`
    const page = await agent.open(`${issuer()}${accept}`)
    assert.match(page.text, /Cite us/)
    const done = await agent.submit(
      page,
      page.forms.findLast(({ action }) => action !== '/language'),
    )
    assert.match(done.text, /You have accepted these terms of use/)
    assert.deepEqual(await tokensOf('eve'), [])
    const said = await (await open(`${accept}?client=ng`, { cookie })).text()
    assert.match(said, /const said = "success"/)
    assert.match(said, new RegExp(`\\["${viewer}"\\]`))
    assert.ok(!said.includes('"*"'))
    assert.deepEqual(await tokensOf('eve'), [])
    const back = await open(`${accept}?redirect=${encodeURIComponent(`${service}/y`)}`, { cookie })
    assert.ok(back.headers.get('location')?.startsWith(`${service}/y?middle_auth_token=lgp_`))
    const evil = await open(`${accept}?redirect=${encodeURIComponent('https://evil.example/y')}`, { cookie })
    assert.deepEqual([evil.status, evil.headers.get('location')], [400, null])
    for (const unknown of ['999', 'x', '-1', String(cave.numbers.ada)]) {
      const answer = await open(`/sticky_auth/api/v1/tos/${unknown}/accept`, { cookie })
      assert.deepEqual([answer.status, await answer.text()], [404, 'Terms of Service does not exist'])
    }
  })

  test('is led to pages of the house where middle_auth has its own', async () => {
    const { cookie } = await signedIn('bea')
    for (const [path, target] of [
      ['/sticky_auth/settings/tokens', '/account/tokens'],
      ['/sticky_auth/settings/username', '/account'],
      ['/sticky_auth/api/v1/register/choose_username', '/account'],
      ['/sticky_auth/admin/', '/console'],
    ] as const) {
      const answer = await open(path, { cookie })
      assert.deepEqual([answer.status, answer.headers.get('location')], [302, `${issuer()}${target}`], path)
      assert.ok((await open(path)).headers.get('location'), 'without a session: to sign in')
    }
  })
})
