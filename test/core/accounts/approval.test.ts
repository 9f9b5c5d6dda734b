import assert from 'node:assert/strict'
import { afterEach, beforeEach, suite, test } from 'node:test'
import { isFault } from '@labgate/contract'
import type { Actor } from '../../../core/accounts/actor.ts'
import { type Joining, startJoining } from '../../support/joining.ts'

const house: Actor = { kind: 'system', name: 'test' }
const code = (expected: string) => (error: unknown) => isFault(error) && error.code === expected

suite('the queue of those who wait', () => {
  let site: Joining
  let admin: Actor & { kind: 'account' }
  const room = () => site.get('approval')
  const come = async (subject: string, email?: string) => {
    const came = await site.arrive(subject, { admission: { state: 'pending' }, ...(email ? { email } : {}) })
    assert.ok(came.kind === 'account' && came.account.state === 'pending')
    site.clock.advance(1)
    return came.account.id
  }

  beforeEach(async () => {
    site = await startJoining()
    admin = await site.make('admin')
    for (const slug of ['imaging', 'tracers']) await site.get('groups').create(house, { slug, title: slug })
  })
  afterEach(() => site.close())

  test('shows the oldest first, with what their sign-in said and by which instance', async () => {
    const ids = [await come('ada', 'ada@example.org'), await come('bo'), await come('cy')]
    await site.make('user')
    const first = await room().waiting({ limit: 2 })
    const rest = await room().waiting({ limit: 2, after: first.next })
    assert.deepEqual(
      [...first.rows, ...rest.rows].map(({ account }) => account.id),
      ids,
    )
    assert.deepEqual([first.total, rest.next], [3, undefined])
    const [sign] = first.rows[0]?.signIns ?? []
    assert.deepEqual([sign?.instance, sign?.issuer, sign?.subject], ['uni', 'urn:uni', 'ada'])
    assert.deepEqual(sign?.facts, [{ claim: 'email', value: 'ada@example.org', trust: 'verified' }])
    assert.equal((await room().waiting({ limit: 5, search: 'ada@' })).total, 1)
    assert.equal((await room().find(ids[0] ?? ''))?.account.id, ids[0])
    assert.equal(await room().find(admin.account), undefined)
  })

  test('lets somebody in, into groups, tells them and writes it down', async () => {
    const id = await come('ada', 'ada@example.org')
    const account = await room().approve(admin, id, { groups: ['imaging', 'tracers'], note: 'Welcome & hello' })
    assert.deepEqual([account.state, account.groups], ['active', ['imaging', 'tracers']])
    assert.equal((await room().waiting({ limit: 5 })).total, 0)
    const [letter] = site.letters
    assert.equal(letter?.to, 'ada@example.org')
    assert.match(letter?.text ?? '', /was approved.*Welcome & hello/s)
    const trail = await site.get('storage').audit.list({ account: id, limit: 10 })
    const types = trail.filter(({ actor }) => actor === admin.account).map(({ type }) => type)
    assert.deepEqual(types.toSorted(), ['account.activated', 'group.joined', 'group.joined'])
    assert.ok(!JSON.stringify(trail).includes('Welcome'))
  })

  test('turns somebody down, who is told and may not come in', async () => {
    const id = await come('eve', 'eve@example.org')
    assert.equal((await room().turnDown(admin, id, { note: 'Ask your lab' })).state, 'deactivated')
    assert.match(site.letters[0]?.text ?? '', /was not approved.*Ask your lab/s)
    const again = await site.arrive('eve', { admission: { state: 'pending' } })
    assert.ok(again.kind === 'account' && again.account.state === 'deactivated')
  })

  test('writes to proved addresses only, and decides although no mail leaves', async () => {
    await room().approve(admin, await come('nobody'))
    assert.deepEqual(site.letters, [])
    site.mailDown = true
    const id = await come('ada', 'ada@example.org')
    assert.equal((await room().approve(admin, id)).state, 'active')
  })

  test('is decided by admins only, once', async () => {
    const id = await come('ada', 'ada@example.org')
    const user = await site.make('user')
    const [waiting, self] = [await site.make('admin', { state: 'pending' }), { kind: 'account', account: id } as const]
    for (const actor of [user, waiting, self]) {
      await assert.rejects(room().approve(actor, id), code('ERR_FORBIDDEN'))
      await assert.rejects(room().turnDown(actor, id), code('ERR_FORBIDDEN'))
    }
    await assert.rejects(room().approve(admin, 'none'), code('ERR_NOT_FOUND'))
    await assert.rejects(room().approve(admin, id, { note: 'x'.repeat(1001) }), code('ERR_INPUT'))
    const both = await Promise.allSettled([
      ...Array.from({ length: 5 }, () => room().approve(admin, id)),
      ...Array.from({ length: 5 }, () => room().turnDown(admin, id)),
    ])
    assert.equal(both.filter(({ status }) => status === 'fulfilled').length, 1)
    assert.ok(both.every((one) => one.status === 'fulfilled' || code('ERR_CONFLICT')(one.reason)))
    assert.equal(site.letters.length, 1)
    await assert.rejects(room().turnDown(admin, admin.account), code('ERR_CONFLICT'))
  })

  test('approves wholly or not at all', async () => {
    const id = await come('ada', 'ada@example.org')
    await assert.rejects(room().approve(admin, id, { groups: ['imaging', 'none'] }), code('ERR_NOT_FOUND'))
    const still = await site.account({ account: id })
    assert.deepEqual([still.state, still.groups, site.letters.length], ['pending', [], 0])
    const trail = await site.get('storage').audit.list({ account: id, limit: 10 })
    assert.deepEqual(
      trail.filter(({ actor }) => actor === admin.account),
      [],
    )
  })
})
