/** Sign-in to a datalab, and what sign-in there got wrong: each defect that was found, by its number. */
import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { after, before, describe, test } from 'node:test'
import { apps, type DatalabLab, startDatalabLab } from '../support/datalab-lab.ts'
import { browser, startLabgate, type TestLabgate } from '../support/labgate.ts'

const form = { 'content-type': 'application/x-www-form-urlencoded' }

describe('a sign-in to a datalab', () => {
  let lab: DatalabLab
  let site: TestLabgate
  let grey = ''
  before(async () => {
    lab = await startDatalabLab()
    site = lab.site
    grey = lab.at.grey
  })
  after(() => lab?.site.stop())

  const ask = (json: unknown, headers: Record<string, string> = {}) =>
    lab.call('POST', `${grey}/login/magic-link`, { json, headers })
  const linkTo = async (email: string) => {
    const sent = await ask({ email, referrer: `${apps.grey}/login` })
    assert.deepEqual([sent.status, sent.body], [200, { status: 'success', message: 'Email sent successfully.' }])
    const { text, subject } = await site.mail(email)
    assert.match(subject, /grey/)
    return new URL(/http\S+token=\S+/.exec(text)?.[0] ?? assert.fail(text))
  }

  test('by a link leads over a page, once, to the sign-in by e-mail, and ends at the application', async () => {
    const email = 'new@lab.example'
    const link = await linkTo(email)
    const agent = new (browser().constructor as typeof import('../support/user-agent.ts').UserAgent)({
      stopAt: [apps.grey],
    })
    const page = await agent.open(link)
    assert.match(page.text, /new@lab\.example/)
    const chooser = await agent.submit(page, page.forms[0], {})
    const fields = chooser.forms.find((one) => 'email' in one.fields)
    assert.equal(fields?.fields.email, email, 'the address is filled in')
    assert.ok(!chooser.text.includes('GitHub'), 'no other way is offered')
    const button = fields?.buttons.find(({ action }) => action?.endsWith('/m/email')) ?? fields?.buttons[0]
    const step = await agent.submit(chooser, fields, { email }, button?.action)
    const code = await codeTo(site, email)
    const end = await agent.submit(
      step,
      step.forms.find((one) => 'code' in one.fields),
      { code },
    )
    assert.equal(end.url.href, `${apps.grey}/`)
  })

  test('datalab 1.7.1: the link leads to our own address, whatever referrer is named, and other applications are refused', async () => {
    const link = await linkTo('one@lab.example')
    assert.deepEqual([link.origin, link.pathname], [grey, '/login/email'])
    for (const referrer of [
      'http://evil.example/login',
      `${apps.grey}.evil.example/`,
      'http://grey.example@evil.example/',
      'https://grey.example/',
      apps.blue,
      'nonsense',
      '',
      undefined,
      7,
    ])
      assert.equal((await ask({ email: 'one@lab.example', referrer })).status, 400, String(referrer))
  })

  test('datalab 1.7.2, 1.7.14: a link counts once and for an hour; an unknown one is a page, not a crash', async () => {
    const link = await linkTo('two@lab.example')
    const use = () => lab.call('POST', link.href, { headers: { ...form, origin: grey } })
    const both = await Promise.all([use(), use()])
    assert.deepEqual(both.map(({ status }) => status).toSorted(), [303, 400])
    assert.equal((await lab.call('GET', link.href)).status, 400)
    for (const token of ['', 'x', 'x'.repeat(5000)]) {
      const url = `${grey}/login/email?token=${token}`
      assert.equal((await lab.call('GET', url)).status, 400)
      assert.equal((await lab.call('POST', url, { headers: { ...form, origin: grey } })).status, 400)
    }
    const stored = await site.labgate.rooms.get('storage').em().execute('select * from document')
    assert.ok(!JSON.stringify(stored).includes(link.searchParams.get('token') ?? '-'), 'no link is kept')
  })

  test('datalab 1.7.4: only what is one address is mailed to', async () => {
    for (const email of [
      'a@bXc',
      'a b@lab.example',
      'a@lab',
      'a@lab.example,b@lab.example',
      'a@lab.example\nBcc: b@x.org',
      7,
      '',
      undefined,
    ])
      assert.equal((await ask({ email, referrer: apps.grey })).status, 400, String(email))
  })

  test('datalab 1.7.5, 1.7.6: an address that was only named is nobody’s, and a link links nothing', async () => {
    const id = await lab.person('mallory')
    const key = await lab.key(id, ['datalab:grey'])
    const own = `${grey}/users/${await lab.idOf(id)}`
    const taken = await lab.call('PATCH', own, { key, json: { contact_email: 'victim@lab.example' } })
    assert.equal(taken.status, 400)
    const victim = await lab.person('victim')
    assert.notEqual(victim, id)
    const { grey: cookie } = await lab.session('mallory@lab.example')
    const link = await linkTo('someone@lab.example')
    const used = await lab.call('POST', link.href, { cookie, headers: form })
    assert.equal(used.status, 303)
    const ways = await site.labgate.rooms.get('identities').list(id)
    assert.deepEqual(
      ways.map(({ subject }) => subject),
      ['mallory@lab.example'],
    )
  })

  test('datalab 1.7.7: looking at a link uses nothing up, however often a scanner does', async () => {
    const link = await linkTo('seven@lab.example')
    for (let look = 0; look < 3; look++) {
      const page = await lab.call('GET', link.href)
      assert.deepEqual([page.status, page.headers.get('referrer-policy')], [200, 'no-referrer'])
    }
    assert.equal((await lab.call('POST', link.href, { headers: { ...form, origin: grey } })).status, 303)
  })

  test('datalab 1.7.11: of what is sent for a role the role counts, and nobody decides over their own state', async () => {
    const root = await lab.person('root', { role: 'admin' })
    const admin = await lab.key(root, ['datalab:grey', 'admin'])
    const max = await lab.person('max')
    const id = await lab.idOf(max)
    await lab.call('PATCH', `${grey}/roles/${id}`, {
      key: admin,
      json: { role: 'manager', _id: 'x', account_status: 'deactivated', username: 'root' },
    })
    const account = await site.labgate.rooms.get('accounts').find(max)
    assert.deepEqual([account?.role, account?.state, account?.username], ['manager', 'active', 'max'])
    const key = await lab.key(max, ['datalab:grey'])
    for (const account_status of ['active', 'deactivated'])
      assert.equal((await lab.call('PATCH', `${grey}/users/${id}`, { key, json: { account_status } })).status, 403)
    assert.equal((await lab.call('PATCH', `${grey}/roles/${id}`, { key, json: { role: 'admin' } })).status, 403)
  })

  test('datalab 1.7.12: a key ends, and opens nothing but its own datalab', async () => {
    const { grey: cookie } = await lab.session('max@lab.example')
    const made = await lab.call('POST', `${grey}/api-keys`, { cookie, json: { name: 'x' } })
    const { key = '' } = made.body as { key?: string }
    const listed = await lab.call('GET', `${grey}/api-keys`, { cookie })
    const { api_keys } = listed.body as { api_keys: { name: string; expires_at: string | null }[] }
    assert.ok(Date.parse(api_keys.find(({ name }) => name === 'x')?.expires_at ?? '') > Date.now())
    assert.equal((await lab.call('GET', `${lab.at.blue}/get-current-user/`, { key })).status, 403)
    const bearer = { headers: { authorization: `Bearer ${key}` } }
    assert.equal((await lab.call('GET', `${site.issuer}/api/admin/v1/me`, bearer)).status, 403)
    assert.equal((await lab.call('GET', `${grey}/get-current-user/`, bearer)).status, 401, 'its header alone')
  })

  test('datalab 1.7.14: 304 has no body', async () => {
    const { get } = site.labgate.rooms
    const house = { kind: 'system', name: 'test' } as const
    await get('groups').create(house, { slug: 'team', title: 'Team' })
    const root = await get('accounts').findByUsername('root')
    const key = await lab.key(root?.id ?? '', ['datalab:grey', 'admin'])
    await get('groups').addMember(house, 'team', root?.id ?? '')
    const group = (await get('groups').find('team'))?.numericId ?? 0
    const url = `${grey}/groups/6c61626761746500${group.toString(16).padStart(8, '0')}`
    const again = await lab.call('PUT', url, { key, json: { user_id: await lab.idOf(root?.id ?? '') } })
    assert.deepEqual([again.status, again.text], [304, ''])
  })

  test('datalab 1.7.15: mails to one address end, and the answer is the same whoever has it', async () => {
    const mails = async (email: string) => {
      const said: (readonly [number, unknown])[] = []
      for (let mail = 0; mail < 5; mail++) {
        const { status, body } = await ask({ email, referrer: apps.grey })
        said.push([status, body])
      }
      return said
    }
    const known = await mails('max@lab.example')
    assert.deepEqual(
      known.map(([status]) => status),
      [200, 200, 200, 429, 429],
    )
    assert.deepEqual(await mails('nobody-knows@lab.example'), known)
  })
})

