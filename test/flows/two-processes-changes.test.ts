import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { compactVerify, createLocalJWKSet, decodeProtectedHeader, type JSONWebKeySet } from 'jose'
import { assemble, type Rooms } from '../../core/assembly.ts'
import type { ReloadAnswer } from '../../core/reload.ts'
import type { ApiAnswer } from '../support/admin-api.ts'
import { type Party, party, titleOf } from '../support/flow.ts'
import { browser, callback, signInByEmail, testClients } from '../support/labgate.ts'
import { needs } from '../support/needs.ts'
import { type Member, type Pair, startPair } from '../support/pair.ts'
import { newDatabase } from '../support/storage-postgres.ts'
import { livingIn, testProfiles } from '../support/workspaces.ts'

const house = { kind: 'system', name: 'test' } as const
const resource = 'https://data.example'
const api = '/api/admin/v1'
const grants = { Authorization: `Basic ${Buffer.from(`web:${testClients.web.secret}`).toString('base64')}` }

suite('what is changed at one of two processes on one PostgreSQL', { skip: needs('postgres') }, () => {
  let pair: Pair
  let rooms: Rooms
  let web: Party
  let running: string
  const agent = browser()
  const ids: Record<string, string> = {}
  const tokens: Record<string, string> = {}

  before(async () => {
    running = await mkdtemp(join(tmpdir(), 'labgate-pair-runner-'))
    mkdirSync(join(running, 'faults'))
    pair = await startPair(await newDatabase(), {
      datasets: { fish: { title: 'Fish' } },
      resources: { [resource]: { scopes: ['read'], format: 'jwt', alg: 'ES256' } },
      plugins: {
        email: { use: '@labgate/auth-email' },
        cave: { use: '@labgate/authz-cave' },
        here: { use: '../support/plugins/runner-local.ts', config: { folder: running } },
      },
      workspaces: { origin: 'http://*.localhost', profiles: { notebook: testProfiles.notebook }, grace: '1s' },
    })
    rooms = await assemble(pair.config)
    web = await party(pair)
    const accounts = rooms.get('accounts')
    for (const [name, role] of [
      ['root', 'admin'],
      ['ada', 'user'],
      ['ben', 'user'],
    ] as const) {
      const facts = [{ claim: 'preferred_username', value: name, trust: 'asserted' as const }]
      const storage = rooms.get('storage')
      ids[name] = await storage.transaction((em) => accounts.createIn(em, { facts, role, state: 'active' }))
      tokens[name] = (await newToken(name)).value
    }
  })
  after(async () => {
    await rooms?.get('storage').close()
    await pair?.close()
    for (const pid of livingIn(running)) process.kill(-pid, 'SIGKILL')
    await rm(running, { recursive: true, force: true })
  })

  const newToken = async (name: string) => {
    const scopes = ['admin', 'cave']
    return rooms.get('tokens').create(house, { account: ids[name] ?? '', name: 'of a test', scopes })
  }
  /** Each does once what the other looks at. */
  const bothWays = async (one: (here: Member, there: Member) => Promise<void>) => {
    const [first, second] = pair.members
    await one(first, second)
    await one(second, first)
  }
  const change = async (at: Member, method: string, path: string, body?: object): Promise<ApiAnswer> => {
    const answer = await at.ask(method, api + path, { token: tokens.root, ...(body ? { body } : {}) })
    assert.ok(answer.status < 300, `${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`)
    return answer
  }
  const cacheOf = (at: Member, token = tokens.ada) => at.ask('GET', '/auth/api/v1/user/cache', { token })
  /** What CAVE is told that Ada may do with fish. */
  const fishOf = async (at: Member) => {
    const { body } = await cacheOf(at)
    return (body as { permissions_v2: Record<string, string[]> }).permissions_v2.fish ?? []
  }
  const form = (fields: Record<string, string>) => ({
    raw: String(new URLSearchParams(fields)),
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...grants },
  })
  const isActive = async (at: Member, token: string) => {
    const { body } = await at.ask('POST', '/oidc/introspection', form({ token }))
    return (body as { active: boolean }).active
  }

  test('a token that is revoked at one opens nothing at the other from then on', () =>
    bothWays(async (here, there) => {
      const { value, token } = await newToken('ada')
      for (const at of [here, there]) assert.equal((await cacheOf(at, value)).status, 200)
      await change(here, 'DELETE', `/tokens/${token.id}`)
      assert.equal((await cacheOf(there, value)).status, 401)
      assert.equal((await here.ask('GET', `${api}/me`, { token: value })).status, 401)
    }))

  test('a grant counts at the other at once, and so does its end', () =>
    bothWays(async (here, there) => {
      assert.deepEqual(await fishOf(there), [])
      const made = await change(here, 'POST', '/grants', { subject: 'account:ada', dataset: 'fish', level: 'view' })
      assert.deepEqual(await fishOf(there), ['view'])
      await change(here, 'DELETE', `/grants/${(made.body as { id: string }).id}`)
      assert.deepEqual(await fishOf(there), [])
    }))

  test('who joins a group, accepts terms, or is shut out at one, is and does at the other', () =>
    bothWays(async (here, there) => {
      const group = here === pair.members[0] ? 'first' : 'second'
      await change(here, 'POST', '/groups', { slug: group, title: 'Readers' })
      const made = await change(there, 'POST', '/grants', { subject: `group:${group}`, dataset: 'fish', level: 'view' })
      assert.deepEqual(await fishOf(there), [])
      await change(here, 'PUT', `/groups/${group}/members/${ids.ada}`)
      assert.deepEqual(await fishOf(there), ['view'])
      const terms = group
      await change(here, 'POST', '/terms', { id: terms, title: 'Terms', dataset: 'fish', markdown: '# Cite us' })
      assert.deepEqual(await fishOf(there), [])
      const book = rooms.get('ledger').terms
      const digest = (await book.find(terms))?.text.digest ?? ''
      await book.accept({ kind: 'account', account: ids.ada ?? '', address: undefined }, { terms, digest })
      for (const at of [here, there]) assert.deepEqual(await fishOf(at), ['view'])
      await change(here, 'PATCH', `/accounts/${ids.ada}`, { state: 'deactivated' })
      assert.equal((await cacheOf(there)).status, 401)
      await change(there, 'PATCH', `/accounts/${ids.ada}`, { state: 'active' })
      assert.equal((await cacheOf(here)).status, 200)
      await change(there, 'DELETE', `/groups/${group}/members/${ids.ada}`)
      assert.deepEqual(await fishOf(here), [])
      await change(here, 'DELETE', `/grants/${(made.body as { id: string }).id}`)
    }))

  test('a relying party is known at the other as it is added, by its newest secret, and until it is removed', () =>
    bothWays(async (here, there) => {
      const settings = { name: 'Added', redirectUris: [callback], grantTypes: ['client_credentials'] }
      const { body } = await change(here, 'POST', '/clients', { id: 'added', settings })
      const status = async (at: Member, secret: string) => {
        const headers = { authorization: `Basic ${Buffer.from(`added:${secret}`).toString('base64')}` }
        const { raw, headers: type } = form({ grant_type: 'client_credentials' })
        return (
          await at.ask('POST', '/oidc/token', { raw, headers: { ...type, Authorization: headers.authorization } })
        ).status
      }
      const { secret: first } = body as { secret: string }
      assert.equal(await status(there, first), 200)
      const again = await change(there, 'POST', '/clients/added/secret', {})
      const { secret: second } = again.body as { secret: string }
      assert.deepEqual([await status(here, first), await status(here, second)], [401, 200])
      await change(here, 'DELETE', '/clients/added')
      assert.equal(await status(there, second), 401)
    }))

  test('who is signed out at one is signed out at the other, tokens and all', () =>
    bothWays(async (here, there) => {
      const asked = await web.request()
      const page = await signInByEmail(pair, agent, { at: asked.url, email: 'eve@example.org' })
      assert.ok(page.url.href.startsWith(callback), titleOf(page))
      const { access_token: token, claims } = await asked.redeem(page.url)
      for (const at of [here, there]) assert.equal(await isActive(at, token), true)
      assert.equal((await web.silent(agent)).error, null)
      await change(here, 'POST', `/accounts/${claims()?.sub}/sign-out`)
      for (const at of [there, here]) {
        assert.equal(await isActive(at, token), false)
        assert.equal((await at.ask('GET', '/oidc/userinfo', { token })).status, 401)
      }
      for (const _ of pair.members) assert.equal((await web.silent(agent)).error, 'login_required')
    }))

  test('without a Redis, too, tries at both count together', async () => {
    const from = '127.0.0.9'
    const tries = await Promise.all(
      Array.from({ length: 110 }, (_, n) => pair.members[n % 2]?.ask('GET', `${api}/me`, { token: 'wrong', from })),
    )
    const count = (status: number) => tries.filter((one) => one?.status === status).length
    assert.deepEqual([count(401), count(429)], [100, 10])
    for (const at of pair.members) {
      const answer = await at.ask('GET', `${api}/me`, { token: 'wrong', from })
      assert.deepEqual([answer.status, Number(answer.headers['retry-after']) > 0], [429, true])
    }
  })

  test('signing keys change at both: what either signs, either’s keys verify, all the time', async () => {
    const keysOf = async (at: Member) => (await at.ask('GET', '/oidc/jwks')).body as unknown as JSONWebKeySet
    const before = decodeProtectedHeader(await signedBy(pair.members[0])).kid
    let done = false
    const keys = rooms.get('keys')
    const rotated = Promise.all([keys.rotate('ES256'), keys.rotate('RS256')]).finally(() => {
      done = true
    })
    const kids = new Set<string | undefined>()
    const check = async (at: Member) => {
      const token = await signedBy(at)
      kids.add(decodeProtectedHeader(token).kid)
      for (const other of pair.members) {
        await compactVerify(token, createLocalJWKSet(await keysOf(other)))
        assert.equal(await isActive(other, token), true)
      }
    }
    while (!done) for (const at of pair.members) await check(at)
    const [{ kid: now }] = await rotated
    const end = performance.now() + 5000
    const uses = async (at: Member) => decodeProtectedHeader(await signedBy(at)).kid === now
    for (const at of pair.members) while (!(await uses(at))) assert.ok(performance.now() < end, 'signs anew in time')
    for (const at of pair.members) await check(at)
    assert.deepEqual([...kids], [before, now])
    await keys.remove(before ?? '')
    const isGone = async (at: Member) => !(await keysOf(at)).keys.some(({ kid }) => kid === before)
    for (const at of pair.members) while (!(await isGone(at))) assert.ok(performance.now() < end, 'is gone in time')

    async function signedBy(at: Member): Promise<string> {
      const { body } = await at.ask(
        'POST',
        '/oidc/token',
        form({ grant_type: 'client_credentials', resource, scope: 'read' }),
      )
      return (body as { access_token: string }).access_token
    }
  })

  test('a config is each one’s own until the other reloads, too; what it says of the ledger counts at both', async () => {
    const [first, second] = pair.members
    const added = { name: 'Added', secret: 'a-secret-of-the-test-client-added', redirectUris: [callback] }
    const part = {
      clients: { ...testClients, added: { ...added, grantTypes: ['client_credentials'] } },
      datasets: { fish: { title: 'Fish' }, worm: { title: 'Worm' } },
    }
    const statuses = async () => {
      const headers = { Authorization: `Basic ${Buffer.from(`added:${added.secret}`).toString('base64')}` }
      const { raw, headers: type } = form({ grant_type: 'client_credentials' })
      const ask = async (at: Member) =>
        (await at.ask('POST', '/oidc/token', { raw, headers: { ...type, ...headers } })).status
      return Promise.all(pair.members.map(ask))
    }
    const reload = async (at: Member) => ((await at.tell({ do: 'reload', part })) as ReloadAnswer).outcome
    assert.equal(await reload(first), 'applied')
    assert.deepEqual(await statuses(), [200, 401])
    for (const at of pair.members) assert.equal((await change(at, 'GET', '/datasets/worm')).status, 200)
    assert.equal(await reload(second), 'applied')
    assert.deepEqual(await statuses(), [200, 200])
    const seeded = await rooms.get('storage').audit.list({ type: 'ledger.seeded', limit: 9 })
    assert.equal(seeded.length, 2, 'the start, and the first reload')
  })

  test('both clean up at once, and no row twice', async () => {
    const { artifacts } = rooms.get('storage')
    const unit = artifacts.unit()
    for (let n = 0; n < 400; n++)
      unit.put({ model: 'AccessToken', id: `expired-${n}`, payload: { jti: `expired-${n}` }, expiresAt: 1 })
    await unit.commit()
    const counts = await Promise.all(pair.members.map((at) => at.tell({ do: 'clean' })))
    const sum = counts.reduce<number>((all, count) => all + Number(count), 0)
    assert.ok(sum >= 400, `${sum} of 400`)
    assert.equal(await rooms.get('storage').cleaner.step(), 0)
    // Counters of limits and the like go with them; what is counted twice would be far more.
    assert.ok(sum < 500, `${sum} rows`)
  })

  test('of one that is killed the other takes over: workspaces, and a code on its way', async () => {
    const leads = await Promise.all(pair.members.map((at) => at.tell({ do: 'leads' })))
    assert.equal(leads.filter(Boolean).length, 1)
    const [leader, other] = leads[0] ? pair.members : [pair.members[1], pair.members[0]]
    const stateOf = async (id: string) => {
      const { body } = await change(other, 'GET', `/workspaces/${id}`)
      return (body as { state: string }).state
    }
    const until = async (id: string, state: string) => {
      const end = performance.now() + 20_000
      while ((await stateOf(id)) !== state) assert.ok(performance.now() < end, `${id} becomes ${state}`)
    }
    // Wished for where nobody looks after it.
    const asked = await change(other, 'POST', '/workspaces', { account: ids.root, profile: 'notebook' })
    const { id } = asked.body as { id: string }
    await until(id, 'ready')
    assert.equal(livingIn(running).length, 1)

    const request = await web.request()
    const back = await signInByEmail(pair, browser(), { at: request.url, email: 'fay@example.org' })
    await leader.kill()
    const { access_token: token } = await request.redeem(back.url)
    assert.equal(await isActive(other, token), true)
    await change(other, 'POST', `/workspaces/${id}/stop`, {})
    await until(id, 'stopped')
    assert.deepEqual([await other.tell({ do: 'leads' }), livingIn(running)], [true, []])
  })
})
