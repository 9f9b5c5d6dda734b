import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { Assertion, Fact } from '@labgate/contract'
import { applyImport, type ImportNeeds, importSources, readSource } from '../../core/import/importer.ts'
import { middleAuthLab, writeSqlite } from '../support/import-labs.ts'
import { browser, signInByEmail, startLabgate, type TestLabgate } from '../support/labgate.ts'

const house = { kind: 'system', name: 'test' } as const

describe('somebody who was imported from middle_auth', () => {
  let site: TestLabgate
  const room = () => site.labgate.rooms
  const needs = (): ImportNeeds => {
    const { get } = site.labgate.rooms
    return {
      ...{ storage: get('storage'), clock: get('clock'), random: get('random'), change: get('change') },
      ...{ accounts: get('accounts'), groups: get('groups'), serviceAccounts: get('serviceAccounts') },
      ...{ ledger: get('ledger'), source: 'middle-auth', signIn: 'email', steeringCommittee: 'sc' },
    }
  }
  const arrive = (instance: string, who: { subject: string; facts: readonly Fact[] }, more = {}) => {
    const assertion: Assertion = { issuer: `urn:${instance}`, amr: [], at: new Date(), ...who }
    const source = { instance, realm: instance }
    return room()
      .get('people')
      .arrive({ source, admission: { state: 'active' }, assertion, wantsNew: false, ...more })
  }
  const mail = (value: string, trust: Fact['trust'] = 'verified'): Fact => ({ claim: 'email', value, trust })

  before(async () => {
    site = await startLabgate({
      registration: 'closed',
      plugins: {
        email: { use: '@labgate/auth-email' },
        cave: { use: '@labgate/authz-cave', config: { viewers: ['http://viewer.example'] } },
      },
    })
    const path = join(site.folder, 'lab.db')
    writeSqlite(path, middleAuthLab)
    const found = await readSource(importSources['middle-auth'], { path, shown: 'lab.db', now: new Date() })
    await applyImport(needs(), found)
  })
  after(() => site?.stop())

  test('signs in by e-mail though registration is closed, and CAVE hears their number, groups, permissions and terms', async () => {
    const agent = browser()
    await signInByEmail(site, agent, { at: `${site.issuer}/account`, email: 'bo@lab.example' })
    const bo = await room().get('accounts').findByNumericId(7)
    assert.ok(bo)
    assert.ok((await room().get('accounts').find(bo.id))?.lastSignInAt, 'this account was signed in to')
    assert.deepEqual([bo.email, bo.emailVerified], ['bo@lab.example', true])
    const { value } = await room()
      .get('tokens')
      .create(house, { account: bo.id, name: 'cave', scopes: ['cave'] })
    const answer = await fetch(`${site.issuer}/auth/api/v1/user/cache`, {
      headers: { authorization: `Bearer ${value}` },
    })
    const said = (await answer.json()) as Record<string, unknown>
    assert.deepEqual(
      [said.id, said.name, said.email, said.groups, said.groups_admin, said.missing_tos],
      [7, 'Bo "Bob" O\'Neil', 'bo@lab.example', ['fish-lab'], ['fish-lab'], []],
    )
    assert.deepEqual(said.permissions_v2, { fish2: ['edit', 'view'] })
    const others = await fetch(`${site.issuer}/auth/api/v1/username?id=17,1`, {
      headers: { authorization: `Bearer ${value}` },
    })
    const names = (await others.json()) as { id: number; name: string }[]
    assert.deepEqual(
      names.map(({ id, name }) => [id, name]).toSorted(),
      [
        [1, 'Ada Boss'],
        [17, 'Cyrus Ω'],
      ],
      'who has not come yet has a name, too',
    )
    const history = await room().get('life').history(bo.id, { seenBy: 'admin', limit: 50 })
    assert.ok(['account.imported', 'account.claimed'].every((type) => history.rows.some((row) => row.type === type)))
  })

  test('is not whoever only says so, at another sign-in or without a proof', async () => {
    const cy = mail('cy@lab.example')
    for (const [instance, who] of [
      ['email', { subject: 'typed', facts: [mail('cy@lab.example', 'self')] }],
      ['email', { subject: 'asserted', facts: [mail('cy@lab.example', 'asserted')] }],
      ['email', { subject: 'cy@lab.example', facts: [] }],
      ['github', { subject: '4711', facts: [cy] }],
    ] as const)
      assert.equal((await arrive(instance, who)).kind, 'refused', JSON.stringify(who))
    const refused = await arrive(
      'email',
      { subject: 'x', facts: [cy] },
      { admission: { allow: { domains: ['else.example'] }, state: 'active' } },
    )
    assert.equal(refused.kind, 'refused', "the instance's own rule holds")
  })

  test('twenty at once are one, and a later owner of the address is somebody else', async () => {
    const who = (subject: string) => ({ subject, facts: [mail('Cy@lab.example')] })
    const all = await Promise.all(Array.from({ length: 20 }, () => arrive('email', who('one'))))
    const ids = new Set(all.map((welcome) => (welcome.kind === 'account' ? welcome.account.numericId : welcome.kind)))
    assert.deepEqual([...ids], [17])
    assert.equal((await arrive('email', who('two'))).kind, 'refused')
  })

  test('who has come by another way gets what was imported when they join this one to it', async () => {
    const { get } = room()
    const facts = [{ claim: 'name', value: 'Dee at GitHub', trust: 'asserted' }] as const
    const id = await get('storage').transaction((em) =>
      get('accounts').createIn(em, { facts, state: 'active', role: 'user' }),
    )
    const assertion: Assertion = {
      issuer: 'urn:email',
      subject: 'dee',
      amr: [],
      at: new Date(),
      facts: [mail('dee@lab.example')],
    }
    await get('people').join(id, {
      source: { instance: 'email', realm: 'email' },
      admission: { state: 'active' },
      assertion,
    })
    const { grants } = await get('access').snapshot(id)
    assert.deepEqual(
      grants.map(({ dataset, beforeTerms }) => [dataset, beforeTerms.level]),
      [['fish2', 'view']],
    )
    const path = join(site.folder, 'lab.db')
    const found = await readSource(importSources['middle-auth'], { path, shown: 'lab.db', now: new Date() })
    assert.equal((await applyImport(needs(), found)).work, 0, 'nothing is to be done for who was merged')
  })

  test('who is erased leaves no address behind, and is not imported again', async () => {
    const { get } = room()
    const ada = await get('accounts').findByNumericId(1)
    await get('life').erase(house, ada?.id ?? '')
    const rows = await get('storage').em().execute("select * from awaited_name where value = 'ada@lab.example'")
    assert.deepEqual(rows, [])
    const path = join(site.folder, 'lab.db')
    const found = await readSource(importSources['middle-auth'], { path, shown: 'lab.db', now: new Date() })
    const plan = await applyImport(needs(), found)
    assert.equal(plan.work, 0)
    assert.ok(
      plan.notes.some(({ what, of }) => what.startsWith('removed here') && of.some((one) => one.includes('user 1'))),
    )
    assert.equal((await arrive('email', { subject: 'ada', facts: [mail('ada@lab.example')] })).kind, 'refused')
  })
})
