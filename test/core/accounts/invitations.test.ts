import assert from 'node:assert/strict'
import { afterEach, beforeEach, suite, test } from 'node:test'
import { isFault } from '@labgate/contract'
import type { Actor } from '../../../core/accounts/actor.ts'
import type { NewAccountInvitation } from '../../../core/accounts/invitations.ts'
import { type Joining, startJoining } from '../../support/joining.ts'

const house: Actor = { kind: 'system', name: 'labgate account invite' }
const code = (expected: string) => (error: unknown) => isFault(error) && error.code === expected

suite('invitations by mail', () => {
  let site: Joining
  let admin: Actor & { kind: 'account' }
  let lead: Actor & { kind: 'account' }
  const room = () => site.get('invitations')
  const invite = async (actor: Actor, what: Partial<NewAccountInvitation> = {}) => {
    const { invitation, link } = await room().invite(actor, { email: 'guest@example.org', ...what })
    const token = link.split('/').at(-1) ?? ''
    const opened = await room().opened(token)
    return { id: invitation.id, token, proof: opened?.proof ?? assert.fail('it leads nowhere'), invitation }
  }

  beforeEach(async () => {
    site = await startJoining({ registration: 'closed' })
    admin = await site.make('admin')
    lead = await site.make('user')
    for (const slug of ['imaging', 'tracers', 'sc']) await site.get('groups').create(house, { slug, title: slug })
    await site.get('groups').setManager(house, 'imaging', { account: lead.account, is: 'manager' })
  })
  afterEach(() => site.close())

  test('are made by admins, and by managers for groups they manage, without a role', async () => {
    await invite(admin, { role: 'admin', groups: ['sc'] })
    await invite(lead, { groups: ['imaging'] })
    const beyond: Partial<NewAccountInvitation>[] = [
      {},
      { groups: ['tracers'] },
      { groups: ['imaging', 'tracers'] },
      { groups: ['imaging', 'none'] },
      { groups: ['imaging'], role: 'manager' },
      { groups: ['imaging'], role: 'admin' },
    ]
    for (const what of beyond) await assert.rejects(invite(lead, what), code('ERR_FORBIDDEN'), JSON.stringify(what))
    await assert.rejects(invite(await site.make('user')), code('ERR_FORBIDDEN'))
    await site.get('accounts').setState(lead.account, 'deactivated')
    await assert.rejects(invite(lead, { groups: ['imaging'] }), code('ERR_FORBIDDEN'))
  })

  test('refuse what is no plain address, role, group, note or number of days', async () => {
    const wrong: Partial<NewAccountInvitation>[] = [
      { email: 'a@example.org, b@example.org' },
      { email: 'a@example.org\r\nBcc: b@example.org' },
      { email: '"A" <a@example.org>' },
      { email: 'a@exa mple.org' },
      { email: '' },
      { role: 'owner' as never },
      { days: 0 },
      { days: 366 },
      { days: 1.5 },
      { days: Number.NaN },
      { note: 'x'.repeat(1001) },
      { note: 'a\u0000b' },
      { note: '\ud800' },
      { groups: Array.from({ length: 51 }, (_, at) => `g${at}`) },
    ]
    for (const what of wrong) await assert.rejects(invite(admin, what), code('ERR_INPUT'), JSON.stringify(what))
    await assert.rejects(invite(admin, { groups: ['none'] }), code('ERR_NOT_FOUND'))
    await site.get('groups').create({ kind: 'system', name: 'config' }, { slug: 'kept', title: 'Of the config' })
    await assert.rejects(invite(admin, { groups: ['kept'] }), code('ERR_CONFLICT'))
    assert.deepEqual(site.letters, [])
  })

  test('keep no link: neither row nor trail nor answer of a list', async () => {
    const { id, token, proof } = await invite(admin, { note: 'To you', groups: ['imaging'] })
    const rows = await site.get('storage').em().execute('select * from account_invitation')
    const trail = await site.get('storage').audit.list({ limit: 50 })
    const listed = await room().list(admin, { limit: 10 })
    for (const kept of [rows, trail, listed].map((one) => JSON.stringify(one))) assert.ok(!kept.includes(token))
    assert.ok(!JSON.stringify(listed).includes(proof))
    const [line] = trail.filter(({ type }) => type === 'account.invited')
    assert.equal(line?.actor, admin.account)
    assert.doesNotMatch(JSON.stringify(line), /guest@|To you/)
    assert.equal((await room().find(admin, id))?.email, 'guest@example.org')
  })

  test('tell whether the mail left, and are there all the same', async () => {
    site.mailDown = true
    const { mailed, invitation } = await room().invite(admin, { email: 'guest@example.org' })
    assert.equal(mailed, false)
    site.mailDown = false
    const again = await room().resend(admin, invitation.id)
    assert.equal(again.mailed, true)
    assert.ok(site.letters[0]?.text.includes(again.link))
  })

  test('one of twenty at once makes an account, the others none', async () => {
    const { id, proof } = await invite(admin, { role: 'manager' as const, email: 'g@example.org' })
    const plain = await invite(admin)
    const came = await Promise.all(
      Array.from({ length: 20 }, (_, at) => site.arrive(`s${at}`, { invitation: plain.proof })),
    )
    assert.equal(came.filter(({ kind }) => kind === 'account').length, 1)
    assert.ok(came.every((one) => one.kind === 'account' || (one.kind === 'refused' && one.rule === 'registration')))
    assert.equal((await room().find(admin, id))?.state, 'open')
    assert.equal(await site.get('accounts').count({}), 3)
    // Twenty tabs of one person come to one account.
    const tabs = await Promise.all(
      Array.from({ length: 20 }, () => site.arrive('one', { invitation: proof, email: 'g@example.org' })),
    )
    const ids = new Set(tabs.map((one) => one.kind === 'account' && one.account.id))
    assert.deepEqual([ids.size, ids.has(false)], [1, false])
    assert.equal(tabs.filter((one) => one.kind === 'account' && one.created).length, 1)
    assert.equal(await site.get('accounts').count({}), 4)
  })

  test('let in where an instance refuses newcomers or makes them wait, and not past its rule', async () => {
    for (const state of ['pending', 'refused'] as const) {
      const { proof } = await invite(admin)
      const came = await site.arrive(`by-${state}`, { invitation: proof, admission: { state } })
      assert.ok(came.kind === 'account' && came.account.state === 'active' && came.invitation === 'accepted', state)
    }
    const { id, proof } = await invite(admin, { role: 'admin' })
    const admission = { state: 'active', allow: { domains: ['lab.example.org'] } } as const
    const came = await site.arrive('x', { invitation: proof, admission, email: 'guest@example.org' })
    assert.ok(came.kind === 'refused' && came.rule === 'admission')
    assert.equal((await room().find(admin, id))?.state, 'open')
  })

  test('give a role, or the steering committee, only to the invited address, verified (S19)', async () => {
    for (const what of [{ role: 'admin' }, { role: 'manager' }, { groups: ['sc'] }] as const) {
      const name = JSON.stringify(what)
      const { proof, token } = await invite(admin, { ...what, email: 'Right@Example.org' })
      assert.equal((await room().opened(token))?.onlyFor, 'right@example.org')
      const wrong = await site.arrive(`wrong ${name}`, { invitation: proof, email: 'wrong@example.org' })
      assert.ok(wrong.kind === 'refused' && wrong.rule === 'invitation', name)
      const unproved = await site.arrive(`unproved ${name}`, {
        invitation: proof,
        assertion: {
          ...{ issuer: 'urn:uni', subject: `unproved ${name}`, amr: [], at: site.clock.now() },
          facts: [{ claim: 'email', value: 'right@example.org', trust: 'asserted' }],
        },
      })
      assert.equal(unproved.kind, 'refused', name)
      const right = await site.arrive(`right ${name}`, {
        invitation: proof,
        email: 'right@example.org',
        wantsNew: true,
      })
      assert.ok(right.kind === 'account' && right.invitation === 'accepted', name)
      assert.deepEqual(
        [right.account.role, right.account.groups],
        ['role' in what ? what.role : 'user', 'groups' in what ? ['sc'] : []],
      )
    }
  })

  test('change no role of somebody who is here already, and wake nobody who was shut out', async () => {
    const first = await site.arrive('ada', { invitation: (await invite(admin)).proof, email: 'ada@example.org' })
    assert.ok(first.kind === 'account')
    const powerful = await invite(admin, { role: 'admin', groups: ['tracers'], email: 'ada@example.org' })
    const again = await site.arrive('ada', { invitation: powerful.proof, email: 'ada@example.org' })
    assert.ok(again.kind === 'account' && again.invitation === 'accepted')
    assert.deepEqual([again.account.role, again.account.groups], ['user', ['tracers']])
    await site.get('accounts').setState(first.account.id, 'deactivated')
    const late = await invite(admin, { groups: ['imaging'] })
    const shut = await site.arrive('ada', { invitation: late.proof, email: 'ada@example.org' })
    assert.ok(shut.kind === 'account' && shut.account.state === 'deactivated' && shut.invitation === undefined)
    assert.equal((await room().find(admin, late.id))?.state, 'open')
  })

  test('are worth what their maker may give by then', async () => {
    const other = await site.make('admin')
    const [byAdmin, byLead, byHouse] = [
      await invite(other, { groups: ['tracers'] }),
      await invite(lead, { groups: ['imaging'] }),
      await invite(house),
    ]
    await site.get('standing').setRole(admin, other.account, 'user')
    await site.get('groups').setManager(house, 'imaging', { account: lead.account, is: 'none' })
    for (const { token, proof } of [byAdmin, byLead]) {
      assert.equal(await room().opened(token), undefined)
      assert.equal((await site.arrive('late', { invitation: proof })).kind, 'refused')
    }
    assert.ok(await room().opened(byHouse.token))
  })

  test('leave out groups that were removed or that the config keeps by now', async () => {
    const { proof } = await invite(admin, { groups: ['imaging', 'tracers'] })
    await site.get('groups').remove(house, 'tracers')
    const came = await site.arrive('ada', { invitation: proof })
    assert.ok(came.kind === 'account')
    assert.deepEqual(came.account.groups, ['imaging'])
    assert.deepEqual(await site.get('storage').accountRows.groupsFrom(came.account.id, 'admin'), ['imaging'])
  })

  test('lead into no group that was made anew under the name of a removed one', async () => {
    const { proof, id } = await invite(admin, { groups: ['imaging', 'tracers'] })
    await site.get('groups').remove(house, 'tracers')
    await site.get('groups').create(house, { slug: 'tracers', title: 'Other people' })
    assert.deepEqual((await room().find(house, id))?.groups, ['imaging'])
    const came = await site.arrive('ada', { invitation: proof })
    assert.ok(came.kind === 'account')
    assert.deepEqual(came.account.groups, ['imaging'])
  })

  test('are not used up by an account that is shut out at the same moment', async () => {
    const came = await site.arrive('ada')
    const { proof, id } = await invite(admin, { groups: ['imaging'] })
    const account = came.kind === 'account' ? came.account.id : (await site.make('user')).account
    await site.get('accounts').setState(account, 'deactivated')
    const use = { proof, account, facts: [] }
    await assert.rejects(
      site.get('storage').transaction((em) => room().acceptIn(em, use)),
      { name: 'InvitationLost' },
    )
    assert.equal((await room().find(house, id))?.state, 'open')
  })

  test('are over with their days, when ended, and once accepted; a new link takes the place of the old', async () => {
    const over = await invite(admin, { days: 1 })
    site.clock.advance(86_400)
    const [ended, sent, used] = [await invite(admin), await invite(admin), await invite(admin)]
    await room().end(admin, ended.id)
    const { link } = await room().resend(admin, sent.id)
    await site.arrive('ada', { invitation: used.proof })
    for (const { token, proof } of [over, ended, sent, used]) {
      assert.equal(await room().opened(token), undefined)
      assert.equal((await room().fit(proof, [])).kind, 'over')
    }
    assert.ok(await room().opened(link.split('/').at(-1) ?? ''))
    const stateOf = async ({ id }: { id: string }) => (await room().find(admin, id))?.state
    const states = await Promise.all([over, ended, sent, used].map(stateOf))
    assert.deepEqual(states, ['over', 'ended', 'open', 'accepted'])
    for (const state of ['over', 'ended', 'open', 'accepted'] as const)
      assert.equal((await room().list(admin, { state, limit: 10 })).total, 1, state)
    await room().resend(admin, over.id)
    assert.equal(await stateOf(over), 'open')
    for (const id of [used.id, ended.id]) await assert.rejects(room().resend(admin, id), code('ERR_CONFLICT'))
    await assert.rejects(room().end(admin, used.id), code('ERR_CONFLICT'))
    assert.equal((await room().end(admin, ended.id)).state, 'ended', 'ended twice is ended')
    await assert.rejects(room().end(admin, 'none'), code('ERR_NOT_FOUND'))
  })

  test('are seen and changed by admins and by who made them; to others they are not there', async () => {
    const [own, others] = [await invite(lead, { groups: ['imaging'] }), await invite(admin, { groups: ['imaging'] })]
    const seen = await room().list(lead, { limit: 10 })
    assert.deepEqual([seen.total, seen.rows.map(({ id }) => id)], [1, [own.id]])
    assert.equal((await room().list(admin, { limit: 10 })).total, 2)
    assert.equal(await room().find(lead, others.id), undefined)
    await assert.rejects(room().resend(lead, others.id), code('ERR_NOT_FOUND'))
    await assert.rejects(room().end(lead, others.id), code('ERR_NOT_FOUND'))
    assert.equal((await room().end(lead, own.id)).state, 'ended')
  })

  test('of somebody who is no admin are few a day, and sent again after a while only', async () => {
    const one = await invite(lead, { groups: ['imaging'] })
    await assert.rejects(room().resend(lead, one.id), code('ERR_RATE'))
    site.clock.advance(601)
    await room().resend(lead, one.id)
    for (let at = 1; at < 100; at++) await room().invite(lead, { email: `g${at}@example.org`, groups: ['imaging'] })
    await assert.rejects(invite(lead, { groups: ['imaging'] }), code('ERR_RATE'))
    await invite(admin, { groups: ['imaging'] })
    site.clock.advance(86_400)
    await invite(lead, { groups: ['imaging'] })
  })

  test('are listed newest first in pages that meet, and found by part of the address', async () => {
    for (let at = 0; at < 7; at++) await room().invite(admin, { email: `g${at}_x@example.org` })
    const seen: string[] = []
    let after: string | undefined
    do {
      const page = await room().list(admin, { limit: 3, after })
      seen.push(...page.rows.map(({ email }) => email))
      after = page.next
    } while (after)
    assert.equal(new Set(seen).size, 7)
    assert.equal((await room().list(admin, { search: 'G3_X', limit: 5 })).rows[0]?.email, 'g3_x@example.org')
    assert.equal((await room().list(admin, { search: '%', limit: 5, after: "'; drop" })).total, 7)
  })

  test('write letters in which nothing of the inviter is markup or another header', async () => {
    const facts = [{ claim: 'name', value: 'Eve\r\nBcc: all@example.org <b>', trust: 'asserted' }] as const
    const eve = await site.make('admin', { facts })
    await invite(eve, { note: '<a href="https://evil.example">here</a>' })
    const [letter] = site.letters
    assert.doesNotMatch(letter?.subject ?? '', /[\r\n]/)
    assert.doesNotMatch(letter?.html ?? '', /<(?!\/?(p|br)>)/)
    assert.match(letter?.text ?? '', /Eve Bcc: all@example\.org <b> invites you to Northfield Lab/)
  })
})
