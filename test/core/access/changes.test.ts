import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { Fault } from '@labgate/contract'
import type { EntityManager } from '@mikro-orm/sqlite'
import type { Act } from '../../../core/accounts/actor.ts'
import type { Changed } from '../../../core/accounts/changes.ts'
import { GroupEntity } from '../../../core/storage/entities.ts'
import { at, command, type OpenedLedger, openLedger } from '../../support/ledger.ts'

describe('the one door for changes', () => {
  let ledger: OpenedLedger
  const asked: Act[] = []
  beforeEach(async () => {
    asked.length = 0
    ledger = await openLedger(async (actor, act) => {
      asked.push(act)
      if (actor.kind === 'account' && actor.account === 'nobody') throw new Fault('ERR_FORBIDDEN', 'not you')
    })
  })
  afterEach(() => ledger.close())

  const act: Act = { on: 'group', do: 'create', group: 'g' }
  const made = (slug: string): Changed<string> => ({
    result: slug,
    type: 'group.created',
    target: { group: slug },
    before: undefined,
    after: { title: slug },
  })
  const write = async (em: EntityManager, slug: string) => void (await em.insert(GroupEntity, { slug, title: slug }))
  const state = async () => ({
    groups: (await ledger.storage.em().find(GroupEntity, {})).map(({ slug }) => slug).toSorted(),
    lines: (await ledger.storage.audit.list({ limit: 100 })).length,
    revision: await ledger.revision(),
  })

  test('a change, its line and the revision are there together, and the line says who, whence, what', async () => {
    const result = await ledger.change(at('ada'), act, async (em) => {
      await write(em, 'one')
      return { ...made('one'), account: 'ben' }
    })
    assert.equal(result, 'one')
    assert.deepEqual(await state(), { groups: ['one'], lines: 1, revision: 2 })
    const [line] = await ledger.storage.audit.list({ limit: 1 })
    assert.deepEqual(line, {
      id: 1,
      at: ledger.clock.now(),
      type: 'group.created',
      actor: 'ada',
      account: 'ben',
      address: '192.0.2.7',
      requestId: 'request-1',
      detail: { group: 'one', after: { title: 'one' } },
    })
    assert.equal(ledger.told.length, 1)
    assert.equal(ledger.told[0]?.audit, 'group.created')
  })

  test('before and after stand in the line as they are given, a house’s own name as the actor', async () => {
    await ledger.change(command, undefined, async () => ({ ...made('x'), before: { a: 1 }, after: undefined }))
    const [line] = await ledger.storage.audit.list({ limit: 1 })
    assert.deepEqual([line?.actor, line?.detail], ['labgate dataset', { group: 'x', before: { a: 1 } }])
    assert.deepEqual(asked, [])
  })

  test('who is refused writes nothing, and the work is never begun', async () => {
    let begun = 0
    const attempt = ledger.change(at('nobody'), act, async (em) => {
      begun += 1
      await write(em, 'one')
      return made('one')
    })
    await assert.rejects(attempt, { code: 'ERR_FORBIDDEN' })
    assert.equal(begun, 0)
    assert.deepEqual(await state(), { groups: [], lines: 0, revision: 1 })
    assert.equal(ledger.told.length, 0)
  })

  test('work that fails half-way, or a line that cannot be written, takes everything back', async () => {
    const halfWay = ledger.change(command, act, async (em) => {
      await write(em, 'one')
      throw new Fault('ERR_CONFLICT', 'second thoughts')
    })
    await assert.rejects(halfWay, { code: 'ERR_CONFLICT' })
    const circle: { self?: unknown } = {}
    circle.self = circle
    const noLine = ledger.change(command, act, async (em) => {
      await write(em, 'two')
      return { ...made('two'), after: circle as never }
    })
    await assert.rejects(noLine)
    assert.deepEqual(await state(), { groups: [], lines: 0, revision: 1 })
    assert.equal(ledger.told.length, 0)
    // The door is not jammed.
    await ledger.change(command, act, async () => made('three'))
    assert.equal(await ledger.revision(), 2)
  })

  test('when nothing was to be done nothing is written', async () => {
    assert.equal(await ledger.change(command, act, async () => ({ unchanged: 'as it was' })), 'as it was')
    assert.deepEqual(await state(), { groups: [], lines: 0, revision: 1 })
    assert.equal(ledger.told.length, 0)
  })

  test('what is asked for may be read in the transaction that writes', async () => {
    await ledger.change(command, undefined, async (em) => {
      await write(em, 'one')
      return made('one')
    })
    const read = async (em: EntityManager): Promise<Act> => ({
      ...act,
      group: (await em.findOneOrFail(GroupEntity, { slug: 'one' })).title,
    })
    await ledger.change(at('ada'), read, async () => made('x'))
    assert.deepEqual(asked, [{ ...act, group: 'one' }])
    await assert.rejects(
      ledger.change(at('nobody'), read, async () => made('y')),
      { code: 'ERR_FORBIDDEN' },
    )
  })

  test('within an outer transaction a change lives and dies with it', async () => {
    const outer = (outcome: 'commits' | 'fails') =>
      ledger.storage.transaction(async (em) => {
        await write(em, `outer-${outcome}`)
        for (const slug of ['a', 'b'])
          await ledger.change(command, act, async (inner) => {
            await write(inner, `${slug}-${outcome}`)
            return made(slug)
          })
        if (outcome === 'fails') throw new Fault('ERR_CONFLICT', 'too late')
      })
    await assert.rejects(outer('fails'), { code: 'ERR_CONFLICT' })
    assert.deepEqual(ledger.told, [], 'the log tells of nothing that was rolled back')
    assert.deepEqual(await state(), { groups: [], lines: 0, revision: 1 })
    await outer('commits')
    assert.deepEqual(await state(), { groups: ['a-commits', 'b-commits', 'outer-commits'], lines: 2, revision: 3 })
    assert.equal(ledger.told.length, 2)
  })

  test('a change within a change counts and is told of itself', async () => {
    await ledger.change(command, act, async (em) => {
      await ledger.change(command, act, async () => made('inner'))
      await write(em, 'outer')
      return made('outer')
    })
    const lines = await ledger.storage.audit.list({ limit: 9 })
    assert.deepEqual(
      lines.map(({ detail }) => (detail as { group: string }).group),
      ['outer', 'inner'],
    )
    assert.equal(await ledger.revision(), 3)
  })

  test('many at once go one after another: none is lost, the revision grows by exactly one each', async () => {
    const seen: number[] = []
    let inside = 0
    const outcomes = await Promise.allSettled(
      Array.from({ length: 20 }, (_, index) =>
        ledger.change(command, act, async (em) => {
          inside += 1
          assert.equal(inside, 1)
          const [row] = await em.execute<{ value: string }[]>(
            `select value from setting where "key" = 'ledger.revision'`,
          )
          seen.push(Number(row?.value))
          await write(em, `group-${index}`)
          await new Promise((resolve) => setImmediate(resolve))
          inside -= 1
          if (index % 4 === 0) throw new Fault('ERR_CONFLICT', 'not this one')
          return made(`group-${index}`)
        }),
      ),
    )
    assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 15)
    const { groups, lines, revision } = await state()
    assert.deepEqual([groups.length, lines, revision], [15, 15, 16])
    // Each sees what all before it have done, and nothing of those that failed.
    const doneBefore = seen.map((_, index) => 1 + index - Math.ceil(index / 4))
    assert.deepEqual(seen, doneBefore)
  })

  test('the serving connection sees the change as soon as it is done', async () => {
    const version = ledger.storage.dataVersion()
    await ledger.change(command, act, async () => made('one'))
    assert.notEqual(ledger.storage.dataVersion(), version)
  })
})
