import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { hasButton, movableClock, type Party, party, signInAs, startWorld, type World } from '../support/flow.ts'
import { callback, testClients } from '../support/labgate.ts'
import { countOf, partiesOf, sameHeaders } from '../support/two-ways.ts'
import { UserAgent } from '../support/user-agent.ts'

const resource = 'https://tables.example.org'
const clients = {
  ...testClients,
  pair: { ...testClients.web, subjectType: 'pairwise' },
  told: { ...testClients.web, backchannelLogoutUri: 'http://127.0.0.1:9/gone' },
  narrow: { ...testClients.web, scopes: ['openid', 'email'] },
  bare: { ...testClients.web, pkce: false },
  data: { ...testClients.web, resource },
  pushed: { ...testClients.web, par: true },
  app: { ...testClients.web, redirectUris: [callback, 'org.example.app:/callback'] },
}
type Form = Readonly<Record<string, string>>

const ours = { provider: 'labgate_provider', interaction: 'labgate_interaction', resume: 'labgate_resume' }

const minutesTo = (date: string) => Math.max(0, Math.round((Date.parse(date) - Date.now()) / 6e4))

/** Without names and codes that were made anew; ends of cookies and rows in minutes from now. */
const plain = (text: string) =>
  text
    .replaceAll(/[\w~-]{27,}|(?<=Reference<\/dt><dd><code>)\w+/g, '#')
    .replaceAll(/expires=([^;]+ GMT)/g, (_, date: string) => `expires=${minutesTo(date)}`)
    .replaceAll(/\b1\d{9}\b/g, '0')

interface Seen {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly cookies: readonly string[]
  readonly text: string
  readonly stored: {
    readonly interaction?: object
    readonly code?: { readonly scope?: string }
    readonly session?: object
  }
}

/** The library keeps a session anew each time, ours where it is another one or was kept long ago. */
const withoutSession = ({ cookies, stored, ...rest }: Seen): Seen => {
  const { session: _, ...others } = stored
  return { ...rest, cookies: cookies.filter((one) => !one.startsWith(ours.provider)), stored: others }
}

