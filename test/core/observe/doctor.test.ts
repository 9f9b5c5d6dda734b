import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { Fault, type Finding, secretOf } from '@labgate/contract'
import type { MailConfig } from '../../../core/mail/letter.ts'
import { createMail } from '../../../core/mail/mail.ts'
import { lookAtDatabase, lookAtKeys, lookAtMail, probed } from '../../../core/observe/doctor.ts'
import { createSigningKeys } from '../../../core/oidc/keys.ts'
import { systemRandom } from '../../../core/random.ts'
import { SettingEntity } from '../../../core/storage/entities.ts'
import { startExim } from '../../support/exim.ts'
import { needs } from '../../support/needs.ts'
import { keptLog } from '../../support/outer-app.ts'
import { createTestClock, openSqlite, testKeys } from '../../support/storage.ts'

const day = 86_400

/** Everything that was found. */
async function all(findings: AsyncIterable<Finding>): Promise<readonly Finding[]> {
  const found: Finding[] = []
  for await (const finding of findings) found.push(finding)
  return found
}

describe('lookAtDatabase()', () => {
  test('writes, and leaves nothing behind', async (t) => {
    const { storage, file, close } = await openSqlite()
    t.after(close)
    const found = await all(lookAtDatabase(storage, { database: { file } }))
    assert.deepEqual(found, [{ ok: true, what: `the database ${file} can be written` }])
    assert.equal(await storage.em().count(SettingEntity, { key: 'doctor' }), 0)
  })

  test('finds a database that cannot be written', async (t) => {
    const { storage, file, close } = await openSqlite()
    t.after(close)
    await storage.em().execute('pragma query_only = on')
    const [found] = await all(lookAtDatabase(storage, { database: { file } }))
    assert.equal(found?.ok, false)
    assert.ok(found?.mend?.startsWith('attempt to write a readonly database; check who owns '), found?.mend)
    assert.ok(found?.mend?.includes(file))
  })
})

describe('lookAtKeys()', () => {
  async function world(t: TestContext) {
    const opened = await openSqlite()
    let current = opened
    t.after(() => current.close())
    const look = async (rotateAfter = 0) => {
      const { storage, clock } = current
      const keys = createSigningKeys({ storage, clock, random: systemRandom })
      await keys.load()
      return { keys, findings: await all(lookAtKeys({ keys, storage, clock, rotateAfter })) }
    }
    const reopen = async (keys: readonly string[]) => {
      current = await current.reopen({ keys })
      return current.storage
    }
    return { look, clock: opened.clock, storage: opened.storage, reopen }
  }
  const wrong = (findings: readonly Finding[]) => findings.filter(({ ok }) => !ok)

  test('finds signing keys that nobody changes, by hand within a year or by age with three days over', async (t) => {
    const { look, clock } = await world(t)
    assert.deepEqual(wrong((await look()).findings), [])
    clock.pass(365 * day)
    assert.deepEqual(wrong((await look()).findings), [])
    clock.pass(day)
    const { keys, findings } = await look()
    assert.equal(wrong(findings).length, 2)
    assert.match(wrong(findings)[0]?.what ?? '', /signing key (es256|rs256)-\S+ has been in use for 366 days$/)
    assert.equal(wrong(findings)[0]?.mend, '`labgate keys rotate`')
    await keys.rotate('RS256')
    await keys.rotate('ES256')
    assert.deepEqual(wrong((await look()).findings), [])
    clock.pass(93 * day)
    assert.deepEqual(wrong((await look(90 * day)).findings), [])
    clock.pass(day)
    assert.match(wrong((await look(90 * day)).findings)[0]?.mend ?? '', /changes it by itself/)
  })

  test('finds a sealing key in use for more than two years, and knows when it was changed', async (t) => {
    const { look, clock, reopen } = await world(t)
    await look()
    clock.pass(731 * day)
    const { findings } = await look()
    const found = findings.at(-1)
    assert.match(found?.what ?? '', /^the sealing key [0-9a-f]{8} has been in use for 731 days$/)
    assert.match(found?.mend ?? '', /docs\/operate\.md, Keys/)
    const storage = await reopen(['another test key another test key another', ...testKeys])
    await storage.reseal()
    await storage.audit.append({ type: 'keys.rotated', detail: { sealing: storage.ring.fingerprint } })
    clock.pass(3 * day)
    const last = (await look()).findings.at(-1)
    assert.deepEqual(last, { ok: true, what: `the sealing key ${storage.ring.fingerprint} has been in use for 3 days` })
  })

  test('finds a database that a former key still seals in part', async (t) => {
    const { look, reopen } = await world(t)
    await look()
    const storage = await reopen(['another test key another test key another', ...testKeys])
    const found = (await look()).findings.at(-1)
    assert.deepEqual([found?.ok, found?.what.includes(storage.ring.fingerprint)], [false, true])
    assert.match(found?.mend ?? '', /^`labgate keys reseal`/)
  })
})

