import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { Fault } from '@labgate/contract'
import { readConditions } from '../../../core/access/lines.ts'
import { type FactCondition, formatSubject, type NewGrant, parseSubject } from '../../../core/access/model.ts'
import { checkConditions, conditionsJson } from '../../../core/access/new-grant.ts'
import fc from '../../support/chance.ts'
import { allPages, at, command, config, type OpenedLedger, openLedger } from '../../support/ledger.ts'

const day = (date: string) => new Date(`${date}T00:00:00Z`)
const view: Pick<NewGrant, 'dataset' | 'level'> = { dataset: 'fish2', level: 'view' }
const everybody = { kind: 'signed-in' } as const

const openFish = async (): Promise<OpenedLedger> => {
  const ledger = await openLedger()
  await ledger.datasets.create(command, {
    slug: 'fish2',
    title: 'Fish 2',
    aliases: ['Fish'],
    versions: [{ version: 'v1' }],
  })
  await ledger.groups.create(command, { slug: 'imaging', title: 'Imaging' })
  const now = ledger.clock.now().getTime()
  const texts = `insert into terms_text (terms, number, markdown, digest, published_by, published_at)
    values ('tou', 1, 'One', 'd1', 'x', ${now}), ('tou', 2, 'Two', 'd2', 'x', ${now}), ('old', 1, 'Old', 'd3', 'x', ${now})`
  await ledger.storage.transaction(async (em) => {
    await em.execute(`insert into terms (id, title, services, created_at, retired_at)
      values ('tou', 'Terms', '[]', ${now}, null), ('old', 'Old', '[]', ${now}, ${now})`)
    await em.execute(texts)
  })
  return ledger
}

