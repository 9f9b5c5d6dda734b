import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { createManagers, type Managers } from '../../../core/accounts/managers.ts'
import { at, command } from '../../support/ledger.ts'
import { type OpenedLife, openLife } from '../../support/life.ts'

describe('managers of people', () => {
  let site: OpenedLife
  let managers: Managers
  let boss: string
  let names = 0
  const person = () => site.known(`person${names++}@example.org`)
  const people = (count: number) => Promise.all(Array.from({ length: count }, person))

  before(async () => {
    site = await openLife()
    managers = createManagers(site)
    boss = await site.known('boss@example.org', { role: 'admin' })
  })
  after(() => site.close())

  test('are set all at once by a site admin, and stand in the trail', async () => {
    const [ada = '', bo = '', cy = ''] = await people(3)
    await managers.set(at(boss), ada, [cy, bo, bo])
    assert.deepEqual(await managers.of(ada), [bo, cy].toSorted())
    await managers.set(at(boss), ada, [bo])
    const [line] = await site.storage.audit.list({ account: ada, type: 'account.managers-changed', limit: 1 })
    assert.deepEqual(line?.detail, { before: [bo, cy].toSorted(), after: [bo] })
    await assert.rejects(managers.set(at(bo), ada, [bo]), { code: 'ERR_FORBIDDEN' })
    assert.deepEqual(
      (await site.accounts.managers(ada)).map(({ id }) => id),
      [bo],
    )
  })

  test('form no circle, however long, and nobody stands above themselves', async () => {
    const [ada = '', bo = '', cy = ''] = await people(3)
    await managers.set(command, ada, [bo])
    await managers.set(command, bo, [cy])
    for (const [one, above] of [
      [cy, ada],
      [bo, ada],
      [ada, ada],
    ] as const)
      await assert.rejects(managers.set(command, one, [above]), { code: 'ERR_INPUT' })
    assert.deepEqual(await managers.of(cy), [])
    assert.deepEqual(await managers.below(cy), [ada, bo].toSorted())
  })

  test('two changes at once close no circle between them', async () => {
    const [ada = '', bo = ''] = await people(2)
    const both = await Promise.allSettled([managers.set(command, ada, [bo]), managers.set(command, bo, [ada])])
    assert.deepEqual(both.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected'])
  })

  test('stand at most ten above one another, whichever end is added', async () => {
    const line = await people(11)
    for (const [index, one] of line.slice(0, -1).entries()) await managers.set(command, one, [line[index + 1] ?? ''])
    const more = await person()
    await assert.rejects(managers.set(command, line.at(-1) ?? '', [more]), {
      code: 'ERR_INPUT',
      message: /10 managers/,
    })
    await assert.rejects(managers.set(command, more, [line[0] ?? '']), { code: 'ERR_INPUT' })
    await managers.set(command, more, [line[1] ?? ''])
  })

  test('are people who are still here, at most twenty', async () => {
    const [ada = '', gone = ''] = await people(2)
    await assert.rejects(managers.set(command, ada, ['nobody']), { code: 'ERR_NOT_FOUND' })
    await assert.rejects(managers.set(command, ada, await people(21)), { code: 'ERR_INPUT' })
    await managers.set(command, ada, [gone])
    await managers.set(command, gone, [await person()])
    await site.life.erase(command, gone)
    assert.deepEqual([await managers.of(ada), await managers.below(gone)], [[], []])
    await assert.rejects(managers.set(command, ada, [gone]), { code: 'ERR_CONFLICT' })
  })

  test('a merge takes them along, without a circle, and the export tells of them', async () => {
    const [from = '', into = '', above = '', below = '', middle = ''] = await people(5)
    await managers.set(command, from, [above])
    await managers.set(command, below, [from])
    // INTO stands above somebody who manages FROM: that would be a circle.
    await managers.set(command, middle, [into])
    await managers.set(command, from, [above, middle])
    const told = await site.life.exportOf(at(from), from)
    assert.deepEqual(
      [told.managers, told.managed].map((rows) => rows.length),
      [2, 1],
    )
    const { moves } = await site.life.mergePreview(from, into)
    assert.deepEqual([moves.managers, moves.people], [[above, middle].toSorted(), [below]])
    await site.life.merge(command, from, into)
    assert.deepEqual(
      [await managers.of(into), await managers.of(below), await managers.of(from)],
      [[above], [into], []],
    )
  })
})
