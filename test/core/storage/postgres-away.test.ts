import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { AccountEntity } from '../../../core/storage/entities.ts'
import { type Certificate, makeCertificate } from '../../support/certificate.ts'
import { labgate } from '../../support/command-line.ts'
import { party } from '../../support/flow.ts'
import { browser, freePort, signInByEmail, startLabgate, testClients } from '../../support/labgate.ts'
import { needs } from '../../support/needs.ts'
import { type Postgres, startPostgres } from '../../support/postgres.ts'

suite('a PostgreSQL over TLS', { skip: needs('postgres') }, () => {
  let folder: string
  let postgres: Postgres
  let right: Certificate
  let wrong: Certificate
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'labgate-tls-'))
    right = await makeCertificate(folder)
    wrong = await makeCertificate(await mkdtemp(join(folder, 'other-')))
    postgres = await startPostgres({ tls: { ...right, port: await freePort() } })
    await postgres.create('labgate', '')
  })
  after(async () => {
    await postgres?.stop()
    await rm(folder, { recursive: true, force: true })
  })

  /** `labgate migrate` with a `database` of its own: it connects, and says what is wrong. */
  const migrate = async (database: Readonly<Record<string, string>>) => {
    const lines = Object.entries(database).map(([name, value]) => `  ${name}: ${JSON.stringify(value)}`)
    const config = ['issuer: http://localhost:8080', 'demo: true', `data: ${folder}`, 'database:', ...lines]
    await writeFile(join(folder, 'labgate.yaml'), `${config.join('\n')}\n`)
    return labgate(['migrate', '--config', 'labgate.yaml'], { cwd: folder })
  }
  const cert = (name: string) => encodeURIComponent(name)

  test('is trusted by its authority, however that is said; nothing is sent to one that is not', async () => {
    const url = postgres.tcpUrl('labgate')
    for (const database of [
      { url, tls: 'verify' },
      { url: `${url}?sslmode=verify-full` },
      { url: `${url}?sslmode=require&sslrootcert=${cert(wrong.certFile)}` },
      { url, tls: 'verify', ca: wrong.certFile },
    ]) {
      const { code, err } = await migrate(database)
      assert.equal(code, 1)
      assert.match(err, /database: connecting to PostgreSQL database labgate on localhost.* failed: .*certificate/)
      assert.match(err, /name the PEM file of the authority that signed its certificate in `database.ca`/)
    }
    const other = await migrate({ url: url.replace('localhost', '127.0.0.2'), tls: 'verify', ca: right.certFile })
    assert.match(other.err, /its certificate is for another name|see that it runs/)
    for (const database of [
      { url: `${url}?sslmode=verify-full&sslrootcert=${cert(right.certFile)}` },
      { url, tls: 'verify', ca: right.certFile },
      { url: `${url}?sslmode=disable` },
    ]) {
      const { code, err } = await migrate(database)
      assert.equal(code, 0, err)
    }
  })

  test('says what else is wrong, and how to mend it', async () => {
    const url = postgres.tcpUrl('labgate')
    const said = async (database: Readonly<Record<string, string>>) => (await migrate(database)).err
    assert.match(
      await said({ url: `${url}?sslmode=prefer` }),
      /labgate.yaml:5:8: .*sslmode \(verify-full, or disable\)/,
    )
    const twice = { url: `${url}?sslmode=verify-full`, tls: 'off' }
    assert.match(await said(twice), /`tls` and `sslmode` of `url` say the same thing/)
    assert.match(await said({ url: url.replace('/labgate', '/none') }), /there is no such database: create it/)
    assert.match(await said({ url, tls: 'verify', ca: join(folder, 'none.pem') }), /database.ca: .* cannot be read/)
    await writeFile(join(folder, 'empty.pem'), 'nothing\n')
    assert.match(await said({ url, tls: 'verify', ca: join(folder, 'empty.pem') }), /database.ca: .* is no PEM file/)
    assert.match(await said({ url: 'postgresql://app@localhost:9/labgate' }), /ECONNREFUSED.*; see that it runs/)
  })

  test('that starts anew is missed while it is away, and everything goes on when it is back', async () => {
    const url = `${postgres.tcpUrl('labgate')}?sslmode=verify-full&sslrootcert=${cert(right.certFile)}`
    const site = await startLabgate({ database: { url, connections: 10 } }, { folder })
    try {
      const web = await party(site)
      const agent = browser()
      const asked = await web.request()
      const back = await signInByEmail(site, agent, { at: asked.url, email: 'ada@example.org' })
      const { access_token: token } = await asked.redeem(back.url)
      const status = async () => (await web.userinfo(token)).status
      const ready = async () => (await fetch(`http://127.0.0.1:${site.managementPort}/readyz`)).status
      assert.deepEqual([await status(), await ready()], [200, 200])
      await postgres.halt()
      assert.deepEqual([await status(), await ready()], [503, 503])
      // Neither what reads nor what writes hangs, and no half answer leaves.
      const begun = await fetch(asked.url, { redirect: 'manual' })
      assert.deepEqual([begun.status, begun.headers.get('location'), begun.headers.getSetCookie()], [503, null, []])
      // It passes: whoever asks is told when to ask again, by the Provider, by the pages and by what reads through the ORM.
      const basic = `Basic ${Buffer.from(`web:${testClients.web.secret}`).toString('base64')}`
      const form = new URLSearchParams({ grant_type: 'client_credentials' })
      const post = { method: 'POST', headers: { authorization: basic }, body: form }
      const answers = [begun, await web.userinfo(token), await fetch(`${site.issuer}/oidc/token`, post)]
      for (const answer of answers)
        assert.deepEqual([answer.status, answer.headers.get('retry-after')], [503, '2'], answer.url)
      const storage = site.labgate.rooms.get('storage')
      const away = { code: 'ERR_STORAGE', retryAfterSeconds: 2 }
      await assert.rejects(storage.em().findOne(AccountEntity, { id: 'x' }), away)
      await assert.rejects(
        storage.transaction(async () => undefined),
        away,
      )
      const given = await web.token({ grant_type: 'client_credentials' })
      assert.deepEqual([given.status, given.body.error], [503, 'server_error'])
      assert.equal((await agent.open(`${site.issuer}/account`)).status, 503)
      await postgres.resume()
      const end = performance.now() + 10_000
      while ((await ready()) !== 200 && performance.now() < end) await sleep(20)
      assert.deepEqual([await status(), await ready()], [200, 200])
      // What it did before it was away counts, and so does what comes after.
      assert.equal((await web.silent(agent)).error, null)
      const heard = Promise.withResolvers<void>()
      const stop = site.labgate.rooms.get('storage').notices.hear('keys', heard.resolve)
      await site.labgate.rooms.get('keys').announce('ES256')
      await heard.promise
      stop()
    } finally {
      await site.labgate.stop()
    }
  })
})