describe('grants', () => {
  let ledger: OpenedLedger
  beforeEach(async () => {
    ledger = await openFish()
  })
  afterEach(() => ledger.close())

  test('one is what it was added as, dates and all, and who gave it', async () => {
    const admin = await ledger.person({ role: 'admin' })
    const account = await ledger.person()
    const conditions = {
      terms: { id: 'tou', number: 2 },
      from: new Date('2026-02-03T04:05:06.789Z'),
      until: day('2030-01-01'),
      facts: [
        { claim: 'https://lab.example/role', oneOf: ['pi', 7, null], via: 'orcid', withinDays: 30 },
        { claim: 'email_domain', equals: 'lab.example', trust: 'asserted' as const },
      ],
      withinGroup: 'imaging',
    }
    const grant = { subject: { kind: 'account', account } as const, dataset: 'fish2', version: 'v1' }
    const made = await ledger.grants.add(at(admin), { ...grant, level: 'edit', conditions, why: ' For the paper\n' })
    assert.deepEqual(made, {
      id: 1,
      ...grant,
      level: 'edit',
      permission: undefined,
      conditions: { ...conditions, facts: conditions.facts.toReversed() },
      grantedBy: admin,
      why: 'For the paper',
      source: 'database',
      createdAt: ledger.clock.now(),
      endedAt: undefined,
      endedBy: undefined,
    })
    assert.deepEqual(await ledger.grants.find(1), made)
    assert.deepEqual((await ledger.grants.list({ limit: 10 })).rows, [made])
    for (const id of [0, 2, -1, 1.5, Number.NaN, 2 ** 60]) assert.equal(await ledger.grants.find(id), undefined)
  })

  test('the same made twice is one, however it is written, and leaves one trace', async () => {
    const facts = [
      { claim: 'b', equals: 1 },
      { claim: 'a', trust: 'verified' as const },
    ]
    const subject = { kind: 'name', instance: 'google', value: 'ada@lab.example' } as const
    const one = await ledger.grants.add(command, { ...view, subject, conditions: { facts } })
    const [revision, told] = [await ledger.revision(), ledger.told.length]
    const again: NewGrant[] = [
      { ...view, subject, conditions: { facts: facts.toReversed() }, why: 'Once more' },
      { ...view, dataset: 'Fish', subject: { ...subject, value: 'Ada@LAB.example' }, conditions: { facts } },
      { ...view, subject, conditions: { facts: [{ claim: 'a' }, { claim: 'a' }, { claim: 'b', equals: 1 }] } },
    ]
    for (const grant of again) assert.deepEqual(await ledger.grants.add(command, grant), one)
    assert.equal(await ledger.revision(), revision)
    assert.equal(ledger.told.length, told)
    const others: NewGrant[] = [
      { ...view, subject },
      { ...view, subject, version: 'v1', conditions: { facts } },
      { ...view, subject, level: 'edit', conditions: { facts } },
      { dataset: 'fish2', permission: 'view_all', subject, conditions: { facts } },
      { ...view, subject: { ...subject, instance: 'orcid' }, conditions: { facts } },
      { ...view, subject, conditions: { facts, until: day('2030-01-01') } },
    ]
    const ids = await Promise.all(others.map(async (grant) => (await ledger.grants.add(command, grant)).id))
    assert.equal(new Set([one.id, ...ids]).size, others.length + 1)
  })

  test('of the same added at once by many there is one', async () => {
    const grants = await Promise.all(
      Array.from({ length: 8 }, () => ledger.grants.add(command, { ...view, subject: everybody })),
    )
    assert.deepEqual(new Set(grants.map(({ id }) => id)), new Set([1]))
  })

  test('an ended one stays ended, and may be given anew', async () => {
    const admin = await ledger.person({ role: 'admin' })
    const made = await ledger.grants.add(command, { ...view, subject: everybody })
    ledger.clock.pass(60)
    const ended = await ledger.grants.end(at(admin), made.id)
    assert.deepEqual(ended, { ...made, endedAt: ledger.clock.now(), endedBy: admin })
    const revision = await ledger.revision()
    ledger.clock.pass(60)
    assert.deepEqual(await ledger.grants.end(command, made.id), ended)
    assert.equal(await ledger.revision(), revision)
    const anew = await ledger.grants.add(command, { ...view, subject: everybody })
    assert.notEqual(anew.id, made.id)
    const ids = async (state?: 'current' | 'ended' | 'all') =>
      (await ledger.grants.list({ limit: 9, state })).rows.map(({ id }) => id)
    assert.deepEqual([await ids(), await ids('ended'), await ids('all')], [[2], [1], [2, 1]])
    for (const id of [99, 0, Number.NaN])
      await assert.rejects(ledger.grants.end(command, id), { code: 'ERR_NOT_FOUND' })
  })

  test('names nothing that is not there', async () => {
    const nobody: NewGrant[] = [
      { ...view, subject: everybody, dataset: 'worm' },
      { ...view, subject: everybody, version: 'v2' },
      { ...view, subject: { kind: 'account', account: 'nobody' } },
      { ...view, subject: { kind: 'group', group: 'nobodies' } },
      { ...view, subject: everybody, conditions: { withinGroup: 'nobodies' } },
      { ...view, subject: everybody, conditions: { terms: { id: 'nothing', number: 1 } } },
      { ...view, subject: everybody, conditions: { terms: { id: 'tou', number: 3 } } },
    ]
    for (const grant of nobody)
      await assert.rejects(ledger.grants.add(command, grant), { code: 'ERR_NOT_FOUND' }, JSON.stringify(grant))
    const retired = { ...view, subject: everybody, conditions: { terms: { id: 'old', number: 1 } } }
    await assert.rejects(ledger.grants.add(command, retired), { code: 'ERR_INPUT', message: /retired/ })
    assert.equal((await ledger.grants.list({ limit: 1, state: 'all' })).total, 0)
  })

  test('asks for terms of its own dataset or of the site; for those of another, who keeps that one may', async () => {
    const keeper = at(await ledger.person())
    const keeps: string[] = []
    const kept = await openLedger(async (actor, act) => {
      if (actor.kind === 'account' && act.on === 'terms' && !keeps.includes(act.dataset ?? ''))
        throw new Fault('ERR_FORBIDDEN', 'not yours')
    })
    try {
      const now = kept.clock.now().getTime()
      for (const slug of ['fish2', 'secret']) {
        await kept.datasets.create(command, { slug, title: slug })
        await kept.storage.transaction(async (em) => {
          await em.execute(`insert into terms (id, title, dataset, services, created_at)
            values ('of-${slug}', 'T', '${slug}', '[]', ${now})`)
          await em.execute(`insert into terms_text (terms, number, markdown, digest, published_by, published_at)
            values ('of-${slug}', 1, 'One', 'd', 'x', ${now})`)
        })
      }
      const grant = (id: string) => ({ ...view, subject: everybody, conditions: { terms: { id, number: 1 } } })
      await kept.grants.add(keeper, grant('of-fish2'))
      const said = async (id: string) => kept.grants.add(keeper, grant(id)).catch((error: Error) => error.message)
      assert.equal(await said('of-secret'), String(await said('of-nothing')).replace('nothing', 'secret'))
      keeps.push('secret')
      await kept.grants.add(keeper, grant('of-secret'))
    } finally {
      await kept.close()
    }
  })

  test('an upstream’s group may be named before it is known, by the house alone', async () => {
    const grant: NewGrant = { ...view, subject: { kind: 'group', group: 'github:lab-org/imaging' } }
    await assert.rejects(ledger.grants.add(at(await ledger.person({ role: 'admin' })), grant), {
      code: 'ERR_NOT_FOUND',
    })
    assert.equal((await ledger.grants.add(config, grant)).source, 'config')
  })

  test('refuses what makes no sense', async () => {
    const ok: NewGrant = { ...view, subject: everybody }
    const conditions = (value: unknown): NewGrant => ({
      ...ok,
      conditions: value as NonNullable<NewGrant['conditions']>,
    })
    const fact = (value: unknown) => conditions({ facts: [value] })
    const name = (instance: string, value: string): NewGrant => ({
      ...view,
      subject: { kind: 'name', instance, value },
    })
    const bad: unknown[] = [
      { ...ok, level: undefined },
      { ...ok, permission: 'trace' },
      { ...ok, level: 'owner' },
      ...['', 'admin', 'view', 'Trace', 'a b', '1a', 'a'.repeat(65), 'a\n'].map((permission) => ({
        ...ok,
        level: undefined,
        permission,
      })),
      { ...ok, subject: { kind: 'everybody' } },
      { ...ok, subject: { kind: 'account', account: '' } },
      { ...ok, subject: { kind: 'account' } },
      { ...ok, level: 'admin' },
      { ...ok, level: 'manage', subject: { kind: 'anyone' } },
      ...['', 'Google', 'a:b', 'x'.repeat(32), '../x'].map((instance) => name(instance, 'ada')),
      ...['', ' ada', 'a\u202eb', 'a\nb', 'x'.repeat(256)].map((value) => name('google', value)),
      { ...ok, why: 'x'.repeat(1001) },
      { ...ok, why: '\u001b[2J' },
      conditions({ from: day('2030-01-02'), until: day('2030-01-01') }),
      conditions({ from: day('2030-01-01'), until: day('2030-01-01') }),
      conditions({ until: new Date(Number.NaN) }),
      conditions({ until: '2030-01-01' }),
      conditions({ until: new Date(8.64e15) }),
      conditions({ terms: { id: 'tou', number: 0 } }),
      conditions({ terms: { id: 'tou', number: 1.5 } }),
      conditions({ facts: Array(21).fill({ claim: 'a' }) }),
      fact({ claim: '' }),
      fact({ claim: 'a', equals: 1, oneOf: [1] }),
      fact({ claim: 'a', equals: 1, contains: 1 }),
      fact({ claim: 'a', oneOf: [] }),
      fact({ claim: 'a', equals: 'x'.repeat(3000) }),
      fact({ claim: 'a', via: 'Google' }),
      fact({ claim: 'a', trust: 'hearsay' }),
      ...[0, -1, 1.5, Number.NaN, 1e9].map((withinDays) => fact({ claim: 'a', withinDays })),
    ]
    for (const grant of bad)
      await assert.rejects(ledger.grants.add(command, grant as NewGrant), { code: 'ERR_INPUT' }, JSON.stringify(grant))
    assert.equal((await ledger.grants.list({ limit: 1, state: 'all' })).total, 0)
  })

  test('an address is kept in its one spelling, an upstream’s own id as it is', async () => {
    const kept = async (value: string) => {
      const { subject } = await ledger.grants.add(command, {
        ...view,
        subject: { kind: 'name', instance: 'idp', value },
      })
      return formatSubject(subject)
    }
    assert.equal(await kept('Ada.L@LAB.Example'), 'name:idp:ada.l@lab.example')
    // The Kelvin sign is no k of its own.
    assert.equal(await kept('\u212Aim@lab.example'), 'name:idp:kim@lab.example')
    assert.equal(await kept('auth0|AbC:1'), 'name:idp:auth0|AbC:1')
  })

  test('the config’s grants are ended by the config alone, and stand beside the same given here', async () => {
    const own = await ledger.grants.add(command, { ...view, subject: everybody })
    const kept = await ledger.grants.add(config, { ...view, subject: everybody })
    assert.notEqual(own.id, kept.id)
    assert.deepEqual(await ledger.grants.add(config, { ...view, subject: everybody }), kept)
    for (const actor of [command, at(await ledger.person({ role: 'admin' }))])
      await assert.rejects(ledger.grants.end(actor, kept.id), { code: 'ERR_CONFLICT', message: /config file/ })
    assert.equal((await ledger.grants.find(kept.id))?.endedAt, undefined)
    assert.notEqual((await ledger.grants.end(config, kept.id)).endedAt, undefined)
    assert.equal((await ledger.grants.find(own.id))?.endedAt, undefined)
  })

  test('the trail says who gave what, and keeps no address', async () => {
    const account = await ledger.person()
    await ledger.grants.add(command, { ...view, subject: { kind: 'account', account } })
    await ledger.grants.add(command, { ...view, subject: { kind: 'name', instance: 'idp', value: 'ada@lab.example' } })
    await ledger.grants.end(command, 1)
    const lines = (await ledger.storage.audit.list({ limit: 10 })).filter(({ type }) => type.startsWith('grant.'))
    assert.deepEqual(
      lines.map((line) => [line.type, line.actor, line.account, (line.detail as { grant: number }).grant]),
      [
        ['grant.ended', 'labgate dataset', account, 1],
        ['grant.added', 'labgate dataset', undefined, 2],
        ['grant.added', 'labgate dataset', account, 1],
      ],
    )
    assert.doesNotMatch(JSON.stringify(lines), /ada@/)
  })
})