test('datalab 1.7.15: one network that asks without end leaves the owners of addresses their mails', async () => {
  const lab = await startDatalabLab({}, { proxies: ['127.0.0.0/8', '::1'] })
  const mail = async (from: string, email = 'vic@lab.example') => {
    const headers = { 'x-forwarded-for': from }
    const json = { email, referrer: apps.grey }
    return (await lab.call('POST', `${lab.at.grey}/login/magic-link`, { json, headers })).status
  }
  const mails = async (froms: readonly string[]) => {
    const said: number[] = []
    for (const from of froms) said.push(await mail(from))
    return said
  }
  try {
    assert.deepEqual([...new Set(await mails(Array(20).fill('203.0.113.7')))], [200, 429])
    assert.equal(await mail('198.51.100.9'), 200, 'somewhere else')
    // A host has a whole /64 of addresses, in whichever spelling they come.
    const own = ['2001:db8::1', '2001:db8:0:0::2', '2001:db8::3:4', '2001:db8:0::5', '2001:db8::6']
    assert.deepEqual(await mails(own), [200, 200, 200, 429, 429])
    assert.equal(await mail('2001:db8:1::1'), 200)
  } finally {
    await lab.site.stop()
  }
})

test('a prefix is remembered, and two datalabs never share one', async () => {
  const lab = await startDatalabLab()
  const { folder, issuer } = lab.site
  // Its folder stays.
  await lab.site.labgate.stop()
  const { port } = new URL(issuer)
  const start = (config: Readonly<Record<string, unknown>>, more: Readonly<Record<string, unknown>> = {}) => {
    const grey = { use: '@labgate/authz-datalab', prefix: '/grey', config: { appUrl: apps.grey, ...config } }
    return startLabgate(
      { plugins: { email: { use: '@labgate/auth-email' }, grey, ...more } },
      { folder, port: Number(port) },
    )
  }
  await assert.rejects(start({ identifierPrefix: 'gray' }), /identifierPrefix was grey and is gray now/)
  const blue = {
    use: '@labgate/authz-datalab',
    prefix: '/blue',
    config: { identifierPrefix: 'grey', appUrl: apps.blue },
  }
  await assert.rejects(
    start({ identifierPrefix: 'grey' }, { blue }),
    /plugins\.blue: .*identifierPrefix grey is that of plugins\.grey/,
  )
  for (const identifierPrefix of ['g', 'Grey', 'grey1', 'abcdefghijk', '', undefined])
    await assert.rejects(start({ identifierPrefix }), /identifierPrefix/, String(identifierPrefix))
  await (await start({ identifierPrefix: 'gray', allowPrefixChange: true })).labgate.stop()
  await (await start({ identifierPrefix: 'gray' })).labgate.stop()
  await assert.rejects(start({ identifierPrefix: 'grey' }), /was gray and is grey now/)
  await rm(folder, { recursive: true, force: true })
})

async function codeTo(site: TestLabgate, email: string): Promise<string> {
  for (let tries = 0; tries < 100; tries++) {
    const { code } = await site.mail(email)
    if (code !== '') return code
    await new Promise((done) => setTimeout(done, 20))
  }
  return assert.fail(`no code to ${email}`)
}
