import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { afterEach, beforeEach, suite, test } from 'node:test'
import { crc32 } from 'node:zlib'
import { Fault } from '@labgate/contract'
import { type Accounts, createAccounts } from '../../../core/accounts/accounts.ts'
import type { Act, Actor } from '../../../core/accounts/actor.ts'
import { createChange } from '../../../core/accounts/changes.ts'
import { createServiceAccounts, type ServiceAccounts } from '../../../core/accounts/service-accounts.ts'
import { createTokenScopes, type TokenScopes } from '../../../core/accounts/token-scopes.ts'
import { claimsToBeApiToken, isApiToken, newTokenValue } from '../../../core/accounts/token-value.ts'
import { type ApiTokens, createApiTokens } from '../../../core/accounts/tokens.ts'
import { systemRandom } from '../../../core/random.ts'
import fc from '../../support/chance.ts'
import { type OpenedStorage, openSqlite } from '../../support/storage.ts'

const quiet = () => undefined
const silent = { debug: quiet, info: quiet, warn: quiet, error: quiet }
const house: Actor = { kind: 'system', name: 'test' }
const from = { address: '192.0.2.7' }
const day = 86_400_000

suite('the value of an API token', () => {
  test('is prefix, 32 characters of base62 and 6 of their CRC-32, which garbage does not pass', () => {
    const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
    for (const [kind, prefix] of [
      ['person', 'lgp_'],
      ['service', 'lgs_'],
    ] as const) {
      const value = newTokenValue(kind, systemRandom)
      assert.match(value, new RegExp(`^${prefix}[0-9A-Za-z]{38}$`))
      assert.ok(isApiToken(value))
      const sum = [...value.slice(36)].reduce((total, one) => total * 62 + alphabet.indexOf(one), 0)
      assert.equal(sum, crc32(value.slice(4, 36)))
      for (let at = 4; at < value.length; at++) {
        const other = value[at] === 'A' ? 'B' : 'A'
        assert.ok(!isApiToken(value.slice(0, at) + other + value.slice(at + 1)), `another character at ${at}`)
      }
      for (const wrong of [
        `${value} `,
        ` ${value}`,
        `${value}\n`,
        value.slice(0, -1),
        `${value}0`,
        value.replace('lg', 'LG'),
      ])
        assert.ok(!isApiToken(wrong), JSON.stringify(wrong))
    }
  })

  test('is told from any text', () => {
    fc.assert(fc.property(fc.string({ maxLength: 60 }), (text) => !isApiToken(text)))
    fc.assert(fc.property(fc.stringMatching(/^lg[ps]_[\w-]{39}$/), (text) => !claimsToBeApiToken(text)))
  })

  test('has every character equally likely', () => {
    const seen = new Map<number, number>()
    const counting = { bytes: (length: number) => Uint8Array.from({ length }, (_, i) => i + given) }
    let given = 0
    // Bytes that would make some characters likelier than others are thrown away.
    given = 208
    assert.match(newTokenValue('person', counting), /^lgp_/)
    let calls = 0
    const biased = { bytes: (length: number) => new Uint8Array(length).fill(calls++ < 2 ? 255 : 61) }
    assert.equal(newTokenValue('person', biased).slice(4, 36), 'z'.repeat(32))
    assert.equal(calls, 3)
    for (let round = 0; round < 2000; round++)
      for (const one of newTokenValue('person', systemRandom).slice(4, 36))
        seen.set(one.charCodeAt(0), (seen.get(one.charCodeAt(0)) ?? 0) + 1)
    assert.equal(seen.size, 62)
    const expected = 64_000 / 62
    const chi = [...seen.values()].reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0)
    // 61 degrees of freedom: beyond 140 once in ten million runs.
    assert.ok(chi < 140, `chi² ${chi}`)
  })
})

