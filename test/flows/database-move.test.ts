import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import Database from 'better-sqlite3'
import * as client from 'openid-client'
import pg from 'pg'
import { stringify } from 'yaml'
import { openFileTables } from '../../core/storage/file-tables.ts'
import { move } from '../../core/storage/postgres/move.ts'
import { labgate } from '../support/command-line.ts'
import { type Party, party } from '../support/flow.ts'
import { type GoldenLab, goldenPeople, startGoldenLab } from '../support/golden-lab.ts'
import { browser, signInByEmail, startLabgate, type TestLabgate } from '../support/labgate.ts'
import { needs } from '../support/needs.ts'
import { newDatabase, sharedPostgres, targetOf } from '../support/storage-postgres.ts'

const house = { kind: 'system', name: 'test' } as const

suite('the move from an SQLite file to a PostgreSQL', { skip: needs('postgres') }, () => {
  let lab: GoldenLab
  let moved: TestLabgate | undefined
  let folder: string
  let url: string
  let web: Party
  const agent = browser()
  const tokens: Record<string, string> = {}
  let signedIn: client.TokenEndpointResponse
  let wasSeen: unknown

  before(async () => {
    lab = await startGoldenLab({ cave: { use: '@labgate/authz-cave' } })
    folder = await mkdtemp(join(tmpdir(), 'labgate-move-'))
    url = await newDatabase()
    const { issuer } = lab.site
    const config = { issuer, demo: true, data: lab.site.folder, plugins: { email: { use: '@labgate/auth-email' } } }
    await writeFile(join(folder, 'labgate.yaml'), stringify(config))
    const room = lab.site.labgate.rooms.get('tokens')
    // Whoever may act has one.
    for (const name of goldenPeople.filter((one) => one !== 'gus'))
      tokens[name] = (await room.create(house, { account: lab.ids[name], name, scopes: ['cave'] })).value
    web = await party(lab.site)
    const asked = await web.request({ scope: 'openid email offline_access', prompt: 'consent' })
    const page = await signInByEmail(lab.site, agent, { at: asked.url, email: 'dan@lab.example' })
    const back = page.url.pathname === '/callback' ? page : await agent.press(page, /allow|continue/i)
    signedIn = await asked.redeem(back.url)
    wasSeen = await seen(lab.site)
  })
  after(async () => {
    await moved?.labgate.stop()
    await lab?.site.stop()
    await rm(folder, { recursive: true, force: true })
  })

  const command = (...args: string[]) =>
    labgate(['database', 'move', '--config', 'labgate.yaml', ...args], { cwd: folder })
  const file = () => join(lab.site.folder, 'labgate.db')
  /** What services hear of everybody, and of the one who signed in. */
  const seen = async ({ issuer }: TestLabgate) => {
    const ask = async (token: string) => {
      const headers = { authorization: `Bearer ${token}`, 'x-requested-with': 'XMLHttpRequest' }
      return (await fetch(new URL('/auth/api/v1/user/cache', issuer), { headers })).json()
    }
    const caches = await Promise.all(Object.values(tokens).map(ask))
    const about = await client.tokenIntrospection(web.config, signedIn.access_token)
    assert.equal(about.active, true)
    return { caches, about, userinfo: await (await web.userinfo(signedIn.access_token)).json() }
  }
  const countsThere = async (): Promise<Record<string, number>> => {
    const there = new pg.Client(url)
    await there.connect()
    try {
      const counts: Record<string, number> = {}
      for (const { name } of tablesHere())
        counts[name] = Number((await there.query(`select count(*) as count from "${name}"`)).rows[0]?.count)
      return counts
    } finally {
      await there.end()
    }
  }
  const tablesHere = () => {
    const from = openFileTables(file(), 'beside')
    try {
      return from.tables
    } finally {
      from.close()
    }
  }

  test('is planned beside a server that runs, and made beside none', async () => {
    const plan = await command('--to', url, '--dry-run')
    assert.equal(plan.code, 0, plan.err)
    assert.match(plan.out, /\naccount +10\n/)
    assert.match(plan.out, /Nothing was written/)
    const refused = await command('--to', url)
    assert.equal(refused.code, 1)
    assert.match(refused.err, /Stop the server/)
    assert.equal((await countsThere()).account, 0)
    assert.match((await command()).err, /say where to/)
  })

  test('goes into a database with the tables of this version, and into an empty one', async () => {
    await lab.site.labgate.stop()
    fillEmpty(file())
    const postgres = await sharedPostgres()
    await postgres.create('not_migrated', '')
    const bare = await command('--to', postgres.url('not_migrated'))
    assert.match(bare.err, /run "labgate migrate" there first/)
    const used = await newDatabase()
    const there = new pg.Client(used)
    await there.connect()
    await there.query(`insert into account_group (slug, title) values ('others', 'Others')`)
    await there.end()
    assert.match((await command('--to', used)).err, /is not empty: account_group/)
  })

  test('that breaks off has done nothing, and is made again', async () => {
    const from = openFileTables(file(), 'alone')
    const broken = move({
      from,
      to: targetOf(url),
      keys: [readFileSync(join(lab.site.folder, 'sealing.key'), 'utf8').trim()],
      pause: () => {
        throw new Error('the machine went away')
      },
    })
    await assert.rejects(broken, /the machine went away/)
    from.close()
    assert.equal((await countsThere()).account, 0)
    const wrong = openFileTables(file(), 'alone')
    await assert.rejects(
      move({ from: wrong, to: targetOf(url), keys: ['x'.repeat(40)] }),
      /none of the configured keys/,
    )
    wrong.close()
  })

  test('takes every row of every table, and says what to write into the config', async () => {
    const done = await command('--to', url)
    assert.equal(done.code, 0, done.err)
    assert.ok(done.out.includes(`database:\n  url: ${url}\n`), done.out)
    const here = Object.fromEntries(tablesHere().map(({ name, count }) => [name, count]))
    assert.ok(
      Object.values(here).every((count) => count > 0),
      JSON.stringify(here),
    )
    assert.deepEqual(await countsThere(), here)
    assert.match((await command('--to', url)).err, /is not empty/)
  })

  test('leaves everything as it was: tokens, the session, grants, terms', async () => {
    const port = Number(new URL(lab.site.issuer).port)
    const part = { ...lab.part, database: { url } }
    moved = await startLabgate(part, { folder: lab.site.folder, port })
    assert.deepEqual(await seen(moved), wasSeen)
    assert.equal((await web.silent(agent)).error, null)
    const renewed = await client.refreshTokenGrant(web.config, signedIn.refresh_token ?? '')
    assert.equal((await web.userinfo(renewed.access_token)).status, 200)
    const people = moved.labgate.rooms.get('accounts')
    const facts = [{ claim: 'preferred_username', value: 'ida', trust: 'asserted' as const }]
    const ida = await moved.labgate.rooms
      .get('storage')
      .transaction((em) => people.createIn(em, { facts, state: 'active', role: 'user' }))
    const { numericId = 0 } = (await people.find(ida)) ?? {}
    assert.ok(numericId > 10, 'a number that nobody had')
  })
})

