import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, type TestContext, test } from 'node:test'
import { startCommand, writeConfig } from '../../support/command-line.ts'
import { type GitHub, githubApp, startGitHub } from '../../support/github.ts'
import { freePort, type Part, startLabgate, type TestLabgate } from '../../support/labgate.ts'
import { startUpstream, type Upstream, upstreamClient } from '../../support/upstream.ts'

interface Diagnosis {
  readonly about: string
  readonly ok: boolean
  readonly what: string
  readonly mend?: string
}

describe('labgate doctor', () => {
  let site: TestLabgate
  let github: GitHub
  let upstream: Upstream
  let config: Part
  let cwd = ''
  before(async () => {
    github = await startGitHub({ people: [], organizations: [], callbacks: [] })
    upstream = await startUpstream({ clients: [{ ...upstreamClient, redirect_uris: ['http://localhost/never'] }] })
    site = await startLabgate()
    cwd = site.folder
    config = {
      issuer: site.issuer,
      demo: true,
      data: cwd,
      mail: { from: { address: 'lab@example.org' }, outbox: join(cwd, 'outbox') },
      egress: { allow: ['127.0.0.0/8'] },
      plugins: { email: { use: '@labgate/auth-email' }, ...upstreams('github-test-value') },
    }
  })
  after(async () => {
    await site?.stop()
    await github?.close()
    await upstream?.close()
  })

  const upstreams = (clientSecret: string) => ({
    github: { use: '@labgate/auth-github', config: { ...githubApp, clientSecret, url: github.url } },
    university: {
      use: '@labgate/auth-oidc',
      config: { issuer: upstream.issuer, clientId: 'labgate', clientSecret: 'upstream-test-value' },
    },
  })
  const run = async (file: Part, ...argv: string[]) => {
    await writeConfig(cwd, file)
    return startCommand(['doctor', '--config', 'labgate.yaml', ...argv], { cwd }).done
  }
  const json = async (file: Part) => {
    const { code, out, err } = await run(file, '--json')
    assert.equal(out[0], '{', err)
    const { ok, findings } = JSON.parse(out) as { ok: boolean; findings: readonly Diagnosis[] }
    assert.equal(code, ok ? 0 : 1)
    return { ok, findings, wrong: findings.filter((one) => !one.ok), err }
  }

  test('finds all well beside the running server, says so of each part, and exits with 0', async () => {
    const { ok, findings, wrong, err } = await json(config)
    assert.deepEqual([ok, wrong, err], [true, [], ''])
    const abouts = [...new Set(findings.map(({ about }) => about))]
    assert.deepEqual(abouts, ['database', 'keys', 'plugin.github', 'plugin.university', 'mail', 'issuer'])
    const said = (about: string) => findings.filter((one) => one.about === about).map(({ what }) => what)
    assert.match(said('plugin.github')[0] ?? '', /answers and takes clientId and clientSecret$/)
    assert.deepEqual(said('plugin.university'), [
      `the provider at ${upstream.issuer} answers`,
      'it takes our credentials',
      'our clock agrees with that of 127.0.0.1',
    ])
    assert.ok(said('issuer').includes('it publishes the keys that tokens are signed with'))
  })

  test('says what is wrong and how to mend it, one finding beside the other, and exits with 1', async (t) => {
    upstream.faults.fail.discovery = '500'
    t.after(() => {
      delete upstream.faults.fail.discovery
    })
    const smtp = { host: '127.0.0.1', port: await freePort(), security: 'none' }
    const mail = { from: { address: 'lab@example.org' }, smtp }
    const issuer = `http://localhost:${await freePort()}`
    const { wrong } = await json({ ...config, issuer, mail, plugins: upstreams('another-value') })
    assert.deepEqual(
      wrong.map(({ about }) => about),
      ['plugin.github', 'plugin.university', 'mail', 'issuer'],
    )
    const mends = wrong.map(({ mend }) => mend ?? '')
    assert.match(mends[0] ?? '', /clientSecret/)
    assert.match(mends[1] ?? '', /500/)
    assert.match(mends[2] ?? '', /check mail\.smtp\.host/)
    assert.match(mends[3] ?? '', /is Labgate running/)
  })

  test('prints a line a finding for people, and below it how to mend it', async () => {
    const { code, out } = await run({ ...config, plugins: upstreams('another-value') })
    assert.equal(code, 1)
    assert.match(out, /^ok {5}database: the database \S+ can be written$/m)
    assert.match(out, /^wrong {2}plugin\.github: .*\n {7}mend: .*clientSecret/m)
    assert.match(out, /\nWrong: 1 of \d+\.\n$/)
    assert.doesNotMatch(out, /another-value/)
  })

  test('finds a secret that an OpenID provider does not take, and nothing where it will not say', async (t) => {
    t.after(() => {
      delete upstream.faults.fail.token
    })
    const plugins = { university: upstreams('github-test-value').university }
    const look = async (fault: 'refuse-client' | '500') => {
      upstream.faults.fail.token = fault
      return (await json({ ...config, plugins })).findings.filter(({ what }) => what === 'it takes our credentials')
    }
    const [found] = await look('refuse-client')
    assert.deepEqual([found?.about, found?.ok], ['plugin.university', false])
    assert.match(found?.mend ?? '', /invalid_client; check clientId, clientSecret and clientAuth$/)
    assert.deepEqual(await look('500'), [])
  })

  test('finds an optional plugin that could not be loaded', async () => {
    const plugins = { lost: { use: '@labgate/auth-nowhere', optional: true } }
    const { wrong } = await json({ ...config, plugins })
    assert.deepEqual([wrong[0]?.about, wrong[0]?.what], ['plugin.lost', 'the plugin is loaded'])
    assert.match(wrong[0]?.mend ?? '', /auth-nowhere/)
  })

  describe('without a database', () => {
    async function place(t: TestContext) {
      const data = await mkdtemp(join(tmpdir(), 'labgate-doctor-'))
      t.after(() => rm(data, { recursive: true, force: true }))
      return data
    }

    test('finds that it must be migrated, and still looks at mail and issuer', async (t) => {
      const { findings, wrong } = await json({ ...config, data: await place(t) })
      assert.deepEqual([wrong.length, wrong[0]?.about], [1, 'database'])
      assert.match(wrong[0]?.mend ?? '', /run "labgate migrate"/)
      assert.deepEqual([...new Set(findings.map(({ about }) => about))], ['database', 'mail', 'issuer'])
    })

    test('finds a file that cannot be opened', async (t) => {
      const data = await place(t)
      await writeFile(join(data, 'file'), '')
      const { wrong } = await json({ ...config, database: { file: join(data, 'file', 'labgate.db') } })
      assert.equal(wrong[0]?.about, 'database')
      assert.match(wrong[0]?.mend ?? '', /cannot open .*check "database\.file" and its rights/)
    })

    test('finds sealing keys that do not open it', async () => {
      const key = join(cwd, 'other.key')
      await writeFile(key, 'another test key another test key another')
      const { wrong } = await json({ ...config, keys: [{ file: key }] })
      assert.equal(wrong[0]?.about, 'keys')
      assert.match(wrong[0]?.mend ?? '', /put the former key back under "keys"/)
    })
  })
})
