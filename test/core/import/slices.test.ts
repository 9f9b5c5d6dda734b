/** A large import beside others who write, and one that is killed in the middle. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import Database from 'better-sqlite3'
import { startCommand } from '../../support/command-line.ts'
import { writeLargeLab } from '../../support/import-labs.ts'
import { addPerson, type CommandFolder, commandFolder } from '../../support/ledger-commands.ts'

const size = { people: 1500, each: 8 }
const argv = ['import', 'datasetgateway', 'lab.db', '--sign-in', 'email', '--apply']

/** What stands there, without ids that chance has made. */
function holdings(database: Database.Database): unknown[] {
  const subject = `case when subject like 'account:%'
    then (select numeric_id from account where id = substr(subject, 9)) else subject end`
  return [
    'select numeric_id, kind, username, display_name, email, state from account order by numeric_id',
    `select a.numeric_id, n.value from awaited_name n join account a on a.id = n.account_id order by 1, 2`,
    'select slug, numeric_id from account_group order by slug',
    'select slug, numeric_id from dataset order by slug',
    `select m.group_slug, a.numeric_id from membership m join account a on a.id = m.account_id order by 1, 2`,
    `select ${subject} as who, dataset, version, level, permission, conditions from access_grant
       where ended_at is null order by 1, 2, 3, 4, 5`,
    'select kind, "key", digest from imported_row order by 1, 2',
  ].map((sql) => database.prepare(sql).all())
}

suite('a large import', () => {
  let whole: CommandFolder
  let broken: CommandFolder
  const open = ({ path }: CommandFolder) => new Database(join(path, 'labgate.db'), { timeout: 10_000 })
  const start = ({ path }: CommandFolder) => startCommand([...argv, '--config', 'labgate.yaml'], { cwd: path })
  before(async () => {
    ;[whole, broken] = [await commandFolder(), await commandFolder()]
    for (const { path } of [whole, broken]) writeLargeLab(join(path, 'lab.db'), size)
  })
  after(async () => {
    await whole.remove()
    await broken.remove()
  })

  test('lets others write: nobody waits for a second', async (t) => {
    const database = open(whole)
    t.after(() => database.close())
    const { done } = start(whole)
    let [isGoing, longest, writes] = [true, 0, 0]
    const finished = done.finally(() => {
      isGoing = false
    })
    for (; isGoing; await sleep(5), writes++) {
      const begun = performance.now()
      database.exec(`begin immediate; update setting set value = value where "key" = 'none'; commit`)
      longest = Math.max(longest, performance.now() - begun)
    }
    const { code, out, err } = await finished
    assert.equal(code, 0, err)
    assert.match(out, /Done\.\n$/)
    assert.ok(longest < 1000, `${longest} ms`)
    assert.ok(writes > 20, `${writes} writes`)
    const slices = database.prepare(`select detail from audit_event where type = 'ledger.imported'`).pluck().all()
    assert.ok(slices.length > 5, 'several lines, each with what it did')
    const grants = slices.map((detail) => JSON.parse(String(detail)).after['grant.add'] ?? 0)
    assert.equal(
      grants.reduce((sum: number, one: number) => sum + one, 0),
      size.people * size.each,
    )
  })

  test('that is killed in the middle goes on where it stood, and finds nothing to do after that', async (t) => {
    const database = open(broken)
    t.after(() => database.close())
    const count = (table: string) => Number(database.prepare(`select count(*) from ${table}`).pluck().get())
    for (const table of ['account', 'access_grant']) {
      const before = count(table)
      const { process, done } = start(broken)
      while (count(table) === before) await sleep(2)
      process.kill('SIGKILL')
      await done
      assert.ok(count('access_grant') < size.people * size.each, 'it was in the middle')
    }
    assert.match(await broken.text(...argv), /Done\.\n$/)
    const unbroken = open(whole)
    t.after(() => unbroken.close())
    const one = holdings(unbroken)
    assert.deepEqual(holdings(database), one)
    assert.match(await broken.text(...argv), /Nothing to do\.\n$/)
    assert.deepEqual(holdings(database), one)
  })

  test('what others change meanwhile is planned anew', async () => {
    const mixed = await commandFolder()
    try {
      writeLargeLab(join(mixed.path, 'lab.db'), { people: 600, each: 2 })
      // Opened before the import begins: on a busy machine it could be over by the time that somebody can come.
      const { database, last, code, err } = await mixed.rooms(async (opened) => {
        const database = open(mixed)
        const { done } = start(mixed)
        while (Number(database.prepare('select count(*) from account').pluck().get()) === 0) await sleep(2)
        // Somebody comes by the very sign-in, and is made a member: they are themselves, and no second account.
        const last = await addPerson(opened, 'p600@lab.example')
        return { database, last, ...(await done) }
      })
      assert.equal(code, 0, err)
      const theirs = database.prepare(`select count(*) from access_grant where subject = 'account:' || ?`).pluck()
      assert.equal(theirs.get(last), 2)
      assert.equal(database.prepare(`select count(*) from account`).pluck().get(), 600)
      database.close()
      assert.match(await mixed.text(...argv), /Nothing to do\.\n$/)
    } finally {
      await mixed.remove()
    }
  })
})
