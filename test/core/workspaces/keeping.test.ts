/** What becomes of a workspace that runs: looked at, warned, extended, culled, lost, found again. @module */
import assert from 'node:assert/strict'
import { after, afterEach, suite, test } from 'node:test'
import { testProfiles, type WorkspaceWorld, workspaceWorld } from '../../support/workspaces.ts'

const probe = { use: new URL('../../support/plugins/authz-probe.ts', import.meta.url).pathname }

suite('while it runs', async () => {
  const plain = { ...testProfiles.notebook, preset: 'command', port: 1 }
  const world: WorkspaceWorld = await workspaceWorld({
    plugins: { probe },
    workspaces: {
      profiles: { ...testProfiles, plain, lab: { ...testProfiles.notebook, tokenScopes: ['probe'] } },
      lease: { first: '4h', extension: '8h', max: '10h', warning: '30m' },
      idle: '1h',
      lostAfter: '10m',
    },
  })
  const { alice, bob, admin, as, until, clock, look } = world
  const { get } = world.site.labgate.rooms
  const room = () => get('workspaces')
  const stateOf = async (id: string) => (await room().find(id))?.state
  const used = (id: string) => room().touch(id)
  afterEach(async () => {
    for (const name of ['unknown', 'missing', 'clean', 'renew', 'down']) world.clear(name)
    for (const { id, endedAt } of (await room().list({ limit: 1000 })).rows) {
      if (endedAt) continue
      await room().stop(as(admin), id)
      await until(id, 'stopped', 'failed', 'expired')
    }
  })
  after(() => world.stop())

  test('batchspawner#178, #179: unknown ends nothing; lost only after a while, and back when it is known again', async () => {
    const { id } = await world.ready()
    world.fault('unknown')
    await look()
    assert.equal(await stateOf(id), 'ready')
    clock.forward(9 * 60)
    await look()
    assert.equal(await stateOf(id), 'ready')
    clock.forward(2 * 60)
    await look()
    assert.equal(await stateOf(id), 'lost')
    assert.ok(await room().way(id, alice), 'whoever works in it goes on')
    clock.forward(3 * 3600)
    used(id)
    await look()
    assert.equal(await stateOf(id), 'lost', 'nobody culls what nobody can ask')
    world.clear('unknown')
    used(id)
    await look()
    assert.equal(await stateOf(id), 'ready')
    assert.deepEqual(await world.kinds(id), ['requested', 'reserved', 'starting', 'ready', 'lost', 'ready'])
  })

  test('it is gone when it was missing three times in a row and for half a minute, and not before', async () => {
    const { id } = await world.ready()
    world.fault('missing')
    await look()
    await look()
    clock.forward(40)
    world.clear('missing')
    await look()
    world.fault('missing')
    for (let looks = 0; looks < 5; looks++) await look()
    assert.equal(await stateOf(id), 'ready')
    clock.forward(40)
    await look()
    world.clear('missing')
    const failed = await until(id, 'failed')
    assert.match(failed.trouble?.message ?? '', /not there any more/)
    assert.deepEqual(world.processes(), [])
  })

  test('an app that ends by itself is stopped when all was well, and failed when not', async () => {
    const well = await world.ready()
    await world.app(well.id, 'quit')
    world.fault('clean')
    while (world.processes().length > 0) await new Promise((done) => setTimeout(done, 10))
    await look()
    assert.equal((await until(well.id, 'stopped', 'failed')).stopReason, 'ended')
    world.clear('clean')
    const ill = await world.ready()
    for (const pid of world.processes()) process.kill(pid, 'SIGKILL')
    while (world.processes().length > 0) await new Promise((done) => setTimeout(done, 10))
    await look()
    assert.equal((await until(ill.id, 'stopped', 'failed')).trouble?.code, 'crash')
  })

  test('idle-culler#55: a lease is warned of once by mail and page, extended up to its cap, and then over', async () => {
    const { id } = await world.ready()
    const before = await world.site.mails()
    clock.forward(3 * 3600 + 31 * 60)
    used(id)
    await look()
    await look()
    assert.equal((await world.kinds(id)).filter((kind) => kind === 'warned').length, 1)
    const { text } = await world.site.mail('alice@example.org')
    assert.ok(text.includes(`/workspaces/${id}`), text)
    await look()
    assert.equal((await world.site.mails()) - before, 1)
    const extended = await room().extend(as(alice), id)
    assert.deepEqual(extended.leaseEndsAt, extended.leaseLimitAt, 'eight hours more are beyond the cap of ten')
    await assert.rejects(room().extend(as(alice), id), { code: 'ERR_CONFLICT', message: /as long as it may/ })
    clock.forward(6 * 3600)
    used(id)
    await look()
    assert.equal((await world.kinds(id)).filter((kind) => kind === 'warned').length, 2)
    clock.forward(3600)
    used(id)
    await look()
    assert.equal((await until(id, 'expired')).stopReason, 'lease')
    assert.deepEqual(world.processes(), [])
    await assert.rejects(room().extend(as(alice), id), { code: 'ERR_CONFLICT' })
  })

  test('jupyterhub#1498, idle-culler#10: a busy kernel is activity, an idle one is not', async () => {
    const { id } = await world.ready()
    await world.app(id, 'busy')
    clock.forward(2 * 3600)
    await look()
    await look()
    assert.equal(await stateOf(id), 'ready')
    await world.app(id, 'idle')
    clock.forward(10 * 60)
    await look()
    assert.equal(await stateOf(id), 'idle')
    used(id)
    await look()
    assert.equal(await stateOf(id), 'ready')
    clock.forward(3600)
    await look()
    assert.equal((await until(id, 'stopped')).stopReason, 'idle')
  })

  test('traffic through the proxy is activity', async () => {
    const { id } = await world.ready(alice, 'plain')
    for (let quarter = 0; quarter < 8; quarter++) {
      clock.forward(15 * 60)
      used(id)
      await look()
    }
    assert.equal(await stateOf(id), 'ready')
    clock.forward(61 * 60)
    await look()
    assert.equal((await until(id, 'stopped')).stopReason, 'idle')
  })

  test('idle-culler#10: one that cannot be asked whether it is busy is not culled', async () => {
    const { id } = await world.ready()
    await world.app(id, 'ill')
    clock.forward(2 * 3600)
    await look()
    assert.equal(await stateOf(id), 'ready')
  })

  test('who may act no longer loses what runs, at once', async () => {
    const { id } = await world.ready(bob)
    await get('accounts').setState(bob, 'deactivated')
    assert.equal(await room().way(id, bob), undefined)
    assert.equal((await until(id, 'stopped')).stopReason, 'account')
    assert.deepEqual(world.processes(), [])
    await get('accounts').setState(bob, 'active')
  })

  test('dockerspawner#423: another plan makes another process; the stored work stays', async () => {
    const { id } = await world.ready()
    await world.app(id, 'keep/notes.txt')
    const [before] = world.processes()
    await room().restart(as(alice), id)
    await until(id, 'stopping', 'reserved', 'starting')
    await until(id, 'ready')
    const [now] = world.processes()
    assert.notEqual(now, before)
    assert.equal(world.processes().length, 1)
    assert.ok(((await world.app(id, 'files')).json as unknown as string[]).includes('notes.txt'))
  })

  test('launchpad 2.5: two people with equal local parts share nothing', async () => {
    const twin = await get('storage').transaction((em) =>
      get('accounts').createIn(em, {
        facts: [
          { claim: 'preferred_username', value: 'alice', trust: 'verified' as const },
          { claim: 'email', value: 'alice@u.example.org', trust: 'verified' as const },
        ],
        ...({ role: 'user', state: 'active' } as const),
      }),
    )
    const [first, second] = [await world.ready(alice), await world.ready(twin)]
    await world.app(first.id, 'keep/mine.txt')
    const files = (await world.app(second.id, 'files')).json as unknown as string[]
    assert.deepEqual(files, [])
    const [one, two] = [await room().way(first.id, alice), await room().way(second.id, twin)]
    assert.notEqual(one?.headers.authorization, two?.headers.authorization)
    assert.equal(await room().way(first.id, twin), undefined)
  })

  test('what runs without a record is shown to admins, keeps running for a while, and can be removed by force', async () => {
    const { id } = await world.ready()
    await get('storage').transaction(async (em) => void (await em.execute('delete from workspace where id = ?', [id])))
    for (let looks = 0; looks < 10; looks++) await look()
    const found = await room().find(id)
    assert.equal(found?.state, 'orphaned')
    assert.equal(found?.account, alice)
    assert.equal(world.processes().length, 1)
    await room().forceRemove(as(admin), id, 'nobody knows it')
    await until(id, 'stopped')
    assert.deepEqual(world.processes(), [])
  })

  test('jupyterhub#4544: an orphan is taken away when its lease is over', async () => {
    const { id } = await world.ready()
    await get('storage').transaction(async (em) => void (await em.execute('delete from workspace where id = ?', [id])))
    for (let looks = 0; looks < 10; looks++) await look()
    clock.forward(5 * 3600)
    await look()
    await until(id, 'expired')
    assert.deepEqual(world.processes(), [])
  })

  test('the token for the lab’s services speaks for its owner, is renewed, and dies when it is told to stop', async () => {
    const { id } = await world.ready(alice, 'lab')
    const tokenOf = async () => String((await world.app(id, 'lab-token')).json.token)
    const speaks = async (token: string) => {
      const answer = await fetch(`${world.site.issuer}/api/me`, { headers: { authorization: `Bearer ${token}` } })
      return answer.status
    }
    const first = await tokenOf()
    assert.equal(await speaks(first), 200)
    clock.forward(31 * 60)
    used(id)
    world.fault('renew')
    await look()
    assert.equal(await tokenOf(), first)
    world.clear('renew')
    clock.forward(6 * 60)
    await look()
    const second = await tokenOf()
    assert.notEqual(second, first)
    assert.equal(await speaks(second), 200)
    clock.forward(24 * 60)
    assert.equal(await speaks(first), 401, 'the first has had its hour')
    world.fault('down')
    await room().stop(as(alice), id)
    await until(id, 'stopping')
    for (let tries = 0; tries < 100 && (await speaks(second)) !== 401; tries++)
      await new Promise((done) => setTimeout(done, 10))
    assert.equal(await speaks(second), 401, 'dead although its place does not answer')
    world.clear('down')
    await look()
    await until(id, 'stopped')
  })

  test('hours of a workspace that was stopped and started anew are all counted', async () => {
    const from = clock.now()
    const { id } = await world.ready(admin)
    clock.forward(3600)
    await room().stop(as(admin), id)
    await until(id, 'stopped')
    clock.forward(10 * 3600)
    await room().restart(as(admin), id)
    await until(id, 'ready')
    clock.forward(1800)
    const lines = await room().usage({ from, until: clock.now(), by: 'account' })
    const { hours = 0, cpuHours = 0 } = lines.find(({ scope }) => scope === `account:${admin}`) ?? {}
    assert.ok(Math.abs(hours - 1.5) < 0.05, String(hours))
    assert.ok(Math.abs(cpuHours - 1.5) < 0.05, String(cpuHours))
  })
})
