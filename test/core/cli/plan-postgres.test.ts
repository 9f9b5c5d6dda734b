import assert from 'node:assert/strict'
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import pg from 'pg'
import { stringify } from 'yaml'
import type { Plan } from '../../../core/plan.ts'
import { clientConfig } from '../../../core/storage/postgres/client.ts'
import { labgate, writeConfig } from '../../support/command-line.ts'
import { browser, relyingParty, signInByEmail, startLabgate, testClients } from '../../support/labgate.ts'
import { needs } from '../../support/needs.ts'
import { newDatabase, targetOf } from '../../support/storage-postgres.ts'

/** Every row there is. */
async function rowsOf(url: string): Promise<string> {
  const client = new pg.Client(clientConfig(targetOf(url)))
  await client.connect()
  try {
    const { rows } = await client.query<{ text: string }>(
      "SELECT query_to_xml('SELECT * FROM ' || quote_ident(tablename), true, true, '')::text AS text FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'rate_limit' ORDER BY tablename",
    )
    return rows.map(({ text }) => text).join('\n')
  } finally {
    await client.end()
  }
}

test('labgate plan looks into a PostgreSQL, beside the server that uses it, and changes nothing there', {
  skip: needs('postgres'),
}, async () => {
  const url = await newDatabase()
  const database = { url, connections: 8 }
  const keys = ['a sealing key of the planned laboratory, long enough']
  const part = {
    database,
    keys,
    groups: { readers: { members: ['email:ada@example.org'] } },
    datasets: { fish: {}, fly: {} },
    grants: [
      { to: 'group:readers', dataset: 'fish', level: 'edit' },
      { to: 'name:email:bob@example.net', dataset: 'fly', level: 'view' },
    ],
  }
  const site = await startLabgate(part)
  try {
    const rp = await relyingParty(site.issuer)
    for (const email of ['ada@example.org', 'bob@example.net'])
      await signInByEmail(site, browser(), { at: (await rp.request()).url, email })
    const config = {
      issuer: site.issuer,
      demo: true,
      data: site.folder,
      log: { file: join(site.folder, 'labgate.log') },
      mail: { from: { address: 'lab@example.org' }, outbox: join(site.folder, 'outbox') },
      plugins: { email: { use: '@labgate/auth-email' } },
      clients: testClients,
      ...part,
      keys: [{ env: 'PLAN_KEY' }],
    }
    await writeConfig(site.folder, config)
    const planned = async (more: object) => {
      await writeFile(
        join(site.folder, 'new.yaml'),
        stringify({ ...config, ...more }, { aliasDuplicateObjects: false }),
      )
      const asked = ['plan', 'new.yaml', '--config', 'labgate.yaml', '--json']
      const { code, out, err } = await labgate(asked, { cwd: site.folder, env: { PLAN_KEY: keys[0] ?? '' } })
      assert.notEqual(out, '', err)
      return { code, plan: JSON.parse(out) as Plan }
    }
    const kept = await rowsOf(url)
    const same = await planned({})
    assert.deepEqual([same.plan.groups, same.plan.access], [[], []])
    const { code, plan } = await planned({
      groups: { readers: { members: ['email:bob@example.net'] } },
      grants: [{ to: 'group:readers', dataset: 'fish', level: 'view' }],
    })
    assert.equal(code, 3)
    assert.deepEqual(plan.groups, [
      { who: 'ada', group: 'readers', change: 'leaves' },
      { who: 'bob', group: 'readers', change: 'joins' },
    ])
    assert.deepEqual(plan.access, [
      { who: 'ada', dataset: 'fish', gains: [], loses: ['view', 'edit'] },
      { who: 'bob', dataset: 'fish', gains: ['view'], loses: [] },
      { who: 'bob', dataset: 'fly', gains: [], loses: ['view'] },
    ])
    assert.equal(await rowsOf(url), kept)
    assert.ok(!(await readdir(site.folder)).some((name) => name.includes('plan')))
  } finally {
    await site.stop()
  }
})
