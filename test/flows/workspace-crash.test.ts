/** A Labgate with workspaces killed (SIGKILL) at each named step, and several on one database: nothing leaks, nothing runs twice. @module */
import assert from 'node:assert/strict'
import { after, afterEach, suite, test } from 'node:test'
import { type Victim, type Victims, workspaceVictims } from '../support/workspace-victims.ts'
import { directProfile } from '../support/workspaces.ts'

suite('killed in the middle of a workspace’s life', async () => {
  const direct = await directProfile()
  const victims: Victims = await workspaceVictims({ profiles: { direct } })
  let serving: Victim = await victims.start()
  after(() => victims.close())
  afterEach(() => {
    for (const name of ['before-save', 'after-save', 'terminate', 'remove']) victims.clear(`hold-${name}`)
  })
  const again = async (): Promise<Victim> => {
    await serving.kill()
    serving = await victims.start()
    return serving
  }
  const stopAll = async (id: string) => {
    await serving.tell('stop', { id })
    await serving.until(id, 'stopped')
    assert.deepEqual(victims.processes(), [])
    assert.deepEqual(victims.left(), [])
  }

  for (const point of ['before-save', 'after-save'])
    test(`launching, held ${point}: what was made is adopted, and made once`, async () => {
      victims.fault(`hold-${point}`)
      const id = String(await serving.tell('request'))
      await victims.held(point)
      const [made] = victims.processes()
      await serving.kill()
      victims.clear(`hold-${point}`)
      await again()
      await serving.until(id, 'ready')
      assert.deepEqual(victims.processes(), [made])
      await stopAll(id)
    })

  test('launching, before it is ready: the same process becomes ready', async () => {
    const id = String(await serving.tell('request', { profile: 'gated' }))
    await serving.until(id, 'starting')
    while (victims.processes().length === 0) await new Promise((done) => setTimeout(done, 20))
    const made = victims.processes()
    await again()
    victims.openGate()
    await serving.until(id, 'ready')
    assert.deepEqual(victims.processes(), made)
    await stopAll(id)
  })

  test('jupyterhub#5107, #3855, #819, #4574: one that runs goes on through a restart of Labgate', async () => {
    const id = String(await serving.tell('request'))
    await serving.until(id, 'ready')
    const before = victims.processes()
    await again()
    await serving.tell('look')
    assert.equal(await serving.tell('find', { id }), 'ready')
    assert.deepEqual(victims.processes(), before)
    await stopAll(id)
  })

  test('a port past the proxy comes back where it was, and goes with the workspace', async () => {
    const ask = () =>
      fetch(`http://127.0.0.1:${direct.direct.ports.from}/api/status`, { headers: { connection: 'close' } }).then(
        ({ status }) => status,
        () => 0,
      )
    const id = String(await serving.tell('request', { profile: 'direct' }))
    await serving.until(id, 'ready')
    assert.equal(await ask(), 403)
    await serving.kill()
    assert.equal(await ask(), 0)
    serving = await victims.start()
    await serving.tell('look')
    assert.equal(await ask(), 403)
    // Of two processes one has it, and the other takes it over.
    const second = await victims.start()
    await serving.kill()
    serving = second
    while (!(await serving.tell('leads'))) await new Promise((done) => setTimeout(done, 50))
    await serving.tell('look')
    assert.equal(await ask(), 403)
    await stopAll(id)
    assert.equal(await ask(), 0)
  })

  for (const point of ['terminate', 'remove'])
    test(`stopping, held at ${point}: the stop is finished`, async () => {
      const id = String(await serving.tell('request'))
      await serving.until(id, 'ready')
      victims.fault(`hold-${point}`)
      await serving.tell('stop', { id })
      await victims.held(point)
      await serving.kill()
      victims.clear(`hold-${point}`)
      await again()
      await serving.until(id, 'stopped')
      assert.deepEqual(victims.processes(), [])
      assert.deepEqual(victims.left(), [])
    })

  test('a wish that was written down and not begun is kept: stop and restart', async () => {
    const other = await victims.start()
    const id = String(await serving.tell('request'))
    await serving.until(id, 'ready')
    assert.equal(await other.tell('leads'), false)
    // Held, so that the one who leads is killed before it comes to the wish.
    victims.fault('hold-terminate')
    await other.tell('stop', { id })
    await serving.kill()
    victims.clear('hold-terminate')
    await other.until(id, 'stopped')
    assert.equal(await other.tell('leads'), true)
    assert.deepEqual(victims.processes(), [])
    serving = other
  })

  test('of two processes one looks after workspaces; wishes at the other are done, and it takes over at once', async () => {
    const second = await victims.start()
    assert.deepEqual([await serving.tell('leads'), await second.tell('leads')], [true, false])
    const ids = await Promise.all([second, serving, second].map(async (one) => String(await one.tell('request'))))
    for (const id of ids) await second.until(id, 'ready')
    assert.equal(victims.processes().length, 3)
    const [first = ''] = ids
    await second.tell('restart', { id: first })
    await second.until(first, 'stopping', 'reserved', 'starting')
    await second.until(first, 'ready')
    assert.equal(victims.processes().length, 3)
    await serving.kill()
    serving = second
    await second.tell('stop', { id: first })
    await second.until(first, 'stopped')
    assert.equal(await second.tell('leads'), true)
    for (const id of ids.slice(1)) {
      await second.tell('stop', { id })
      await second.until(id, 'stopped')
    }
    assert.deepEqual(victims.processes(), [])
    assert.deepEqual(victims.left(), [])
  })
})
