/**
 * What people complained of elsewhere, each by its name and shown to be otherwise here: datascience-launchpad (the defects
 * of its reading), JupyterHub and its spawners, the proxies of RStudio. Those with a home of their own stand there.
 * @module
 */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, afterEach, before, suite, test } from 'node:test'
import { GroupEntity, MembershipEntity } from '../../core/storage/entities.ts'
import { freePort } from '../support/labgate.ts'
import { type Ask, ask, enter, type Person, signedIn } from '../support/workspace-visit.ts'
import { testProfiles, type WorkspaceWorld, workspaceWorld } from '../support/workspaces.ts'

const program = testProfiles.notebook.command.slice(0, 4)
const limits = { small: { memory: '1g', cpus: 1 } }
const rstudio = { preset: 'rstudio', runner: 'here', command: [...program, '/', '{secrets}'], sizes: limits }
const huge = { ...testProfiles.notebook, sizes: { huge: { memory: '64g', cpus: 16 } }, allow: { groups: ['imaging'] } }
const lab = { ...testProfiles.notebook, command: [...testProfiles.notebook.command, 'tells'] }

suite('complaints', () => {
  let world: WorkspaceWorld
  let port: number
  let carol: Person
  let dave: Person
  const rooms = () => world.site.labgate.rooms
  const room = () => rooms().get('workspaces')
  const host = (id: string) => `${id}.localhost:${port}`
  const issuer = (path: string, more: RequestInit = {}) =>
    fetch(new URL(path, world.site.issuer), { redirect: 'manual', ...more })
  const own = ({ agent }: Person) => ({ cookie: agent.cookieHeader(new URL(world.site.issuer)) })
  const start = (who: Person, profile = 'notebook') =>
    room().request(world.as(who.account), { account: who.account, profile })
  const stop = async (id: string) => {
    await room().stop({ kind: 'system', name: 'test' }, id)
    return world.until(id, 'stopped', 'failed')
  }

  before(async () => {
    port = await freePort()
    const profiles = { ...testProfiles, rstudio, huge, lab }
    world = await workspaceWorld({ workspaces: { origin: `http://*.localhost:${port}`, profiles } }, { port })
    carol = await signedIn(world, 'carol@example.org')
    dave = await signedIn(world, 'dave@example.org')
  })
  afterEach(() => {
    for (const name of readdirSync(join(world.folder, 'faults'))) world.clear(name)
  })
  after(() => world.stop())

  test('launchpad 2.5: identity is no cookie that one writes oneself, at the issuer or at a workspace', async () => {
    const { id } = await world.ready(carol.account)
    const carols = (await rooms().get('accounts').find(carol.account))?.id ?? ''
    for (const cookie of [
      'user_email=carol@example.org; session_expires=2099-01-01T00:00:00',
      `labgate_session=${carols}`,
      'labgate_session=carol@example.org',
      `labgate_session=${'A'.repeat(43)}`,
    ]) {
      const page = await issuer(`/workspaces/${id}`, { headers: { cookie } })
      assert.equal(page.status, 303, cookie)
      assert.match(page.headers.get('location') ?? '', /\/oidc\/auth|\/sign-in/)
      assert.equal((await ask({ port, host: host(id), path: '/api/status', headers: { cookie } })).status, 401, cookie)
      const post = { method: 'POST', headers: { cookie, origin: world.site.issuer } }
      assert.ok([303, 401, 403].includes((await issuer(`/workspaces/${id}/stop`, post)).status), cookie)
    }
    assert.equal((await room().find(id))?.state, 'ready')
    await stop(id)
  })

  test('launchpad 2.5: no form of workspaces does anything without the token of its page, whatever the origin', async () => {
    const { id } = await world.ready(carol.account)
    const form = { 'content-type': 'application/x-www-form-urlencoded', ...own(carol) }
    const paths = ['', ...['stop', 'restart', 'extend', 'forget', 'invite', 'uninvite'].map((path) => `/${id}/${path}`)]
    const before = await world.kinds(id)
    for (const path of paths)
      for (const origin of [world.site.issuer, `http://${host(id)}`, 'https://evil.example', 'null'])
        for (const body of ['', 'profile=notebook', `_csrf=${'x'.repeat(43)}&profile=notebook&username=dave`]) {
          const posted = await issuer(`/workspaces${path}`, { method: 'POST', headers: { ...form, origin }, body })
          assert.equal(posted.status, 403, `${path} from ${origin}`)
        }
    assert.deepEqual(await world.kinds(id), before)
    assert.equal((await room().list({ account: carol.account, states: ['ready'], limit: 10 })).total, 1)
    // What changes something is no link either.
    for (const path of paths.slice(1))
      assert.ok((await issuer(`/workspaces${path}`, { headers: own(carol) })).status >= 404, path)
    await stop(id)
  })

  test('launchpad 2.5: no token is in arguments, environments, lines of the log, the audit trail, or in clear on the disk', async () => {
    const { id } = await world.ready(carol.account, 'lab')
    const secret = (await room().way(id, carol.account))?.headers.authorization?.split(' ')[1] ?? assert.fail()
    const [pid] = world.processes()
    for (const one of readdirSync('/proc').filter((name) => /^\d+$/.test(name)))
      for (const file of ['cmdline', 'environ']) assert.ok(!readOr(`/proc/${one}/${file}`).includes(secret), `${one}`)
    assert.ok(readOr(`/proc/${pid}/cmdline`).includes(id), 'what is looked at is there')
    await stop(id)
    rooms().get('log').flush()
    const files = readdirSync(world.site.folder, { recursive: true, withFileTypes: true }).filter((one) => one.isFile())
    assert.ok(files.some(({ name }) => name.endsWith('.log')) && files.some(({ name }) => /\.(db|sqlite)/.test(name)))
    for (const { parentPath, name } of files) {
      const content = readFileSync(join(parentPath, name))
      assert.ok(!content.includes(secret), name)
    }
    const said = JSON.stringify([await room().events(id), await room().find(id)])
    assert.ok(!said.includes(secret))
  })

  test('launchpad 2.5: no path, host or header leads to a port that somebody chooses', async () => {
    const { id } = await world.ready(carol.account)
    const cookie = await enter(world, carol, { port, host: host(id) })
    const app = (await room().way(id, carol.account))?.endpoint
    const inside = app?.kind === 'tcp' ? app.port : assert.fail()
    const paths = [`/rstudio/carol/${inside}/`, `/proxy/${inside}/`, `/w/${inside}/`, `/${inside}/`]
    for (const path of paths) {
      assert.equal((await issuer(path, { headers: own(carol) })).status, 404, path)
      // At a workspace it is a path of the app, and of no other.
      assert.equal(JSON.parse((await ask({ port, host: host(id), path, headers: { cookie } })).body).url, path)
    }
    for (const strange of [`127.0.0.1:${inside}`, `${inside}.localhost:${port}`, `localhost:${inside}`]) {
      const answer = await ask({ port, host: strange, path: '/api/status', headers: { cookie } })
      assert.ok(answer.status >= 400 && answer.status < 500, strange)
    }
    await stop(id)
  })

  test('launchpad 2.5: a place that hangs holds up no request of anybody', async () => {
    world.fault('hold-begin')
    const { id } = await start(carol)
    const { id: running } = await start(dave)
    world.fault('silent')
    const looking = room().look()
    const at = performance.now()
    for (const who of [carol, dave]) assert.equal((await issuer('/workspaces', { headers: own(who) })).status, 200)
    assert.equal((await issuer(`/workspaces/${id}`, { headers: own(carol) })).status, 200)
    assert.ok(performance.now() - at < 3000, `${performance.now() - at} ms`)
    for (const name of ['hold-begin', 'silent']) world.clear(name)
    await looking
    for (const one of [id, running]) await stop(one)
  })

  test('dockerspawner#277, #357: sizes by group: who is not in it neither sees them nor gets them', async () => {
    const names = async (who: Person) => (await room().options(who.account)).map(({ profile }) => profile.name)
    await rooms()
      .get('storage')
      .transaction(async (em) => {
        em.create(GroupEntity, { slug: 'imaging', title: 'Imaging' } as never)
        await em.flush()
        em.create(MembershipEntity, {
          account: dave.account,
          group: 'imaging',
          source: 'admin',
          at: new Date(),
        } as never)
      })
    assert.ok(!(await names(carol)).includes('huge'))
    assert.ok((await names(dave)).includes('huge'))
    await assert.rejects(start(carol, 'huge'), { code: 'ERR_FORBIDDEN' })
    const { limits: given } = await start(dave, 'huge').then(({ id }) => world.until(id, 'ready'))
    assert.deepEqual([given.memoryBytes, given.cpus], [64 * 1024 ** 3, 16])
    for (const { id } of (await room().list({ account: dave.account, states: ['ready'], limit: 9 })).rows)
      await stop(id)
  })

  test('batchspawner#88: what took too long to start can be started again, once, and says nothing old', async () => {
    const slow = await room().request(world.as(carol.account), { account: carol.account, profile: 'never' })
    const failed = await world.until(slow.id, 'failed')
    assert.deepEqual([failed.trouble?.code, failed.trouble?.retryable], ['readiness', true])
    assert.deepEqual(world.processes(), [])
    await room().restart(world.as(carol.account), slow.id)
    assert.equal((await room().find(slow.id))?.trouble, undefined)
    await world.until(slow.id, 'failed')
    assert.deepEqual(world.processes(), [])
  })

  test('batchspawner#193: what waits in its place’s own line can be given up', async () => {
    world.fault('hold-begin')
    const { id } = await start(carol)
    while (!existsSync(join(world.folder, 'held-begin'))) await new Promise((done) => setTimeout(done, 10))
    assert.equal((await stop(id)).state, 'stopped')
    assert.deepEqual(world.processes(), [])
  })

  test('batchspawner#215: a place that says what nobody understands has said nothing', async () => {
    const { id } = await world.ready(carol.account)
    for (const fault of ['nonsense', 'broken']) {
      world.fault(fault)
      for (let looks = 0; looks < 4; looks++) await room().look()
      assert.equal((await room().find(id))?.state, 'ready', fault)
      world.clear(fault)
    }
    assert.equal((await world.app(id, 'api/status')).status, 200)
    world.fault('nonsense')
    await room().look()
    world.clock.forward(11 * 60)
    await room().look()
    assert.equal((await room().find(id))?.state, 'lost')
    world.clear('nonsense')
    await room().look()
    assert.notEqual((await room().find(id))?.state, 'lost')
    await stop(id)
  })

  test('batchspawner#253: one that ends before it ever answered is failed, and its owner is not stuck', async () => {
    const { id } = await start(carol, 'crashing')
    assert.equal((await world.until(id, 'failed')).trouble?.code, 'crash')
    const again = await world.ready(carol.account)
    await stop(again.id)
    await room().forget(world.as(carol.account), id)
    assert.equal(await room().find(id), undefined)
  })

  test('rsession-proxy#1: an RStudio has no door but the proxy’s, which asks who comes', async () => {
    const { id } = await world.ready(carol.account, 'rstudio')
    assert.equal((await ask({ port, host: host(id), path: '/', headers: {} })).status, 401)
    const daves = await enter(world, dave, { port, host: host(id) })
    assert.equal(daves, 'undefined', 'nobody else gets a cookie of that host')
    const way = await room().way(id, carol.account)
    assert.equal(way?.endpoint.kind === 'tcp' && way.endpoint.host, '127.0.0.1')
    await stop(id)
  })

  test('rsession-proxy#64, #65, rstudio#9961: two people at once, the root path told, no identity from outside, no second sign-in', async () => {
    const people = [carol, dave]
    const all = await Promise.all(people.map(({ account }) => world.ready(account, 'rstudio')))
    for (const [index, { id }] of all.entries()) {
      const who = people[index] ?? assert.fail()
      const cookie = await enter(world, who, { port, host: host(id) })
      const asked: Ask = { port, host: host(id), path: '/echo', headers: { cookie, 'x-rstudio-useridentity': 'root' } }
      const { headers } = JSON.parse((await ask(asked)).body)
      assert.equal(headers['x-rstudio-root-path'], '/')
      assert.equal(headers['x-rstudio-useridentity'], undefined)
      assert.equal(headers.host, host(id))
    }
    for (const { id } of all) await stop(id)
  })
})

/** Nothing of what has ended meanwhile, or is nobody's to read. */
function readOr(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}