suite('API tokens', () => {
  let opened: OpenedStorage
  let accounts: Accounts
  let services: ServiceAccounts
  let tokens: ApiTokens
  let scopes: TokenScopes
  let asked: Act[]
  let refuse: boolean
  let ada: string

  const person = (name: string) =>
    opened.storage.transaction((em) =>
      accounts.createIn(em, {
        facts: [{ claim: 'preferred_username', value: name, trust: 'asserted' }],
        state: 'active',
        role: 'user',
      }),
    )
  const by = (account: string): Actor => ({ kind: 'account', account })
  const make = (more: Partial<Parameters<ApiTokens['create']>[1]> = {}, actor: Actor = by(ada)) =>
    tokens.create(actor, { account: ada, name: 'laptop', scopes: ['admin'], ...more })
  const build = () => {
    const { storage, clock } = opened
    accounts = createAccounts({ storage, clock, random: systemRandom })
    const authorise = async (_: Actor, act: Act) => {
      asked.push(act)
      if (refuse) throw new Fault('ERR_FORBIDDEN', 'no')
    }
    const change = createChange({ storage, log: silent, authorise })
    const needs = { storage, clock, random: systemRandom, accounts, change }
    scopes = createTokenScopes()
    services = createServiceAccounts(needs)
    tokens = createApiTokens({ ...needs, scopes, lifeSeconds: 90 * 86_400, maxSeconds: 366 * 86_400 })
  }

  beforeEach(async () => {
    opened = await openSqlite()
    asked = []
    refuse = false
    build()
    ada = await person('ada')
  })
  afterEach(() => opened.close())

  test('are shown once, kept as a digest, and traced without a trace of the value', async () => {
    const { value, token } = await make({ name: ' my laptop ', scopes: ['b', 'a', 'b'] })
    assert.deepEqual(token, {
      ...{ id: token.id, account: ada, name: 'my laptop', hint: value.slice(0, 8), scopes: ['a', 'b'] },
      ...{
        createdBy: ada,
        createdAt: opened.clock.now(),
        expiresAt: new Date(opened.clock.now().getTime() + 90 * day),
      },
      ...{ lastUsedAt: undefined, lastUsedAddress: undefined, revokedAt: undefined, state: 'active' },
    })
    assert.deepEqual(await tokens.find(token.id), token)
    const all = JSON.stringify([await tokens.list({ limit: 10 }), await opened.storage.audit.list({ limit: 10 })])
    const digest = createHash('sha256').update(value).digest()
    for (const secret of [value, value.slice(4, 36), digest.toString('hex'), digest.toString('base64')])
      assert.ok(!all.includes(secret))
    const [row] = await opened.storage.em().execute<{ digest: Buffer }[]>('select digest from api_token')
    assert.deepEqual(Buffer.from(row?.digest ?? ''), digest)
    assert.ok(!JSON.stringify(await opened.storage.em().execute('select * from api_token')).includes(value.slice(9)))
    assert.deepEqual(asked, [{ on: 'token', account: ada }])
    const [line] = await opened.storage.audit.list({ limit: 1 })
    assert.deepEqual(
      [line?.type, line?.account, line?.detail],
      [
        'api-token.created',
        ada,
        {
          token: token.id,
          after: { name: 'my laptop', scopes: ['a', 'b'], expiresAt: token.expiresAt?.toISOString() },
        },
      ],
    )
  })

  test('speak for their account while they live, and for nobody else (datalab 1.7.12)', async () => {
    const { value, token } = await make()
    const found = await tokens.resolve(value, from)
    assert.deepEqual([found?.account.id, found?.token.id, found?.token.scopes], [ada, token.id, ['admin']])
    assert.equal(await tokens.resolve(newTokenValue('person', systemRandom), from), undefined)
    assert.equal(await tokens.resolve(`lgs_${value.slice(4)}`, from), undefined, 'the prefix is part of the value')
    opened.clock.pass(90 * 86_400 - 1)
    assert.ok(await tokens.resolve(value, from))
    opened.clock.pass(1)
    assert.equal(await tokens.resolve(value, from), undefined, 'at the very second')
    assert.equal((await tokens.find(token.id))?.state, 'expired')
  })

  test('end with a word, at once and once', async () => {
    const { value, token } = await make()
    assert.equal((await tokens.revoke(by(ada), token.id)).state, 'revoked')
    assert.equal(await tokens.resolve(value, from), undefined)
    const at = (await tokens.find(token.id))?.revokedAt
    opened.clock.pass(5)
    assert.deepEqual((await tokens.revoke(house, token.id)).revokedAt, at)
    assert.deepEqual(
      (await opened.storage.audit.list({ limit: 9 })).map(({ type }) => type),
      ['api-token.revoked', 'api-token.created'],
    )
    await assert.rejects(tokens.revoke(house, 'nothing'), { code: 'ERR_NOT_FOUND' })
    refuse = true
    const second = make()
    await assert.rejects(second, { code: 'ERR_FORBIDDEN' })
  })

  test('are not revoked by who may not', async () => {
    const { value, token } = await make()
    refuse = true
    await assert.rejects(tokens.revoke(by('eve'), token.id), { code: 'ERR_FORBIDDEN' })
    assert.deepEqual(asked.at(-1), { on: 'token', account: ada })
    assert.ok(await tokens.resolve(value, from))
  })

  test('are nothing while their account, or a program’s person, may not act', async () => {
    const robot = await services.create(house, { username: 'robot', displayName: 'R', parent: ada })
    const mine = await make()
    const its = await make({ account: robot.id, expiresAt: 'never' }, house)
    assert.match(its.value, /^lgs_/)
    const both = async () => [
      (await tokens.resolve(mine.value, from))?.account.kind,
      (await tokens.resolve(its.value, from))?.account.kind,
    ]
    assert.deepEqual(await both(), ['person', 'service'])
    for (const state of ['deactivated', 'pending'] as const) {
      await accounts.setState(ada, state)
      assert.deepEqual(await both(), [undefined, undefined], state)
      await assert.rejects(make({}, house), { code: 'ERR_FORBIDDEN' })
      await assert.rejects(make({ account: robot.id }, house), { code: 'ERR_FORBIDDEN' })
      await accounts.setState(ada, 'active')
      assert.deepEqual(await both(), ['person', 'service'])
    }
    await services.change(house, robot.id, { state: 'deactivated' })
    assert.deepEqual(await both(), ['person', undefined])
  })

  test('of a person are made by that person or the house, whatever else somebody may do', async () => {
    const bob = await person('bob')
    await assert.rejects(make({}, by(bob)), { code: 'ERR_FORBIDDEN' })
    await make({}, house)
    const robot = await services.create(house, { username: 'robot', displayName: 'R' })
    await make({ account: robot.id }, by(bob))
    await assert.rejects(make({ account: 'nobody' }, house), { code: 'ERR_NOT_FOUND' })
  })

  test('have a name on one line, known scopes and an end that is near enough (datalab 1.7.12)', async () => {
    for (const name of ['', ' ', 'a\nb', 'a\u202eb', 'x'.repeat(101)])
      await assert.rejects(make({ name }), { code: 'ERR_INPUT' }, JSON.stringify(name))
    for (const scope of ['*', '', 'a b', 'a"b', 'ä', 'x'.repeat(101), '\u0000'])
      await assert.rejects(make({ scopes: [scope] }), { code: 'ERR_INPUT' }, JSON.stringify(scope))
    scopes.settle(() => ({ cave: 'CAVE', '*': 'never' }))
    assert.deepEqual(Object.keys(tokens.scopes()).toSorted(), ['*', 'admin', 'cave'])
    for (const scope of ['*', 'other', 'toString', '__proto__'])
      await assert.rejects(make({ scopes: [scope] }), { code: 'ERR_INPUT' }, scope)
    assert.deepEqual((await make({ scopes: ['cave', 'admin'] })).token.scopes, ['admin', 'cave'])
    assert.deepEqual((await make({ scopes: [] })).token.scopes, [])

    const now = opened.clock.now().getTime()
    const at = (ms: number) => new Date(now + ms)
    for (const expiresAt of [at(0), at(-1), at(366 * day + 1000), new Date(Number.NaN), 'never'] as const)
      await assert.rejects(make({ expiresAt }), { code: 'ERR_INPUT' }, String(expiresAt))
    assert.deepEqual((await make({ expiresAt: at(366 * day) })).token.expiresAt, at(366 * day))
    const robot = await services.create(house, { username: 'robot', displayName: 'R' })
    const its = (expiresAt?: Date | 'never') => make({ account: robot.id, expiresAt }, house)
    assert.deepEqual((await its()).token.expiresAt, at(90 * day), 'endless only if asked for')
    assert.equal((await its('never')).token.expiresAt, undefined)
    assert.deepEqual((await its(at(1000 * day))).token.expiresAt, at(1000 * day))
    await assert.rejects(its(new Date(8.64e15)), { code: 'ERR_INPUT' })
  })

  test('are at most a hundred that live, two at once included', async () => {
    const made = []
    for (let i = 0; i < 99; i++)
      made.push(await make({ name: `t${i}`, expiresAt: new Date(opened.clock.now().getTime() + day) }))
    const race = await Promise.allSettled([make(), make()])
    assert.deepEqual(race.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected'])
    await assert.rejects(make(), { code: 'ERR_CONFLICT' })
    await tokens.revoke(by(ada), made[0]?.token.id ?? '')
    await make()
    await assert.rejects(make(), { code: 'ERR_CONFLICT' })
    opened.clock.pass(86_400)
    await make()
    assert.equal((await tokens.list({ limit: 1 })).total, 102, 'nothing is thrown away')
  })

  test('tell when they were last used, to the minute, written behind the answer', async () => {
    const { value, token } = await make()
    const lastUsed = async () => {
      const found = await tokens.find(token.id)
      return [found?.lastUsedAt, found?.lastUsedAddress]
    }
    const { storage, clock } = opened
    const commits = storage.commits()
    const first = clock.now()
    for (let i = 0; i < 50; i++) await tokens.resolve(value, from)
    assert.deepEqual(await lastUsed(), [undefined, undefined])
    await storage.tokenRows.flush()
    assert.deepEqual(await lastUsed(), [first, from.address])
    assert.equal(storage.commits(), commits + 1)
    clock.pass(59)
    await tokens.resolve(value, { address: '192.0.2.8' })
    await storage.tokenRows.flush()
    assert.deepEqual(await lastUsed(), [first, from.address])
    clock.pass(1)
    await tokens.resolve(value, { address: '192.0.2.8' })
    const again = clock.now()
    await tokens.resolve(newTokenValue('person', systemRandom), from)
    opened = await opened.reopen()
    build()
    assert.deepEqual(await lastUsed(), [again, '192.0.2.8'], 'what waits is written at close')
    assert.deepEqual(opened.complaints, [])
  })

  test('are written by themselves after a moment', async () => {
    const { value, token } = await make()
    await tokens.resolve(value, from)
    for (let tries = 0; tries < 60 && (await tokens.find(token.id))?.lastUsedAt === undefined; tries++)
      await new Promise((done) => setTimeout(done, 50))
    assert.deepEqual((await tokens.find(token.id))?.lastUsedAt, opened.clock.now())
  })

  test('cost no read when they are garbage', async () => {
    const { storage } = opened
    let reads = 0
    const counting = {
      ...storage,
      tokenRows: {
        ...storage.tokenRows,
        find: (digest: Uint8Array) => {
          reads++
          return storage.tokenRows.find(digest)
        },
      },
    }
    const watched = createApiTokens({
      ...{
        storage: counting,
        clock: opened.clock,
        random: systemRandom,
        accounts,
        scopes,
        lifeSeconds: 1,
        maxSeconds: 1,
      },
      change: createChange({ storage, log: silent, authorise: async () => undefined }),
    })
    for (const value of ['', 'garbage', `lgp_${'a'.repeat(38)}`, 'x'.repeat(1_000_000)])
      assert.equal(await watched.resolve(value, from), undefined)
    assert.equal(reads, 0)
    assert.equal(await watched.resolve(newTokenValue('person', systemRandom), from), undefined)
    assert.equal(reads, 1)
  })

  test('are listed newest first, by account, state or part of a name', async () => {
    const bob = await person('bob')
    const made: string[] = []
    for (const [name, account] of [
      ['one_a', ada],
      ['two', ada],
      ['three', bob],
      ['four', ada],
    ] as const) {
      made.push(
        (await make({ name, account, expiresAt: new Date(opened.clock.now().getTime() + day) }, house)).token.id,
      )
      if (name !== 'two') opened.clock.pass(1)
    }
    await tokens.revoke(house, made[0] ?? '')
    const names = async (ask: Partial<Parameters<ApiTokens['list']>[0]>) => {
      const { rows, total } = await tokens.list({ limit: 10, ...ask })
      return [
        rows
          .map(({ name }) => name)
          .toSorted()
          .join(),
        total,
      ]
    }
    assert.deepEqual(
      (await tokens.list({ limit: 1 })).rows.map(({ name }) => name),
      ['four'],
    )
    assert.deepEqual(await names({ account: ada }), ['four,one_a,two', 3])
    assert.deepEqual(await names({ state: 'revoked' }), ['one_a', 1])
    assert.deepEqual(await names({ state: 'active', account: ada }), ['four,two', 2])
    assert.deepEqual(await names({ search: 'E_' }), ['one_a', 1])
    opened.clock.pass(86_400 - 2)
    assert.deepEqual(await names({ state: 'expired' }), ['three,two', 2])
    const walked: string[] = []
    let after: string | undefined
    do {
      const page = await tokens.list({ limit: 1, after })
      walked.push(...page.rows.map(({ id }) => id))
      after = page.next
    } while (after !== undefined)
    assert.deepEqual(walked.toSorted(), made.toSorted(), 'each once, two of one instant too')
    for (const bad of ['', 'x', '1', '1.', "1.a' or 1=1", '9'.repeat(40)])
      await assert.rejects(tokens.list({ limit: 1, after: bad }), { code: 'ERR_INPUT' }, bad)
  })
})
