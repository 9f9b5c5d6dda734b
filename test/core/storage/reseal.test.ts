import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { isFault } from '@labgate/contract'
import Database from 'better-sqlite3'
import { stringify } from 'yaml'
import type { Rooms } from '../../../core/assembly.ts'
import { parseConfig } from '../../../core/config/load.ts'
import { createKeyRing } from '../../../core/storage/sealing.ts'
import { WorkspaceEntity } from '../../../core/storage/workspace-entities.ts'
import { secretsOf, secretsPurpose } from '../../../core/workspaces/room.ts'
import { labgate, startCommand, writeConfig } from '../../support/command-line.ts'
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

/** Goes on asking until `work` is done; each must be answered. */
async function serveDuring(work: Promise<unknown>, ask: () => Promise<unknown>): Promise<number> {
  let [asked, done] = [0, false]
  void work.then(() => {
    done = true
  })
  for (; !done; asked += 1) await ask()
  return asked
}

/** A workspace with secrets of its launch. */
async function keepWorkspace({ get }: Rooms): Promise<void> {
  const account = (await get('accounts').findByUsername('ada'))?.id ?? assert.fail()
  const at = new Date()
  const sealed = { secrets: get('storage').ring.seal('{"token":"kept"}', secretsPurpose) }
  const row = {
    id: 'w000000000000000',
    account,
    profile: 'lab',
    runner: 'local',
    size: 'small',
    state: 'stopped',
  } as const
  const times = { createdAt: at, leaseEndsAt: at, leaseLimitAt: at }
  await get('storage').transaction((em) =>
    em.insert(WorkspaceEntity, { ...row, ...times, ...sealed, memoryBytes: 1, limits: {} }),
  )
}

function startsWith(value: unknown, start: Buffer): boolean {
  if (Buffer.isBuffer(value)) return value.subarray(0, start.length).equals(start)
  return typeof value === 'string' && Buffer.from(value, 'base64').subarray(0, start.length).equals(start)
}

test('a running server goes on while it is sealed anew; then nothing needs the former key: sessions, tokens, clients, signing keys and documents go on', async (t) => {
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
  await keepWorkspace(rooms)
  await site.labgate.stop()

  const before = boxesOf(file, former)
  for (const place of [
    'artifact.payload',
    'browser_session.provider_uid',
    'client.secret_sealed',
    'document.value',
    'workspace.secrets',
  ])
    assert.ok(before.includes(place), `${place}: ${before}`)
  assert.ok(before.includes('setting.value') && before.includes('signing_key.jwk_sealed'))
  const basics = { issuer: site.issuer, demo: true, data: folder }
  await writeConfig(folder, { ...basics, keys: [newer, former] })
  const port = Number(new URL(site.issuer).port)
  const serving = await startLabgate({ keys: [newer, former] }, { folder, port })
  const command = startCommand(['keys', 'reseal', '--json', '-c', 'labgate.yaml'], { cwd: folder })
  const asked = await serveDuring(command.done, async () => {
    const { url: at, redeem: take } = await rp.request()
    return take((await agent.open(at)).url)
  })
  assert.ok(asked > 3, `${asked} sign-ins while it was sealed anew`)
  const { code, out, err } = await command.done
  await serving.labgate.stop()
  assert.equal(code, 0, err)
  assert.ok(JSON.parse(out).resealed >= before.length)
  assert.deepEqual(boxesOf(file, former), [])
  const again = await labgate(['keys', 'reseal', '--json', '-c', 'labgate.yaml'], { cwd: folder })
  assert.equal(JSON.parse(again.out).resealed, 0)

  const next = await startLabgate({ keys: [newer] }, { folder, port })
  t.after(() => next.labgate.stop())
  const { userinfo_endpoint } = rp.config.serverMetadata()
  const told = await fetch(userinfo_endpoint ?? assert.fail(), {
    headers: { authorization: `Bearer ${tokens.access_token}` },
  })
  assert.equal(told.status, 200)
  const after = next.labgate.rooms
  assert.deepEqual(await after.get('storage').documents('plugin:x').get('name'), { kept: 'value' })
  const workspace = await after.get('storage').em().findOneOrFail(WorkspaceEntity, { id: 'w000000000000000' })
  assert.deepEqual(secretsOf({ storage: after.get('storage') }, workspace), { token: 'kept' })
  assert.equal(typeof (await after.get('clients').metadata('kept'))?.client_secret, 'string')
  const account = await after.get('accounts').findByUsername('ada')
  assert.notEqual((await after.get('sessions').list(account?.id ?? ''))[0]?.providerUid, undefined)
  await assert.rejects(
    startLabgate({ keys: [former] }, { folder, port }),
    (error) => isFault(error) && error.code === 'ERR_KEYS',
  )
})
