import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { Fact } from '@labgate/contract'
import { type ApiCall, type ApiClient, apiClient, send } from '../support/admin-api.ts'
import { browser, signInByEmail, startLabgate, type TestLabgate } from '../support/labgate.ts'
import { directProfile, testProfiles } from '../support/workspaces.ts'

interface Page<T> {
  readonly items: readonly T[]
  readonly total?: number
  readonly next?: string
}

const house = { kind: 'system', name: 'test' } as const
const plugins = {
  email: { use: '@labgate/auth-email', config: { mailsPerHour: 100 } },
  probe: { use: '../support/plugins/authz-probe.ts', prefix: '/probe' },
}

const options = [{ value: 'imaging', label: 'Imaging' }]
const questions = [{ id: 'lab', label: 'Your lab', type: 'choice', options, required: true, group: true }]

describe('the admin API', () => {
  let site: TestLabgate
  let api: ApiClient
  /** Where workspaces run. */
  let running: string
  /** Account ids and tokens by username. */
  const ids: Record<string, string> = {}
  const tokens: Record<string, string> = {}

  const make = async (username: string, role: 'user' | 'admin' = 'user') => {
    const { get } = site.labgate.rooms
    const facts: Fact[] = [{ claim: 'preferred_username', value: username, trust: 'asserted' }]
    const id = await get('storage').transaction((em) => get('accounts').createIn(em, { facts, state: 'active', role }))
    ids[username] = id
    tokens[username] = await tokenOf(id, ['admin'])
    return id
  }
  const tokenOf = async (account: string, scopes: readonly string[], expiresAt?: Date) => {
    const made = await site.labgate.rooms.get('tokens').create(house, { account, name: 'a test', scopes, expiresAt })
    return made.value
  }
  const as = (username: string, call: ApiCall = {}): ApiCall => ({ ...call, token: tokens[username] ?? '' })
  const well = <T = never>(username: string, id: string, call?: ApiCall) => api.well<T>(id, as(username, call))
  const refused = async (username: string, id: string, call?: ApiCall) => {
    const { status, code, body } = await api.call(id, as(username, call))
    assert.ok(status >= 400, `${id} by ${username}: ${status} ${JSON.stringify(body)}`)
    return code
  }

  /** Accepts the newest text of terms. */
  const accept = async (username: string, terms: string, address?: string) => {
    const book = site.labgate.rooms.get('ledger').terms
    const digest = (await book.find(terms))?.text.digest ?? ''
    await book.accept({ kind: 'account', account: ids[username] ?? '', address }, { terms, digest })
  }

  before(async () => {
    running = await mkdtemp(join(tmpdir(), 'labgate-api-'))
    site = await startLabgate({
      plugins: { ...plugins, here: { use: '../support/plugins/runner-local.ts', config: { folder: running } } },
      profile: { questions },
      workspaces: {
        origin: 'http://*.localhost',
        poll: '1h',
        grace: '1s',
        profiles: { ...testProfiles, direct: await directProfile() },
      },
    })
    api = await apiClient(site.issuer)
    await make('root', 'admin')
    for (const username of ['dana', 'mira', 'lead', 'plain', 'sam']) await make(username)
  })
  after(async () => {
    await site.stop()
    await rm(running, { recursive: true, force: true })
  })

  test('tells whose token it is', async () => {
    const me = await well<{ account: { username: string }; token: { name: string }; rights: { admin: boolean } }>(
      'root',
      'getMe',
    )
    assert.equal(me.account.username, 'root')
    assert.equal(me.token.name, 'a test')
    assert.equal(me.rights.admin, true)
    assert.doesNotMatch(JSON.stringify(me), new RegExp((tokens.root ?? '').slice(10)))
  })

  test('shows and sets what people say of themselves', async () => {
    type Answers = Page<{ question: string; value?: string; text?: string; isDue: boolean }>
    const of = (account: string, question = 'lab', value?: string) => ({
      params: value === undefined ? { account } : { account, question },
      ...(value === undefined ? {} : { body: { value } }),
    })
    const before = await well<Answers>('root', 'getProfile', of('sam'))
    assert.deepEqual(before.items, [{ question: 'lab', label: 'Your lab', isDue: true }])
    const { items } = await well<Answers>('root', 'setProfile', of('sam', 'lab', 'imaging'))
    assert.deepEqual([items[0]?.value, items[0]?.text, items[0]?.isDue], ['imaging', 'Imaging', false])
    assert.deepEqual((await site.labgate.rooms.get('accounts').find(ids.sam ?? ''))?.groups, ['profile:lab/imaging'])
    assert.equal(await refused('root', 'setProfile', of('sam', 'lab', '')), 'ERR_INPUT')
    assert.equal(await refused('root', 'setProfile', of('sam', 'lab', 'optics')), 'ERR_INPUT')
    assert.equal(await refused('root', 'setProfile', of('sam', 'none', 'x')), 'ERR_INPUT')
    assert.equal(await refused('root', 'setProfile', of('nobody', 'lab', 'imaging')), 'ERR_NOT_FOUND')
    for (const call of [of('sam'), of('sam', 'lab', 'imaging')])
      assert.notEqual(await refused('dana', call.body ? 'setProfile' : 'getProfile', call), undefined)
  })

  test('keeps datasets', async () => {
    for (const slug of ['fish', 'mouse', 'worm'])
      await well('root', 'createDataset', { body: { slug, title: `The ${slug}` } })
    assert.equal(await refused('root', 'createDataset', { body: { slug: 'fish', title: 'Again' } }), 'ERR_CONFLICT')
    const body = {
      aliases: ['zebrafish'],
      visibility: 'hidden',
      versions: [{ version: 'v1', title: 'First' }],
      places: [{ bucket: 'gs://lab-bucket', prefix: 'fish/' }],
      tables: [{ namespace: 'chunks', name: 'fish' }],
      frozen: 'Being mended',
    }
    const changed = await well<{ frozen?: string; aliases: string[] }>('root', 'changeDataset', {
      params: { dataset: 'fish' },
      body,
    })
    assert.equal(changed.frozen, 'Being mended')
    const opened = await well<{ frozen?: string; slug: string }>('root', 'changeDataset', {
      params: { dataset: 'zebrafish' },
      body: { frozen: null },
    })
    assert.deepEqual([opened.slug, opened.frozen], ['fish', undefined])
    const found = await well<{ title: string }>('root', 'getDataset', { params: { dataset: 'zebrafish' } })
    assert.equal(found.title, 'The fish')
    await well('root', 'deleteDataset', { params: { dataset: 'worm' } })
    assert.equal(await refused('root', 'deleteDataset', { params: { dataset: 'worm' } }), 'ERR_NOT_FOUND')
  })

  test('keeps workspaces, for site admins alone', async () => {
    type One = { id: string; state: string; wanted: string; guests: string[]; leaseEndsAt: string }
    const at = (workspace: string, more: object = {}) => ({ params: { workspace, ...more }, body: {} })
    const until = async (id: string, state: string) => {
      for (let tries = 0; tries < 500; tries++) {
        if ((await well<One>('root', 'getWorkspace', at(id))).state === state) return
        await new Promise((done) => setTimeout(done, 20))
      }
      assert.fail(`${id} is not ${state}`)
    }
    const body = { account: 'plain', profile: 'notebook', size: 'large', title: 'For plain' }
    assert.equal(await refused('dana', 'startWorkspace', { body }), 'ERR_FORBIDDEN')
    assert.equal(await refused('root', 'startWorkspace', { body: { ...body, size: 'giant' } }), 'ERR_INPUT')
    assert.equal(await refused('root', 'startWorkspace', { body: { ...body, account: 'nobody' } }), 'ERR_NOT_FOUND')
    const { id, wanted } = await well<One>('root', 'startWorkspace', { body })
    assert.equal(wanted, 'running')
    await until(id, 'ready')
    const list = await well<Page<One>>('root', 'listWorkspaces', { query: { state: 'ready', account: 'plain' } })
    assert.deepEqual([list.total, list.items[0]?.id], [1, id])
    const events = await well<Page<{ number: number; kind: string }>>('root', 'listWorkspaceEvents', at(id))
    assert.equal(events.items.at(-1)?.kind, 'ready')
    const later = await well<Page<unknown>>('root', 'listWorkspaceEvents', {
      ...at(id),
      query: { after: events.items.at(-2)?.number ?? 0 },
    })
    assert.equal(later.items.length, 1)
    const { lines } = await well<{ lines: string[] }>('root', 'getWorkspaceLogs', { ...at(id), query: { tail: 5 } })
    assert.match(lines.join(), /app {2}at \//)
    await well('root', 'addWorkspaceGuest', at(id, { account: 'sam' }))
    assert.deepEqual((await well<One>('root', 'getWorkspace', at(id))).guests, [ids.sam])
    await well('root', 'removeWorkspaceGuest', at(id, { account: 'sam' }))
    assert.equal(await refused('root', 'removeWorkspaceGuest', at(id, { account: 'sam' })), 'ERR_NOT_FOUND')
    const told = await well<{ count: number }>('root', 'messageWorkspaces', {
      body: { text: 'At noon', account: 'plain' },
    })
    assert.equal(told.count, 1)
    assert.equal(await refused('root', 'forgetWorkspace', at(id)), 'ERR_CONFLICT')
    assert.ok((await well<One>('root', 'extendWorkspace', at(id))).leaseEndsAt > new Date().toISOString())
    assert.equal((await well<One>('root', 'restartWorkspace', at(id))).wanted, 'stopped')
    await until(id, 'ready')
    await well('root', 'stopWorkspace', { ...at(id), body: { why: 'the test is over' } })
    await until(id, 'stopped')
    assert.equal(await refused('root', 'stopWorkspace', at(id)), 'ERR_CONFLICT')
    await well('root', 'restartWorkspace', at(id))
    assert.equal(await refused('root', 'removeWorkspace', at(id)), 'ERR_INPUT')
    await well('root', 'removeWorkspace', { ...at(id), body: { why: 'it hangs' } })
    await until(id, 'stopped')
    await well('root', 'forgetWorkspace', at(id))
    assert.equal(await refused('root', 'getWorkspace', at(id)), 'ERR_NOT_FOUND')
  })

  test('keeps quotas, usage and places of workspaces, for site admins alone', async () => {
    const account = `account:${ids.plain}`
    const set = { params: { scope: account }, body: { instances: 0, memoryBytes: 2 ** 30 } }
    await well('root', 'setWorkspaceQuota', set)
    const { items } = await well<Page<{ scope: string; instances?: number; source: string }>>(
      'root',
      'listWorkspaceQuotas',
    )
    assert.deepEqual(
      items.find(({ scope }) => scope === account),
      {
        ...{ scope: account, instances: 0, memoryBytes: 2 ** 30, source: 'console' },
        taken: { instances: 0, memoryBytes: 0, milliCpus: 0 },
      },
    )
    assert.equal(
      await refused('root', 'startWorkspace', { body: { account: 'plain', profile: 'notebook' } }),
      'ERR_CONFLICT',
    )
    await well('root', 'deleteWorkspaceQuota', { params: { scope: account } })
    assert.equal(await refused('root', 'deleteWorkspaceQuota', { params: { scope: account } }), 'ERR_NOT_FOUND')
    assert.equal(await refused('root', 'setWorkspaceQuota', { ...set, params: { scope: 'everybody' } }), 'ERR_INPUT')
    assert.equal(await refused('root', 'setWorkspaceQuota', { ...set, body: { instances: -1 } }), 'ERR_INPUT')
    const leases = { firstSeconds: 3600, extensionSeconds: 1800, maxSeconds: 7200 }
    assert.equal((await well<{ source: string }>('root', 'getWorkspaceLeases')).source, 'config')
    await well('root', 'setWorkspaceLeases', { body: leases })
    assert.deepEqual(await well('root', 'getWorkspaceLeases'), { ...leases, source: 'console' })
    assert.equal(await refused('root', 'setWorkspaceLeases', { body: { ...leases, maxSeconds: 60 } }), 'ERR_INPUT')
    await well('root', 'deleteWorkspaceLeases')
    assert.equal((await well<{ source: string }>('root', 'getWorkspaceLeases')).source, 'config')
    const usage = await well<Page<{ scope: string }>>('root', 'getWorkspaceUsage', { query: { by: 'account' } })
    assert.deepEqual(usage.items, [])
    const backwards = { from: '2026-01-02T00:00:00Z', until: '2026-01-01T00:00:00Z' }
    assert.equal(await refused('root', 'getWorkspaceUsage', { query: backwards }), 'ERR_INPUT')
    await well('root', 'drainWorkspacePlace', { body: { place: 'here', state: 'on' } })
    assert.deepEqual((await well<Page<unknown>>('root', 'listWorkspacePlaces')).items, [
      { place: 'here', drained: true },
    ])
    await well('root', 'drainWorkspacePlace', { body: { place: 'here', state: 'off' } })
    assert.equal(
      await refused('root', 'drainWorkspacePlace', { body: { place: 'there', state: 'on' } }),
      'ERR_NOT_FOUND',
    )
    for (const [id, call] of Object.entries({
      listWorkspaces: {},
      listWorkspaceQuotas: {},
      setWorkspaceQuota: set,
      getWorkspaceLeases: {},
      setWorkspaceLeases: { body: leases },
      deleteWorkspaceLeases: {},
      getWorkspaceUsage: {},
      listWorkspacePlaces: {},
      drainWorkspacePlace: { body: { place: 'here', state: 'on' } },
      messageWorkspaces: { body: { text: 'hello' } },
    }))
      assert.equal(await refused('dana', id, call), 'ERR_FORBIDDEN', id)
  })

  test('shows the credential of a workspace to its owner alone, once, and what is taken of the quotas', async () => {
    const profile = 'direct'
    type One = { id: string; state: string; direct?: { address?: string; shownAt?: string } }
    const at = (workspace: string) => ({ params: { workspace }, body: {} })
    const ready = async (account: string) => {
      const { id } = await well<One>('root', 'startWorkspace', { body: { account, profile } })
      for (;;) {
        const one = await well<One>('root', 'getWorkspace', at(id))
        if (one.state === 'ready') return one
        assert.notEqual(one.state, 'failed')
        await new Promise((done) => setTimeout(done, 20))
      }
    }
    const stop = async (id: string) => {
      await well('root', 'stopWorkspace', at(id))
      while ((await well<One>('root', 'getWorkspace', at(id))).state !== 'stopped')
        await new Promise((done) => setTimeout(done, 20))
    }
    const theirs = await ready('plain')
    assert.match(theirs.direct?.address ?? '', /^127\.0\.0\.1:\d+$/)
    assert.equal(await refused('root', 'revealWorkspaceCredential', at(theirs.id)), 'ERR_FORBIDDEN')
    assert.equal(await refused('dana', 'revealWorkspaceCredential', at(theirs.id)), 'ERR_FORBIDDEN')
    await well('root', 'setWorkspaceQuota', { params: { scope: 'site' }, body: { instances: 9, milliCpus: 9000 } })
    type Line = {
      scope: string
      instances?: number
      taken?: { instances: number; memoryBytes: number; milliCpus: number }
    }
    const of = { params: { account: 'plain' } }
    const { items } = await well<Page<Line>>('root', 'listAccountWorkspaceQuotas', of)
    assert.deepEqual(
      items.map(({ scope, taken }) => [scope, taken]),
      [['site', { instances: 1, memoryBytes: 1024 ** 3, milliCpus: 1000 }]],
    )
    assert.equal(await refused('dana', 'listAccountWorkspaceQuotas', of), 'ERR_FORBIDDEN')
    await well('root', 'deleteWorkspaceQuota', { params: { scope: 'site' } })
    await stop(theirs.id)
    const mine = await ready('root')
    const shown = await well<{ address: string; credential: string }>('root', 'revealWorkspaceCredential', at(mine.id))
    assert.deepEqual([shown.address, shown.credential.length > 20], [mine.direct?.address, true])
    assert.equal(await refused('root', 'revealWorkspaceCredential', at(mine.id)), 'ERR_CONFLICT')
    assert.ok((await well<One>('root', 'getWorkspace', at(mine.id))).direct?.shownAt)
    await stop(mine.id)
  })

  test('lists in pages that meet without a gap', async () => {
    const first = await well<Page<{ slug: string }>>('root', 'listDatasets', { query: { limit: 1 } })
    const second = await well<Page<{ slug: string }>>('root', 'listDatasets', {
      query: { limit: 1, after: first.next ?? '' },
    })
    assert.deepEqual(
      [first.total, first.items[0]?.slug, second.items[0]?.slug, second.next],
      [2, 'fish', 'mouse', undefined],
    )
    const people = await well<Page<{ id: string }>>('root', 'listAccounts', { query: { limit: 4 } })
    const rest = await well<Page<{ id: string }>>('root', 'listAccounts', {
      query: { limit: 4, after: people.next ?? '' },
    })
    assert.equal(new Set([...people.items, ...rest.items].map(({ id }) => id)).size, 6)
    assert.deepEqual([people.total, rest.total, rest.next], [6, 6, undefined])
  })

  test('keeps the objects that anyone may see', async () => {
    const roots = ['18446744073709551615', '7']
    const call = { params: { dataset: 'fish' }, body: { namespace: 'chunks', name: 'fish', roots } }
    assert.deepEqual(await well('root', 'addPublicRoots', call), { added: 2 })
    assert.deepEqual(await well('root', 'addPublicRoots', call), { added: 0 })
    const listed = await well<Page<{ root: string }>>('root', 'listPublicRoots', { params: { dataset: 'fish' } })
    assert.deepEqual(new Set(listed.items.map(({ root }) => root)), new Set(roots))
    assert.equal(await refused('root', 'addPublicRoots', { ...call, params: { dataset: 'mouse' } }), 'ERR_NOT_FOUND')
    assert.deepEqual(await well('root', 'removePublicRoots', call), { removed: 2 })
  })

  test('grants and ends', async () => {
    const add = (username: string, body: object) => well<{ id: number }>(username, 'addGrant', { body })
    await add('root', { subject: `account:${ids.dana}`, dataset: 'fish', level: 'admin' })
    await add('root', { subject: `account:${ids.mira}`, dataset: 'mouse', level: 'admin' })
    const conditions = {
      until: '2099-01-01T00:00:00.000Z',
      facts: [{ claim: 'orcid', via: 'email', trust: 'asserted', withinDays: 30 }],
    }
    const one = await add('dana', {
      subject: 'name:email:bo@example.org',
      dataset: 'zebrafish',
      level: 'view',
      conditions,
      why: 'A guest',
    })
    const read = await well<{ conditions: unknown; dataset: string }>('dana', 'getGrant', { params: { grant: one.id } })
    assert.deepEqual([read.conditions, read.dataset], [conditions, 'fish'])
    const listed = await well<Page<{ id: number }>>('dana', 'listGrants', {
      query: { subject: 'name:email:bo@example.org' },
    })
    assert.deepEqual(
      listed.items.map(({ id }) => id),
      [one.id],
    )
    const guest = { subject: 'name:email:bo@example.org', dataset: 'fish', level: 'view', conditions }
    const [again, twice] = await Promise.all([add('dana', guest), add('dana', guest)])
    assert.deepEqual([again.id, twice.id], [one.id, one.id])
    await well('dana', 'endGrant', { params: { grant: one.id } })
    assert.equal(await refused('dana', 'endGrant', { params: { grant: one.id } }), 'ERR_NOT_FOUND')
    const wrong = { subject: 'everybody', dataset: 'fish', level: 'view' }
    assert.equal(await refused('dana', 'addGrant', { body: wrong }), 'ERR_INPUT')
  })

  test('keeps groups', async () => {
    const group = { group: 'imaging' }
    await well('root', 'createGroup', { body: { slug: 'imaging', title: 'Imaging' } })
    await well('root', 'createGroup', { body: { slug: 'secret-group', title: 'Others' } })
    await well('root', 'changeGroup', { params: group, body: { description: 'Microscopes' } })
    await well('root', 'addManager', { params: { ...group, account: 'lead' } })
    for (let times = 0; times < 2; times++) await well('lead', 'addMember', { params: { ...group, account: 'sam' } })
    const members = await well<Page<{ account: { username: string; email?: string } }>>('lead', 'listMembers', {
      params: group,
    })
    assert.deepEqual(
      members.items.map(({ account }) => account.username),
      ['sam'],
    )
    const found = await well<{ managers: string[]; memberCount: number }>('lead', 'getGroup', { params: group })
    assert.deepEqual([found.managers, found.memberCount], [[ids.lead], 1])
    assert.equal((await well<Page<unknown>>('lead', 'listGroups')).total, 1)
    assert.equal(await refused('lead', 'addManager', { params: { ...group, account: 'sam' } }), 'ERR_FORBIDDEN')
    await well('lead', 'removeMember', { params: { ...group, account: 'sam' } })
    assert.equal(await refused('lead', 'removeMember', { params: { ...group, account: 'sam' } }), 'ERR_NOT_FOUND')
    await well('root', 'addManager', { params: { ...group, account: 'sam' } })
    await well('root', 'removeManager', { params: { ...group, account: 'sam' } })
    await well('root', 'createGroup', { body: { slug: 'short', title: 'Short-lived' } })
    await well('root', 'deleteGroup', { params: { group: 'short' } })
  })

  test('keeps terms of use, their texts and invitations', async () => {
    const markdown = '# Be fair\n\nCite us.'
    await well('dana', 'addTerms', { body: { id: 'fair-use', title: 'Fair use', dataset: 'fish', markdown } })
    // They are asked of everybody who holds something on the dataset, of its admins too.
    await accept('dana', 'fair-use')
    await well('root', 'addTerms', { body: { id: 'site-terms', title: 'Of the site', markdown, services: ['web'] } })
    const terms = { terms: 'fair-use' }
    await well('dana', 'changeTerms', { params: terms, body: { title: 'Fair use of fish' } })
    await well('dana', 'publishTerms', { params: terms, body: { markdown: '# Be fairer', again: 'accept' } })
    await accept('dana', 'fair-use')
    const read = await well<{ terms: { requiredNumber: number }; texts: { number: number }[] }>('dana', 'getTerms', {
      params: terms,
    })
    assert.deepEqual([read.terms.requiredNumber, read.texts.map(({ number }) => number)], [2, [2, 1]])
    assert.equal((await well<Page<unknown>>('dana', 'listTerms')).total, 1)
    const made = await well<{ url: string; invitation: { id: string } }>('dana', 'addInvitation', {
      params: terms,
      body: { level: 'view', seats: 3 },
    })
    assert.match(made.url, /^http:\/\/localhost:\d+\/terms\/invited\/[\w-]{20,}$/)
    await well('dana', 'listInvitations', { params: terms })
    const invitation = { ...terms, invitation: made.invitation.id }
    await well('dana', 'endInvitation', { params: invitation })
    assert.equal(await refused('dana', 'endInvitation', { params: invitation }), 'ERR_NOT_FOUND')
    await accept('plain', 'fair-use', '192.0.2.7')
    const seen = await well<Page<{ account: string; address?: string }>>('dana', 'listAcceptances', { params: terms })
    assert.deepEqual(
      new Set(seen.items.map(({ account, address }) => [account, address].join())),
      new Set([`${ids.plain},`, `${ids.dana},`]),
    )
    const whole = await well<Page<{ address?: string }>>('root', 'listAcceptances', { params: terms })
    assert.ok(whole.items.some(({ address }) => address === '192.0.2.7'))
  })

  test('decides requests', async () => {
    const { get } = site.labgate.rooms
    const actor = { kind: 'account', account: ids.plain ?? '' } as const
    await get('ledger').requests.ask(actor, { dataset: 'mouse', level: 'view', why: 'For my thesis' })
    assert.deepEqual((await well<Page<unknown>>('dana', 'listRequests')).items, [])
    const open = await well<Page<{ id: number }>>('mira', 'listRequests', { query: { state: 'open' } })
    const request = open.items[0]?.id ?? 0
    const body = { grant: 'yes', until: '2099-01-01T00:00:00Z', note: 'Welcome' }
    assert.equal(await refused('dana', 'decideRequest', { params: { request }, body }), 'ERR_NOT_FOUND')
    const decided = await well<{ state: string }>('mira', 'decideRequest', { params: { request }, body })
    assert.equal(decided.state, 'granted')
    assert.equal(await refused('mira', 'decideRequest', { params: { request }, body }), 'ERR_CONFLICT')
  })

  test('keeps service accounts and their tokens; a value is shown once', async () => {
    const made = await well<{ id: string; parent?: string }>('root', 'createServiceAccount', {
      body: { username: 'robot', displayName: 'The robot', parent: 'dana' },
    })
    assert.equal(made.parent, ids.dana)
    const params = { serviceAccount: 'robot' }
    await well('root', 'changeServiceAccount', { params, body: { description: 'Copies data', parent: null } })
    await well('root', 'changeServiceAccount', { params, body: { parent: 'dana' } })
    await well('dana', 'getServiceAccount', { params })
    assert.equal((await well<Page<unknown>>('dana', 'listServiceAccounts')).total, 1)
    assert.equal((await well<Page<unknown>>('mira', 'listServiceAccounts')).total, 0)
    assert.equal(await refused('mira', 'getServiceAccount', { params }), 'ERR_NOT_FOUND')
    // The config does not let people have programs of their own.
    for (const body of [{ description: 'Mine' }, { parent: null }, { parent: 'mira' }, { state: 'deactivated' }])
      assert.equal(await refused('dana', 'changeServiceAccount', { params, body }), 'ERR_FORBIDDEN')
    const body = { account: 'robot', name: 'nightly', scopes: ['admin'], expiresAt: 'never' }
    const { value, token } = await well<{ value: string; token: { id: string; expiresAt?: string } }>(
      'dana',
      'createToken',
      { body },
    )
    assert.match(value, /^lgs_/)
    assert.equal(token.expiresAt, undefined)
    const read = await well<{ state: string }>('dana', 'getToken', { params: { token: token.id } })
    assert.equal(read.state, 'active')
    const listed = await well<Page<{ name: string }>>('dana', 'listTokens', { query: { account: 'robot' } })
    assert.doesNotMatch(JSON.stringify([read, listed]), new RegExp(value.slice(10)))
    await well('dana', 'revokeToken', { params: { token: token.id } })
    assert.equal(await refused('dana', 'revokeToken', { params: { token: token.id } }), 'ERR_NOT_FOUND')
    const own = { account: 'dana', name: 'mine', scopes: ['admin'] }
    await well('dana', 'createToken', { body: own })
    assert.equal(await refused('root', 'createToken', { body: own }), 'ERR_FORBIDDEN')
  })

  test('makes no token for its own account that outlives the token it was called with, or may do more', async () => {
    const end = new Date(Math.floor(Date.now() / 1000) * 1000 + 3_600_000)
    const later = new Date(end.getTime() + 60_000).toISOString()
    const robot = (await well<{ id: string }>('root', 'getServiceAccount', { params: { serviceAccount: 'robot' } })).id
    const { value } = await well<{ value: string }>('root', 'createToken', {
      body: { account: robot, name: 'short', scopes: ['admin'], expiresAt: end.toISOString() },
    })
    await well('root', 'changeAccount', { params: { account: robot }, body: { role: 'admin' } })
    for (const [account, token] of [
      [ids.root ?? '', await tokenOf(ids.root ?? '', ['admin'], end)],
      [robot, value],
    ] as const) {
      const make = (body: object) =>
        api.call('createToken', { token, body: { account, name: 'child', scopes: ['admin'], ...body } })
      const usual = await make({})
      assert.equal(
        (usual.body as { token: { expiresAt: string } }).token.expiresAt,
        end.toISOString(),
        'the usual life',
      )
      assert.equal((await make({ expiresAt: end.toISOString() })).status, 201)
      assert.deepEqual(
        [(await make({ expiresAt: later })).code, (await make({ expiresAt: 'never' })).code].toSorted(),
        ['ERR_FORBIDDEN', account === robot ? 'ERR_FORBIDDEN' : 'ERR_INPUT'],
      )
      assert.equal((await make({ scopes: ['admin', 'probe'] })).code, 'ERR_FORBIDDEN')
    }
    await well('root', 'changeAccount', { params: { account: robot }, body: { role: 'user' } })
  })

  test('lists ways to sign in with what each says, and takes them away', async () => {
    const agent = browser()
    await signInByEmail(site, agent, { at: new URL('/account', site.issuer), email: 'lin@example.org' })
    const params = { account: 'lin' }
    type Way = { id: string; instance: string; facts: { claim: string; value: unknown; trust: string }[] }
    const ways = async () => (await well<Page<Way>>('root', 'listIdentities', { params })).items
    const [way] = await ways()
    assert.equal(way?.instance, 'email')
    assert.deepEqual(
      way?.facts.find(({ claim }) => claim === 'email'),
      { claim: 'email', value: 'lin@example.org', trust: 'verified' },
    )
    const unlink = { params: { ...params, identity: way?.id ?? '' } }
    for (const [id, call] of [
      ['listIdentities', { params }],
      ['unlinkIdentity', unlink],
    ] as const)
      assert.equal(await refused('dana', id, call), 'ERR_FORBIDDEN')
    assert.equal(await refused('root', 'unlinkIdentity', unlink), 'ERR_CONFLICT', 'the last way of an active account')
    const another = { params: { account: 'mira', identity: way?.id ?? '' } }
    assert.equal(await refused('root', 'unlinkIdentity', another), 'ERR_NOT_FOUND')
    await well('root', 'changeAccount', { params, body: { state: 'deactivated' } })
    await well('root', 'unlinkIdentity', unlink)
    assert.deepEqual(await ways(), [])
    const trail = await well<Page<{ type: string; actor?: string }>>('root', 'listAudit', { query: { account: 'lin' } })
    assert.ok(trail.items.some(({ type, actor }) => type === 'identity.unlinked' && actor === ids.root))
  })

  test('looks after accounts and their sessions; the last admin stays', async () => {
    const agent = browser()
    await signInByEmail(site, agent, { at: new URL('/account', site.issuer), email: 'kim@example.org' })
    const found = await well<Page<{ id: string; username: string }>>('root', 'listAccounts', {
      query: { search: 'kim' },
    })
    const account = found.items[0]?.id ?? ''
    const sessions = () => well<Page<{ handle: string }>>('root', 'listSessions', { params: { account } })
    const [session] = (await sessions()).items
    await well('root', 'endSession', { params: { account, session: session?.handle ?? '' } })
    assert.deepEqual((await sessions()).items, [])
    await well('root', 'endSessions', { params: { account } })
    await well('root', 'signOut', { params: { account } })
    await well('root', 'getAccount', { params: { account } })
    const change = (body: object) =>
      well<{ role: string; state: string }>('root', 'changeAccount', { params: { account }, body })
    assert.equal((await change({ role: 'manager' })).role, 'manager')
    assert.equal((await change({ state: 'deactivated' })).state, 'deactivated')
    assert.equal((await change({ state: 'active' })).state, 'active')
    for (const body of [{ role: 'user' }, { state: 'deactivated' }])
      assert.equal(await refused('root', 'changeAccount', { params: { account: 'root' }, body }), 'ERR_CONFLICT')
    const trail = await well<Page<{ type: string; actor?: string }>>('root', 'listAudit', { query: { account } })
    const done = trail.items.filter(({ actor }) => actor === ids.root).map(({ type }) => type)
    assert.deepEqual(done, [
      'account.activated',
      'account.deactivated',
      'account.role-changed',
      'sign-out.everywhere',
      'session.revoked',
      'session.revoked',
    ])
  })

  test('invites people by mail, and decides on those who wait', async () => {
    interface Invitation {
      readonly id: string
      readonly email: string
      readonly state: string
    }
    const invite = (username: string, body: object) =>
      well<{ invitation: Invitation; mailed: boolean }>(username, 'invitePerson', { body })
    const made = await invite('root', { email: 'New@Example.org', role: 'manager', groups: ['imaging'], note: 'Hello' })
    assert.deepEqual([made.mailed, made.invitation.email, made.invitation.state], [true, 'new@example.org', 'open'])
    assert.doesNotMatch(JSON.stringify(made), /invited\//)
    const params = { invitation: made.invitation.id }
    assert.equal((await well<Invitation>('root', 'getAccountInvitation', { params })).state, 'open')
    await well('root', 'resendAccountInvitation', { params, body: { days: 3 } })
    // A manager of a group sees and invites within it, and learns nothing of what others did.
    const own = await invite('lead', { email: 'guest@example.org', groups: ['imaging'] })
    const listed = await well<Page<Invitation>>('lead', 'listAccountInvitations')
    assert.deepEqual(
      listed.items.map(({ id }) => id),
      [own.invitation.id],
    )
    assert.equal(
      (await well<Page<Invitation>>('root', 'listAccountInvitations', { query: { state: 'open' } })).total,
      2,
    )
    const body = { email: 'guest@example.org' }
    for (const more of [{}, { groups: ['secret-group'] }, { groups: ['none'] }, { groups: ['imaging'], role: 'admin' }])
      assert.equal(await refused('lead', 'invitePerson', { body: { ...body, ...more } }), 'ERR_FORBIDDEN')
    for (const id of ['getAccountInvitation', 'endAccountInvitation'])
      assert.equal(await refused('lead', id, { params }), 'ERR_NOT_FOUND')
    assert.equal(await refused('lead', 'resendAccountInvitation', { params, body: {} }), 'ERR_NOT_FOUND')
    assert.equal(await refused('root', 'invitePerson', { body: { email: 'a@x.org, b@x.org' } }), 'ERR_INPUT')
    assert.equal(await refused('root', 'invitePerson', { body: { ...body, groups: ['none'] } }), 'ERR_NOT_FOUND')
    await well('root', 'endAccountInvitation', { params })
    assert.equal(await refused('root', 'endAccountInvitation', { params }), 'ERR_NOT_FOUND')
    assert.equal(await refused('root', 'resendAccountInvitation', { params, body: {} }), 'ERR_CONFLICT')

    const { get } = site.labgate.rooms
    for (const [username, approve] of [
      ['wanda', 'yes'],
      ['willi', 'no'],
    ] as const) {
      const id = await make(username)
      await get('accounts').setState(id, 'pending')
      const account = { params: { account: username }, body: { approve, note: 'So it is' } }
      const queue = await well<Page<{ account: { username: string } }>>('root', 'listWaiting')
      assert.deepEqual(
        queue.items.map(({ account }) => account.username),
        [username],
      )
      for (const id of ['listWaiting', 'decideWaiting'])
        assert.equal(await refused('lead', id, id === 'listWaiting' ? {} : account), 'ERR_FORBIDDEN')
      const decided = await well<{ state: string }>('root', 'decideWaiting', account)
      assert.equal(decided.state, approve === 'yes' ? 'active' : 'deactivated')
      assert.equal(await refused('root', 'decideWaiting', account), 'ERR_CONFLICT')
    }
  })

  test('explains answers, and refusals by their code', async () => {
    interface Explained {
      readonly allowed: boolean
      readonly missing?: { step: string }
      readonly words: string[]
      readonly wire?: { instance: string; answer: unknown }[]
    }
    const explain = (username: string, body: object) => well<Explained>(username, 'explain', { body })
    const yes = await explain('root', { account: 'mira', dataset: 'mouse', verb: 'admin' })
    assert.equal(yes.allowed, true)
    assert.equal(yes.wire?.[0]?.instance, 'probe')
    const no = await explain('dana', { account: 'sam', dataset: 'fish', verb: 'view' })
    assert.equal(no.allowed, false)
    assert.equal(no.wire, undefined)
    assert.equal((await explain('dana', { account: null, dataset: 'zebrafish', verb: 'view' })).allowed, false)
    assert.equal(
      (await explain('root', { account: 'nobody-here', dataset: 'fish', verb: 'view' })).missing?.step,
      'account',
    )
    const others = { account: 'sam', dataset: 'mouse', verb: 'view' }
    assert.equal(await refused('dana', 'explain', { body: others }), 'ERR_NOT_FOUND')
    const requestId = 'AbCdEfGhIjKl_-01'
    const detail = { dataset: 'fish', verb: 'view' }
    await site.labgate.rooms.get('audit')({
      type: 'access.refused',
      account: ids.sam,
      address: '192.0.2.9',
      requestId,
      detail,
    })
    const told = await well<{ event: { address?: string }; explanation: Explained }>('dana', 'explainEvent', {
      params: { requestId },
    })
    assert.deepEqual([told.event.address, told.explanation.allowed], [undefined, false])
    assert.equal(await refused('mira', 'explainEvent', { params: { requestId } }), 'ERR_NOT_FOUND')
    await well('root', 'explainEvent', { params: { requestId } })
    assert.equal(await refused('root', 'explainEvent', { params: { requestId: 'unknown' } }), 'ERR_NOT_FOUND')
  })

  test('retires terms', async () => {
    await well('dana', 'retireTerms', { params: { terms: 'fair-use' } })
    assert.equal(await refused('dana', 'retireTerms', { params: { terms: 'fair-use' } }), 'ERR_NOT_FOUND')
  })

  test('shows each only what they look after, in lists, searches, explanations and by name (S26)', async () => {
    const slugs = async (username: string) =>
      (await well<Page<{ slug: string }>>(username, 'listDatasets')).items.map(({ slug }) => slug)
    assert.deepEqual([await slugs('dana'), await slugs('mira'), await slugs('lead')], [['fish'], ['mouse'], []])
    const search = await well<Page<unknown>>('dana', 'listDatasets', { query: { search: 'mouse' } })
    assert.deepEqual([search.items, search.total], [[], 0])
    const grants = await well<Page<{ id: number; dataset: string }>>('root', 'listGrants', { query: { state: 'all' } })
    const mouse = grants.items.find(({ dataset }) => dataset === 'mouse')?.id ?? 0
    const own = await well<Page<{ dataset: string }>>('dana', 'listGrants', {
      query: { state: 'all', search: 'mouse' },
    })
    assert.deepEqual(own.items, [])
    const token = (await well<Page<{ id: string; account: string }>>('root', 'listTokens')).items.find(
      ({ account }) => account === ids.mira,
    )
    const hidden: [string, ApiCall][] = [
      ['getDataset', { params: { dataset: 'mouse' } }],
      ['changeDataset', { params: { dataset: 'mouse' }, body: { title: 'Mine' } }],
      ['deleteDataset', { params: { dataset: 'mouse' } }],
      ['listPublicRoots', { params: { dataset: 'mouse' } }],
      ['listGrants', { query: { dataset: 'mouse' } }],
      ['getGrant', { params: { grant: mouse } }],
      ['endGrant', { params: { grant: mouse } }],
      ['addGrant', { body: { subject: 'anyone', dataset: 'mouse', level: 'view' } }],
      ['getTerms', { params: { terms: 'site-terms' } }],
      ['publishTerms', { params: { terms: 'site-terms' }, body: { markdown: 'x', again: 'keep' } }],
      ['listAcceptances', { params: { terms: 'site-terms' } }],
      ['addInvitation', { params: { terms: 'site-terms' }, body: {} }],
      ['getGroup', { params: { group: 'secret-group' } }],
      ['listMembers', { params: { group: 'secret-group' } }],
      ['addMember', { params: { group: 'secret-group', account: 'dana' } }],
      ['listTokens', { query: { account: 'mira' } }],
      ['getToken', { params: { token: token?.id ?? '' } }],
      ['revokeToken', { params: { token: token?.id ?? '' } }],
    ]
    for (const [id, call] of hidden) assert.equal(await refused('dana', id, call), 'ERR_NOT_FOUND', id)
    const forbidden: [string, ApiCall][] = [
      ['createDataset', { body: { slug: 'mine', title: 'Mine' } }],
      ['deleteDataset', { params: { dataset: 'fish' } }],
      ['addGrant', { body: { subject: `account:${ids.sam}`, dataset: 'fish', level: 'admin' } }],
      ['addTerms', { body: { id: 'all', title: 'For all', markdown: 'x' } }],
      ['createGroup', { body: { slug: 'mine', title: 'Mine' } }],
      ['createServiceAccount', { body: { username: 'mine', displayName: 'Mine' } }],
      ['listAccounts', {}],
      ['getAccount', { params: { account: 'mira' } }],
      ['changeAccount', { params: { account: 'dana' }, body: { role: 'admin' } }],
      ['listSessions', { params: { account: 'mira' } }],
      ['signOut', { params: { account: 'mira' } }],
    ]
    for (const [id, call] of forbidden) assert.equal(await refused('dana', id, call), 'ERR_FORBIDDEN', id)
    assert.equal((await api.call('getDataset', as('root', { params: { dataset: 'mouse' } }))).status, 200)
  })

  test('the steering committee names admins of datasets, and sees them alone', async () => {
    await make('stella')
    await well('root', 'createGroup', { body: { slug: 'sc', title: 'Steering committee' } })
    await well('root', 'addMember', { params: { group: 'sc', account: 'stella' } })
    const { total } = await well<Page<unknown>>('stella', 'listDatasets')
    assert.equal(total, 2)
    const body = { subject: 'account:sam', dataset: 'mouse', level: 'admin' }
    const { id } = await well<{ id: number }>('stella', 'addGrant', { body })
    assert.equal(await refused('stella', 'addGrant', { body: { ...body, level: 'view' } }), 'ERR_FORBIDDEN')
    await well('stella', 'endGrant', { params: { grant: id } })
    const { items } = await well<Page<{ id: number; level?: string }>>('stella', 'listGrants', {
      query: { state: 'all' },
    })
    assert.deepEqual([...new Set(items.map(({ level }) => level))], ['admin'])
    const all = await well<Page<{ id: number; level?: string }>>('root', 'listGrants', { query: { state: 'all' } })
    const lower = all.items.find(({ level }) => level === 'view')
    assert.equal(await refused('stella', 'getGrant', { params: { grant: lower?.id ?? 0 } }), 'ERR_NOT_FOUND')
    assert.deepEqual((await well<Page<unknown>>('stella', 'listRequests')).items, [])
    assert.deepEqual((await well<Page<unknown>>('stella', 'listTerms')).items, [])
  })

  test('a team lead grants within the team, and sees that alone', async () => {
    const lead = { subject: 'account:lead', dataset: 'mouse', level: 'manage' }
    await well('mira', 'addGrant', { body: lead })
    const body = { subject: 'account:sam', dataset: 'mouse', level: 'edit', conditions: { withinGroup: 'imaging' } }
    const { id } = await well<{ id: number }>('lead', 'addGrant', { body })
    const { items } = await well<Page<{ id: number }>>('lead', 'listGrants', { query: { state: 'all' } })
    assert.deepEqual(
      items.map((one) => one.id),
      [id],
    )
    for (const wrong of [
      { conditions: {} },
      { conditions: { withinGroup: 'secret-group' } },
      { level: 'admin' },
      { subject: 'anyone' },
    ])
      assert.equal(
        await refused('lead', 'addGrant', { body: { ...body, ...wrong } }),
        'ERR_FORBIDDEN',
        JSON.stringify(wrong),
      )
    await well('lead', 'endGrant', { params: { grant: id } })
  })

  test('what the config keeps is not changed here', async () => {
    const { get } = site.labgate.rooms
    const config = { kind: 'system', name: 'config' } as const
    await get('ledger').datasets.create(config, { slug: 'kept', title: 'Kept' })
    const { id } = await get('ledger').grants.add(config, {
      subject: { kind: 'signed-in' },
      dataset: 'kept',
      level: 'view',
    })
    const params = { dataset: 'kept' }
    assert.equal(await refused('root', 'changeDataset', { params, body: { title: 'Mine' } }), 'ERR_CONFLICT')
    assert.equal(await refused('root', 'deleteDataset', { params }), 'ERR_CONFLICT')
    assert.equal(await refused('root', 'endGrant', { params: { grant: id } }), 'ERR_CONFLICT')
  })

  test('shows of the audit trail what is the business of the caller, without network addresses (S26)', async () => {
    const lines = async (username: string) =>
      (await well<Page<{ type: string; address?: string; detail?: Record<string, unknown> }>>(username, 'listAudit'))
        .items
    const dana = await lines('dana')
    assert.ok(dana.length > 5)
    for (const { address, detail, type } of dana) {
      assert.equal(address, undefined)
      assert.ok(detail?.dataset === 'fish' || detail?.terms === 'fair-use', `${type} ${JSON.stringify(detail)}`)
    }
    const lead = await lines('lead')
    assert.ok(lead.length > 2)
    for (const { detail } of lead) assert.equal(detail?.group, 'imaging')
    const first = await well<Page<{ id: number }>>('dana', 'listAudit', { query: { limit: 2 } })
    const second = await well<Page<{ id: number }>>('dana', 'listAudit', {
      query: { limit: 2, after: first.next ?? '' },
    })
    assert.ok((second.items[0]?.id ?? 0) < (first.items[1]?.id ?? 0))
    assert.ok((await lines('root')).some(({ address }) => address !== undefined))
  })

  test('streams what an account has stored, to itself and to site admins, one at a time, and writes it down', async () => {
    const folderOf = async (username: string) => {
      const account = await site.labgate.rooms.get('accounts').find(ids[username] ?? '')
      const folder = join(running, 'people', `u${account?.numericId}`)
      await mkdir(folder, { recursive: true })
      await writeFile(join(folder, 'notes.txt'), `of ${username} alone`)
    }
    for (const username of ['plain', 'lead', 'root']) await folderOf(username)
    const group = { slug: 'archivists', title: 'Archivists' }
    await well('root', 'createGroup', { body: group })
    await well('root', 'addManager', { params: { group: group.slug, account: 'lead' } })
    const of = (account: string, profile = 'notebook') => ({ params: { account, profile } })
    assert.match(await well<string>('root', 'getWorkspaceStorage', of('plain')), /notes\.txt.*of plain alone/s)
    assert.match(await well<string>('lead', 'getWorkspaceStorage', of('lead')), /of lead alone/)
    for (const account of ['plain', 'root', 'nobody'])
      assert.equal(await refused('lead', 'getWorkspaceStorage', of(account)), 'ERR_FORBIDDEN', account)
    assert.equal(await refused('root', 'getWorkspaceStorage', of('nobody')), 'ERR_NOT_FOUND')
    assert.equal(await refused('root', 'getWorkspaceStorage', of('plain', 'none')), 'ERR_NOT_FOUND')
    const rows = await site.labgate.rooms.get('storage').audit.list({ type: 'workspace.archived', limit: 10 })
    assert.deepEqual(
      rows.map(({ actor, account }) => [actor, account]).toSorted(),
      [
        [ids.lead, ids.lead],
        [ids.root, ids.plain],
      ].toSorted(),
    )
    const address = new URL(`/api/admin/v1/accounts/plain/workspace-storage/notebook`, site.issuer)
    const authorization = `Bearer ${tokens.root}`
    const faults = join(running, 'faults')
    await mkdir(faults, { recursive: true })
    await writeFile(join(faults, 'hold-archive'), '')
    const slow = await fetch(address, { headers: { authorization } })
    // The first part is here while the place still reads: nothing is gathered.
    assert.equal(slow.headers.get('content-disposition'), 'attachment; filename="storage-notebook.tar"')
    assert.equal(await refused('root', 'getWorkspaceStorage', of('plain')), 'ERR_RATE')
    const head = await fetch(address, { method: 'HEAD', headers: { authorization } })
    assert.deepEqual([head.status, head.headers.get('content-type')], [200, 'application/x-tar'])
    await writeFile(join(faults, 'archive'), '')
    await rm(join(faults, 'hold-archive'))
    await assert.rejects(slow.text(), 'an archive that broke off looks whole')
    await rm(join(faults, 'archive'))
    assert.match(await well<string>('root', 'getWorkspaceStorage', of('plain')), /of plain alone/)
    await well('root', 'deleteGroup', { params: { group: group.slug } })
  })

  test('lists the codes of errors', async () => {
    const { items } = await api.well<Page<{ code: string }>>('listProblems')
    assert.ok(items.some(({ code }) => code === 'ERR_MEDIA_TYPE'))
  })

  test('previews, merges, exports and erases, and tells the history', async () => {
    for (const username of ['twin', 'keeper']) await make(username)
    await well('root', 'addGrant', { body: { subject: `account:${ids.twin}`, dataset: 'fish', level: 'view' } })
    const preview = { params: { account: 'twin' }, query: { into: 'keeper' } }
    const seen = await well<{ moves: { grants: { dataset: string }[] }; refused?: string }>(
      'root',
      'previewMerge',
      preview,
    )
    assert.deepEqual([seen.moves.grants[0]?.dataset, seen.refused], ['fish', undefined])
    assert.equal(await refused('dana', 'previewMerge', preview), 'ERR_FORBIDDEN')
    assert.equal(await refused('root', 'previewMerge', { params: { account: 'twin' } }), 'ERR_INPUT')
    const merge = { params: { account: 'twin' }, body: { into: 'keeper' } }
    assert.equal(await refused('dana', 'mergeAccount', merge), 'ERR_FORBIDDEN')
    await well('root', 'mergeAccount', merge)
    const back = { params: { account: 'keeper' }, body: { into: 'twin' } }
    assert.equal(await refused('root', 'mergeAccount', back), 'ERR_CONFLICT')
    const keeper = { params: { account: 'keeper' } }
    assert.equal(await refused('dana', 'exportAccount', keeper), 'ERR_FORBIDDEN')
    const all = await well<{ merged: { username: string }[] }>('root', 'exportAccount', keeper)
    assert.deepEqual(
      all.merged.map(({ username }) => username),
      ['twin'],
    )
    const { items } = await well<Page<{ type: string }>>('root', 'listHistory', keeper)
    assert.ok(items.some(({ type }) => type === 'account.merged'))
    assert.equal(await refused('dana', 'listHistory', keeper), 'ERR_FORBIDDEN')
    const erase = (username: string) => ({ ...keeper, body: { username } })
    assert.equal(await refused('dana', 'eraseAccount', erase('keeper')), 'ERR_FORBIDDEN')
    assert.equal(await refused('root', 'eraseAccount', erase('twin')), 'ERR_CONFLICT')
    const erased = await well<{ account: string; merged: string[] }>('root', 'eraseAccount', erase('keeper'))
    assert.deepEqual([erased.account, erased.merged], [ids.keeper, [ids.twin]])
    assert.equal(await refused('root', 'getAccount', keeper), 'ERR_NOT_FOUND')
  })

  test('managers of people, names and addresses are site admins’ to change', async () => {
    const params = { account: 'plain' }
    const named = { managers: ['mira', ids.lead ?? ''] }
    assert.equal(await refused('dana', 'setManagers', { params, body: named }), 'ERR_FORBIDDEN')
    assert.equal(await refused('dana', 'getManagers', { params }), 'ERR_FORBIDDEN')
    const set = await well<{ managers: { username: string }[]; managed: unknown[] }>('root', 'setManagers', {
      params,
      body: named,
    })
    assert.deepEqual(set.managers.map(({ username }) => username).toSorted(), ['lead', 'mira'])
    const circle = { params: { account: 'mira' }, body: { managers: ['plain'] } }
    assert.equal(await refused('root', 'setManagers', circle), 'ERR_INPUT')
    const above = await well<{ managed: { username: string }[] }>('root', 'getManagers', {
      params: { account: 'mira' },
    })
    assert.deepEqual(
      above.managed.map(({ username }) => username),
      ['plain'],
    )
    await well('root', 'setManagers', { params, body: { managers: [] } })
    const change = (body: Record<string, unknown>) => ({ params, body })
    const renamed = await well<{ displayName: string }>('root', 'changeAccount', change({ displayName: 'Plain P.' }))
    assert.equal(renamed.displayName, 'Plain P.')
    assert.equal(await refused('root', 'changeAccount', change({ email: 'other@example.org' })), 'ERR_INPUT')
    const empty = await well<{ email?: string }>('root', 'changeAccount', change({ email: '' }))
    assert.equal(empty.email, undefined)
    assert.equal(await refused('dana', 'changeAccount', change({ displayName: 'Dana' })), 'ERR_FORBIDDEN')
  })

  test('keeps relying parties, as the config file would have them, and lets others register', async () => {
    const settings = {
      name: 'Wiki',
      redirectUris: ['https://wiki.example.org/callback'],
      scopes: ['openid'],
      dpop: true,
    }
    const add = (body: object) => ({ body })
    const made = await well<{ id: string; secret: string }>('root', 'addClient', add({ id: 'wiki', settings }))
    assert.ok(made.secret.length > 30)
    assert.equal(await refused('root', 'addClient', add({ id: 'wiki', settings })), 'ERR_CONFLICT')
    for (const wrong of [
      { redirectUris: ['https://wiki.example.org/#x'] },
      { redirectUri: 'x' },
      { authMethod: 'private_key_jwt' },
    ])
      assert.equal(await refused('root', 'addClient', add({ id: 'odd', settings: wrong })), 'ERR_INPUT')
    assert.equal(await refused('dana', 'addClient', add({ id: 'odd', settings })), 'ERR_FORBIDDEN')
    const preset = { name: 'grafana', url: 'https://plots.example.org/' }
    const asked = add({ id: 'plots', preset, settings: { name: 'Plots', scopes: ['openid', 'groups'] } })
    const plots = await well<{ secret: string; recipe: { file: string; text: string } }>('root', 'addClient', asked)
    assert.equal(plots.recipe.file, 'grafana.ini')
    for (const said of [`client_secret = ${plots.secret}`, 'root_url = https://plots.example.org/', 'openid groups\n'])
      assert.ok(plots.recipe.text.includes(said), said)
    const { settings: ours } = await well<{ settings: Record<string, unknown> }>('root', 'getClient', {
      params: { client: 'plots' },
    })
    assert.deepEqual(ours.redirectUris, ['https://plots.example.org/login/generic_oauth'])
    for (const wrong of ['https://plots.example.org/?x', 'ftp://plots.example.org', 'plots'])
      assert.equal(
        await refused('root', 'addClient', add({ id: 'odd', preset: { ...preset, url: wrong } })),
        'ERR_INPUT',
        wrong,
      )
    for (const wrong of [{ ...preset, name: 'grafena' }, { name: 'grafana' }, { ...preset, name: 'webknossos' }])
      assert.equal(await refused('root', 'addClient', add({ id: 'odd', preset: wrong })), 'ERR_INPUT')
    const params = { client: 'wiki' }
    const found = await well<{ source: string; settings: { dpop: boolean } }>('root', 'getClient', { params })
    assert.deepEqual([found.source, found.settings.dpop], ['database', true])
    const { items } = await well<Page<{ id: string; settings: object }>>('root', 'listClients')
    assert.ok(items.some(({ id }) => id === 'web') && !JSON.stringify(items).includes('a-secret-of'))
    const renewed = await well<{ secret: string }>('root', 'renewClientSecret', { params })
    assert.notEqual(renewed.secret, made.secret)
    assert.equal(await refused('root', 'removeClient', { params: { client: 'web' } }), 'ERR_CONFLICT')
    await well('root', 'removeClient', { params })
    assert.equal(await refused('root', 'getClient', { params }), 'ERR_NOT_FOUND')
    const invited = await well<{ invitation: { id: string }; token: string }>('root', 'inviteClient', {
      body: { redirectHosts: ['app.example.org'], note: 'for a student' },
    })
    const listed = await well<Page<{ id: string }>>('root', 'listClientInvitations')
    assert.equal(listed.items[0]?.id, invited.invitation.id)
    assert.ok(!JSON.stringify(listed).includes(invited.token))
    const invitation = { params: { invitation: invited.invitation.id } }
    await well('root', 'endClientInvitation', invitation)
    assert.equal(await refused('root', 'endClientInvitation', invitation), 'ERR_NOT_FOUND')
  })

  test('takes back what somebody let a relying party see', async () => {
    const account = ids.plain ?? ''
    const consents = site.labgate.rooms.get('consents')
    await consents.remember(account, { client: 'third', scopes: ['openid', 'email'], claims: [] })
    const params = { account: 'plain' }
    const { items } = await well<Page<{ client: string }>>('root', 'listConsents', { params })
    assert.deepEqual(
      items.map(({ client }) => client),
      ['third'],
    )
    assert.equal(await refused('dana', 'listConsents', { params }), 'ERR_FORBIDDEN')
    await well('root', 'revokeConsent', { params: { ...params, client: 'third' } })
    assert.deepEqual(await consents.list(account), [])
    assert.equal(await refused('root', 'revokeConsent', { params: { ...params, client: 'third' } }), 'ERR_NOT_FOUND')
  })

  test('every operation of the document went well at least once', () => {
    const never = api.operations.map(({ operationId }) => operationId).filter((id) => !api.called.has(id))
    assert.deepEqual(never, [])
  })

  describe('refuses every operation', () => {
    const guarded = () => api.operations.filter(({ security }) => security?.length !== 0)
    const walk = async (call: ApiCall, expected: readonly [number, string, RegExp | undefined]) => {
      const [status, code, challenge] = expected
      for (const [index, { operationId, requestBody }] of guarded().entries()) {
        const body = requestBody === undefined ? {} : { body: { frozen: 'no' } }
        // A hundred failures in a minute are too many from one place.
        const from = call.from?.replace('127.0.', `127.${Math.floor(index / 90)}.`)
        const answer = await api.call(operationId, { ...body, ...call, ...(from === undefined ? {} : { from }) })
        assert.deepEqual([answer.status, answer.code], [status, code], operationId)
        if (challenge) assert.match(String(answer.headers['www-authenticate']), challenge, operationId)
      }
      assert.ok(guarded().length > 40)
    }

    test('without a token (GA4GH 4.2: guarded by default)', () =>
      walk({ from: '127.0.0.2' }, [401, 'ERR_UNAUTHENTICATED', /^Bearer$/]))

    test('with a cookie of an admin who is signed in', async () => {
      const agent = browser()
      const page = await signInByEmail(site, agent, { at: new URL('/account', site.issuer), email: 'boss@example.org' })
      assert.equal(page.url.pathname, '/account')
      const { items } = await well<Page<{ id: string }>>('root', 'listAccounts', { query: { search: 'boss' } })
      await well('root', 'changeAccount', { params: { account: items[0]?.id ?? '' }, body: { role: 'admin' } })
      const cookie = agent.cookieHeader(new URL(site.issuer))
      assert.match(cookie, /labgate_session/)
      await walk({ headers: { cookie }, from: '127.0.0.3' }, [401, 'ERR_UNAUTHENTICATED', undefined])
    })

    test('with a token in the query (GA4GH 4.2)', () =>
      walk({ query: { access_token: tokens.root ?? '', token: tokens.root ?? '' }, from: '127.0.0.4' }, [
        401,
        'ERR_UNAUTHENTICATED',
        undefined,
      ]))

    test('with a token of another scope', async () => {
      await walk({ token: await tokenOf(ids.root ?? '', ['probe']) }, [
        403,
        'ERR_FORBIDDEN',
        /insufficient_scope.*admin/,
      ])
    })

    test('with a token that was revoked', async () => {
      const { get } = site.labgate.rooms
      const { value, token } = await get('tokens').create(house, {
        account: ids.root ?? '',
        name: 'x',
        scopes: ['admin'],
      })
      await get('tokens').revoke(house, token.id)
      await walk({ token: value, from: '127.0.0.5' }, [401, 'ERR_UNAUTHENTICATED', /invalid_token/])
    })

    test('with a token that has expired', async () => {
      const value = await tokenOf(ids.root ?? '', ['admin'], new Date(Date.now() + 30))
      await new Promise((done) => setTimeout(done, 50))
      await walk({ token: value, from: '127.0.0.6' }, [401, 'ERR_UNAUTHENTICATED', /invalid_token/])
    })

    test('with a token of nobody', () =>
      walk({ token: 'lgp_nothing', from: '127.0.0.7' }, [401, 'ERR_UNAUTHENTICATED', /invalid_token/]))

    test('by somebody who looks after nothing', () => walk({ token: tokens.plain }, [403, 'ERR_FORBIDDEN', undefined]))

    test('by somebody who was shut out, or whose parent was', async () => {
      await make('gone', 'admin')
      const robot = await site.labgate.rooms.get('serviceAccounts').create(house, {
        username: 'orphan',
        displayName: 'Orphan',
        parent: ids.gone,
      })
      const robotToken = await tokenOf(robot.id, ['admin'])
      await well('root', 'changeAccount', { params: { account: 'gone' }, body: { state: 'deactivated' } })
      await walk({ token: tokens.gone, from: '127.0.0.8' }, [401, 'ERR_UNAUTHENTICATED', /invalid_token/])
      await walk({ token: robotToken, from: '127.0.0.9' }, [401, 'ERR_UNAUTHENTICATED', /invalid_token/])
    })

    test('to who tries too often, while tokens that count go on', async () => {
      const from = '127.0.0.10'
      const codes: (string | undefined)[] = []
      for (let tries = 0; tries < 101; tries++) codes.push((await api.call('getMe', { token: 'lgp_guess', from })).code)
      assert.deepEqual([codes[99], codes[100]], ['ERR_UNAUTHENTICATED', 'ERR_RATE'])
      const late = await api.call('getMe', { token: 'lgp_guess', from })
      assert.ok(Number(late.headers['retry-after']) > 0)
      assert.equal((await api.call('getMe', { token: tokens.root, from })).status, 200)
    })
  })

  describe('takes nothing but what the document says', () => {
    const create = (call: ApiCall) => api.call('createDataset', as('root', call))

    test('a body that is too large', async () => {
      const answer = await create({ body: { slug: 'big', title: 'x', description: 'x'.repeat(70_000) } })
      assert.deepEqual([answer.status, answer.code], [413, 'ERR_TOO_LARGE'])
    })

    test('another content type, compression, broken JSON', async () => {
      const raw = JSON.stringify({ slug: 'typed', title: 'x' })
      for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x'])
        assert.equal((await create({ raw, headers: { 'content-type': type } })).status, 415, type)
      assert.equal((await create({ raw, headers: { 'content-encoding': 'gzip' } })).status, 415)
      for (const broken of ['', '{', '[]', 'null', '"x"', '{"slug":"typed","title":"x","__proto__":{"admin":true}}'])
        assert.equal((await create({ raw: broken })).code, 'ERR_INPUT', broken)
    })

    test('a body that is nested without end', async () => {
      for (const raw of ['['.repeat(30_000), `${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`])
        assert.equal((await create({ raw })).code, 'ERR_INPUT')
    })

    test('keys and parameters that are not known', async () => {
      const answer = await create({ body: { slug: 'typed', title: 'x', source: 'config' } })
      assert.equal(answer.status, 400)
      assert.match(JSON.stringify(answer.body), /The body's `source` is not known here/)
      assert.equal(await refused('root', 'listDatasets', { query: { access_token: 'x' } }), 'ERR_INPUT')
    })

    test('a key that stands twice has one meaning', async () => {
      const made = await create({ raw: '{"slug":"one","title":"x","slug":"two"}' })
      assert.equal((made.body as { slug: string }).slug, 'two')
      assert.equal(await refused('root', 'getDataset', { params: { dataset: 'one' } }), 'ERR_NOT_FOUND')
    })

    test('NUL, control and turning characters, lone surrogates', async () => {
      for (const bad of ['a\u0000b', 'a\u001b[31m', 'a\u202eb', '\ud800', 'a\nb']) {
        assert.equal((await create({ body: { slug: 'typed', title: bad } })).code, 'ERR_INPUT', JSON.stringify(bad))
        if (bad.isWellFormed())
          for (const query of [{ search: bad }, { after: bad }])
            assert.ok((await api.call('listDatasets', as('root', { query }))).status < 500)
      }
      for (const dataset of ['a\u0000b', '../fish', '%', 'fish\n'])
        assert.ok(
          ['ERR_INPUT', 'ERR_NOT_FOUND'].includes((await refused('root', 'getDataset', { params: { dataset } })) ?? ''),
        )
      assert.equal(await refused('root', 'getGrant', { params: { grant: '99999999999999999999' } }), 'ERR_INPUT')
    })

    test('what no operation takes is answered as a problem, too', async () => {
      const nowhere = await send(new URL('/api/admin/v1/nowhere', site.issuer), 'GET', as('root'))
      assert.deepEqual([nowhere.status, nowhere.code], [404, 'ERR_NOT_FOUND'])
      const wrong = await send(new URL('/api/admin/v1/me', site.issuer), 'PUT', as('root'))
      assert.deepEqual([wrong.status, wrong.code], [405, 'ERR_METHOD'])
      const broken = await send(new URL('/api/admin/v1/datasets/%ff', site.issuer), 'GET', as('root'))
      assert.ok(['ERR_INPUT', 'ERR_NOT_FOUND'].includes(broken.code ?? ''))
      for (const { headers } of [nowhere, wrong, broken])
        assert.match(String(headers['content-type']), /^application\/problem\+json/)
    })

    test('and the log keeps no token', async () => {
      const { readFile } = await import('node:fs/promises')
      const log = await readFile(`${site.folder}/labgate.log`, 'utf8')
      assert.doesNotMatch(log, /lg[ps]_[A-Za-z0-9]{20,}/)
      assert.match(log, /\/api\/admin\/v1\/datasets/)
    })
  })
})
