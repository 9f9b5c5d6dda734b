import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, beforeEach, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { movableClock, newBrowser } from '../support/flow.ts'
import { type LabArchives, type LabPerson, labKey, labPeople, startLabArchives } from '../support/labarchives.ts'
import { startLabgate, type TestLabgate } from '../support/labgate.ts'

const run = promisify(execFile)
const readme = join(import.meta.dirname, '../../plugins/auth-labarchives/README.md')

const someone = (login: string, domain = 'example.org'): LabPerson => ({
  login,
  email: `${login}@${domain}`,
  uid: `uid of ${login} 4116011183268399999`,
  fullname: login,
  notebooks: [],
})
const others = ['ben', 'cat', 'dan', 'eve', 'fay', 'gus', 'hal', 'ian'].map((login) => someone(login))
const everyone = [...labPeople, ...others, someone('mallory', 'example.net')]

interface Answer {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>
  readonly headers: Headers
}

describe('a job without a browser', () => {
  const clock = movableClock()
  /** Every code that was sent anywhere: none may be found afterwards. */
  const codes: string[] = []
  let lab: LabArchives
  let site: TestLabgate
  before(async () => {
    lab = await startLabArchives(everyone)
    const at = { baseUrl: lab.origin, ...labKey, minIntervalMs: 0 }
    const use = '@labgate/auth-labarchives'
    site = await startLabgate(
      {
        plugins: {
          email: { use: '@labgate/auth-email' },
          labarchives: {
            use,
            config: at,
            admission: { allow: { domains: ['example.org'] } },
            jobs: { enabled: true, life: '20m', scopes: ['probe'] },
          },
          plain: { use, realm: 'labarchives', config: at, jobs: { enabled: true } },
          // Its own, because tries are counted by instance.
          troubled: { use, realm: 'labarchives', config: at, jobs: { enabled: true } },
          quiet: { use, realm: 'labarchives', config: at },
          probe: { use: '../support/plugins/authz-probe.ts', prefix: '/probe' },
        },
      },
      { replaced: { clock } },
    )
    for (const login of ['ada', 'grace', ...others.map((one) => one.login)]) if (login !== 'ian') await signIn(login)
  })
  after(async () => {
    await site.stop()
    await lab.close()
  })
  beforeEach(() => {
    lab.faults.fail = {}
  })

  const signIn = async (login: string) => {
    const agent = newBrowser()
    const theirs = await agent.press(await agent.open(`${site.issuer}/account`), /LabArchives/)
    const back = await agent.press(theirs, new RegExp(`^${login}$`))
    assert.equal(back.url.pathname, '/account', back.text)
  }
  const codeOf = (login: string) => {
    const code = lab.code(login)
    codes.push(code)
    return code
  }
  const post = async (
    body: unknown,
    options: { at?: string; headers?: Record<string, string> } = {},
  ): Promise<Answer> => {
    const response = await fetch(`${site.issuer}/sign-in/${options.at ?? 'labarchives'}/token`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...options.headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })
    const { status, headers } = response
    return { status, headers, body: (await response.json()) as Answer['body'] }
  }
  const ask = (login: string, code = codeOf(login), at?: string) =>
    post({ email: `${login}@example.org`, code }, at === undefined ? {} : { at })
  const accountOf = async (login: string) =>
    (await site.labgate.rooms.get('accounts').findByVerifiedEmail(`${login}@example.org`)) ?? assert.fail(login)
  const me = (value: unknown, path = '/probe/api/me') =>
    fetch(site.issuer + path, { headers: { authorization: `Bearer ${value}` } })
  const trail = (type: string) => site.labgate.rooms.get('storage').audit.list({ type, limit: 100 })
  const tokens = async (login: string) =>
    (await site.labgate.rooms.get('tokens').list({ account: (await accountOf(login)).id, limit: 100 })).rows
  const refusedAs = ({ status, body, headers }: Answer) => {
    assert.equal(headers.get('cache-control'), 'no-store')
    assert.equal(headers.get('set-cookie'), null)
    return { status, ...body }
  }
  const nothing = { status: 400, error: 'invalid_grant', error_description: 'The credentials open no account here.' }

  test('gets a short token by address and code, as RFC 6749 §5.1 has it, which works and is written down', async () => {
    const { status, body, headers } = await ask('ada')
    assert.equal(status, 200, JSON.stringify(body))
    assert.equal(headers.get('cache-control'), 'no-store')
    assert.equal(headers.get('pragma'), 'no-cache')
    assert.match(headers.get('content-type') ?? '', /^application\/json/)
    assert.equal(headers.get('set-cookie'), null)
    assert.match(String(body.access_token), /^lgp_[0-9A-Za-z]{38}$/)
    assert.deepEqual(
      { ...body, access_token: '' },
      { access_token: '', token_type: 'Bearer', expires_in: 1200, scope: 'probe' },
    )
    const answer = await me(body.access_token)
    assert.equal(answer.status, 200, await answer.text())
    const { id } = await accountOf('ada')
    const [token] = await tokens('ada')
    assert.deepEqual([token?.name, token?.createdBy, token?.scopes], ['job: labarchives', id, ['probe']])
    const [created] = await trail('api-token.created')
    const done = (await trail('sign-in.done')).find(({ detail }) => JSON.stringify(detail).includes('job'))
    assert.deepEqual([created?.account, created?.requestId], [id, done?.requestId])
    assert.deepEqual(done?.detail, { instance: 'labarchives', via: 'job' })
  })

  test('gets a token without scopes where none are configured; it opens what asks for none', async () => {
    const { body } = await ask('ada', undefined, 'plain')
    assert.deepEqual({ ...body, access_token: '' }, { access_token: '', token_type: 'Bearer', expires_in: 900 })
    assert.equal((await me(body.access_token, '/probe/api/any')).status, 200)
    assert.equal((await me(body.access_token)).status, 403)
  })

  test('the token ends with its life, and at once with the account', async () => {
    const first = (await ask('ben')).body.access_token
    const second = (await ask('ben')).body.access_token
    assert.equal((await me(first)).status, 200)
    const { id } = await accountOf('ben')
    await site.labgate.rooms.get('accounts').setState(id, 'deactivated')
    assert.equal((await me(second)).status, 401)
    await site.labgate.rooms.get('accounts').setState(id, 'active')
    assert.equal((await me(second)).status, 200)
    clock.advance(1201)
    assert.equal((await me(second)).status, 401)
  })

  test('the line of the README works as it stands', async () => {
    const [, script = ''] = /```sh\n([\s\S]*?)```/.exec(await readFile(readme, 'utf8')) ?? []
    const { stdout } = await run('sh', ['-c', script.replace('https://YOUR-LABGATE', site.issuer)], {
      env: { ...process.env, EMAIL: 'ada@example.org', CODE: codeOf('ada') },
    })
    assert.equal((await me(JSON.parse(stdout).access_token)).status, 200)
  })

  test('wrong, used, expired and foreign codes, and people who have no account or may not act, hear the same', async () => {
    const used = codeOf('cat')
    assert.equal((await ask('cat', used)).status, 200)
    const expired = codeOf('cat')
    lab.expire(expired)
    const accounts = site.labgate.rooms.get('accounts')
    await accounts.setState((await accountOf('dan')).id, 'pending')
    await accounts.setState((await accountOf('eve')).id, 'deactivated')
    const before = (await trail('account.created')).length
    const asked = {
      wrong: await ask('cat', 'no-such-code-at-all'),
      used: await ask('cat', used),
      expired: await ask('cat', expired),
      foreign: await ask('cat', codeOf('fay')),
      unknown: await ask('ian'),
      pending: await ask('dan'),
      deactivated: await ask('eve'),
      admission: await post({ email: 'mallory@example.net', code: codeOf('mallory') }),
    }
    for (const [name, answer] of Object.entries(asked)) assert.deepEqual(refusedAs(answer), nothing, name)
    assert.equal((await trail('account.created')).length, before)
    assert.equal(await accounts.findByVerifiedEmail('ian@example.org'), undefined)
    assert.equal((await accountOf('dan')).state, 'pending')
    const whys = (await trail('sign-in.refused')).map(({ detail }) => (detail as { why: string }).why)
    assert.deepEqual(new Set(whys), new Set(['unknown', 'inactive', 'admission']))
    const failed = (await trail('sign-in.failed')).map(({ detail }) => detail as { via: string; why: string })
    assert.deepEqual(new Set(failed.map(({ via, why }) => `${via} ${why}`)), new Set(['job denied', 'job used']))
  })

  test('somebody known whom admission lets in no more loses what the instance said of them', async () => {
    const rooms = site.labgate.rooms
    const { id } = await accountOf('gus')
    await rooms.get('accounts').setGroups(id, 'labarchives', ['labarchives:team'])
    lab.faults.answer = (xml) => xml.replaceAll('gus@example.org', 'gus@example.net')
    const answer = await ask('gus')
    delete lab.faults.answer
    assert.deepEqual(refusedAs(answer), nothing)
    assert.deepEqual((await rooms.get('accounts').find(id))?.groups, [])
  })

  test('twenty at once with one code get one token', async () => {
    const code = codeOf('hal')
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask('hal', code)))
    assert.equal(answers.filter(({ status }) => status === 200).length, 1)
    for (const { status, body } of answers)
      assert.ok([200, 400, 429].includes(status) && body.error !== 'server_error', JSON.stringify(body))
    assert.equal((await tokens('hal')).length, 1)
  })

  test('tries are counted for an address of mail, whatever its spelling, and from a network', async () => {
    const spell = (text: string) => post({ email: text, code: 'guess-guess' })
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, index) => spell(index % 2 === 0 ? 'Guess@Example.org' : ' guess@example.org')),
    )
    const over = answers.filter(({ status }) => status === 429)
    assert.equal(over.length, 2)
    assert.equal(over[0]?.body.error, 'temporarily_unavailable')
    assert.ok(Number(over[0]?.headers.get('retry-after')) > 0)
    const many = await Promise.all(
      Array.from({ length: 61 }, (_, index) =>
        post({ email: `p${index}@example.org`, code: 'guess-guess' }, { at: 'plain' }),
      ),
    )
    assert.ok(many.some(({ status }) => status === 429))
  })

  test('nobody answers where jobs are not enabled, or where there is no such instance', async () => {
    for (const at of ['quiet', 'email', 'nowhere']) {
      const { status, body } = await ask('ada', undefined, at)
      assert.deepEqual([status, body.error], [404, 'ERR_NOT_FOUND'], at)
    }
    const get = await fetch(`${site.issuer}/sign-in/labarchives/token`)
    assert.equal(get.status, 405)
  })

  test('takes a small JSON object of texts and nothing else, and no other site’s page', async () => {
    const count = lab.requests.length
    const wrong = [
      '',
      '[]',
      'null',
      '"x"',
      '{}',
      '{"email":1}',
      '{"email":{"a":1}}',
      '{"__proto__":"x"}',
      '{"a b":"x"}',
      '{',
    ]
    for (const body of wrong) {
      const answer = await post(body, { headers: { 'x-forwarded-for': '192.0.2.1' } })
      assert.deepEqual([answer.status, answer.body.error], [400, 'invalid_request'], body)
    }
    const many = Object.fromEntries(Array.from({ length: 21 }, (_, index) => [`f${index}`, 'x']))
    assert.equal((await post(many)).status, 400)
    assert.equal((await post({ email: 'x'.repeat(1001), code: 'x' })).status, 400)
    const form = await post('email=ada%40example.org&code=x', {
      headers: { 'content-type': 'application/x-www-form-urlencoded', origin: 'https://evil.example' },
    })
    assert.deepEqual([form.status, form.body.error], [415, 'invalid_request'])
    assert.equal(form.headers.get('access-control-allow-origin'), null)
    const preflight = await fetch(`${site.issuer}/sign-in/labarchives/token`, {
      method: 'OPTIONS',
      headers: { origin: 'https://evil.example', 'access-control-request-method': 'POST' },
    })
    assert.equal(preflight.headers.get('access-control-allow-origin'), null)
    assert.equal(lab.requests.length, count)
  })

  test('a body of 10 MB is turned away unread', async () => {
    const outcome = await post(JSON.stringify({ email: 'ada@example.org', code: 'x'.repeat(10_000_000) })).catch(
      () => 'closed' as const,
    )
    if (outcome !== 'closed') assert.deepEqual([outcome.status, outcome.body.error], [413, 'invalid_request'])
  })

  test('trouble upstream is said as such, without a word of it, and uses no code up', async () => {
    const code = codeOf('fay')
    for (const failure of ['500', 'html', 'huge', 'drop', 4520, 4999] as const) {
      lab.faults.fail = { user_access_info: failure }
      const answer = await ask('fay', code, 'troubled')
      assert.deepEqual([answer.status, answer.body.error], [503, 'temporarily_unavailable'], String(failure))
      assert.doesNotMatch(JSON.stringify(answer.body), /labarchives|127\.0\.0\.1|452/i)
    }
    lab.faults.fail = {}
    assert.equal((await ask('fay', code, 'troubled')).status, 200)
  })

  test('no code and no token stands in the log, the audit trail or the database', async () => {
    await site.labgate.rooms.get('storage').artifacts.flush()
    const values = (await tokens('ada')).length
    assert.ok(values > 0 && codes.length > 10)
    for (const name of await readdir(site.folder)) {
      const text = await readFile(join(site.folder, name), 'latin1').catch(() => '')
      for (const code of codes) assert.ok(!text.includes(code), `${name} holds a code`)
      assert.doesNotMatch(text, /lgp_[0-9A-Za-z]{38}/, name)
    }
  })
})

test('a slow upstream ends in 503, not in a hanging job', { timeout: 60_000 }, async () => {
  const lab = await startLabArchives()
  const site = await startLabgate({
    plugins: {
      labarchives: {
        use: '@labgate/auth-labarchives',
        config: { baseUrl: lab.origin, ...labKey, minIntervalMs: 0 },
        jobs: { enabled: true },
      },
    },
  })
  try {
    lab.faults.fail = { user_access_info: 'hang' }
    const response = await fetch(`${site.issuer}/sign-in/labarchives/token`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email: 'ada@example.org', code: lab.code('ada') }),
    })
    assert.equal(response.status, 503, await response.text())
  } finally {
    await site.stop()
    await lab.close()
  }
})
