import assert from 'node:assert/strict'
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import Database from 'better-sqlite3'
import { stringify } from 'yaml'
import type { Plan } from '../../../core/plan.ts'
import { labgate, writeConfig } from '../../support/command-line.ts'
import {
  browser,
  relyingParty,
  signInByEmail,
  startLabgate,
  type TestLabgate,
  testClients,
} from '../../support/labgate.ts'

const people = ['ada@example.org', 'bob@example.net', 'eve@example.org']

describe('labgate plan', () => {
  let site: TestLabgate
  let config: Record<string, unknown>
  before(async () => {
    const part = {
      admins: ['email:eve@example.org'],
      groups: { readers: { members: ['email:ada@example.org'] } },
      datasets: { fish: {}, fly: {} },
      grants: [
        { to: 'group:readers', dataset: 'fish', level: 'edit' },
        { to: 'name:email:bob@example.net', dataset: 'fly', level: 'view' },
      ],
    }
    site = await startLabgate(part)
    const rp = await relyingParty(site.issuer)
    for (const email of people) await signInByEmail(site, browser(), { at: (await rp.request()).url, email })
    await site.labgate.stop()
    config = {
      issuer: site.issuer,
      demo: true,
      data: site.folder,
      listen: { port: Number(new URL(site.issuer).port) },
      management: { port: 0 },
      log: { file: join(site.folder, 'labgate.log') },
      mail: { from: { address: 'lab@example.org' }, outbox: join(site.folder, 'outbox') },
      plugins: { email: { use: '@labgate/auth-email' } },
      clients: testClients,
      ...part,
    }
    await writeConfig(site.folder, config)
  })
  after(() => site.stop())

  const plan = async (part: object, ...more: string[]) => {
    await writeFile(join(site.folder, 'new.yaml'), stringify({ ...config, ...part }, { aliasDuplicateObjects: false }))
    return labgate(['plan', 'new.yaml', '--config', 'labgate.yaml', ...more], { cwd: site.folder })
  }
  const planned = async (part: object) => {
    const { code, out, err } = await plan(part, '--json')
    assert.notEqual(out, '', err)
    return { code, plan: JSON.parse(out) as Plan }
  }
  /** Every row there is. */
  const rows = () => {
    const database = new Database(join(site.folder, 'labgate.db'), { readonly: true })
    const tables = database.prepare<[], { name: string }>("select name from sqlite_master where type = 'table'").all()
    const all = tables.map(({ name }) => [name, database.prepare(`select * from "${name}"`).all()])
    database.close()
    return JSON.stringify(all)
  }

  test('the same file changes nothing, and exits with 0', async () => {
    const { code, plan: found } = await planned({})
    assert.deepEqual([code, found.changes], [0, false])
    assert.equal((await plan({})).out, 'Nothing changes.\n')
  })

  test('says who gains and loses what on which dataset, by groups and grants of the file, and applies nothing', async () => {
    const kept = rows()
    const { code, plan: found } = await planned({
      groups: { readers: { members: ['email:bob@example.net'] } },
      grants: [
        { to: 'group:readers', dataset: 'fish', level: 'view' },
        { to: 'anyone', dataset: 'fly', level: 'view' },
      ],
    })
    assert.equal(code, 3)
    assert.deepEqual(found.groups, [
      { who: 'ada', group: 'readers', change: 'leaves' },
      { who: 'bob', group: 'readers', change: 'joins' },
    ])
    assert.deepEqual(found.access, [
      { who: 'ada', dataset: 'fish', gains: [], loses: ['view', 'edit'] },
      { who: 'ada', dataset: 'fly', gains: ['view'], loses: [] },
      { who: 'anyone', dataset: 'fly', gains: ['view'], loses: [] },
      { who: 'bob', dataset: 'fish', gains: ['view'], loses: [] },
      { who: 'eve', dataset: 'fly', gains: ['view'], loses: [] },
    ])
    assert.equal(rows(), kept)
    assert.ok(!(await readdir(site.folder)).some((name) => name.includes('plan')))
  })

  test('says who can no longer sign in by a new rule of admission, and who is named as an admin', async () => {
    const admission = { allow: { domains: ['example.org'] } }
    const { plan: found } = await planned({
      admins: ['email:ada@example.org'],
      plugins: { email: { use: '@labgate/auth-email', admission } },
    })
    assert.deepEqual(found.people, {
      gainWays: [],
      loseWays: [{ who: 'bob', way: 'email', others: false }],
      becomeAdmin: ['ada'],
      noLongerNamed: ['eve'],
    })
    assert.deepEqual(found.plugins, [{ name: 'email', change: 'changed', settings: ['admission'] }])
  })

  test('says which plugins, clients and routes come and go, never a secret, and what needs a restart', async () => {
    const { web, third, browser: app } = testClients
    const secret = 'a-new-secret-of-the-test-client-0'
    const part = {
      name: 'Other',
      listen: { port: 1 },
      plugins: { ...(config.plugins as object), cave: { use: '@labgate/authz-cave' } },
      clients: { web: { ...web, secret }, third, other: app },
    }
    const { code, plan: found } = await planned(part)
    assert.equal(code, 3)
    assert.deepEqual(found.restart, ['listen'])
    assert.deepEqual(found.plugins, [{ name: 'cave', change: 'added' }])
    assert.deepEqual(found.clients, [
      { name: 'web', change: 'changed', settings: ['secret'] },
      { name: 'browser', change: 'removed' },
      { name: 'other', change: 'added' },
    ])
    assert.deepEqual(found.parts, ['name'])
    assert.ok(
      found.routes.added.some((route) => route.endsWith('/auth/api/v1/user/cache (cave)')),
      String(found.routes.added),
    )
    const { out } = await plan(part)
    assert.match(out, /Needs a restart\n {2}listen\n/)
    assert.match(out, /\+ cave starts/)
    assert.match(out, /~ web: secret/)
    assert.ok(!out.includes(secret))
  })

  test('without a database to look into it says so', async () => {
    await writeFile(join(site.folder, 'other.yaml'), stringify({ ...config, data: join(site.folder, 'nowhere') }))
    const { code, err } = await labgate(['plan', 'labgate.yaml', '--config', 'other.yaml'], { cwd: site.folder })
    assert.equal(code, 1)
    assert.match(err, /ERR_STORAGE\nthe database .*nowhere.labgate\.db cannot be copied/)
  })

  test('a file that could not be applied exits with 1 and its mistakes', async () => {
    for (const [part, why] of [
      [{ clients: { x: { redirectUris: 1 } } }, /new\.yaml:\d+:\d+: clients\.x/],
      [{ admins: ['emial:x@example.org'] }, /new\.yaml:\d+:\d+: admins\[0\]/],
      [{ plugins: { ...(config.plugins as object), gone: { use: './none.js' } } }, /plugins\.gone/],
    ] as const) {
      const { code, err } = await plan(part)
      assert.equal(code, 1)
      assert.match(err, why)
    }
  })
})
