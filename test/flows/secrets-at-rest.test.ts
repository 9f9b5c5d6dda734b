import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import Database from 'better-sqlite3'
import type { Adapter, AdapterPayload } from 'oidc-provider'
import * as client from 'openid-client'
import { atUpstream, hasButton, newBrowser, type Party, party, people, signInAs, textOf } from '../support/flow.ts'
import { callback, freePort, startLabgate, type TestLabgate, testClients } from '../support/labgate.ts'
import { collectSecrets, type SecretCollector } from '../support/secret-collector.ts'
import { startUpstream, type Upstream, upstreamClient } from '../support/upstream.ts'
import type { Page, UserAgent } from '../support/user-agent.ts'

/** A store in memory for the upstream that tells the id of everything kept: opaque tokens are their ids. */
function tellingAdapter(tell: (model: string, id: string) => void) {
  const rows = new Map<string, AdapterPayload>()
  return (model: string): Adapter => ({
    upsert: async (id, payload) => {
      tell(model, id)
      rows.set(`${model}:${id}`, payload)
    },
    find: async (id) => rows.get(`${model}:${id}`),
    findByUid: async (uid) => [...rows.values()].find((row) => row.uid === uid),
    findByUserCode: async () => undefined,
    consume: async (id) => void Object.assign(rows.get(`${model}:${id}`) ?? {}, { consumed: 1 }),
    destroy: async (id) => void rows.delete(`${model}:${id}`),
    revokeByGrantId: async () => undefined,
  })
}

interface Walk {
  readonly site: TestLabgate
  readonly collector: SecretCollector
  /** Codes of mails: six digits, so they are looked for as whole numbers. */
  readonly codes: Set<string>
}

async function readMail({ site, collector, codes }: Walk, to: string) {
  const mail = await site.mail(to)
  codes.add(mail.code)
  for (const value of new URL(mail.link).searchParams.values()) collector.add('link of a mail', value)
  return mail
}

/** E-mail sign-in with a wrong code first, then by the link. */
async function byEmail(walk: Walk, web: Party): Promise<UserAgent> {
  const agent = newBrowser()
  const asked = await web.request({ scope: 'openid email offline_access', prompt: 'consent' })
  const email = 'ada@example.org'
  const chooser = await agent.open(asked.url)
  const form = chooser.forms.find(({ fields }) => 'email' in fields)
  const action = form?.buttons.find((button) => button.action?.endsWith('/m/email'))?.action
  const step = await agent.submit(chooser, form, { email }, action)
  const { code, link } = await readMail(walk, email)
  const codeForm = (page: Page) => page.forms.find(({ fields }) => 'code' in fields)
  await agent.submit(step, codeForm(step), { code: code === '000000' ? '111111' : '000000' })
  await newBrowser().open(link)
  const visit = await agent.open(link)
  const consent = await agent.submit(visit, visit.forms[0])
  const back = await agent.press(consent, /allow/i)
  const tokens = await asked.redeem(back.url)
  await client.refreshTokenGrant(web.config, tokens.refresh_token ?? '')
  await web.token({
    grant_type: 'authorization_code',
    code: back.url.searchParams.get('code') ?? '',
    redirect_uri: callback,
  })
  // A code that was used twice has ended the session's tokens; a second sign-in goes on.
  const again = await web.signIn(agent, 'nobody')
  assert.equal((await web.userinfo(again.access_token)).status, 200)
  return agent
}

async function byUpstream({ site }: Walk, web: Party, third: Party): Promise<void> {
  const agent = newBrowser()
  const tokens = await web.signIn(agent, 'alice')
  await client.tokenIntrospection(web.config, tokens.access_token)
  await client.tokenRevocation(web.config, tokens.access_token)
  assert.equal((await web.userinfo(tokens.access_token)).status, 401)
  await client.clientCredentialsGrant(web.config)
  const asked = await third.request()
  const back = await agent.press(await agent.open(asked.url), /allow/i)
  const seen = await asked.redeem(back.url)
  await third.userinfo(seen.access_token)
  const logout = await agent.open(client.buildEndSessionUrl(third.config, { id_token_hint: seen.id_token ?? '' }))
  await agent.press(logout, /sign out/i)
  assert.equal((await third.silent(agent)).error, 'login_required')
  assert.ok(site.issuer)
}

async function onTheAccountPage({ site }: Walk, agent: UserAgent): Promise<void> {
  const account = `${site.issuer}/account`
  const linking = await agent.press(await agent.open(account), 'University')
  const linked = hasButton(linking, /^dora$/) ? await agent.press(linking, /^dora$/) : linking
  assert.match(textOf(linked), /dora@example\.net/, 'the second way to sign in is linked')
  const admin = await agent.open(`${account}/first-admin`)
  await agent.submit(
    admin,
    admin.forms.find(({ fields }) => 'code' in fields),
    { code: 'wrong-code-0000' },
  )
  await agent.submit(
    admin,
    admin.forms.find(({ fields }) => 'code' in fields),
    { code: site.firstAdminCode ?? '' },
  )
  await agent.press(await agent.open(account), /remove/i)
  await agent.press(await agent.open(account), 'Sign out here')
}

