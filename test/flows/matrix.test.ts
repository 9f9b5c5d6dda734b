import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { AccountState, RouteClaim, TokenGuard } from '@labgate/contract'
import { newTokenValue } from '../../core/accounts/token-value.ts'
import { cookieNames } from '../../core/http/cookies.ts'
import { systemRandom } from '../../core/random.ts'
import type { Claimed } from '../../core/registry/routes.ts'
import { AccountEntity } from '../../core/storage/entities.ts'
import {
  browser,
  callback,
  freePort,
  type Part,
  relyingParty,
  signInByEmail,
  startLabgate,
  type TestLabgate,
} from '../support/labgate.ts'
import { takeSeen, watched } from '../support/watched-plugin.ts'

/** Each dialect of `plugins/` and how it stands in the config of this test: a new one must be named here. */
const adapters: Readonly<Record<string, (place: { host: string }) => Part>> = {
  // One prefix for both: what stands below the second is made from the same list.
  'authz-cave': () => ({
    config: { prefix: '/sticky_auth', viewers: ['https://viewer.example'], services: ['https://service.example'] },
  }),
  'authz-datalab': () => ({
    prefix: '/datalab',
    config: { identifierPrefix: 'grey', appUrl: 'https://datalab.example' },
  }),
  'authz-gateway': ({ host }) => ({ host, prefix: '/.labgate', config: { rules: [{ path: '/**' }] } }),
  'authz-ngauth': ({ host }) => ({
    host,
    config: { origins: ['https://viewer.example'], credentials: { metadata: true } },
  }),
}

const root = join(import.meta.dirname, '../..')
const house = { kind: 'system', name: 'test' } as const
/** Well formed, checksum and all. */
const unknownToken = newTokenValue('person', systemRandom)

interface Place {
  readonly in: 'header' | 'cookie' | 'query'
  readonly name: string
  readonly scheme?: string
}

/** Whether a signed-in person is let in, and a browser sent to sign in. */
function sendsAway({ guard }: RouteClaim): boolean {
  return guard === 'session' || (typeof guard === 'object' && guard.withoutToken === 'session')
}

/** Whether a signed-in person is let in. */
function takesSession(claim: RouteClaim): boolean {
  const { guard } = claim
  return sendsAway(claim) || (typeof guard === 'object' && guard.withoutToken === 'signed-in')
}

/** Whether the handler decides about those who bring no token. */
function letsAnyoneIn({ guard }: RouteClaim): boolean {
  return typeof guard === 'object' && guard.withoutToken === 'anyone'
}

/** The same route below another version has the same guard: it is told once. */
function isAlias({ id }: RouteClaim): boolean {
  return /^v0(?:\.1(?:\.0)?)?\./.test(id)
}

/** Where a route's claim looks for a token. */
function placesOf({ token }: TokenGuard): Place[] {
  return [
    { in: 'header', name: token.header ?? 'authorization', scheme: token.scheme ?? 'Bearer' },
    ...(token.cookies ?? []).map((name) => ({ in: 'cookie' as const, name })),
    ...(token.query ?? []).map((name) => ({ in: 'query' as const, name })),
  ]
}

const placeKey = ({ in: kind, name, scheme = '' }: Place) => `${kind} ${name} ${scheme}`.trim().toLowerCase()

interface Ask {
  readonly route: Claimed
  readonly token?: readonly [string, Place] | undefined
  readonly session?: string | undefined
  readonly host?: string
  readonly method?: string
  /** Another site made the browser do it. */
  readonly foreign?: boolean
}