describe('lookAtMail()', () => {
  const from = { address: 'gate@example.test' }
  const look = (config: MailConfig | undefined) => {
    const mail = () => createMail({ config, clock: createTestClock(), log: keptLog().log, siteName: 'Lab' })
    return all(lookAtMail({ config, mail }))
  }

  test('logs in at the mail server without sending, and finds a wrong password and an unreadable CA', {
    skip: needs('exim', 'openssl'),
  }, async (t) => {
    const exim = await startExim({ users: { mailer: 'right-one' } })
    t.after(() => exim.close())
    const { host, port, caFile: ca } = exim
    const smtp = { host, port, security: 'starttls', username: 'mailer', ca } as const
    const right = await look({ from, smtp: { ...smtp, password: secretOf('right-one') } })
    assert.deepEqual(right, [{ ok: true, what: `localhost:${port} takes letters from mailer` }])
    const [wrong] = await look({ from, smtp: { ...smtp, password: secretOf('wrong-one') } })
    assert.equal(wrong?.ok, false)
    assert.match(wrong?.mend ?? '', /check mail\.smtp\.username and password$/)
    const [blind] = await look({ from, smtp: { ...smtp, password: secretOf('right-one'), ca: '/nowhere/ca.pem' } })
    assert.match(blind?.mend ?? '', /mail\.smtp\.ca: cannot read/)
    assert.deepEqual(await exim.mailbox(), [])
  })

  test('says that no mail is configured, which is not wrong', async () => {
    assert.deepEqual(await look(undefined), [{ ok: true, what: 'no mail is configured: no letter leaves' }])
  })
})

describe('probed()', () => {
  const of = (probe: () => AsyncIterable<Finding>) => all(probed({ probe }, 50))

  test('hands on what a plugin finds, with a hint where a code has a meaning', async () => {
    const found = await of(async function* () {
      yield { ok: true, what: 'a' }
      yield { ok: false, what: 'b', mend: 'no answer (ENOTFOUND)' }
    })
    assert.deepEqual(found[0], { ok: true, what: 'a' })
    assert.match(found[1]?.mend ?? '', /^no answer \(ENOTFOUND\): its name is not found/)
  })

  test('makes findings of a fault, of a bug, and of a look that never ends', async () => {
    const fails = (error: Error) =>
      of(async function* () {
        yield { ok: true, what: 'a' }
        throw error
      })
    assert.equal((await fails(new Fault('ERR_UPSTREAM', 'check the secret')))[1]?.mend, 'check the secret')
    assert.match((await fails(new Error('oh')))[1]?.mend ?? '', /a bug of the plugin: oh$/)
    const late = await of(async function* () {
      await new Promise(() => undefined)
      yield { ok: true, what: 'never' }
    })
    assert.equal(late.length, 1)
    assert.match(late[0]?.mend ?? '', /very slow.*took longer than 0\.05 s/)
  })

  test('finds nothing where there is nothing to ask', async () => {
    assert.deepEqual(await all(probed({}, 50)), [])
  })
})