test('conditions come back from their stored form as they went in', () => {
  const instant = fc.date({ min: new Date(0), max: day('2999-01-01'), noInvalidDate: true })
  const fact = fc
    .record(
      {
        claim: fc.stringMatching(/^[a-z][a-z0-9_]{0,20}$/),
        wanted: fc.oneof(
          fc.record({ equals: fc.jsonValue({ maxDepth: 1 }) }),
          fc.record({ oneOf: fc.array(fc.jsonValue({ maxDepth: 0 }), { minLength: 1, maxLength: 3 }) }),
          fc.record({ contains: fc.jsonValue({ maxDepth: 0 }) }),
        ),
        via: fc.stringMatching(/^[a-z][a-z0-9-]{0,20}$/),
        trust: fc.constantFrom('verified' as const, 'asserted' as const, 'self' as const),
        withinDays: fc.integer({ min: 1, max: 400 }),
      },
      { requiredKeys: ['claim'] },
    )
    .map(({ wanted, ...rest }) => ({ ...rest, ...wanted }))
    .filter((one) => JSON.stringify(one).length < 1500)
  fc.assert(
    fc.property(
      fc.record({ at: instant, facts: fc.array(fact, { maxLength: 3 }), withinGroup: fc.constantFrom('a', 'b:c/d') }),
      ({ at: from, facts, withinGroup }) => {
        const until = new Date(from.getTime() + 1)
        const checked = checkConditions({
          from,
          until,
          facts: facts as readonly FactCondition[],
          withinGroup,
          terms: { id: 't', number: 3 },
        })
        const stored = JSON.parse(JSON.stringify(conditionsJson(checked)))
        assert.deepEqual(readConditions(stored), JSON.parse(JSON.stringify(checked), revive))
        assert.deepEqual(checkConditions(checked), checked)
      },
    ),
  )
  function revive(key: string, value: unknown): unknown {
    return key === 'from' || key === 'until' ? new Date(value as string) : value
  }
})