describe('every route of every dialect', () => {
  let site: TestLabgate
  let folder: string
  let host: string
  let port: number
  let calls = 0
  const clock = { shift: 0, now: () => new Date(Date.now() + clock.shift) }
  const room = () => site.labgate.rooms.get
  const routes = () =>
    site.labgate.registry
      .authz()
      .flatMap((one) => one.routes.filter(({ claim }) => !isAlias(claim)).map((route) => ({ route, one })))
  const tokens = new Map<string, string>()
  /** Session cookies by whose they are and the host they are for. */
  const cookies = new Map<string, string>()

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'labgate-matrix-'))
    port = await freePort()
    host = `127.0.0.1:${port}`
    const probe = {
      use: await watched(folder, { name: 'probe', file: join(root, 'test/support/plugins/authz-probe.ts') }),
    }
    const own: Record<string, Part> = {}
    for (const [name, part] of Object.entries(adapters)) {
      const use = await watched(folder, { name, file: join(root, 'plugins', name, 'index.ts') })
      own[name.replace(/^authz-/, '')] = { ...part({ host }), use }
    }
    const plugins = {
      email: { use: '@labgate/auth-email', config: { mailsPerHour: 100 } },
      probe: { ...probe, host },
      here: { ...probe, prefix: '/probe' },
      ...own,
    }
    // Each request comes from an address of its own: the limits of routes are others' business.
    site = await startLabgate({ plugins, proxies: ['127.0.0.1'] }, { port, replaced: { clock } })
    await makePeople()
  })
  after(async () => {
    await site.stop()
    await rm(folder, { recursive: true, force: true })
  })

  const setState = (id: string, state: AccountState) =>
    // Past everything that tidies up behind a change of state: the doors must see it themselves.
    room()('storage').transaction((em) => em.nativeUpdate(AccountEntity, { id }, { state }))
  const everyScope = () => [
    ...new Set(
      routes().flatMap(({ route }) =>
        typeof route.claim.guard === 'object' ? (route.claim.guard.token.scopes ?? []) : [],
      ),
    ),
  ]

  const oidcScopes = () => [...new Set(routes().flatMap(({ one }) => Object.keys(one.adapter.oidc?.scopes ?? {})))]

  /** Signs in at every host and takes the cookies along. */
  async function sessionsOf(name: string): Promise<string> {
    const agent = browser()
    const email = `${name}@example.org`
    await signInByEmail(site, agent, { at: `${site.issuer}/account`, email })
    const own = routes().filter(({ route }) => route.claim.guard === 'session' && route.claim.method === 'GET')
    for (const { route, one } of own) if (route.host !== undefined) await agent.open(`${one.origin}${pathOf(route)}`)
    const { session } = cookieNames(site.issuer)
    for (const cookie of agent.cookies.filter((one) => one.name === session))
      cookies.set(`${name} ${cookie.host === 'localhost' ? 'issuer' : host}`, cookie.value)
    const account = await room()('accounts').findByVerifiedEmail(email)
    return account?.id ?? assert.fail(`${email} is not here`)
  }

  async function accessToken(name: string): Promise<string> {
    const rp = await relyingParty(site.issuer)
    const { url, redeem } = await rp.request({ scope: ['openid', ...oidcScopes()].join(' ') })
    const page = await signInByEmail(site, browser(), { at: url, email: `${name}@example.org` })
    assert.equal(page.url.origin + page.url.pathname, callback, page.text)
    return (await redeem(page.url)).access_token
  }

  async function makePeople(): Promise<void> {
    const scopes = everyScope()
    const ids = new Map<string, string>()
    for (const name of ['good', 'deactivated', 'pending', 'ended', 'parent']) ids.set(name, await sessionsOf(name))
    const idOf = (name: string) => ids.get(name) ?? assert.fail(name)
    const service = async (username: string, parent: string) =>
      (await room()('serviceAccounts').create(house, { username, displayName: username, parent })).id
    ids.set('service', await service('robot', idOf('good')))
    ids.set('orphan', await service('orphan', idOf('parent')))
    const token = async (name: string, of: string, more: { expiresAt?: Date; scopes?: readonly string[] } = {}) => {
      const made = await room()('tokens').create(house, { account: idOf(of), name, scopes, ...more })
      tokens.set(name, made.value)
      return made.token.id
    }
    for (const name of ['good', 'deactivated', 'pending', 'service', 'orphan']) await token(name, name)
    await token('expired', 'good', { expiresAt: new Date(clock.now().getTime() + 60_000) })
    await token('scopeless', 'good', { scopes: [] })
    await room()('tokens').revoke(house, await token('revoked', 'good'))
    for (const name of ['good', 'deactivated', 'pending']) tokens.set(`access ${name}`, await accessToken(name))
    tokens.set('access revoked', await accessToken('good'))
    await (await site.labgate.provider().AccessToken.find(tokens.get('access revoked') ?? ''))?.destroy()
    await setState(idOf('deactivated'), 'deactivated')
    await setState(idOf('pending'), 'pending')
    await setState(idOf('parent'), 'deactivated')
    await room()('sessions').endAll(idOf('ended'))
    clock.shift = 120_000
  }

  const pathOf = ({ path }: Pick<Claimed, 'path'>) => path.replace(/\{[^}]*\}/g, '').replace(/[:*]\w+/g, 'zz9')
  const hostOf = (route: Claimed) => route.host ?? new URL(site.issuer).host

  /** Sends one request and tells what came of it, and whom the handler saw. */
  async function send({ route, token, session, ...more }: Ask) {
    takeSeen()
    const at = more.host ?? hostOf(route)
    const url = new URL(pathOf(route), `http://${at}`)
    const headers: Record<string, string> = {
      host: at,
      'x-forwarded-for': `10.${calls >> 16}.${(calls >> 8) & 255}.${calls++ & 255}`,
    }
    const method = more.method ?? route.claim.method
    if (method !== 'GET' && method !== 'HEAD') headers.origin = more.foreign ? 'https://evil.example' : url.origin
    if (more.foreign) headers['sec-fetch-site'] = 'cross-site'
    const sent: string[] = session === undefined ? [] : [`${cookieNames(site.issuer).session}=${session}`]
    if (token !== undefined) {
      const [value, where] = token
      if (where.in === 'query') url.searchParams.set(where.name, value)
      else if (where.in === 'cookie') sent.push(`${where.name}=${value}`)
      else headers[where.name] = where.scheme ? `${where.scheme} ${value}` : value
    }
    if (sent.length > 0) headers.cookie = sent.join('; ')
    const answer = await exchange({ port, method, path: url.pathname + url.search, headers })
    return { ...answer, seen: takeSeen() }
  }

  /** Says that nobody was let by. */
  async function refused(ask: Ask, what: string): Promise<void> {
    for (const method of ask.route.claim.method === 'GET' ? ['GET', 'HEAD'] : [ask.route.claim.method]) {
      const { status, seen, location } = await send({ ...ask, method })
      const said = `${ask.route.owner} ${method} ${ask.route.path}: ${what}: answered ${status}`
      assert.deepEqual(
        seen.map(({ route }) => route),
        [],
        said,
      )
      // A dialect may send a browser to the sign-in of its own.
      const own = URL.parse(location, 'http://nowhere')?.pathname.endsWith('/authorize') ?? false
      const isAway = (sendsAway(ask.route.claim) || own) && status >= 300 && status < 400
      assert.ok(isAway || (status >= 400 && status < 500), said)
    }
  }

  /** Says that nobody was let by, or where anyone is, that the handler was told of nobody. */
  async function nobody(ask: Ask, what: string): Promise<void> {
    if (!letsAnyoneIn(ask.route.claim)) return refused(ask, what)
    const { seen, status } = await send(ask)
    const said = `${ask.route.owner} ${ask.route.path}: ${what}: answered ${status}`
    assert.deepEqual(
      seen.map(({ principal }) => principal),
      [undefined],
      said,
    )
  }

  const tokenOf = (name: string) => tokens.get(name) ?? assert.fail(`no token ${name}`)
  const badNames = ['expired', 'revoked', 'deactivated', 'pending', 'orphan']
  const badTokens = (): (readonly [string, string])[] => [
    ['garbage', 'garbage'],
    ['a token with another end', tokenOf('good').replace(/.$/, (last) => (last === 'A' ? 'B' : 'A'))],
    ['a token that was never made', unknownToken],
    ['a token with something behind it', `${tokenOf('good')}x`],
    ...[...badNames, 'access deactivated', 'access pending', 'access revoked'].map(
      (name) => [name, tokenOf(name)] as const,
    ),
  ]

  const guarded = (kind: 'session' | 'public' | 'token') =>
    routes()
      .map(({ route }) => route)
      .filter(({ claim: { guard } }) => (typeof guard === 'object' ? 'token' : guard) === kind)
  const everyPlace = (): Place[] => {
    const usual: Place[] = [
      { in: 'header', name: 'authorization', scheme: 'Bearer' },
      { in: 'header', name: 'authorization', scheme: 'Basic' },
      { in: 'header', name: 'authorization', scheme: 'Token' },
      { in: 'header', name: 'x-api-key', scheme: '' },
      ...['token', 'access_token'].map((name) => ({ in: 'query' as const, name })),
      ...['token', 'access_token', cookieNames(site.issuer).session].map((name) => ({ in: 'cookie' as const, name })),
    ]
    const claimed = guarded('token').flatMap(({ claim }) => placesOf(claim.guard as TokenGuard))
    return [...new Map([...usual, ...claimed].map((place) => [placeKey(place), place])).values()]
  }
  /** Places that the claim does not name; a bare header takes whatever stands in it. */
  const otherPlaces = (claim: RouteClaim) => {
    const named = placesOf(claim.guard as TokenGuard)
    const bare = new Set(named.filter((one) => one.in === 'header' && one.scheme === '').map(({ name }) => name))
    const keys = new Set(named.map(placeKey))
    return everyPlace().filter((one) => !keys.has(placeKey(one)) && !(one.in === 'header' && bare.has(one.name)))
  }

  test('is here: no dialect of plugins/ is left out, and each kind of guard is there', async () => {
    const folders = (await readdir(join(root, 'plugins'))).filter((name) => name.startsWith('authz-'))
    assert.deepEqual(Object.keys(adapters).toSorted(), folders.toSorted(), 'name every dialect in `adapters`')
    const loaded = new Set(site.labgate.registry.authz().map(({ plugin }) => `authz-${plugin}`))
    assert.deepEqual(
      folders.filter((name) => !loaded.has(name)),
      [],
    )
    const listed = new Set(site.labgate.app.routes.list().map(({ host: at, method, path }) => `${method} ${at}${path}`))
    for (const { route } of routes()) assert.ok(listed.has(`${route.claim.method} ${hostOf(route)}${route.path}`))
    for (const kind of ['session', 'public', 'token'] as const) assert.ok(guarded(kind).length > 2, kind)
  })

  test('stands below each version as it stands without one', () => {
    const all = site.labgate.registry.authz().flatMap(({ routes: own }) => own.map(({ claim }) => claim))
    const aliases = all.filter(isAlias)
    assert.ok(aliases.length > 30)
    for (const { id, path, ...alias } of aliases) {
      const [, name = ''] = /^v0(?:\.1(?:\.0)?)?\.([a-zA-Z]+)$/.exec(id) ?? assert.fail(id)
      const { id: _, path: bare, ...claim } = all.find((one) => one.id === `root.${name}`) ?? assert.fail(id)
      assert.deepEqual([alias, path.replace(/^\/v0(?:\.1(?:\.0)?)?/, '')], [claim, bare], id)
    }
  })

  test('with a token lets good ones in, at each place of its claim, as whom they are', async () => {
    for (const route of guarded('token'))
      for (const where of placesOf(route.claim.guard as TokenGuard))
        for (const [name, kind] of [
          ['good', 'person'],
          ['service', 'service'],
          ['access good', 'person'],
        ] as const) {
          const wanted = (route.claim.guard as TokenGuard).token.scopes ?? []
          if (name === 'access good' && !wanted.every((scope) => oidcScopes().includes(scope))) continue
          const { seen, status } = await send({ route, token: [tokenOf(name), where] })
          const said = `${route.owner} ${route.path} ${placeKey(where)} ${name}: ${status}`
          assert.deepEqual(
            seen.map(({ principal }) => [principal?.kind, principal?.via]),
            [[kind, 'token']],
            said,
          )
          assert.ok(!seen[0]?.principal?.scopes.includes('*'))
        }
  })

  test('with a token refuses every token that does not count', async () => {
    for (const route of guarded('token')) {
      await nobody({ route }, 'no token')
      for (const where of placesOf(route.claim.guard as TokenGuard))
        for (const [what, value] of badTokens())
          await refused({ route, token: [value, where] }, `${what} in ${placeKey(where)}`)
    }
  })

  test('with scopes refuses a token that lacks one of them', async () => {
    const scoped = guarded('token').filter(({ claim }) => ((claim.guard as TokenGuard).token.scopes ?? []).length > 0)
    assert.ok(scoped.length > 0)
    for (const route of scoped) {
      const { token: rule } = route.claim.guard as TokenGuard
      const owner = (await room()('accounts').findByVerifiedEmail('good@example.org'))?.id ?? ''
      const sets = [[], ...(rule.scopes ?? []).map((left) => everyScope().filter((scope) => scope !== left))]
      for (const scopes of sets) {
        const made = await room()('tokens').create(house, { account: owner, name: 'weak', scopes })
        for (const where of placesOf({ token: rule }))
          await refused({ route, token: [made.value, where] }, `scopes ${scopes}`)
        await room()('tokens').revoke(house, made.token.id)
      }
    }
  })

  test('with a token refuses a good one at a place that its claim does not name, and a session', async () => {
    for (const route of guarded('token')) {
      for (const where of otherPlaces(route.claim))
        await nobody({ route, token: [tokenOf('good'), where] }, `good token in ${placeKey(where)}`)
      if (takesSession(route.claim) || letsAnyoneIn(route.claim)) continue
      const key = `good ${route.host ?? 'issuer'}`
      await refused({ route, session: cookies.get(key) ?? assert.fail(key) }, 'a session instead of a token')
    }
  })

  test('answers on its own host alone', async () => {
    for (const { route } of routes()) {
      const hosts = [new URL(site.issuer).host, host, 'evil.example', `evil.example:${port}`].filter(
        (at) => at !== hostOf(route),
      )
      const guard = route.claim.guard
      for (const at of hosts)
        for (const where of typeof guard === 'object' ? placesOf(guard) : [undefined]) {
          const token = where && ([tokenOf('good'), where] as const)
          const { status, seen } = await send({ route, token, session: cookies.get('good issuer'), host: at })
          const mine = seen.filter((call) => call.route === route.claim.id)
          // The first page of the house is another one.
          const isElses = route.path === '/' && at === new URL(site.issuer).host
          assert.deepEqual([mine, isElses || status >= 400], [[], true], `${route.path} at ${at}: ${status}`)
        }
    }
  })

  test('with a session lets the person in, and nobody by a cookie that does not count', async () => {
    for (const route of [
      ...guarded('session'),
      ...guarded('token').filter(({ claim }) => takesSession(claim) || letsAnyoneIn(claim)),
    ]) {
      const home = route.host ?? 'issuer'
      const elsewhere = home === 'issuer' ? host : 'issuer'
      const cookieOf = (name: string, at: string) => cookies.get(`${name} ${at}`) ?? assert.fail(`${name} ${at}`)
      const { seen, status } = await send({ route, session: cookieOf('good', home) })
      assert.deepEqual(
        seen.map(({ principal }) => principal?.via),
        ['session'],
        `${route.path}: ${status}`,
      )
      await nobody({ route }, 'no cookie')
      await nobody({ route, session: 'x'.repeat(43) }, 'a made-up cookie')
      for (const name of ['ended', 'deactivated', 'pending'])
        await nobody({ route, session: cookieOf(name, home) }, `session: ${name}`)
      await nobody({ route, session: cookieOf('good', elsewhere) }, 'the cookie of another host')
      if (route.claim.method !== 'GET')
        await nobody({ route, session: cookieOf('good', home), foreign: true }, 'made to by another site')
      if (typeof route.claim.guard === 'object') {
        // A token that does not count is not made good by a session beside it.
        const [, bad] = badTokens().at(-1) ?? assert.fail()
        for (const where of placesOf(route.claim.guard))
          await refused({ route, token: [bad, where], session: cookieOf('good', home) }, 'a bad token and a session')
        continue
      }
      for (const where of everyPlace())
        await refused({ route, token: [tokenOf('good'), where] }, `a token in ${placeKey(where)}`)
    }
  })

  test('that is public knows a person by a session alone: nothing bad, and no token, ever becomes one', async () => {
    for (const route of guarded('public')) {
      const home = route.host ?? 'issuer'
      const elsewhere = home === 'issuer' ? host : 'issuer'
      const known = await send({ route, session: cookies.get(`good ${home}`) })
      assert.deepEqual(
        known.seen.map(({ principal }) => principal?.via),
        ['session'],
        `${route.path}: ${known.status}`,
      )
      const asks: (readonly [string, Ask])[] = [
        ['nothing', { route }],
        ['a made-up cookie', { route, session: 'x'.repeat(43) }],
        ['the cookie of another host', { route, session: cookies.get(`good ${elsewhere}`) }],
        ...['ended', 'deactivated', 'pending'].map(
          (name) => [name, { route, session: cookies.get(`${name} ${home}`) }] as const,
        ),
        ...everyPlace().flatMap((where) =>
          [['a good token', tokenOf('good')] as const, ...badTokens()].map(
            ([what, value]) => [`${what} in ${placeKey(where)}`, { route, token: [value, where] }] as const,
          ),
        ),
        ...(route.claim.method === 'GET'
          ? []
          : [['another site', { route, session: cookies.get(`good ${home}`), foreign: true }] as const]),
      ]
      for (const [what, ask] of asks) {
        const { seen, status } = await send(ask)
        assert.deepEqual(
          seen.map(({ principal }) => principal),
          [undefined],
          `${route.owner} ${route.path}: ${what}: ${status}`,
        )
      }
    }
  })
})

/** One exchange with a Host of our own choice. */
function exchange(ask: { port: number; method: string; path: string; headers: Record<string, string> }) {
  return new Promise<{ status: number; text: string; location: string }>((done, fail) => {
    const outgoing = request({ host: '127.0.0.1', setHost: false, ...ask }, (answer) => {
      const chunks: Buffer[] = []
      answer.on('data', (chunk: Buffer) => chunks.push(chunk))
      answer.on('end', () =>
        done({
          status: answer.statusCode ?? 0,
          text: Buffer.concat(chunks).toString(),
          location: answer.headers.location ?? '',
        }),
      )
    })
    outgoing.on('error', fail)
    outgoing.end()
  })
}