async function intoErrors({ site, collector }: Walk, web: Party): Promise<void> {
  const agent = newBrowser()
  const asked = await web.request()
  const page = await signInAs(agent, 'bob', asked.url)
  const uid = [...collector.secrets].findLast(([value, kind]) => kind === 'path' && value.length > 20)?.[0] ?? ''
  const bearer = page.url.searchParams.get('code') ?? ''
  const paths = [
    `/sign-in/uni/callback?state=${bearer}&code=${bearer}`,
    `/sign-in/uni/a/${uid}`,
    `/interaction/${uid}`,
    `/interaction/${uid}/continue?o=${uid}`,
    `/interaction/${uid}/there-is-no-such-page`,
    `/nowhere/${bearer}?code=${bearer}`,
    `/oidc/nowhere/${bearer}`,
    `/oidc/auth?client_id=web&redirect_uri=https://evil.example&state=${bearer}`,
  ]
  for (const path of paths) await agent.open(site.issuer + path)
  await web.userinfo(bearer)
  await web.token({ grant_type: 'refresh_token', refresh_token: bearer })
  const wrong = { authorization: `Basic ${Buffer.from(`web:${bearer}`).toString('base64')}` }
  await fetch(`${site.issuer}/oidc/token`, {
    method: 'POST',
    headers: wrong,
    body: new URLSearchParams({ grant_type: 'client_credentials' }),
  })
  await fetch(`${site.issuer.replace('localhost', '127.0.0.1')}/account?code=${bearer}`)
  await fetch(`${site.issuer}/interaction/${uid}/cancel`, {
    method: 'POST',
    body: new URLSearchParams({ _csrf: bearer }),
  })
}

async function withAClientOfTheDatabase({ site, collector }: Walk): Promise<void> {
  const { rooms } = site.labgate
  const settings = rooms.get('config').clients.web
  assert.ok(settings)
  const { secret } = await rooms.get('clients').save('kept', settings)
  collector.add('secret of a kept client', secret)
  const kept = await party(site, { id: 'kept', secret })
  await client.clientCredentialsGrant(kept.config)
}

/** Every row of every table, texts as they are, bytes in every spelling that a reader of a dump would try. */
function dumpOf(file: string): string {
  const database = new Database(file, { readonly: true })
  const tables = database.prepare<[], { name: string }>("SELECT name FROM sqlite_schema WHERE type = 'table'").all()
  const spell = (value: unknown) =>
    Buffer.isBuffer(value)
      ? ['latin1', 'hex', 'base64', 'base64url'].map((as) => value.toString(as as BufferEncoding)).join(' ')
      : String(value)
  const lines = tables.flatMap(({ name }) =>
    database
      .prepare<[], object>(`SELECT * FROM "${name}"`)
      .all()
      .map((row) => `${name} ${Object.values(row).map(spell).join(' | ')}`),
  )
  database.close()
  return lines.join('\n')
}

const spellings = (secret: string) => [
  ...new Set(
    [
      secret,
      encodeURIComponent(secret),
      Buffer.from(secret).toString('base64').replace(/=+$/, ''),
      Buffer.from(secret).toString('base64url'),
      Buffer.from(secret).toString('hex'),
      // A random token is bytes in base64url: somebody may have kept the bytes.
      Buffer.from(secret, 'base64url').toString('hex'),
    ].filter((one) => one.length >= 6),
  ),
]

async function processTexts(): Promise<string> {
  const ids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name))
  const files = [...ids.map((id) => `/proc/${id}/cmdline`), '/proc/self/environ']
  return (await Promise.all(files.map((file) => readFile(file, 'latin1').catch(() => '')))).join('\n')
}