describe('lists of grants', () => {
  let ledger: OpenedLedger
  let ada: string
  before(async () => {
    ledger = await openFish()
    ada = await ledger.person()
    await ledger.datasets.create(command, { slug: 'worm', title: 'Worm' })
    await fill(ledger, { from: 0, to: 300 })
    await ledger.grants.add(command, { ...view, subject: { kind: 'account', account: ada }, why: 'For 100% of_it' })
    await ledger.grants.add(command, { ...view, dataset: 'worm', subject: { kind: 'account', account: ada } })
  })
  after(() => ledger.close())

  test('pages of any size give every row once, newest first, with the whole count', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 7, max: 400 }), async (limit) => {
        const rows = await allPages(async (next) => {
          const page = await ledger.grants.list({ limit, after: next, state: 'all' })
          assert.equal(page.total, 302)
          return page
        })
        const ids = rows.map(({ id }) => id)
        assert.equal(new Set(ids).size, 302)
        assert.deepEqual(
          ids,
          ids.toSorted((a, b) => b - a),
        )
      }),
      { numRuns: 10 },
    )
    const whole = await ledger.grants.list({ limit: 302, state: 'all' })
    assert.deepEqual([whole.rows.length, whole.next], [302, undefined])
    for (const next of ['', 'x', '-1', '1 or 1=1', '9'.repeat(30)])
      await assert.rejects(ledger.grants.list({ limit: 5, after: next }), { code: 'ERR_INPUT' })
  })

  test('rows that come or go while somebody turns pages are neither lost nor doubled', async () => {
    const first = await ledger.grants.list({ limit: 10, dataset: 'fish2' })
    const made = await ledger.grants.add(command, { ...view, level: 'edit', subject: everybody })
    const second = await ledger.grants.list({ limit: 10, dataset: 'fish2', after: first.next })
    await ledger.grants.end(command, made.id)
    const ids = [...first.rows, ...second.rows].map(({ id }) => id)
    assert.equal(new Set(ids).size, 20)
    assert.ok(!ids.includes(made.id))
  })

  test('by dataset, by subject and by words', async () => {
    const total = async (ask: Partial<Parameters<typeof ledger.grants.list>[0]>) =>
      (await ledger.grants.list({ limit: 3, ...ask })).total
    assert.equal(await total({ dataset: 'worm' }), 1)
    assert.equal(await total({ datasets: ['worm', 'nothing'] }), 1)
    assert.equal(await total({ datasets: [] }), 0)
    assert.equal(await total({ dataset: 'fish2', datasets: ['worm'] }), 0)
    assert.equal(await total({ subject: { kind: 'account', account: ada } }), 2)
    assert.equal(await total({ subject: { kind: 'name', instance: 'idp', value: 'person7@lab.example' } }), 1)
    assert.equal(await total({ search: 'PERSON7@' }), 1)
    assert.equal(await total({ search: 'worm' }), 1)
    assert.equal(await total({ search: '100%' }), 1)
    assert.equal(await total({ search: 'of_it' }), 1)
    assert.equal(await total({ search: '%' }), 1)
    assert.equal(await total({ search: 'f_i' }), 1)
    assert.equal(await total({ search: 'o_i' }), 0)
    const username = (await ledger.accounts.find(ada))?.username ?? ''
    assert.equal(await total({ search: username.toUpperCase() }), 2)
    assert.equal(await total({ search: username, dataset: 'worm' }), 1)
  })
})