/** Authorization has two ways, ours in front of the library and the library; nobody may tell them apart. */
describe('authorization is the same on both ways', () => {
  const clock = movableClock()
  let world: World
  let parties: ReadonlyMap<string, Party>
  let byLibrary: () => number
  let account = ''

  before(async () => {
    world = await startWorld({
      part: () => ({ clients, resources: { [resource]: { scopes: ['read'], life: '20m' } } }),
      options: { replaced: { clock } },
    })
    parties = await partiesOf(world, clients)
    account = await accountOf(world)
    byLibrary = countOf(world, ['authorization.success', 'authorization.error', 'interaction.started'])
  })
  after(() => world.close())

  const stored = async (model: string, id: string | undefined | null) => {
    if (!id) return undefined
    const found = await world.site.labgate.rooms.get('storage').artifacts.find(model, id)
    return found && JSON.parse(plain(JSON.stringify(found.payload)))
  }
  const cookieOf = (cookies: readonly string[], name: string) =>
    cookies.map((one) => new RegExp(`^${name}=([^;]+)`).exec(one)?.[1]).find((value) => value !== undefined)
  const seenOf = async (answer: Response): Promise<Seen> => {
    const cookies = answer.headers.getSetCookie()
    const to = answer.headers.get('location')
    const interaction = to && /^\/interaction\/([^/?]+)/.exec(to)?.[1]
    const code = to?.startsWith(callback) ? new URL(to).searchParams.get('code') : undefined
    const { 'set-cookie': _, ...headers } = sameHeaders(answer)
    return {
      status: answer.status,
      headers: JSON.parse(plain(JSON.stringify(headers))),
      cookies: cookies.map(plain),
      text: plain(await answer.clone().text()),
      stored: {
        interaction: await stored('Interaction', interaction),
        code: await stored('AuthorizationCode', code),
        session: await stored('Session', cookieOf(cookies, ours.provider)),
      },
    }
  }

  /** A browser on one of the two ways, which notes what `/oidc/auth` answers; the library's gets what it alone knows to drop. */
  const browserOn = (way: 'ours' | 'library') => {
    const seen: Seen[] = []
    const agent = new UserAgent({
      stopAt: ['http://127.0.0.1:9/', 'http://localhost:9/', 'org.example.app:'],
      fetch: async (given, init) => {
        const url = new URL(String(given))
        const isTheirs = url.origin === world.site.issuer && url.pathname.startsWith('/oidc/auth')
        if (isTheirs && way === 'library') url.searchParams.append('unknown', 'member')
        const answer = await fetch(url, init)
        if (isTheirs) seen.push(await seenOf(answer))
        return answer
      },
    })
    return { agent, seen }
  }
  type Browser = ReturnType<typeof browserOn>

  const start = async ({ agent }: Browser, id: string, parameters: Form = {}) => {
    const asked = await (parties.get(id) as Party).request(parameters)
    return signInAs(agent, 'alice', asked.url)
  }
  /** Walks both ways and compares; says how often the library had a hand in ours. */
  const both = async (
    walk: (browser: Browser) => Promise<unknown>,
    browsers = [browserOn('ours'), browserOn('library')],
    shown = (one: Seen): Seen => one,
  ) => {
    const [mine, theirs] = browsers as [Browser, Browser]
    for (const { seen } of browsers) seen.length = 0
    const from = byLibrary()
    await walk(mine)
    const handed = byLibrary() - from
    // What was consented to on the one way is not remembered on the other.
    await world.site.labgate.rooms.get('consents').forget(account as never, 'third')
    await walk(theirs)
    assert.deepEqual(mine.seen.map(shown), theirs.seen.map(shown))
    return { handed, seen: mine.seen, browsers }
  }
  const allow = async (browser: Browser, page: Awaited<ReturnType<typeof start>>) =>
    hasButton(page, /allow/i) ? browser.agent.press(page, /allow/i) : page

  test('of somebody who signs in', async () => {
    for (const [id, parameters] of [
      ['web', {}],
      ['web', { state: 'a b&c=d', ui_locales: 'de', login_hint: 'alice@example.org', nonce: 'n' }],
      ['web', { scope: 'openid offline_access' }],
      ['pair', { scope: 'openid' }],
      ['told', { scope: 'openid email' }],
      ['narrow', { scope: 'openid email' }],
      ['browser', { scope: 'openid' }],
    ] as const) {
      const { handed, seen } = await both((browser) => start(browser, id, parameters))
      assert.deepEqual([handed, seen.map(({ status }) => status)], [0, [303, 303]], id)
      assert.ok(Object.hasOwn(seen[1]?.stored ?? {}, 'code'), id)
    }
  })

  test('of somebody who allows it, and stays signed in offline', async () => {
    const asked = { scope: 'openid email offline_access', prompt: 'consent' }
    for (const id of ['third', 'web']) {
      const { handed, seen } = await both(async (browser) => allow(browser, await start(browser, id, asked)))
      assert.deepEqual([handed, seen.map(({ status }) => status)], [0, [303, 303, 303]], id)
      assert.equal(seen[2]?.stored.code?.scope, asked.scope)
    }
  })

  test('of somebody who is signed in, by the client that was asked for and by another', async () => {
    const { browsers } = await both((browser) => start(browser, 'web'))
    const again = async (id: string, parameters: Form = {}) => {
      const { handed, seen } = await both((browser) => start(browser, id, parameters), browsers)
      assert.deepEqual([handed, seen.map(({ status }) => status)], [0, [303]], id)
      assert.ok(seen[0]?.stored)
    }
    // Both ways keep the session of those who come to another client.
    for (const id of ['pair', 'told', 'narrow']) await again(id, { scope: 'openid' })
    await both(async (browser) => allow(browser, await start(browser, 'third')), browsers)
    for (const parameters of [{}, { prompt: 'none' }] as const) {
      for (const id of ['web', 'third']) {
        const { handed, seen } = await both((browser) => start(browser, id, parameters), browsers, withoutSession)
        assert.deepEqual([handed, seen[0]?.cookies], [0, []])
        assert.ok(seen[0]?.stored.code)
      }
    }
  })

  test('what is not plain, or is refused, is for the library', async () => {
    const { browsers } = await both((browser) => start(browser, 'web'))
    const direct: [id: string, change: (url: URL) => void][] = [
      ['web', (url) => url.searchParams.set('prompt', 'login')],
      ['web', (url) => url.searchParams.set('prompt', 'select_account')],
      ['web', (url) => url.searchParams.set('max_age', '0')],
      ['web', (url) => url.searchParams.set('claims', '{"id_token":{"email":null}}')],
      ['web', (url) => url.searchParams.set('acr_values', 'high')],
      ['web', (url) => url.searchParams.set('response_mode', 'form_post')],
      ['web', (url) => url.searchParams.set('response_type', 'token')],
      ['web', (url) => url.searchParams.set('request', 'a.b.c')],
      ['web', (url) => url.searchParams.set('resource', resource)],
      ['web', (url) => url.searchParams.set('dpop_jkt', 'x'.repeat(43))],
      ['web', (url) => url.searchParams.set('scope', 'email')],
      ['web', (url) => url.searchParams.set('scope', 'openid none-of-ours')],
      ['web', (url) => url.searchParams.set('scope', 'openid  email')],
      ['web', (url) => url.searchParams.set('client_id', 'nobody')],
      ['web', (url) => url.searchParams.set('redirect_uri', 'https://evil.example/')],
      ['web', (url) => url.searchParams.set('redirect_uri', `${callback}/`)],
      ['web', (url) => url.searchParams.set('redirect_uri', 'no address')],
      ['web', (url) => url.searchParams.delete('redirect_uri')],
      ['web', (url) => url.searchParams.set('code_challenge', 'short')],
      ['web', (url) => url.searchParams.set('code_challenge_method', 'plain')],
      ['web', (url) => url.searchParams.delete('code_challenge_method')],
      ['web', (url) => ['code_challenge', 'code_challenge_method'].map((name) => url.searchParams.delete(name))],
      ['web', (url) => url.searchParams.append('state', 'another')],
      ['web', (url) => url.searchParams.append('scope', '')],
      ['narrow', (url) => url.searchParams.set('scope', 'openid profile')],
      ['data', () => undefined],
      ['pushed', () => undefined],
      ['app', () => undefined],
    ]
    for (const [id, change] of direct) {
      const { url } = await (parties.get(id) as Party).request({ state: 's' })
      change(url)
      const { handed, seen } = await both(({ agent }) => agent.open(url), browsers)
      assert.deepEqual([handed, seen.length], [1, 1], `${id} ${url.search}`)
    }
    // Who may do without a challenge is answered by ours.
    const { url } = await (parties.get('bare') as Party).request({ state: 's' })
    for (const name of ['code_challenge', 'code_challenge_method']) url.searchParams.delete(name)
    assert.equal((await both(({ agent }) => agent.open(url), browsers)).handed, 0)
    const silent = await (parties.get('web') as Party).request({ prompt: 'none' })
    assert.equal((await both(({ agent }) => agent.open(silent.url))).handed, 1)
  })

  test('a browser whose cookies are not as they were set', async () => {
    const spoil: Record<string, (agent: UserAgent) => void> = {
      'no signature': (agent) => agent.forget(`${ours.provider}.sig`),
      'another signature': (agent) => replace(agent, `${ours.provider}.sig`),
      'another session': (agent) => replace(agent, ours.provider),
      'the session of nobody': (agent) => agent.forget('labgate_session'),
    }
    for (const [what, change] of Object.entries(spoil)) {
      const { browsers } = await both((browser) => start(browser, 'web'))
      for (const { agent } of browsers) change(agent)
      const { url } = await (parties.get('web') as Party).request({ state: 's' })
      const { seen } = await both(({ agent }) => agent.open(url), browsers, withoutSession)
      assert.match(String(seen[0]?.headers.location), /^\/interaction\//, what)
    }
    const { url } = await (parties.get('web') as Party).request({ state: 's' })
    const { seen, handed } = await both(async ({ agent }) => {
      const page = await agent.open(url)
      agent.forget(`${ours.resume}.sig`)
      await signInAs(agent, 'alice', page)
    })
    assert.deepEqual([handed, seen[1]?.status], [1, 400])
  })

  test('after the end of the session, of the account, and of what was granted', async () => {
    const { get } = world.site.labgate.rooms
    const ends: Record<string, () => unknown> = {
      'the session': () => get('sessions').endAll(account as never),
      'the account': () => get('accounts').setState(account as never, 'deactivated'),
      'the grants': () => get('storage').artifacts.deleteByAccount(account, ['Grant']),
    }
    for (const [what, end] of Object.entries(ends)) {
      const { browsers } = await both((browser) => start(browser, 'web'))
      await end()
      const { url } = await (parties.get('web') as Party).request({ state: 's' })
      const { seen } = await both(({ agent }) => agent.open(url), browsers)
      const isGranted = what === 'the grants'
      const location = String(seen[0]?.headers.location)
      assert.match(location, isGranted ? /^http:\/\/127\.0\.0\.1:9\/callback\?code=/ : /^\/interaction\//, what)
      await get('accounts').setState(account as never, 'active')
    }
  })

  // The last: the library's cookies know another time from then on.
  test('a session that was kept an hour ago is kept anew', async () => {
    const { browsers } = await both((browser) => start(browser, 'web'))
    clock.advance(3700)
    const { handed, seen } = await both((browser) => start(browser, 'web'), browsers)
    assert.deepEqual([handed, seen[0]?.cookies.length], [0, 2])
  })
})

function replace(agent: UserAgent, name: string): void {
  const cookie = agent.cookies.find((one) => one.name === name) ?? assert.fail(`no cookie ${name}`)
  agent.adopt({ ...cookie, value: 'x'.repeat(43) })
}

async function accountOf({ site }: World): Promise<string> {
  const tokens = await (await party(site)).signIn(new UserAgent({ stopAt: ['http://127.0.0.1:9/'] }), 'alice')
  return tokens.claims()?.sub ?? assert.fail('no ID token')
}
