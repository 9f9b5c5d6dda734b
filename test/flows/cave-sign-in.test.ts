import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { runInNewContext } from 'node:vm'
import { browser, signInByEmail, startLabgate, type TestLabgate } from '../support/labgate.ts'

const viewers = ['http://viewer.example', 'http://other.example:8080']
const services = ['http://chunks.example']
const house = { kind: 'system', name: 'test' } as const

describe('browsers sign in for CAVE', () => {
  let site: TestLabgate
  before(async () => {
    site = await startLabgate({
      plugins: {
        email: { use: '@labgate/auth-email', config: { mailsPerHour: 100 } },
        cave: { use: '@labgate/authz-cave', config: { viewers, services } },
      },
      datasets: { fanc: { title: 'FANC' } },
    })
  })
  after(() => site?.stop())

  const at = (path: string) => `${site.issuer}/sticky_auth${path}`
  const cache = (token: string) =>
    fetch(`${site.issuer}/auth/api/v1/user/cache`, { headers: { authorization: `Bearer ${token}` } })
  const signedIn = async (email: string) => {
    const agent = browser()
    await signInByEmail(site, agent, { at: `${site.issuer}/account`, email })
    return agent
  }
  const headersOf = (agent: Awaited<ReturnType<typeof signedIn>>) => ({
    cookie: agent.cookies.map(({ name, value }) => `${name}=${value}`).join('; '),
  })

  test('and come back to a registered origin with a token that counts', async () => {
    const page = `${services[0]}/graph?x=1#here`
    const path = at(`/api/v1/authorize?redirect=${encodeURIComponent(page)}`)
    const first = await fetch(path, { redirect: 'manual' })
    assert.equal(first.status, 302)
    const agent = await signedIn('ada@example.org')
    const answer = await fetch(first.headers.get('location') ?? '', { headers: headersOf(agent), redirect: 'manual' })
    assert.equal(answer.status, 302)
    const back = new URL(answer.headers.get('location') ?? '')
    assert.deepEqual([back.origin + back.pathname, back.hash], ['http://chunks.example/graph', '#here'])
    const { x, middle_auth_token: token = '', token: again, middle_auth_url } = Object.fromEntries(back.searchParams)
    assert.deepEqual([x, again, middle_auth_url], ['1', token, `${new URL(site.issuer).host}/sticky_auth`])
    assert.equal(((await (await cache(token)).json()) as { email: string }).email, 'ada@example.org')
    const ttl = await fetch(`${site.issuer}/auth/api/v1/user/token/${token}/ttl`, {
      headers: { authorization: `Bearer ${token}` },
    })
    const seconds = Number(await ttl.json())
    assert.ok(seconds > 604_700 && seconds <= 604_800, `${seconds}`)
  })

  test('but go nowhere else, whatever the address looks like', async () => {
    const agent = await signedIn('ada@example.org')
    const tokensBefore = await site.labgate.rooms.get('tokens').list({ limit: 1000 })
    for (const target of [
      'http://evil.example/',
      'https://chunks.example/',
      'http://chunks.example:81/',
      'http://chunks.example.evil.example/',
      'http://chunks.example@evil.example/',
      'http://user@chunks.example/',
      'javascript:alert(1)',
      '//evil.example',
      '/account',
      `${site.issuer}/account`,
      '',
    ])
      for (const way of ['authorize', 'oauth2callback', 'tos/1/accept']) {
        const url = at(`/api/v1/${way}?redirect=${encodeURIComponent(target)}`)
        const answer = await fetch(url, { headers: headersOf(agent), redirect: 'manual' })
        assert.deepEqual([answer.status, answer.headers.get('location')], [400, null], `${way} ${target}`)
      }
    assert.equal((await site.labgate.rooms.get('tokens').list({ limit: 1000 })).total, tokensBefore.total)
  })

  test('or a message goes to each registered viewer by name, never to everybody', async () => {
    const agent = await signedIn('bea@example.org')
    const answer = await fetch(at('/api/v1/oauth2callback'), { headers: headersOf(agent) })
    const html = await answer.text()
    assert.equal(answer.status, 200)
    const script = /<script>([\s\S]*)<\/script>/.exec(html)?.[1] ?? assert.fail(html)
    const sent: { said: { token: string; app_urls: string[] }; origin: string }[] = []
    const opener = {
      postMessage: (said: never, origin: string) => sent.push({ said: JSON.parse(JSON.stringify(said)), origin }),
    }
    runInNewContext(script, { window: { opener } })
    assert.deepEqual(
      sent.map(({ origin }) => origin),
      viewers,
    )
    assert.deepEqual(sent[0]?.said.app_urls, services)
    assert.equal((await cache(sent[0]?.said.token ?? '')).status, 200)
    assert.match(answer.headers.get('content-security-policy') ?? '', /script-src 'sha256-[^']+'/)
    assert.notEqual(answer.headers.get('cross-origin-opener-policy'), 'same-origin')
  })

  test('a program asks for the address of signing in, and registered origins may read it', async () => {
    const url = at(`/api/v1/authorize?redirect=${encodeURIComponent('http://viewer.example/auth_redirect.html')}`)
    const headers = { 'x-requested-with': 'XMLHttpRequest', origin: 'http://viewer.example' }
    const answer = await fetch(url, { headers, redirect: 'manual' })
    assert.equal(answer.status, 200)
    assert.equal(await answer.text(), url)
    assert.equal(answer.headers.get('access-control-allow-origin'), 'http://viewer.example')
    assert.equal(answer.headers.get('access-control-allow-credentials'), 'true')
    const foreign = await fetch(url, { headers: { ...headers, origin: 'http://evil.example' } })
    assert.equal(foreign.headers.get('access-control-allow-origin'), null)
  })

  test('terms are accepted on the way, and then the way goes on', async () => {
    const { terms, grants } = site.labgate.rooms.get('ledger')
    await terms.add(house, { id: 'fanc-terms', title: 'FANC terms', dataset: 'fanc', markdown: '# Cite us' })
    await grants.add(house, { subject: { kind: 'signed-in' }, dataset: 'fanc', level: 'view' })
    const agent = await signedIn('cleo@example.org')
    const [agreed] = await site.labgate.rooms.get('storage').ledgerRows.termsById(['fanc-terms'])
    const id = agreed?.numericId
    const page = await agent.open(at(`/api/v1/tos/${id}/accept?client=ng`))
    assert.match(page.text, /Cite us/)
    assert.equal(page.url.pathname, '/terms/for/cave')
    const done = await agent.submit(
      page,
      page.forms.findLast(({ action }) => action !== '/language'),
    )
    assert.equal(done.url.pathname, `/sticky_auth/api/v1/tos/${id}/accept`, done.text)
    assert.match(done.text, /const said = "success"/)
    const account = await site.labgate.rooms.get('accounts').findByVerifiedEmail('cleo@example.org')
    const { missingTerms } = (await site.labgate.rooms.get('access').snapshot(account?.id ?? '')).grants[0] ?? {}
    assert.deepEqual(missingTerms, [])
    const unknown = await fetch(at('/api/v1/oauth2callback?tos_id=999'), { headers: headersOf(agent) })
    assert.equal(unknown.status, 404)
  })

  test('create_token asks a browser first, and a program not', async () => {
    const agent = await signedIn('dan@example.org')
    const account = (await site.labgate.rooms.get('accounts').findByVerifiedEmail('dan@example.org'))?.id ?? ''
    const total = async () => (await site.labgate.rooms.get('tokens').list({ account, limit: 10 })).total
    const page = await agent.open(at('/api/v1/create_token'))
    assert.match(page.text, /A token for CAVE/)
    assert.equal(await total(), 0)
    const forged = await fetch(at('/api/v1/create_token'), {
      method: 'POST',
      headers: { ...headersOf(agent), origin: 'http://evil.example', 'sec-fetch-site': 'cross-site' },
    })
    assert.deepEqual([forged.status, await total()], [401, 0])
    const made = await agent.submit(
      page,
      page.forms.findLast(({ action }) => action !== '/language'),
    )
    const value = /lgp_[0-9A-Za-z]{38}/.exec(made.text)?.[0] ?? assert.fail(made.text)
    const headers = { authorization: `Bearer ${value}` }
    const byProgram = await fetch(at('/api/v1/create_token'), { headers })
    assert.equal(byProgram.headers.get('content-type'), 'application/json')
    const second = String(await byProgram.json())
    assert.equal((await cache(second)).status, 200)
    const listed = await fetch(at('/api/v1/user/token'), { headers })
    const list = (await listed.json()) as [Record<string, unknown>]
    assert.deepEqual(Object.keys(list[0]), ['id', 'user_id', 'token', 'description', 'created', 'updated', 'last_used'])
    assert.ok(!JSON.stringify(list).includes(value))
    assert.equal((await fetch(at('/api/v1/refresh_token'), { headers })).status, 400)
    const ends = await fetch(at(`/api/v1/user/token/${list[0].id}`), { method: 'DELETE', headers })
    assert.equal(await ends.json(), 'success')
    const logout = await fetch(at('/api/v1/logout'), { headers })
    assert.deepEqual([logout.status, await logout.text()], [422, "Can't logout an API Key."])
  })

  test('nobody ends, sees or times the token of somebody else', async () => {
    const make = async (email: string) => {
      await signedIn(email)
      const account = (await site.labgate.rooms.get('accounts').findByVerifiedEmail(email))?.id ?? ''
      return site.labgate.rooms.get('tokens').create(house, { account, name: 'mine', scopes: ['cave'] })
    }
    const [mine, other] = [await make('eve@example.org'), await make('fay@example.org')]
    const headers = { authorization: `Bearer ${mine.value}` }
    const ends = await fetch(at(`/api/v1/user/token/${other.token.id}`), { method: 'DELETE', headers })
    assert.equal(ends.status, 404)
    assert.equal((await fetch(at(`/api/v1/user/token/${other.value}/ttl`), { headers })).status, 404)
    assert.equal((await cache(other.value)).status, 200)
  })
})