/** A row in each table that has none: whatever its columns take. */
function fillEmpty(file: string): void {
  const database = new Database(file)
  database.pragma('foreign_keys = ON')
  const from = openFileTables(file, 'beside')
  const empty = from.tables.filter(({ count }) => count === 0)
  from.close()
  type Column = { name: string; type: string }
  type Reference = { from: string; table: string; to: string | null }
  for (const { name } of empty) {
    const columns = database.prepare<[], Column>(`select name, type from pragma_table_info('${name}')`).all()
    const references = database
      .prepare<[], Reference>(`select "from", "table", "to" from pragma_foreign_key_list('${name}')`)
      .all()
    const made = ({ name: column, type }: Column) => {
      const parent = references.find((one) => one.from === column)
      if (parent)
        return (
          database
            .prepare(`select "${parent.to ?? 'id'}" from "${parent.table}" limit 1`)
            .pluck()
            .get() ?? null
        )
      if (/blob/i.test(type)) return Buffer.from([0, 1, 254, 255])
      if (/json/i.test(type)) return '{"a":[1.50,"\\u0000 ü"]}'
      return /int|date|bool|numeric/i.test(type) ? 1 : 'a text with \0 and “quotes”, {braces} and \\ in it'
    }
    const list = columns.map((column) => `"${column.name}"`).join(', ')
    database
      .prepare(`insert into "${name}" (${list}) values (${columns.map(() => '?').join(', ')})`)
      .run(...columns.map(made))
  }
  database.close()
}