describe('no secret that was handed out', () => {
  let upstream: Upstream | undefined
  let walk: Walk
  let metrics = ''

  before(async () => {
    const collector = collectSecrets()
    const port = await freePort()
    const folder = await mkdtemp(join(tmpdir(), 'labgate-secrets-'))
    upstream = await startUpstream({
      users: people,
      clients: [{ ...upstreamClient, redirect_uris: [`http://localhost:${port}/sign-in/uni/callback`] }],
      settings: { adapter: tellingAdapter((model, id) => collector.add(`upstream ${model}`, id)) as never },
    })
    const config = { scopes: ['openid', 'email', 'profile', 'offline_access'] }
    const plugins = { uni: atUpstream(upstream.issuer, { config }), email: { use: '@labgate/auth-email' } }
    const log = { level: 'debug', file: join(folder, 'labgate.log') }
    const site = await startLabgate({ plugins, log }, { port, folder })
    walk = { site, collector, codes: new Set() }
    for (const one of [...Object.values(testClients), { secret: upstreamClient.client_secret }])
      if ('secret' in one) collector.add('client secret', one.secret)
    collector.add('first-admin code', site.firstAdminCode)
    collector.add('sealing key', (await readFile(join(folder, 'sealing.key'), 'utf8')).trim())
    const web = await party(site)
    const third = await party(site, { id: 'third', secret: testClients.third.secret })
    const agent = await byEmail(walk, web)
    await byUpstream(walk, web, third)
    await onTheAccountPage(walk, agent)
    await withAClientOfTheDatabase(walk)
    await intoErrors(walk, web)
    await site.labgate.rooms.get('storage').artifacts.flush()
    metrics = await (await fetch(`http://127.0.0.1:${site.managementPort}/metrics`)).text()
    collector.stop()
  })
  after(async () => {
    // Also when the start failed half-way, so that the failure is what is seen.
    walk?.collector.stop()
    await walk?.site.stop()
    await upstream?.close()
  })

  /** What of all secrets stands in a text, by kind; never the secret itself. */
  const foundIn = (text: string, leftOut?: RegExp): string[] => [
    ...[...walk.collector.secrets].flatMap(([secret, kind]) =>
      !leftOut?.test(kind) && spellings(secret).some((one) => text.includes(one))
        ? [`${kind} (${secret.length} characters)`]
        : [],
    ),
    ...[...walk.codes].flatMap((code) =>
      new RegExp(`(?<![\\da-f])${code}(?![\\da-f])`, 'i').test(text) ? ['code of a mail'] : [],
    ),
  ]
  const database = () => join(walk.site.folder, 'labgate.db')

  test('was missed by the collector', () => {
    const kinds = new Set(walk.collector.secrets.values())
    const needed = [
      'access_token',
      'refresh_token',
      'id_token',
      'cookie labgate_session',
      'cookie labgate_attempt',
      'cookie labgate_provider',
      'cookie labgate_interaction',
      '?code',
      '?state',
      '?o',
      'field _csrf',
      'sent code_verifier',
      'link of a mail',
      'first-admin code',
      'sealing key',
      'upstream AccessToken',
      'upstream RefreshToken',
      'upstream AuthorizationCode',
      'secret of a kept client',
    ]
    assert.deepEqual(
      needed.filter((kind) => !kinds.has(kind)),
      [],
      [...kinds].join(', '),
    )
    assert.ok(walk.collector.secrets.size > 100, `${walk.collector.secrets.size} secrets`)
    assert.ok(walk.codes.size > 0)
  })

  test('stands in the files of the database', async () => {
    for (const suffix of ['', '-wal', '-shm']) {
      const bytes = await readFile(database() + suffix, 'latin1')
      assert.deepEqual(foundIn(bytes), [], `labgate.db${suffix}`)
    }
  })

  test('stands in a dump of the database, the audit trail among it', () => {
    const dump = dumpOf(database())
    for (const table of ['artifact', 'browser_session', 'document', 'identity', 'signing_key', 'client', 'audit_event'])
      assert.match(dump, new RegExp(`^${table} `, 'm'), 'the dump has rows of each table')
    assert.deepEqual(foundIn(dump), [])
    assert.doesNotMatch(dump, /eyJ[\w-]+\.eyJ/, 'no JWT')
    assert.doesNotMatch(dump, /"d":|PRIVATE KEY/, 'no private key')
  })

  test('comes back from a dump by the sealing key, if it was a token or a code', () => {
    const { ring } = walk.site.labgate.rooms.get('storage')
    const file = new Database(database(), { readonly: true })
    const rows = file
      .prepare<[], { model: string; payload: Buffer; digest: Buffer }>('SELECT model, payload, digest FROM artifact')
      .all()
    file.close()
    const opened = rows.map(({ model, payload, digest }) => `${model} ${ring.open(payload, 'artifact', digest)}`)
    for (const model of ['AccessToken', 'RefreshToken', 'AuthorizationCode'])
      assert.match(opened.join('\n'), new RegExp(`^${model} \\{.*"grantId"`, 'm'), 'there are some of each')
    const kept = opened.filter((line) => !/^(?:Session|Interaction|Attempt|Outcome) /.test(line)).join('\n')
    assert.deepEqual(
      foundIn(kept).filter((found) => /^(?:access_token|refresh_token|\?code) /.test(found)),
      [],
    )
  })

  test('stands in the log, at its most talkative', async () => {
    const log = await readFile(join(walk.site.folder, 'labgate.log'), 'utf8')
    assert.match(log, /"audit":"sign-in.done"/)
    assert.match(log, /"status":404/)
    assert.deepEqual(foundIn(log), [])
    assert.doesNotMatch(log, /eyJ[\w-]+\.eyJ/, 'no JWT')
  })

  test('stands on a page of an error', () => {
    assert.ok(walk.collector.errorBodies.length > 8)
    // A form that is shown again has its own token and address.
    for (const body of walk.collector.errorBodies) assert.deepEqual(foundIn(body, /^(?:field|path)/), [], body)
  })

  test('stands in the metrics', () => {
    assert.match(metrics, /labgate_sign_ins_total\{instance="uni",outcome="done"\}/)
    assert.deepEqual(foundIn(metrics), [])
  })

  test('stands in the process list or the environment of the server', {
    skip: process.platform !== 'linux',
  }, async () => {
    const texts = await processTexts()
    assert.match(texts, /node/)
    assert.deepEqual(foundIn(texts), [])
  })
})
