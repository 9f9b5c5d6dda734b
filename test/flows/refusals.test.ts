/** Refusals at sign-in and at a dialect's guard: the code of the page tells an admin why, by command, API and console. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { startCommand, writeConfig } from '../support/command-line.ts'
import { textOf } from '../support/flow.ts'
import { browser, type Part, signInByEmail, startLabgate, type TestLabgate } from '../support/labgate.ts'
import type { UserAgent } from '../support/user-agent.ts'

describe('a refusal about no dataset', () => {
  let site: TestLabgate
  let boss: UserAgent
  let token = ''
  let bossId = ''
  const part: Part = {
    admins: ['email:boss@example.org'],
    plugins: {
      email: { use: '@labgate/auth-email', admission: { allow: { domains: ['example.org'] } } },
      probe: { use: fileURLToPath(new URL('../support/plugins/authz-probe.ts', import.meta.url)), prefix: '/probe' },
    },
  }
  before(async () => {
    site = await startLabgate(part)
    await writeConfig(site.folder, {
      ...{ issuer: site.issuer, demo: true, data: site.folder, log: { file: join(site.folder, 'labgate.log') } },
      ...{ mail: { from: { address: 'lab@example.org' }, outbox: join(site.folder, 'outbox') }, ...part },
    })
    boss = browser()
    await signInByEmail(site, boss, { at: `${site.issuer}/account`, email: 'boss@example.org' })
    const id = (await site.labgate.rooms.get('accounts').findByVerifiedEmail('boss@example.org'))?.id ?? assert.fail()
    const made = await site.labgate.rooms
      .get('tokens')
      .create({ kind: 'system', name: 'test' }, { account: id, name: 'test', scopes: ['admin'] })
    token = made.value
    bossId = id
  })
  after(() => site?.stop())

  /** The page that somebody is refused with, and its code. */
  const refused = async (email: string) => {
    const page = await signInByEmail(site, browser(), { at: `${site.issuer}/account`, email })
    assert.equal(page.status, 403)
    return /Reference (\S+)/.exec(textOf(page))?.[1] ?? assert.fail(textOf(page))
  }
  const byCommand = async (code: string) => {
    const { out, err } = await startCommand(['explain', '--event', code, '-c', 'labgate.yaml'], { cwd: site.folder })
      .done
    return out === '' ? assert.fail(err) : out
  }
  const byApi = async (code: string) => {
    const headers = { authorization: `Bearer ${token}` }
    const answer = await fetch(`${site.issuer}/api/admin/v1/events/${code}`, { headers })
    assert.equal(answer.status, 200)
    return ((await answer.json()) as { words: string[] }).words.join(' ')
  }
  const byConsole = async (code: string) => textOf(await boss.open(`${site.issuer}/console/explain?event=${code}`))
  const everywhere = async (code: string, why: RegExp) => {
    for (const way of [byCommand, byApi, byConsole]) assert.match(await way(code), why, way.name)
  }

  test('by a rule of admission names the rule and the key of the config', async () => {
    const code = await refused('eve@example.net')
    await everywhere(code, /plugins\.email\.admission.*lets in only: a verified e-mail address at example\.org/)
  })

  test('of an account that is shut out says so, and what it is now', async () => {
    await signInByEmail(site, browser(), { at: `${site.issuer}/account`, email: 'dan@example.org' })
    const accounts = site.labgate.rooms.get('accounts')
    const { id } = (await accounts.findByVerifiedEmail('dan@example.org')) ?? assert.fail()
    const actor = { kind: 'system', name: 'test' } as const
    const standing = site.labgate.rooms.get('standing')
    await standing.setState(actor, id, 'deactivated')
    const code = await refused('dan@example.org')
    await everywhere(code, /The account was deactivated\.\s+It is deactivated now/)
    await standing.setState(actor, id, 'active')
    await everywhere(code, /The account was deactivated\.\s+It is active now/)
  })

  test('of a token without the scope that a dialect asks for is explained, too', async () => {
    const { value } = await site.labgate.rooms
      .get('tokens')
      .create({ kind: 'system', name: 'test' }, { account: bossId, name: 'weak', scopes: ['admin'] })
    const answer = await fetch(`${site.issuer}/probe/api/me`, { headers: { authorization: `Bearer ${value}` } })
    assert.equal(answer.status, 403)
    const [line] = await site.labgate.rooms.get('storage').audit.list({ type: 'access.refused', limit: 1 })
    assert.deepEqual([line?.account, line?.detail], [bossId, { service: 'probe', why: 'scope' }])
    await everywhere(line?.requestId ?? assert.fail(), /The token lacked a scope that probe asks for\./)
  })

  test('is for site admins: who looks after one dataset learns nothing of it', async () => {
    const code = await refused('mallory@example.net')
    const keeper = browser()
    await signInByEmail(site, keeper, { at: `${site.issuer}/account`, email: 'keeper@example.org' })
    const { id } = (await site.labgate.rooms.get('accounts').findByVerifiedEmail('keeper@example.org')) ?? assert.fail()
    const ledger = site.labgate.rooms.get('ledger')
    const actor = { kind: 'system', name: 'test' } as const
    await ledger.datasets.create(actor, { slug: 'fish2', title: 'Fish' })
    await ledger.grants.add(actor, { subject: { kind: 'account', account: id }, dataset: 'fish2', level: 'admin' })
    const text = textOf(await keeper.open(`${site.issuer}/console/explain?event=${code}`))
    assert.match(text, /There is no refusal with this reference/)
    assert.doesNotMatch(text, /example\.org at|admission/)
  })
})
