/**
 * A real engine killed (SIGKILL) at each step of a workspace's life, with Labgate and without it: what exists is adopted
 * or taken away, nothing is made twice, nothing is left.
 * @module
 */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { after, afterEach, suite, test } from 'node:test'
import { noDocker, startDocker } from '../support/docker.ts'
import { type Moment, wireTo } from '../support/engine-wire.ts'
import { loadBusybox } from '../support/images.ts'
import { type Victim, workspaceVictims } from '../support/workspace-victims.ts'

/** Stands in the arguments of every process of ours in a container. */
const pages = '/tmp/w/labgate-engine-test'
const patience = { timeout: 60_000 }

const skip = noDocker()
if (skip) test('an engine that is killed', { skip }, () => undefined)
else
  suite('an engine that is killed', async () => {
    const engine = await startDocker({ liveRestore: true })
    const image = await loadBusybox(engine.client)
    const wire = await wireTo(engine)
    const boxed = {
      ...{ preset: 'command', runner: 'engine', image, port: 8080, user: { uid: 1000, gid: 1000 } },
      command: ['sh', '-c', `mkdir -p ${pages}; echo hello > ${pages}/index.html; exec httpd -f -p 8080 -h ${pages}`],
      mounts: [{ target: '/home/work' }],
      readiness: { timeout: '20s' },
    }
    // Ready no sooner than somebody opens its gate.
    const shut = {
      ...boxed,
      command: ['sh', '-c', `mkdir -p /tmp/w; while [ ! -e /tmp/w/gate ]; do sleep 0.1; done; ${boxed.command[2]}`],
    }
    const config = { socket: wire.socket, bind: engine.bind, pull: 'never', timeout: '5s' }
    const victims = await workspaceVictims({
      plugins: { engine: { use: '@labgate/runner-docker', config } },
      profiles: { boxed, shut },
    })
    let serving: Victim = await victims.start()
    after(async () => {
      await victims.close()
      await wire.close()
      await engine.close()
    })
    afterEach(() => engine.client.ping().catch(() => engine.start()))

    const containers = () => engine.client.listContainers({ all: true })
    /** Both are there again, and everything is looked at until a workspace is where it should be. */
    const until = async (id: string, ...states: string[]): Promise<string> => {
      const end = performance.now() + 30_000
      for (;;) {
        await serving.tell('look')
        const state = String(await serving.tell('find', { id }))
        if (states.includes(state)) return state
        assert.ok(performance.now() < end, `${id} is ${state}, not ${states.join(' or ')}`)
        await new Promise((done) => setTimeout(done, 100))
      }
    }
    type Whom = 'engine' | 'both'
    const revive = async (whom: Whom) => {
      if (whom === 'both') await serving.kill()
      await engine.start()
      if (whom === 'both') serving = await victims.start()
    }
    /** Tells Labgate something, and the engine dies at this step of it. */
    const cut = async (
      like: RegExp,
      { moment, whom }: { moment: Moment; whom: Whom },
      tell: () => Promise<unknown>,
    ) => {
      const told = Promise.withResolvers<unknown>()
      const dead = wire.cut(like, moment, async () => {
        // Labgate first: what outlives the engine by a moment hears of its end and gives up what was asked of it.
        await told.promise
        if (whom === 'both') await serving.kill()
      })
      told.resolve(tell())
      const answer = await told.promise
      await dead
      await revive(whom)
      return String(answer)
    }
    const assertNothingLeft = async () => {
      assert.deepEqual(
        (await containers()).map(({ Names, Status }) => [Names, Status]),
        [],
      )
      assert.deepEqual(processesMarked(), [])
      const { Volumes } = await engine.client.listVolumes()
      for (const { Name } of Volumes) assert.match(Name, /^labgate-[0-9a-zA-Z]{8}-u\d+-home$/, 'nobody’s volume')
      const { Containers } = await engine.client.df()
      assert.deepEqual(Containers ?? [], [])
    }
    const stop = async (id: string) => {
      await serving.tell('stop', { id })
      await until(id, 'stopped')
      await assertNothingLeft()
    }
    const start = async (profile = 'boxed') => {
      const id = String(await serving.tell('request', { profile }))
      await until(id, 'ready')
      return id
    }

    test('planned while it is away: nothing is made, it can be started later', patience, async () => {
      await engine.kill()
      const id = String(await serving.tell('request', { profile: 'boxed' }))
      await serving.until(id, 'stopping')
      await revive('engine')
      assert.equal(await until(id, 'failed'), 'failed')
      await assertNothingLeft()
      await serving.tell('restart', { id })
      await until(id, 'ready')
      await stop(id)
    })

    const launching: [string, RegExp][] = [
      ['create', /^POST .*\/containers\/create/],
      ['secrets', /^PUT .*\/archive/],
      ['start', /^POST .*\/containers\/\w+\/start/],
    ]
    for (const [step, like] of launching)
      for (const [moment, whom] of [
        ['before', 'engine'] as const,
        ['after', 'engine'] as const,
        ['after', 'both'] as const,
      ])
        test(`${step}, killed ${moment} it is done (${whom}): adopted or taken away`, patience, async () => {
          const id = await cut(like, { moment, whom }, () => serving.tell('request', { profile: 'boxed' }))
          // Who hears that the engine is gone gives up and cleans; who was killed itself goes on.
          const state = await until(id, 'failed', 'ready')
          if (whom === 'both') assert.equal(state, 'ready')
          if (state === 'failed') return assertNothingLeft()
          assert.equal((await containers()).length, 1)
          return stop(id)
        })

    for (const whom of ['engine', 'both'] as const)
      test(`ready, killed before the app answers (${whom}): the same container becomes ready`, patience, async () => {
        const id = String(await serving.tell('request', { profile: 'shut' }))
        const made = await containerOf(id)
        await engine.kill()
        await revive(whom)
        const opened = await engine.client.getContainer(made).exec({ Cmd: ['touch', '/tmp/w/gate'] })
        await opened.start({ Detach: true })
        await until(id, 'ready')
        assert.deepEqual(
          (await containers()).map(({ Id }) => Id),
          [made],
        )
        await stop(id)
      })

    for (const whom of ['engine', 'both'] as const)
      test(
        `running, killed (${whom}): unknown ends nothing, and the same container is there again`,
        patience,
        async () => {
          const id = await start()
          const made = await containerOf(id)
          assert.equal(processesMarked().length, 1, 'what is looked for can be seen')
          await engine.kill()
          for (let looks = 0; looks < 4; looks++) await serving.tell('look')
          assert.equal(await serving.tell('find', { id }), 'ready')
          await revive(whom)
          await until(id, 'ready')
          assert.deepEqual(
            (await containers()).map(({ Id }) => Id),
            [made],
          )
          await stop(id)
        },
      )

    const ending: [string, RegExp, Moment][] = [
      ['stopping', /^POST .*\/containers\/\w+\/stop/, 'before'],
      ['stopping', /^POST .*\/containers\/\w+\/stop/, 'after'],
      ['removing', /^DELETE .*\/containers\/\w+/, 'before'],
      ['removing', /^DELETE .*\/containers\/\w+/, 'after'],
    ]
    for (const [step, like, moment] of ending)
      test(`${step}, killed ${moment} it is done: the end is finished`, patience, async () => {
        const id = await start()
        const whom = moment === 'after' ? 'both' : 'engine'
        await cut(like, { moment, whom }, () => serving.tell('stop', { id }))
        await until(id, 'stopped')
        await assertNothingLeft()
      })

    async function containerOf(id: string): Promise<string> {
      const end = performance.now() + 20_000
      for (;;) {
        const found = (await engine.client.listContainers()).find(({ Labels }) => Labels['labgate.instance'] === id)
        if (found) return found.Id
        assert.ok(performance.now() < end, 'it never ran')
        await new Promise((done) => setTimeout(done, 20))
      }
    }
  })

/** Processes of this machine that a container of ours has started. */
function processesMarked(): string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(pages)
    } catch {
      return false // It ended while we looked.
    }
  })
}
