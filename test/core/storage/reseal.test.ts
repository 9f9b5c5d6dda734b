import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { isFault } from '@labgate/contract'
import Database from 'better-sqlite3'
import { stringify } from 'yaml'
import { parseConfig } from '../../../core/config/load.ts'
import { createKeyRing } from '../../../core/storage/sealing.ts'
import { labgate, writeConfig } from '../../support/command-line.ts'
import { browser, relyingParty, signInByEmail, startLabgate, testClients } from '../../support/labgate.ts'

const [former, newer] = ['former-key-of-the-reseal-test-0123456789', 'newer-key-of-the-reseal-test-0123456789!']

/** Where, in the whole file, boxes of a key lie: version 1, then its id; or the same in base64. */
function boxesOf(file: string, secret: string): string[] {
  const id = Buffer.from(createKeyRing([secret]).fingerprint, 'hex')
  const start = Buffer.concat([Buffer.of(1), id])
  const database = new Database(file, { readonly: true })
  const tables = database.prepare<[], { name: string }>("select name from sqlite_master where type = 'table'").all()
  const found = tables.flatMap(({ name }) =>
    database
      .prepare<[], Record<string, unknown>>(`select * from "${name}"`)
      .all()
      .flatMap((row) => Object.entries(row))
      .filter(([, value]) => startsWith(value, start))
      .map(([column]) => `${name}.${column}`),
  )
  database.close()
  return [...new Set(found)].toSorted()
}

function startsWith(value: unknown, start: Buffer): boolean {
  if (Buffer.isBuffer(value)) return value.subarray(0, start.length).equals(start)
  return typeof value === 'string' && Buffer.from(value, 'base64').subarray(0, start.length).equals(start)
}

test('after reseal nothing needs the former key: sessions, tokens, clients, signing keys and documents go on', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'labgate-reseal-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const file = join(folder, 'labgate.db')
  const site = await startLabgate({ keys: [former] }, { folder })
  const rp = await relyingParty(site.issuer)
  const { url, redeem } = await rp.request()
  const agent = browser()
  const page = await signInByEmail(site, agent, { at: url, email: 'ada@example.org' })
  const tokens = await redeem(page.url)
  const { rooms } = site.labgate
  const settings = parseConfig(stringify({ issuer: site.issuer, demo: true, clients: testClients }), {
    name: 'x',
    env: {},
  }).config.clients.web
  await rooms.get('clients').save('kept', settings ?? assert.fail())
  await rooms.get('storage').documents('plugin:x').put('name', { kept: 'value' }, 3600)
  await site.labgate.stop()

  const before = boxesOf(file, former)
  for (const place of ['artifact.payload', 'browser_session.provider_uid', 'client.secret_sealed', 'document.value'])
    assert.ok(before.includes(place), `${place}: ${before}`)
  assert.ok(before.includes('setting.value') && before.includes('signing_key.jwk_sealed'))
  const basics = { issuer: site.issuer, demo: true, data: folder }
  await writeConfig(folder, { ...basics, keys: [newer, former] })
  const { code, out, err } = await labgate(['keys', 'reseal', '--json', '-c', 'labgate.yaml'], { cwd: folder })
  assert.equal(code, 0, err)
  assert.ok(JSON.parse(out).resealed >= before.length)
  assert.deepEqual(boxesOf(file, former), [])
  const again = await labgate(['keys', 'reseal', '--json', '-c', 'labgate.yaml'], { cwd: folder })
  assert.equal(JSON.parse(again.out).resealed, 0)

  const port = Number(new URL(site.issuer).port)
  const next = await startLabgate({ keys: [newer] }, { folder, port })
  t.after(() => next.labgate.stop())
  const { userinfo_endpoint } = rp.config.serverMetadata()
  const told = await fetch(userinfo_endpoint ?? assert.fail(), {
    headers: { authorization: `Bearer ${tokens.access_token}` },
  })
  assert.equal(told.status, 200)
  const after = next.labgate.rooms
  assert.deepEqual(await after.get('storage').documents('plugin:x').get('name'), { kept: 'value' })
  assert.equal(typeof (await after.get('clients').metadata('kept'))?.client_secret, 'string')
  const account = await after.get('accounts').findByUsername('ada')
  assert.notEqual((await after.get('sessions').list(account?.id ?? ''))[0]?.providerUid, undefined)
  await assert.rejects(
    startLabgate({ keys: [former] }, { folder, port }),
    (error) => isFault(error) && error.code === 'ERR_KEYS',
  )
})
