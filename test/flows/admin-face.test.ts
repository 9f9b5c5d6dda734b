import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { AccountRole } from '@labgate/contract'
import { cookieNames } from '../../core/http/cookies.ts'
import { browser, callback, relyingParty, signInByEmail, startLabgate, type TestLabgate } from '../support/labgate.ts'

const house = { kind: 'system', name: 'test' } as const
const clock = { shift: 0, now: () => new Date(Date.now() + clock.shift) }

interface Said {
  readonly status: number
  readonly requestId: string
  readonly body: Record<string, unknown>
}

describe('a dialect that administers in the name of who asks it', () => {
  let site: TestLabgate
  const ids: Record<string, string> = {}
  const tokens: Record<string, string> = {}
  const cookies: Record<string, string> = {}
  const room = () => site.labgate.rooms.get

  const person = async (name: string, role: AccountRole = 'user') => {
    const email = `${name}@example.org`
    const agent = browser()
    await signInByEmail(site, agent, { at: `${site.issuer}/account`, email })
    const { session } = cookieNames(site.issuer)
    cookies[name] = agent.cookies.find((one) => one.name === session)?.value ?? assert.fail(name)
    const id = (await room()('accounts').findByVerifiedEmail(email))?.id ?? assert.fail(name)
    ids[name] = id
    if (role !== 'user') await room()('accounts').setRole(id, role)
    tokens[name] = await tokenOf(id, ['clerk', 'admin'])
  }
  const tokenOf = async (account: string, scopes: readonly string[]) =>
    (await room()('tokens').create(house, { account, name: 'a test', scopes })).value

  const send = async (path: string, headers: Readonly<Record<string, string>>, body: unknown): Promise<Said> => {
    const answer = await fetch(`${site.issuer}${path}`, {
      method: 'POST',
      headers: { origin: site.issuer, ...headers },
      body: JSON.stringify(body),
      redirect: 'manual',
    })
    const requestId = answer.headers.get('x-request-id') ?? ''
    return { status: answer.status, requestId, body: (await answer.json()) as Record<string, unknown> }
  }
  const byToken = (token: string | undefined, operation: string, input?: unknown) =>
    send('/api/call', { authorization: `Bearer ${token}` }, { operation, input })
  const bySession = (name: string, operation: string, input?: unknown) =>
    send('/call', { cookie: `${cookieNames(site.issuer).session}=${cookies[name]}` }, { operation, input })
  const refused = ({ status, body }: Said, code: string, message?: RegExp) => {
    assert.equal(body.code, code, JSON.stringify(body))
    assert.ok(status >= 400 && status < 500)
    if (message) assert.match(String(body.message), message)
  }
  const making = (slug: string) => ({ body: { slug, title: slug } })
  const isThere = async (slug: string) => (await room()('groups').find(slug)) !== undefined

  before(async () => {
    site = await startLabgate(
      {
        plugins: {
          email: { use: '@labgate/auth-email', config: { mailsPerHour: 100 } },
          clerk: { use: '../support/plugins/authz-clerk.ts' },
        },
      },
      { replaced: { clock } },
    )
    await person('root', 'admin')
    for (const name of ['mira', 'plain', 'gone']) await person(name)
    const { create, setManager } = room()('groups')
    for (const slug of ['tracers', 'others']) await create(house, { slug, title: slug })
    await setManager(house, 'tracers', { account: ids.mira ?? '', is: 'manager' })
  })
  after(() => site?.stop())

  test('answers as the admin API does over HTTP', async () => {
    const { status, body } = await byToken(tokens.root, 'getGroup', { params: { group: 'tracers' } })
    assert.equal(status, 200)
    const answer = await fetch(`${site.issuer}/api/admin/v1/groups/tracers`, {
      headers: { authorization: `Bearer ${tokens.root}` },
    })
    assert.deepEqual(body, await answer.json())
    const account = await byToken(tokens.root, 'getAccount', { params: { account: ids.mira } })
    assert.deepEqual(
      account.body,
      await (
        await fetch(`${site.issuer}/api/admin/v1/accounts/${ids.mira}`, {
          headers: { authorization: `Bearer ${tokens.root}` },
        })
      ).json(),
    )
    assert.equal((await byToken(tokens.root, 'createGroup', making('made'))).status, 200)
    assert.ok(await isThere('made'))
    const gone = await byToken(tokens.root, 'deleteGroup', { params: { group: 'made' } })
    assert.deepEqual([gone.status, gone.body], [200, null])
  })

  test('lets in no token without the scope of the admin API', async () => {
    const weak = await tokenOf(ids.root ?? '', ['clerk'])
    for (const [operation, input] of [
      ['createGroup', making('weak')],
      ['getGroup', { params: { group: 'tracers' } }],
      ['getMe', {}],
    ] as const)
      refused(await byToken(weak, operation, input), 'ERR_FORBIDDEN', /lacks the scope admin/)
    refused(await byToken(await tokenOf(ids.root ?? '', ['admin']), 'getMe'), 'ERR_FORBIDDEN')
    assert.ok(!(await isThere('weak')))
  })

  test('lets in no access token of the Provider, whatever scopes it has', async () => {
    const rp = await relyingParty(site.issuer)
    const { url, redeem } = await rp.request({ scope: 'openid clerk admin' })
    const page = await signInByEmail(site, browser(), { at: url, email: 'root@example.org' })
    assert.equal(page.url.origin + page.url.pathname, callback, page.text)
    const { access_token, scope } = await redeem(page.url)
    assert.match(scope ?? '', /\badmin\b/)
    for (const operation of ['createGroup', 'listGroups'])
      refused(
        await byToken(access_token, operation, operation === 'createGroup' ? making('provider') : {}),
        'ERR_FORBIDDEN',
        /signed-in person or an API token/,
      )
    assert.ok(!(await isThere('provider')))
  })

  test('lets nobody in who looks after nothing, and others no further than they may', async () => {
    for (const said of [
      await byToken(tokens.plain, 'listGroups'),
      await byToken(tokens.plain, 'createGroup', making('plain')),
      await bySession('plain', 'getMe'),
    ])
      refused(said, 'ERR_FORBIDDEN', /looks after something/)
    const list = await byToken(tokens.mira, 'listGroups')
    assert.deepEqual(
      (list.body.items as { slug: string }[]).map(({ slug }) => slug),
      ['tracers'],
    )
    refused(await byToken(tokens.mira, 'getGroup', { params: { group: 'others' } }), 'ERR_NOT_FOUND')
    refused(await byToken(tokens.mira, 'createGroup', making('miras')), 'ERR_FORBIDDEN')
    refused(
      await byToken(tokens.mira, 'addMember', { params: { group: 'others', account: ids.plain } }),
      'ERR_NOT_FOUND',
    )
    refused(await byToken(tokens.mira, 'getAccount', { params: { account: ids.root } }), 'ERR_FORBIDDEN')
    refused(
      await byToken(tokens.mira, 'changeAccount', { params: { account: ids.mira }, body: { role: 'admin' } }),
      'ERR_FORBIDDEN',
    )
    for (const slug of ['plain', 'miras']) assert.ok(!(await isThere(slug)))
  })

  test('lets nobody in by a public route who is not signed in, nor a browser that another site drives', async () => {
    refused(await send('/open', {}, { operation: 'getMe' }), 'ERR_UNAUTHENTICATED')
    const cookie = `${cookieNames(site.issuer).session}=${cookies.root}`
    const evil = { cookie, origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }
    const body = { operation: 'createGroup', input: making('evil') }
    refused(await send('/open', evil, body), 'ERR_UNAUTHENTICATED')
    const forged = await send('/call', evil, body)
    refused(forged, 'ERR_CSRF')
    assert.ok(!(await isThere('evil')))
  })

  test('checks what is sent as the admin API does', async () => {
    for (const [operation, input] of [
      ['createGroup', { body: { slug: 'x', title: 'x', source: 'config' } }],
      ['createGroup', { body: { slug: 'x' } }],
      ['createGroup', { body: { slug: 'Not A Slug', title: 'x' } }],
      ['createGroup', {}],
      ['listGroups', { query: { limit: 1001 } }],
      ['listGroups', { query: { limit: 'many' } }],
      ['listGroups', { query: { managedBy: 'x' } }],
      ['getGroup', { params: {} }],
      ['getGroup', { params: { group: 'a\nb' } }],
      ['getGroup', { params: { group: 'tracers', extra: 'x' } }],
    ] as const)
      refused(await byToken(tokens.root, operation, input), 'ERR_INPUT')
    const { body } = await byToken(tokens.root, 'listGroups', { query: { limit: 1 } })
    assert.equal((body.items as unknown[]).length, 1)
  })

  test('knows the operations of the document alone', async () => {
    for (const operation of ['', 'dropEverything', 'constructor', '__proto__'])
      assert.equal((await byToken(tokens.root, operation)).status, 500, operation)
  })

  test('makes no token by a token that could do more than itself', async () => {
    const make = (account: string | undefined, scopes: string[], expiresAt?: string) =>
      byToken(tokens.root, 'createToken', { body: { account, name: 'x', scopes, ...(expiresAt ? { expiresAt } : {}) } })
    assert.equal((await make(ids.root, ['clerk'])).status, 200)
    assert.ok((await make(ids.root, ['admin'], new Date(Date.now() + 300 * 86_400_000).toISOString())).status >= 400)
    assert.ok((await make(ids.mira, ['clerk'])).status >= 400, 'nobody makes one for another person')
  })

  test('writes down what was done, by whom, from where and in which request', async () => {
    const { requestId } = await byToken(tokens.root, 'createGroup', making('noted'))
    const [line] = await room()('storage').audit.list({ limit: 10, requestId })
    assert.deepEqual([line?.type, line?.actor, line?.requestId], ['group.created', ids.root, requestId])
    assert.ok(line?.address)
    const no = await byToken(tokens.plain, 'createGroup', making('never'))
    const [refusal] = await room()('storage').audit.list({ limit: 10, requestId: no.requestId })
    assert.deepEqual([refusal?.type, refusal?.account], ['access.refused', ids.plain])
  })

  test('lets a signed-in person change something only soon after they signed in', async () => {
    assert.equal((await bySession('root', 'createGroup', making('fresh'))).status, 200)
    clock.shift = 31 * 60_000
    refused(await bySession('root', 'createGroup', making('stale')), 'ERR_FORBIDDEN', /too old for administration/)
    refused(await bySession('root', 'deleteGroup', { params: { group: 'fresh' } }), 'ERR_FORBIDDEN')
    assert.equal(
      (await bySession('root', 'getGroup', { params: { group: 'fresh' } })).status,
      200,
      'looking is allowed',
    )
    assert.deepEqual([await isThere('fresh'), await isThere('stale')], [true, false])
  })

  test('sees at once who may no longer', async () => {
    await room()('accounts').setRole(ids.gone ?? '', 'admin')
    assert.equal((await byToken(tokens.gone, 'getMe')).status, 200)
    await room()('accounts').setRole(ids.gone ?? '', 'user')
    refused(await byToken(tokens.gone, 'getMe'), 'ERR_FORBIDDEN')
    const rights = await fetch(`${site.issuer}/api/rights`, { headers: { authorization: `Bearer ${tokens.gone}` } })
    assert.deepEqual(await rights.json(), { admin: false, datasets: [], managed: [], groups: [], any: false })
    await room()('accounts').setState(ids.gone ?? '', 'deactivated')
    assert.equal((await byToken(tokens.gone, 'getMe')).status, 401)
  })
})