test('a page of a hundred thousand grants costs little more than one of a thousand', async (t) => {
  const ledger = await openFish()
  t.after(() => ledger.close())
  const cost = async (ask: Partial<Parameters<typeof ledger.grants.list>[0]>) => {
    const times: number[] = []
    for (let round = 0; round < 9; round += 1) {
      const begun = performance.now()
      await ledger.grants.list({ limit: 50, ...ask })
      times.push(performance.now() - begun)
    }
    return times.toSorted((a, b) => a - b)[4] ?? 0
  }
  const subject = { kind: 'name', instance: 'idp', value: 'person7@lab.example' } as const
  const asks = {
    newest: {},
    dataset: { dataset: 'fish2' },
    middle: { after: '500' },
    subject: { subject },
    common: { search: 'person' },
    rare: { search: 'person77@' },
  }
  const costs = async () => {
    const found: Record<string, number> = {}
    for (const [name, ask] of Object.entries(asks)) found[name] = await cost(ask)
    return found
  }
  await fill(ledger, { from: 0, to: 1000 })
  const few = await costs()
  await fill(ledger, { from: 1000, to: 100_000 })
  const many = await costs()
  assert.equal((await ledger.grants.list({ limit: 1 })).total, 100_000)
  t.diagnostic(JSON.stringify({ few, many }))
  // A hundred times the rows: counting reads an index, a search the subjects, once.
  const base = few.newest ?? 0
  for (const [name, most] of Object.entries({ newest: 10, dataset: 15, middle: 10, subject: 4, common: 30, rare: 40 }))
    assert.ok((many[name] ?? 0) < most * base + 2, `${name}: ${many[name]} ms, of a thousand ${base} ms`)
})

/** Writes grants as rows: adding each would take a minute. */
async function fill(ledger: OpenedLedger, { from, to }: { from: number; to: number }): Promise<void> {
  await ledger.storage.transaction((em) =>
    em.execute(
      `with recursive n (i) as (select ? union all select i + 1 from n where i + 1 < ?)
       insert into access_grant (subject, dataset, level, conditions, granted_by, created_at)
       select 'name:idp:person' || i || '@lab.example', 'fish2', 'view', '{}', 'x', ? from n`,
      [from, to, ledger.clock.now().getTime()],
    ),
  )
}

test('a subject is read back from its word', () => {
  for (const word of ['account:x', 'name:idp:a:b', 'group:g', 'group:idp:n/m', 'signed-in', 'anyone'])
    assert.equal(formatSubject(parseSubject(word) ?? { kind: 'anyone' }), word)
})
