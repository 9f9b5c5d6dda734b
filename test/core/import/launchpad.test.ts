/** People, labs and folders of datascience-launchpad. @module */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { writeSqlite } from '../../support/import-labs.ts'
import { type CommandFolder, commandFolder } from '../../support/ledger-commands.ts'

/** In the layout that its own start makes. */
const lab = `
create table users (id integer primary key autoincrement, email text unique not null, is_admin boolean default false,
  created_at datetime default current_timestamp, last_login datetime, lab_name text);
create table user_instances (id integer primary key autoincrement, user_id integer not null, container_name text not null,
  container_id text, port integer not null, password text not null, created_at datetime, expires_at datetime,
  status text default 'requested', instance_type text default 'rstudio');
create table otp_tokens (id integer primary key autoincrement, email text not null, token text not null);
insert into users (id, email, is_admin, lab_name) values (1, 'admin', 1, 'GeDaC'), (2, 'boss@nus.edu.sg', 1, 'Smith Lab'),
  (3, 'alice@nus.edu.sg', 0, 'Smith Lab'), (4, 'alice@u.nus.edu', 0, 'Tan Lab'), (5, 'o''neil@nus.edu.sg', 0, null),
  (6, 'carol@nus.edu.sg', 0, 'Tan Lab');
insert into user_instances (user_id, container_name, port, password, status) values
  (6, 'rstudio-carol-0a1b2c3d', 9002, 'a-password-that-stays', 'running'), (3, 'old', 9002, 'a-password-that-stays', 'stopped');
insert into otp_tokens (email, token) values ('alice@nus.edu.sg', '123456');
`

suite('labgate import launchpad', () => {
  let folder: CommandFolder
  const argv = (...more: string[]) => ['import', 'launchpad', 'db.sqlite3', '--sign-in', 'email', ...more]
  const roots = ['--folders', 'users', '--to', 'storage']
  const at = (...parts: string[]) => join(folder.path, ...parts)
  const numberOf = (email: string) =>
    folder.rooms(async (rooms) => {
      const [row] = await rooms
        .get('storage')
        .em()
        .execute<{ id: number }[]>('select numeric_id as id from account where email = ?', [email])
      return row?.id ?? assert.fail(email)
    })

  before(async () => {
    folder = await commandFolder()
    writeSqlite(at('db.sqlite3'), lab)
    for (const name of ['boss', 'alice', "o'neil", 'carol', 'stranger', '--help']) {
      mkdirSync(at('users', name), { recursive: true })
      writeFileSync(at('users', name, 'work.txt'), name)
    }
    mkdirSync(at('storage'))
  })
  after(() => folder.remove())

  test('prints what it would do, with folders, and changes nothing', async () => {
    const said = await folder.text(...argv(...roots, '--all'))
    assert.match(said, /people: 5 new/)
    assert.match(said, /groups: 2 new\n {2}lab-smith-lab/)
    assert.match(said, /NOT IMPORTED {2}people whose address is none that can sign in\n {2}user 1/)
    assert.match(said, /admins: \["email:boss@nus\.edu\.sg"\]/)
    assert.match(said, /labs that people chose themselves/)
    assert.match(said, /folders: 2 to move\n.*boss → storage of boss@nus\.edu\.sg, made with --apply/)
    assert.match(said, /alice: alice@nus\.edu\.sg and alice@u\.nus\.edu had it together/)
    assert.match(said, /carol: a container of theirs runs there: stop it first/)
    assert.match(said, /stranger: nobody there has it/)
    assert.doesNotMatch(said, /a-password|123456/)
    assert.deepEqual(readdirSync(at('storage')), [])
    assert.match(await folder.fails(...argv(...roots, '--script')), /2 people are not imported yet/)
  })

  test('--apply makes people who are awaited under their address, and moves what is one person’s alone', async () => {
    assert.match(await folder.text(...argv(...roots, '--apply')), /Done\.\nfolders: 2 moved/)
    const boss = await numberOf('boss@nus.edu.sg')
    assert.equal(readFileSync(at('storage', `u${boss}`, 'home', 'work.txt'), 'utf8'), 'boss')
    assert.deepEqual(readdirSync(at('users')).toSorted(), ['--help', 'alice', 'carol', 'stranger'])
    const [one, other] = [await numberOf('alice@nus.edu.sg'), await numberOf('alice@u.nus.edu')]
    assert.notEqual(one, other, 'two people with one local part')
    for (const id of [one, other]) assert.equal(existsSync(at('storage', `u${id}`)), false)
    assert.match(await folder.text(...argv(...roots, '--apply')), /Nothing to do\.\nfolders: 0 moved/)
  })

  test('never overwrites: what is there already stays, and so does what would go there', async () => {
    const boss = await numberOf('boss@nus.edu.sg')
    mkdirSync(at('users', 'boss'))
    writeFileSync(at('users', 'boss', 'work.txt'), 'later')
    assert.match(await folder.text(...argv(...roots, '--apply')), /boss: .*home is there already/)
    assert.equal(readFileSync(at('storage', `u${boss}`, 'home', 'work.txt'), 'utf8'), 'boss')
    assert.equal(readFileSync(at('users', 'boss', 'work.txt'), 'utf8'), 'later')
  })

  test('--script prints lines that a shell runs as they are, whatever a folder is called', async () => {
    mkdirSync(at("users/o'neil"))
    writeFileSync(at("users/o'neil/new.txt"), 'new')
    const id = await numberOf("o'neil@nus.edu.sg")
    const script = await folder.text(...argv(...roots, '--storage', 'second', '--script'))
    assert.match(script, /^#!\/bin\/sh\nset -eu\n# left: "--help"/)
    execFileSync('sh', [], { input: script })
    assert.equal(readFileSync(at('storage', `u${id}`, 'second', 'new.txt'), 'utf8'), 'new')
    execFileSync('sh', [], { input: script })
  })

  test('follows no link, and says which root is not there', async () => {
    symlinkSync('/etc', at('users', 'link'))
    assert.match(await folder.text(...argv(...roots)), /link: it is no folder/)
    assert.match(
      await folder.fails(...argv('--folders', 'nowhere', '--to', 'storage')),
      /--folders: there is no folder/,
    )
    assert.match(await folder.fails(...argv('--folders', 'users')), /go together/)
    assert.match(await folder.fails(...argv('--script')), /--script goes with/)
  })
})
