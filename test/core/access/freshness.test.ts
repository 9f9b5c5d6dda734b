import assert from 'node:assert/strict'
import { after, suite, test } from 'node:test'
import { covers, heldOn } from '@labgate/contract'
import Database from 'better-sqlite3'
import { openStorage } from '../../../core/storage/storage.ts'
import fc from '../../support/chance.ts'
import { openSqlite, testKeys } from '../../support/storage.ts'
import { verdict } from './oracle.ts'
import { beginning, type Rooms, roomsOn, type Step, steps, take } from './processes.ts'
import { readWorld, type World, writeWorld } from './world.ts'

const ignore = () => undefined
const quiet = { debug: ignore, info: ignore, warn: ignore, error: ignore }
const house = { kind: 'system', name: 'test' } as const
const start = Date.UTC(2026, 0, 10)

suite('the very next answer knows of every change', async () => {
  const { storage, file, close } = await openSqlite()
  let now = start
  const clock = { now: () => new Date(now) }
  const second = await openStorage({ file, clock, keys: testKeys, log: quiet })
  const database = new Database(file)
  after(async () => {
    database.close()
    await second.close()
    await close()
  })
  const processes = [roomsOn(storage, clock), roomsOn(second, clock)] as const

  const walk = fc.array(
    fc.record({
      step: fc.oneof(
        { weight: 9, arbitrary: steps(start).map((step) => ({ step, hours: 0 })) },
        {
          weight: 1,
          arbitrary: fc.constantFrom(1, 2, -1).map((hours) => ({ step: ignore as unknown as Step, hours })),
        },
      ),
      by: fc.constantFrom(0, 1),
    }),
    { minLength: 6, maxLength: 14, size: 'max' },
  )

  test('whichever of two processes made it, and whichever is asked', async () => {
    const claim = fc.asyncProperty(walk, async (taken) => {
      now = start
      await writeWorld(database, beginning)
      for (const { step, by } of taken) {
        now += step.hours * 3_600_000
        if (step.hours === 0) await take(step.step, processes[by === 0 ? 0 : 1])
        const world = readWorld(database)
        for (const rooms of processes) await answersAre(rooms, world, now)
      }
    })
    await fc.assert(claim, { numRuns: Number(process.env.LABGATE_WALK_RUNS ?? 25) })
  })

  test('and when many are made at once, while answers are given', async () => {
    const claim = fc.asyncProperty(fc.array(steps(start), { minLength: 8, maxLength: 8 }), async (taken) => {
      await writeWorld(database, beginning)
      const [writing, reading] = processes
      const settled = taken.map(async (step) => {
        await take(step, writing)
        // Others are still at work: this must only not fail, and not keep what is over.
        await Promise.all([writing, reading].map(({ access }) => access.snapshot('ada')))
      })
      await Promise.all(settled)
      for (const rooms of processes) await answersAre(rooms, readWorld(database), now)
    })
    await fc.assert(claim, { numRuns: 20 })
  })

  test('a right that was given and taken a hundred times is never answered late', async () => {
    await writeWorld(database, { ...beginning, grants: [] })
    const [writing, reading] = processes
    const asked = { account: 'bob', dataset: 'fish', verb: 'view' }
    for (let turn = 0; turn < 100; turn++) {
      const grant = await writing.grants.add(house, {
        subject: { kind: 'account', account: 'bob' },
        dataset: 'fish',
        level: 'view',
      })
      assert.equal((await reading.access.decide(asked)).allowed, true)
      assert.equal((await reading.access.snapshot('bob')).grants.length, 1)
      await writing.grants.end(house, grant.id)
      assert.equal((await reading.access.decide(asked)).allowed, false)
      assert.equal((await reading.access.snapshot('bob')).grants.length, 0)
    }
  })

  test('the revision differs after every change, and while nothing changes the same snapshot is given', async () => {
    await writeWorld(database, beginning)
    const [{ access, grants, identities, services }] = processes
    const before = await access.snapshot('svc')
    assert.equal(await access.snapshot('svc'), before)
    const seen = new Set([before.revision])
    const changes: (() => Promise<unknown>)[] = [
      () => grants.end(house, 1),
      () => services.change(house, 'svc', { parent: 'bob' }),
      () => services.change(house, 'svc', { parent: 'ada' }),
      async () => identities.seen('i0', { instance: 'orcid', realm: 'orcid' }, arrival),
    ]
    for (const change of changes) {
      await change()
      const { revision } = await access.snapshot('svc')
      assert.ok(!seen.has(revision))
      seen.add(revision)
    }
  })
})

const arrival = { issuer: 'https://orcid', subject: 'sub-ada', facts: [], amr: [], at: new Date(0) }

async function answersAre({ access }: Rooms, world: World, now: number): Promise<void> {
  for (const account of ['ada', 'bob', 'svc', undefined]) {
    const { grants } = account === undefined ? await access.anyone() : await access.snapshot(account)
    for (const dataset of ['fish', 'fly'])
      for (const verb of ['view', 'edit'])
        for (const version of dataset === 'fish' ? [undefined, 'v1'] : [undefined]) {
          const { allowed } = verdict(world, { account, dataset, version, verb, now })
          const about = JSON.stringify({ account, dataset, version, verb })
          assert.equal((await access.decide({ account, dataset, version, verb })).allowed, allowed, about)
          const entry = heldOn(grants, { dataset, version })
          assert.equal(entry !== undefined && covers(entry, verb), allowed, about)
        }
  }
}
