import assert from 'node:assert/strict'
import { afterEach, beforeEach, suite, test } from 'node:test'
import { type Accounts, createAccounts } from '../../../core/accounts/accounts.ts'
import { createIdentities } from '../../../core/accounts/identities.ts'
import { createPeople } from '../../../core/accounts/people.ts'
import { systemRandom } from '../../../core/random.ts'
import { needs } from '../../support/needs.ts'
import type { OpenedStorage } from '../../support/storage.ts'
import { openPostgres } from '../../support/storage-postgres.ts'

suite('what a request has read of somebody whom another process changes meanwhile', { skip: needs('postgres') }, () => {
  let here: OpenedStorage
  let there: OpenedStorage
  let mine: Accounts
  let theirs: Accounts

  const accountsOf = ({ storage, clock }: OpenedStorage) => createAccounts({ storage, clock, random: systemRandom })
  const facts = [{ claim: 'email', value: 'ada@uni.example', trust: 'verified' }] as const

  beforeEach(async () => {
    here = await openPostgres()
    there = await here.beside()
    mine = accountsOf(here)
    theirs = accountsOf(there)
    // What is loaded at the first change would take longer than anything is remembered.
    for (const { storage } of [here, there]) await storage.transaction(async () => undefined)
  })
  afterEach(async () => {
    await there.storage.close()
    await here.close()
  })

  test('is not what later ones are answered: who was shut out stays so', async () => {
    const start = { facts, state: 'active', role: 'user' } as const
    const ada = await here.storage.transaction((em) => mine.createIn(em, start))
    const parent = await here.storage.transaction((em) => mine.createIn(em, { ...start, facts: [] }))
    await here.storage.during(async () => {
      for (const id of [ada, parent]) assert.equal((await mine.find(id))?.state, 'active')
      await there.storage.transaction((em) =>
        em.execute("update account set state = 'deactivated', revision = revision + 1"),
      )
      for (const id of [ada, parent]) await mine.acting(id)
    })
    for (const id of [ada, parent]) assert.equal(await here.storage.during(() => mine.acting(id)), undefined)
  })

  test('does not keep a second look from seeing the account that another tab has made', async () => {
    const source = { instance: 'uni', realm: 'uni' }
    const assertion = { issuer: 'urn:uni', subject: 'ada', facts, amr: [], at: here.clock.now() }
    const peopleOf = (
      { storage, clock }: OpenedStorage,
      accounts: Accounts,
      meanwhile: () => Promise<unknown> = async () => undefined,
    ) =>
      createPeople({
        ...{ storage, accounts, random: systemRandom },
        identities: createIdentities({ storage, clock, random: systemRandom }),
        ...{ registration: 'open' as const, admins: [], members: { settle: async () => false } },
        invitations: { fit: async () => ({ kind: 'over' as const }), acceptIn: async () => undefined },
        awaited: {
          find: async () => void (await meanwhile()),
          ...{ claimIn: async () => undefined, handOver: async () => undefined },
        },
      })
    const arrival = { source, admission: { state: 'active' as const }, assertion, wantsNew: false }
    const otherTab = peopleOf(there, theirs)
    const thisTab = peopleOf(here, mine, () => otherTab.arrive(arrival))
    const welcome = await here.storage.during(() => thisTab.arrive(arrival))
    assert.deepEqual(welcome.kind === 'account' ? [welcome.kind, welcome.created] : welcome, ['account', false])
  })
})
