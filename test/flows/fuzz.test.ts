import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { Agent, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { operations } from '../../core/api/operations.ts'
import { cookieNames } from '../../core/http/cookies.ts'
import type { Route } from '../../core/http/routes.ts'
import fc from '../support/chance.ts'
import { type Bearer, type FuzzRequest, requestsTo, type Target } from '../support/fuzz.ts'
import { cloudAccounts, type GoogleCloud, startGoogleCloud } from '../support/google-cloud.ts'
import { browser, freePort, signInByEmail, startLabgate, type TestLabgate } from '../support/labgate.ts'
import { testProfiles } from '../support/workspaces.ts'

/** A run of another seed, or a longer one: `LABGATE_FUZZ=SEED:REQUESTS`. */
const [seed = 20_261_122, count = 100_000] = (process.env.LABGATE_FUZZ ?? '').split(':').filter(Boolean).map(Number)
const together = 50

const support = join(import.meta.dirname, '../support')
const house = { kind: 'system', name: 'test' } as const
/** What an answer or the log would hold if an error got out as it was thrown, or a file or an expression was read. */
const innards =
  /\bSQLITE_[A-Z]|SqliteError|MikroORM|node_modules|\bat [\w.<>]+ \(?(?:file:|\/)|\.ts:\d+:\d+|root:x:0:0|TypeError|RangeError|ReferenceError/

/** What the Provider takes, which is not in our table of routes. */
const provided: readonly (readonly [method: string, path: string, ...fields: string[]])[] = [
  ...(['GET', 'POST'] as const).map(
    (method) =>
      [
        method,
        '/oidc/auth',
        ...[
          'client_id',
          'redirect_uri',
          'response_type',
          'scope',
          'state',
          'nonce',
          'prompt',
          'max_age',
          'code_challenge',
        ],
        ...[
          'code_challenge_method',
          'response_mode',
          'claims',
          'resource',
          'request',
          'request_uri',
          'id_token_hint',
          'ui_locales',
        ],
      ] as const,
  ),
  ...(['/oidc/token', '/oidc/par', '/oidc/introspection', '/oidc/revocation'] as const).map(
    (path) =>
      [
        'POST',
        path,
        ...[
          'grant_type',
          'code',
          'redirect_uri',
          'client_id',
          'client_secret',
          'code_verifier',
          'refresh_token',
          'scope',
          'token',
        ],
        ...[
          'token_type_hint',
          'client_assertion',
          'client_assertion_type',
          'resource',
          'audience',
          'subject_token',
          'device_code',
        ],
      ] as const,
  ),
  ...(['GET', 'POST'] as const).flatMap((method) => [
    [method, '/oidc/userinfo', 'access_token'] as const,
    [
      method,
      '/oidc/logout',
      'id_token_hint',
      'post_logout_redirect_uri',
      'client_id',
      'state',
      'xsrf',
      'logout',
    ] as const,
    [method, '/oidc/device', 'user_code', 'xsrf', 'confirm'] as const,
    [method, '/oidc/register', 'redirect_uris', 'grant_types', 'jwks', 'client_name'] as const,
  ]),
  ['POST', '/oidc/device/auth', 'client_id', 'scope'],
  ['GET', '/oidc/jwks'],
  ['GET', '/.well-known/openid-configuration'],
]

/** Headers and body as they came. */
interface Answer {
  readonly status: number
  readonly text: string
}

describe('requests that nobody sends on purpose', () => {
  let site: TestLabgate
  let cloud: GoogleCloud
  let folder: string
  let port: number
  let asked = 0
  const agent = new Agent({ keepAlive: true, maxSockets: together })
  const cookies = new Map<Bearer, string>()
  const tokens = new Map<Bearer, string>([['junk', 'lgp_junk']])
  const csrf = new Map<Target, Route['csrf']>()
  const room = () => site.labgate.rooms.get

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'labgate-fuzz-'))
    port = await freePort()
    const host = `127.0.0.1:${port}`
    cloud = await startGoogleCloud({ now: () => new Date() })
    cloud.buckets.ocean = { info: 'ocean' }
    cloud.readers.ocean = [cloudAccounts.key]
    await writeFile(join(folder, 'key.json'), cloud.keyFile, { mode: 0o600 })
    const { url } = cloud
    const ngauth = {
      ...{
        origins: ['https://viewer.example'],
        credentials: { serviceAccountKey: { file: join(folder, 'key.json') } },
      },
      google: { metadata: url, iamCredentials: url, sts: url, storage: url },
    }
    const datalab = { identifierPrefix: 'grey', appUrl: 'https://datalab.example' }
    site = await startLabgate(
      {
        // Each request comes from an address of its own: the limits of routes are tested elsewhere.
        proxies: ['127.0.0.1'],
        plugins: {
          email: { use: '@labgate/auth-email', config: { mailsPerHour: 1000 } },
          here: { use: join(support, 'plugins/runner-local.ts'), config: { folder: join(folder, 'places') } },
          cave: { use: '@labgate/authz-cave', config: { viewers: ['https://viewer.example'] } },
          datalab: { use: '@labgate/authz-datalab', prefix: '/datalab', config: datalab },
          gateway: { use: '@labgate/authz-gateway', host, prefix: '/.labgate', config: { rules: [{ path: '/**' }] } },
          ngauth: { use: '@labgate/authz-ngauth', host, config: ngauth },
        },
        workspaces: { origin: 'http://*.localhost', profiles: testProfiles, poll: '1h' },
      },
      { port },
    )
    for (const who of ['person', 'admin'] as const) await makeSomebody(who)
  })
  after(async () => {
    agent.destroy()
    await site.stop()
    await cloud.stop()
    await rm(folder, { recursive: true, force: true })
  })

  /** Signs in and makes a token, again whenever a request has taken either away. */
  async function makeSomebody(who: 'person' | 'admin'): Promise<void> {
    const email = `${who}-${asked}@example.org`
    const visitor = browser()
    await signInByEmail(site, visitor, { at: `${site.issuer}/account`, email })
    const account = (await room()('accounts').findByVerifiedEmail(email))?.id ?? assert.fail(email)
    if (who === 'admin') await room()('accounts').setRole(account, 'admin')
    const scopes = Object.keys(room()('tokenScopes').all())
    tokens.set(who, (await room()('tokens').create(house, { account, name: 'fuzz', scopes })).value)
    const { session } = cookieNames(site.issuer)
    cookies.set(who, visitor.cookies.find(({ name }) => name === session)?.value ?? assert.fail('no session'))
  }

  async function haveEverybody(): Promise<void> {
    for (const who of ['person', 'admin'] as const) {
      const token = await room()('tokens')
        .resolve(tokens.get(who) ?? '', { address: '127.0.0.1' })
        .catch(() => undefined)
      const session = await room()('sessions').of(cookies.get(who))
      if (token === undefined || session === undefined) await makeSomebody(who)
    }
  }

  function targets(): Target[] {
    const fieldsOf = new Map(
      operations.map(({ method, path, body }) => [
        `${method} /api/admin/v1${path}`,
        Object.keys(body?.properties ?? {}),
      ]),
    )
    const own = site.labgate.app.routes.list().map((route) => {
      const fields = fieldsOf.get(`${route.method} ${route.path}`) ?? pageFields
      const target = { host: route.host, method: route.method, path: route.path, fields }
      csrf.set(target, route.csrf)
      return target
    })
    const { host } = new URL(site.issuer)
    return [...own, ...provided.map(([method, path, ...fields]) => ({ host, method, path, fields }))]
  }

  function headersOf(one: FuzzRequest): Record<string, string> {
    const from = `10.${asked >> 16}.${(asked >> 8) & 255}.${asked++ & 255}`
    const headers: Record<string, string> = { host: one.target.host, 'x-forwarded-for': from, ...one.headers }
    const { session } = cookieNames(site.issuer)
    const cookie = one.cookie === 'junk' ? 'junk' : cookies.get(one.cookie)
    if (cookie) headers.cookie ??= `${session}=${cookie}`
    const token = tokens.get(one.token)
    if (token) headers.authorization ??= `Bearer ${token}`
    if (one.fromPage) {
      headers.origin = `http://${one.target.host}`
      const rule = csrf.get(one.target)
      if (typeof rule === 'object' && cookie)
        headers['x-csrf-token'] = site.labgate.app.csrf.token(cookie, rule.purpose)
    }
    if (one.body !== undefined) headers['content-length'] = String(Buffer.byteLength(one.body))
    return headers
  }

  /** The answer as it came, headers first. */
  function answerTo(one: FuzzRequest): Promise<Answer> {
    return new Promise((done) => {
      const { method, path, body } = one
      const sent = request(
        { host: '127.0.0.1', port, agent, setHost: false, method, path, headers: headersOf(one) },
        (answer) => {
          const chunks: Buffer[] = []
          const whole = () => `${answer.rawHeaders.join('\n')}\n${Buffer.concat(chunks)}`
          answer.on('data', (chunk: Buffer) => chunks.push(chunk))
          // A stream of events goes on for as long as somebody listens.
          if (answer.headers['content-type']?.startsWith('text/event-stream')) answer.destroy()
          answer.on('close', () => done({ status: answer.statusCode ?? 0, text: whole() }))
        },
      )
      sent.setTimeout(20_000, () => sent.destroy(new Error(`no answer to ${method} ${path}`)))
      // An answer that no client can read is none.
      sent.on('error', ({ message }) => done({ status: 0, text: message }))
      sent.end(body)
    })
  }

  test(`${count} of them are answered without a fault of ours, and without a secret`, {
    timeout: 600_000,
  }, async () => {
    const all = targets()
    const seen = new Map<string, number>()
    const secrets = ['a-secret-of-the-test-client', ...site.labgate.rooms.get('storage').ring.cookieKeys()]
    const asks = requestsTo(all, ['admin', 'person', 'ocean', 'email', 'cave', 'web', 'third', '1', 'notebook'])
    const batches = fc.array(asks, { minLength: together, maxLength: together, size: 'max' })
    const faults = new Map<string, string>()
    const look = ({ target, method, path, body, ...rest }: FuzzRequest, { status, text }: Answer) => {
      const route = `${target.method} ${target.path}`
      seen.set(route, Math.max(seen.get(route) ?? 0, status < 400 ? 2 : 1))
      const secret = secrets.some((one) => text.includes(one))
      if (status >= 200 && status < 500 && !innards.test(text) && !secret) return
      const what = { method, host: target.host, path, body, ...rest, answer: text }
      const key = `${route} ${method}: ${secret ? 'a secret' : status}`
      if (!faults.has(key)) faults.set(key, `${key}\n${JSON.stringify(what).slice(0, 3000)}`)
    }
    const property = fc.asyncProperty(batches, async (batch) => {
      await haveEverybody()
      const answers = await Promise.all(batch.map(answerTo))
      for (const [index, answer] of answers.entries()) look(batch[index] as FuzzRequest, answer)
    })
    await fc.assert(property, { seed, numRuns: count / together, endOnFailure: true })
    assert.equal([...faults.values()].join('\n\n'), '', `${faults.size} kinds of fault`)
    const missed = all.filter(({ method, path }) => !seen.has(`${method} ${path}`))
    assert.deepEqual(missed, [], 'routes that were never asked')
    const log = await readFile(join(site.folder, 'labgate.log'), 'utf8')
    for (const secret of [...secrets, ...tokens.values(), ...cookies.values()].filter(
      (one) => one !== tokens.get('junk'),
    ))
      assert.ok(!log.includes(secret), 'the log holds a secret')
    const went = [...seen.values()].filter((best) => best === 2).length
    assert.ok(
      went > seen.size / 3,
      `only ${went} of ${seen.size} routes ever said yes: the requests are refused too early`,
    )
  })
})

/** Names of fields of our forms. */
const pageFields = [
  ...[
    '_csrf',
    'email',
    'code',
    'username',
    'displayName',
    'name',
    'title',
    'text',
    'reason',
    'why',
    'subject',
    'level',
  ],
  ...[
    'dataset',
    'version',
    'verb',
    'service',
    'scopes',
    'expires',
    'page',
    'before',
    'q',
    'search',
    'state',
    'kind',
    'group',
  ],
  ...[
    'role',
    'account',
    'terms',
    'number',
    'accept',
    'origin',
    'redirect',
    'then',
    'return',
    'id',
    'profile',
    'size',
    'hours',
  ],
]
