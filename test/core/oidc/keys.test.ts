import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { dueSteps, type KeyRules, type StagedKey } from '../../../core/oidc/key-stages.ts'
import { createSigningKeys } from '../../../core/oidc/keys.ts'
import { systemRandom } from '../../../core/random.ts'
import fc from '../../support/chance.ts'
import { openSqlite } from '../../support/storage.ts'

const [hour, day] = [3600, 86_400]
const rules: KeyRules = { rotateAfter: 90 * day, publishBefore: day, keep: 30 * day }

describe('the stages of signing keys', () => {
  /** Does what is due to rows in memory, as {@link createSigningKeys} does in the database. */
  function advance(keys: StagedKey[], now: Date, given: KeyRules, name: () => string): StagedKey[] {
    let rows = keys
    for (const step of dueSteps(keys, now, { rules: given, algorithms: ['RS256'] })) {
      if (step.do === 'make')
        rows = [...rows, { kid: name(), alg: step.alg, state: step.state, createdAt: now, since: now }]
      else if (step.do === 'remove') rows = rows.filter(({ kid }) => kid !== step.kid)
      else
        rows = rows.map((key) =>
          key.kid === step.kid
            ? { ...key, state: 'current', since: now }
            : key.state === 'current'
              ? { ...key, state: 'retired', since: now }
              : key,
        )
    }
    return rows
  }

  test('no set that any process shows, nor a copy of it, ever lacks the key of a token that is alive', () => {
    const look = 30
    const cache = 9 * 60
    const life = hour
    const given = fc.record({
      rotateAfter: fc.oneof(...[hour, 200 * day].map((max) => fc.integer({ min: 15 * 60, max }))),
      publishBefore: fc.integer({ min: 10 * 60, max: 2 * day }),
      keep: fc.integer({ min: day, max: 60 * day }),
    })
    // Of several processes each looks when it gets to it: at most every half minute late, or down for long.
    const events = fc.array(
      fc.record({
        wait: fc.oneof(...[60, 1800, 40 * day].map((max) => fc.integer({ min: 1, max }))),
        process: fc.nat(2),
        byHand: fc.boolean(),
      }),
      { minLength: 5, maxLength: 60 },
    )
    fc.assert(
      fc.property(given, events, (drawn, happening) => {
        const at = { ...drawn, rotateAfter: Math.max(drawn.rotateAfter, drawn.publishBefore + 1) }
        let [clock, count, rows] = [0, 0, [] as StagedKey[]]
        const shown: { kids: Set<string>; signs: string; at: number }[] = []
        const copies: { kids: Set<string>; at: number }[] = []
        const tokens: { kid: string; until: number }[] = []
        const lookAt = (process: number) => {
          rows = advance(rows, new Date(clock * 1000), at, () => `key${count++}`)
          const current = rows.find(({ state }) => state === 'current') ?? assert.fail()
          shown[process] = { kids: new Set(rows.map(({ kid }) => kid)), signs: current.kid, at: clock }
        }
        for (const process of [0, 1, 2]) lookAt(process)
        for (const { wait, process, byHand } of happening) {
          clock += wait
          if (byHand && !rows.some(({ state }) => state === 'next'))
            rows = [
              ...rows,
              {
                kid: `key${count++}`,
                alg: 'RS256',
                state: 'next',
                createdAt: new Date(clock * 1000),
                since: new Date(clock * 1000),
              },
            ]
          // A process that runs has looked within the last half minute; the one of this event signs just now.
          for (const one of [0, 1, 2]) if (clock - (shown[one]?.at ?? 0) > look) lookAt(one)
          const signer = shown[process] ?? assert.fail()
          tokens.push({ kid: signer.signs, until: clock + life })
          copies.push({ kids: signer.kids, at: clock })
          const fresh = [
            ...shown.map(({ kids }) => kids),
            ...copies.filter((copy) => clock - copy.at < cache).map(({ kids }) => kids),
          ]
          for (const { kid } of tokens.filter(({ until }) => until > clock))
            for (const kids of fresh) assert.ok(kids.has(kid), `${kid} at ${clock}`)
        }
      }),
      { numRuns: 300 },
    )
  })

  test('a key that is due gives way after the next was published long enough, and goes when nothing of it lives', () => {
    let rows: StagedKey[] = []
    let count = 0
    const states = (days: number) => {
      rows = advance(rows, new Date(days * day * 1000), rules, () => `key${count++}`)
      return Object.fromEntries(rows.map(({ kid, state }) => [kid, state]))
    }
    assert.deepEqual(states(0), { key0: 'current' })
    assert.deepEqual(states(88.9), { key0: 'current' })
    assert.deepEqual(states(89), { key0: 'current', key1: 'next' })
    assert.deepEqual(states(89.9), { key0: 'current', key1: 'next' })
    assert.deepEqual(states(90), { key0: 'retired', key1: 'current' })
    assert.deepEqual(states(119.9), { key0: 'retired', key1: 'current' })
    assert.deepEqual(states(120), { key1: 'current' })
    // Nobody served for a year: the next is published first, all the same.
    assert.deepEqual(states(500), { key1: 'current', key2: 'next' })
  })

  test('without an age keys change only by hand', () => {
    const byHand = { ...rules, rotateAfter: 0 }
    const old = new Date(0)
    const key: StagedKey = { kid: 'a', alg: 'RS256', state: 'current', createdAt: old, since: old }
    assert.deepEqual(dueSteps([key], new Date(1e13), { rules: byHand, algorithms: ['RS256'] }), [])
  })
})

describe('signing keys in the database', () => {
  test('of several processes that look at once one acts, at every stage', async (t) => {
    const opened = await openSqlite()
    t.after(() => opened.close())
    const { storage, clock } = opened
    const all = [1, 2, 3].map(() => createSigningKeys({ storage, clock, random: systemRandom }))
    const [one] = all
    if (!one) assert.fail()
    const states = async () =>
      (await one.list())
        .filter(({ alg }) => alg === 'ES256')
        .map(({ state }) => state)
        .toSorted()
    for (const [days, wanted] of [
      [0, ['current']],
      [89, ['current', 'next']],
      [1, ['current', 'retired']],
      [30, ['current']],
    ] as const) {
      clock.pass(days * day)
      const done = (await Promise.all(all.map((keys) => keys.advance(rules)))).flat()
      assert.deepEqual(done.filter(({ alg }) => alg === 'ES256').length, 1)
      assert.deepEqual(await states(), wanted)
    }
    assert.deepEqual(await one.advance(rules), [])
  })
})
