import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { hasButton, movableClock, newBrowser, textOf, titleOf } from '../support/flow.ts'
import { signInByEmail, startLabgate, type TestLabgate } from '../support/labgate.ts'
import type { Page, UserAgent } from '../support/user-agent.ts'

const attack = `<script>alert(1)</script>"'><img src=x onerror=alert(1)>`
const command = { kind: 'system', name: 'labgate' } as const
const house = { kind: 'system', name: 'config' } as const
const formTo = (page: Page, action: RegExp) =>
  page.forms.find(({ method, action: to }) => method === 'POST' && action.test(to))
const noMarkup = (page: Page) => assert.doesNotMatch(page.text, /<script>alert|<img src=x|href="javascript:/)
/** What a page says, its own reference left out. */
const bare = (page: Page) => textOf(page).replace(/Reference.*/s, '')
const people = ['boss', 'second', 'keeper', 'lead', 'plain', 'chair', 'member']

describe('the console’s rooms for the ledger', () => {
  const clock = movableClock()
  let site: TestLabgate
  const rooms = () => site.labgate.rooms
  const ids: Record<string, string> = {}
  const agents: Record<string, UserAgent> = {}
  const idOf = (name: string) => ids[name] ?? assert.fail(name)
  const as = (name: string) => agents[name] ?? assert.fail(name)
  const open = (name: string, path: string) => as(name).open(`${site.issuer}/console${path}`)
  const fill = async (name: string, path: string, ask: { action: RegExp; fields?: Record<string, string> }) => {
    const page = await open(name, path)
    return as(name).submit(page, formTo(page, ask.action), ask.fields ?? {})
  }
  const ledger = () => rooms().get('ledger')
  const give = (name: string, dataset: string, level: 'view' | 'manage' | 'admin') =>
    ledger().grants.add(command, { subject: { kind: 'account', account: idOf(name) }, dataset, level })

  before(async () => {
    site = await startLabgate(
      { admins: ['email:boss@example.org', 'email:second@example.org'] },
      { replaced: { clock } },
    )
    for (const name of people) {
      const agent = newBrowser()
      await signInByEmail(site, agent, { at: `${site.issuer}/account`, email: `${name}@example.org` })
      agents[name] = agent
      ids[name] = (await rooms().get('accounts').findByVerifiedEmail(`${name}@example.org`))?.id ?? assert.fail(name)
    }
    const { datasets } = ledger()
    for (const slug of ['fish2', 'fly'])
      await datasets.create(command, {
        slug,
        title: `Brain of ${slug}`,
        versions: [{ version: 'v1' }],
        tables: [{ namespace: 'pcg', name: `${slug}_v1` }],
      })
    await datasets.create(house, { slug: 'of-config', title: 'Of the config' })
    await ledger().grants.add(house, { subject: { kind: 'signed-in' }, dataset: 'of-config', level: 'view' })
    await give('keeper', 'fish2', 'admin')
    await give('lead', 'fly', 'manage')
    const groups = rooms().get('groups')
    for (const slug of ['tracers', 'sc']) await groups.create(command, { slug, title: slug })
    await groups.setManager(command, 'tracers', { account: idOf('lead'), is: 'manager' })
    await groups.addMember(command, 'sc', idOf('chair'))
    await groups.addMember(command, 'tracers', idOf('member'))
  })
  after(() => site.stop())

  /**
   * Every route of the console, so that a later page is tried by itself. The sandbox is for everybody in a demo, as this
   * site is one, and changes nothing: `sandbox.test.ts` has its rules.
   */
  const routes = () =>
    site.labgate.app.routes
      .list()
      .filter(({ path }) => path.startsWith('/console') && !path.startsWith('/console/sandbox'))

  describe('who may come in', () => {
    test('who looks after nothing is refused on every page and every form', async () => {
      assert.ok(routes().length > 25, 'the route table was read')
      const csrf = (await as('plain').open(`${site.issuer}/account`)).forms[0]?.fields._csrf ?? ''
      for (const { method, path } of routes()) {
        // It shows nothing: it renews the sign-in and goes back.
        if (path === '/console/fresh') continue
        const at = `${site.issuer}${path.replaceAll(/:\w+/g, 'fish2')}`
        const page = method === 'GET' ? await as('plain').open(at) : await post(as('plain'), at, { _csrf: csrf })
        assert.equal(page.status, 403, `${method} ${path}: ${titleOf(page)}`)
        assert.doesNotMatch(page.text, /Brain of/, path)
      }
    })

    test('who is not signed in is sent to sign in, and no form is taken', async () => {
      for (const { method, path } of routes()) {
        const agent = newBrowser()
        const at = `${site.issuer}${path.replaceAll(/:\w+/g, 'fish2')}`
        const page = method === 'GET' ? await agent.open(at) : await post(agent, at, {})
        assert.equal(method === 'GET' ? titleOf(page) : page.status, method === 'GET' ? 'Sign in' : 401, path)
      }
    })

    test('an admin of one dataset sees nothing of another: not in lists, by search, by address or by asking why', async () => {
      const theirs = (await ledger().grants.list({ dataset: 'fly', limit: 1 })).rows[0]?.id ?? assert.fail()
      for (const path of [
        '',
        '/datasets',
        '/datasets?search=fly',
        '/grants',
        '/grants?search=fly',
        '/grants?dataset=fly&state=all',
        `/grants?subject=account:${idOf('lead')}`,
        '/requests?state=all&dataset=fly',
      ])
        assert.doesNotMatch(textOf(await open('keeper', path)), /Brain of fly|fly_v1/, path)
      for (const [there, absent] of [
        ['/datasets/fly', '/datasets/none'],
        ['/datasets/fly/roots', '/datasets/none/roots'],
        [`/grants/${theirs}`, '/grants/99999'],
      ] as const) {
        const [one, other] = [await open('keeper', there), await open('keeper', absent)]
        assert.equal(one.status, 404, there)
        assert.equal(bare(one), bare(other), there)
      }
      const asked = (dataset: string) => open('keeper', `/explain?dataset=${dataset}&account=lead&verb=view`)
      assert.equal(bare(await asked('fly')).replaceAll('fly', '…'), bare(await asked('none')).replaceAll('none', '…'))
      assert.match(textOf(await asked('fly')), /There is no such thing among what you look after/)
    })

    test('an admin of one dataset changes nothing of another by a form of their own', async () => {
      const csrf = formTo(await open('keeper', '/datasets/fish2'), /change$/)?.fields._csrf ?? assert.fail()
      const theirs = (await ledger().grants.list({ dataset: 'fly', limit: 1 })).rows[0]?.id ?? assert.fail()
      for (const [path, fields] of [
        ['/datasets/fly/change', { title: 'Mine' }],
        ['/datasets/fly/freeze', { reason: 'x' }],
        ['/datasets/fly/open', {}],
        ['/datasets/fly/remove', { typed: 'fly' }],
        ['/datasets/fly/roots', { table: 'pcg | fly_v1', roots: '1' }],
        // By the page of their own dataset, too.
        ['/datasets/fish2/roots', { table: 'pcg | fly_v1', roots: '1' }],
        ['/datasets/new', { slug: 'new', title: 'New' }],
        ['/grants/new', { kind: 'account', who: 'keeper', dataset: 'fly', level: 'view' }],
        [`/grants/${theirs}/end`, {}],
      ] as const) {
        const page = await post(as('keeper'), `${site.issuer}/console${path}`, { _csrf: csrf, ...fields })
        assert.ok(page.status === 403 || page.status === 404, `${path}: ${page.status}`)
      }
      const fly = await ledger().datasets.find('fly')
      assert.equal(fly?.title, 'Brain of fly')
      assert.equal(fly.frozen, undefined)
      assert.equal((await ledger().grants.find(theirs))?.endedAt, undefined)
      assert.equal((await ledger().datasets.roots({ dataset: 'fly', limit: 1 })).total, 0)
      assert.equal(await ledger().datasets.find('new'), undefined)
    })

    test('an admin of a dataset names no further admins; the steering committee does, and nothing else', async () => {
      const asKeeper = await fill('keeper', '/grants/new?dataset=fish2', {
        action: /grants\/new$/,
        fields: { kind: 'account', who: 'plain', dataset: 'fish2', level: 'admin' },
      })
      assert.equal(asKeeper.status, 403)
      const asChair = (level: string) =>
        fill('chair', '/grants/new?dataset=fly', {
          action: /grants\/new$/,
          fields: { kind: 'account', who: 'second', dataset: 'fly', level },
        })
      assert.match(textOf(await asChair('admin')), /Access is given/)
      assert.equal((await asChair('view')).status, 403)
      assert.equal((await open('chair', '/requests')).status, 403)
      assert.equal(formTo(await open('chair', '/datasets/fly'), /change|freeze|remove/), undefined)
      // Of the grants those of admins alone.
      assert.doesNotMatch(textOf(await open('chair', '/grants')), /manage it/)
    })

    test('a team lead gives within the team alone, and sees its grants alone', async () => {
      const give = (fields: Record<string, string>) =>
        fill('lead', '/grants/new', {
          action: /grants\/new$/,
          fields: { kind: 'account', who: 'member', dataset: 'fly', level: 'edit', ...fields },
        })
      assert.equal((await give({})).status, 403)
      assert.equal((await give({ withinGroup: 'sc' })).status, 403)
      assert.equal((await give({ dataset: 'fish2', withinGroup: 'tracers' })).status, 404)
      assert.match(textOf(await give({ withinGroup: 'tracers' })), /Access is given.*while in the group tracers/)
      const list = textOf(await open('lead', '/grants'))
      assert.match(list, /member.*change it.*1 of 1 shown/)
      assert.equal((await open('lead', '/datasets')).status, 403)
    })
  })

  describe('every change', () => {
    test('needs the token of its own form', async () => {
      for (const { method, path } of routes()) {
        if (method === 'GET') continue
        const at = `${site.issuer}${path.replaceAll(/:\w+/g, 'fish2')}`
        for (const fields of [
          {},
          { _csrf: 'x' },
          { _csrf: (await open('second', '/datasets/new')).forms[0]?.fields._csrf ?? '' },
        ]) {
          const page = await post(as('boss'), at, fields)
          assert.equal(page.status, 403, `${path}: ${titleOf(page)}`)
          assert.equal(titleOf(page), 'This page was too old', path)
        }
      }
    })

    test('needs a fresh sign-in; looking does not, and what was typed is there after it', async () => {
      await signInAgain('keeper')
      const page = await open('keeper', '/grants/new')
      clock.advance(31 * 60)
      const refused = await as('keeper').submit(page, formTo(page, /grants\/new$/), {
        kind: 'account',
        who: 'plain',
        dataset: 'fish2',
        level: 'view',
        why: 'for the atlas',
      })
      assert.equal(refused.status, 403)
      assert.match(textOf(refused), /Changes need a fresh sign-in/)
      assert.match(refused.text, /for the atlas/)
      assert.equal((await ledger().grants.list({ search: 'for the atlas', limit: 1 })).total, 0)
      const list = await open('keeper', '/grants')
      assert.equal(list.status, 200)
      assert.match(list.text, /\/console\/fresh\?back=%2Fconsole%2Fgrants/)
      for (const { method, path } of routes()) {
        if (method === 'GET') continue
        const at = `${site.issuer}${path.replaceAll(/:\w+/g, 'fish2')}`
        const csrf = formTo(await open('boss', '/datasets/new'), /new$/)?.fields._csrf ?? ''
        const stale = await post(as('boss'), at, { _csrf: csrf })
        assert.match(textOf(stale), /Changes need a fresh sign-in|There is no such thing|There is nothing here/, path)
      }
      for (const name of people) await signInAgain(name)
      const again = await open('keeper', '/grants')
      assert.doesNotMatch(again.text, /console\/fresh/)
    })
  })

  describe('datasets', () => {
    test('one is added, found, changed, closed, opened and removed, each with its trace', async () => {
      const made = await fill('boss', '/datasets/new', {
        action: /datasets\/new$/,
        fields: {
          slug: 'mouse',
          title: 'Mouse',
          description: 'A cortex',
          visibility: 'hidden',
          versions: 'v1 | First\nv2',
          aliases: 'Mouse-1',
          places: 'gs://lab-bucket/mouse\ngs://lab-bucket/mouse/v1 | v1',
          tables: 'pcg | mouse_v1',
        },
      })
      assert.equal(titleOf(made), 'Mouse')
      assert.match(textOf(made), /is there.*Hidden.*Mouse-1.*gs:\/\/lab-bucket\/mouse/)
      const mouse = await ledger().datasets.find('Mouse-1')
      assert.deepEqual(mouse?.versions, [
        { version: 'v1', title: 'First' },
        { version: 'v2', title: '' },
      ])
      assert.deepEqual(
        mouse.places.map(({ bucket, prefix, version }) => [bucket, prefix, version]),
        [
          ['gs://lab-bucket', 'mouse', undefined],
          ['gs://lab-bucket', 'mouse/v1', 'v1'],
        ],
      )
      assert.match(textOf(await open('boss', '/datasets?search=mouse-1')), /Mouse.*1 of 1 shown/)
      const changed = await fill('boss', '/datasets/mouse', { action: /change$/, fields: { title: 'Mouse cortex' } })
      assert.equal(titleOf(changed), 'Mouse cortex')
      const closed = await fill('boss', '/datasets/mouse', { action: /freeze$/, fields: { reason: 'Wrong scale' } })
      assert.match(textOf(closed), /Closed for everybody: Wrong scale/)
      const opened = await fill('boss', '/datasets/mouse', { action: /open$/ })
      assert.doesNotMatch(textOf(opened), /Wrong scale/)
      const mistyped = await fill('boss', '/datasets/mouse', { action: /remove$/, fields: { typed: 'mouse2' } })
      assert.equal(mistyped.status, 400)
      assert.ok(await ledger().datasets.find('mouse'))
      const gone = await fill('boss', '/datasets/mouse', { action: /remove$/, fields: { typed: 'mouse' } })
      assert.match(textOf(gone), /“Mouse cortex” is removed/)
      const { audit } = rooms().get('storage')
      const types = (await audit.list({ limit: 10 })).map(({ type, actor }) => [type, actor])
      assert.deepEqual(types.slice(0, 5), [
        ['dataset.removed', idOf('boss')],
        ['dataset.changed', idOf('boss')],
        ['dataset.changed', idOf('boss')],
        ['dataset.changed', idOf('boss')],
        ['dataset.created', idOf('boss')],
      ])
    })

    test('an admin of the dataset closes it, and is told that a site admin opens it again', async () => {
      const page = await open('keeper', '/datasets/fish2')
      assert.match(textOf(page), /only a site admin opens it again/)
      const closed = await as('keeper').submit(page, formTo(page, /freeze$/), { reason: 'Looking into it' })
      assert.equal(titleOf(closed), '“Brain of fish2” is closed')
      assert.equal((await open('keeper', '/datasets/fish2')).status, 403)
      assert.match(textOf(await open('boss', '/datasets/fish2')), /Looking into it/)
      await fill('boss', '/datasets/fish2', { action: /open$/ })
      assert.equal((await open('keeper', '/datasets/fish2')).status, 200)
    })

    test('a mistake comes back with what was typed', async () => {
      const page = await fill('boss', '/datasets/new', {
        action: /datasets\/new$/,
        fields: { slug: 'Bad Slug', title: 'Kept title', places: 'nonsense', versions: 'v9' },
      })
      assert.equal(page.status, 400)
      assert.match(page.text, /Kept title/)
      assert.match(page.text, /Bad Slug/)
      assert.match(page.text, />\nv9<\/textarea>/)
    })

    test('of two admins at once the second is told, and nothing of the first is lost', async () => {
      const [one, other] = [await open('boss', '/datasets/fly'), await open('second', '/datasets/fly')]
      clock.advance(1)
      await as('boss').submit(one, formTo(one, /change$/), { versions: 'v1\nv2 | Of the first' })
      const late = await as('second').submit(other, formTo(other, /change$/), { versions: 'v1\nv3 | Of the second' })
      assert.equal(late.status, 409)
      assert.match(textOf(late), /changed this dataset in the meantime/)
      assert.match(late.text, /Of the second/)
      const { versions } = (await ledger().datasets.find('fly')) ?? assert.fail()
      assert.deepEqual(
        versions.map(({ version }) => version),
        ['v1', 'v2'],
      )
    })

    test('what the config keeps is shown and has no form, and a form made up for it changes nothing', async () => {
      const page = await open('boss', '/datasets/of-config')
      assert.match(textOf(page), /kept in the config file/)
      assert.equal(formTo(page, /change|freeze|open|remove/), undefined)
      const csrf = formTo(await open('boss', '/datasets/new'), /new$/)?.fields._csrf ?? ''
      for (const [path, fields] of [
        ['change', { title: 'x' }],
        ['freeze', { reason: 'x' }],
        ['remove', { typed: 'of-config' }],
      ] as const) {
        const refused = await post(as('boss'), `${site.issuer}/console/datasets/of-config/${path}`, {
          _csrf: csrf,
          ...fields,
        })
        assert.equal(refused.status, 409, path)
      }
      const [grant] = (await ledger().grants.list({ dataset: 'of-config', limit: 1 })).rows
      const line = await open('boss', `/grants/${grant?.id}`)
      assert.match(textOf(line), /kept in the config file/)
      assert.equal(formTo(line, /end$/), undefined)
      const ended = await post(as('boss'), `${site.issuer}/console/grants/${grant?.id}/end`, { _csrf: csrf })
      assert.equal(ended.status, 409)
    })

    test('public objects are pasted, searched and taken back', async () => {
      const big = '18446744073709551615'
      const added = await fill('keeper', '/datasets/fish2/roots', {
        action: /roots$/,
        fields: { table: 'pcg | fish2_v1', roots: `1, 2\n${big}  720575940621039145`, do: 'add' },
      })
      assert.match(textOf(added), /New objects that anybody may see: 4/)
      assert.match(
        textOf(await open('keeper', '/datasets/fish2/roots?search=7205')),
        /720575940621039145.*1 of 1 shown/,
      )
      const wrong = await fill('keeper', '/datasets/fish2/roots', {
        action: /roots$/,
        fields: { table: 'pcg | fish2_v1', roots: '18446744073709551616', do: 'add' },
      })
      assert.equal(wrong.status, 400)
      const many = Array.from({ length: 20_000 }, (_, index) => String(10_000_000_000 + index)).join('\r\n')
      const form = formTo(await open('keeper', '/datasets/fish2/roots'), /roots$/)
      const all = await post(as('keeper'), `${site.issuer}/console/datasets/fish2/roots`, {
        _csrf: form?.fields._csrf ?? '',
        table: 'pcg | fish2_v1',
        roots: many,
        do: 'add',
      })
      assert.match(textOf(all), /anybody may see: 20000/)
      const removed = await as('keeper').press(
        await open('keeper', '/datasets/fish2/roots?search=18446'),
        `Remove ${big}`,
      )
      assert.match(textOf(removed), /Objects removed: 1/)
    })
  })

  describe('grants', () => {
    test('one is given with conditions, read, and ended, with its lines of the trail', async () => {
      const page = await fill('keeper', '/grants/new?dataset=fish2', {
        action: /grants\/new$/,
        fields: {
          kind: 'name',
          who: 'New.Person@Example.org',
          instance: 'email',
          dataset: 'fish2',
          version: 'v1',
          level: 'permission',
          permission: 'segment',
          from: '2020-01-01T00:00',
          until: '2099-12-31T23:59',
          facts: 'orcid\naffiliation = Northfield; via email; within 365 days\nrole in staff, faculty; trust asserted',
          why: 'Tracing at night',
        },
      })
      assert.match(titleOf(page), /^Grant \d+$/)
      const text = textOf(page)
      for (const words of [
        /new\.person@example\.org/,
        /segment/,
        /only version v1/,
        /from 2020-01-01 00:00 UTC/,
        /until 2099-12-31 23:59 UTC/,
        /orcid is known/,
        /affiliation is Northfield, as email says, seen within 365 days/,
        /role is one of staff, faculty, asserted is enough/,
        /Tracing at night/,
        /grant\.added/,
      ])
        assert.match(text, words)
      const id = Number(/\d+/.exec(titleOf(page))?.[0])
      const ended = await fill('keeper', `/grants/${id}`, { action: /end$/ })
      assert.match(textOf(ended), /The grant is ended.*Ended by keeper.*grant\.ended.*grant\.added/)
      assert.equal(formTo(ended, /end$/), undefined)
      assert.match(textOf(await open('keeper', '/grants?state=ended')), /new\.person/)
    })

    test('a mistake comes back with what was typed, and nobody becomes everybody by it', async () => {
      const before = (await ledger().grants.list({ state: 'all', limit: 1 })).total
      for (const fields of [
        { kind: 'anyone', who: 'plain' },
        { kind: 'everyone' },
        { kind: 'account', who: 'nobody-here' },
        { kind: 'account', who: 'plain', level: 'owner' },
        { kind: 'account', who: 'plain', permission: 'segment' },
        { kind: 'account', who: 'plain', until: '2030-02-31T00:00' },
        { kind: 'account', who: 'plain', facts: 'a b c' },
        { kind: 'account', who: 'plain', version: 'v99' },
        { kind: 'group', who: 'no-such-group' },
        { kind: 'account', who: 'plain', terms: 'none | 1' },
      ]) {
        const page = await fill('keeper', '/grants/new', {
          action: /grants\/new$/,
          fields: { dataset: 'fish2', level: 'view', why: 'Typed once', ...fields },
        })
        assert.ok(page.status >= 400 && page.status < 500, `${JSON.stringify(fields)}: ${page.status}`)
        assert.match(page.text, />\nTyped once<\/textarea>/)
        assert.ok(hasButton(page, 'Give access'), JSON.stringify(fields))
      }
      assert.equal((await ledger().grants.list({ state: 'all', limit: 1 })).total, before)
    })

    test('a hundred thousand of them are paged and searched quickly', async () => {
      const { sqlite } = await manyGrants(site, 100_000)
      assert.ok(sqlite > 100_000)
      for (const path of [
        '/grants',
        '/grants?search=person-4711',
        '/grants?dataset=fly&state=all',
        '/grants?after=50000',
      ]) {
        const since = performance.now()
        const page = await open('boss', path)
        const took = performance.now() - since
        assert.equal(page.status, 200, path)
        assert.ok(took < 1500, `${path} took ${Math.round(took)} ms`)
      }
      const first = await open('boss', '/grants?dataset=fly')
      assert.match(textOf(first), /50 of 100,0\d\d shown/)
      const next = /href="([^"]+)" rel="next"/.exec(first.text)?.[1]?.replaceAll('&amp;', '&') ?? assert.fail()
      const second = await as('boss').open(`${site.issuer}${next}`)
      assert.equal(second.url.searchParams.get('dataset'), 'fly')
      const numbers = (page: Page) => [...page.text.matchAll(/\/console\/grants\/(\d+)/g)].map(([, id]) => Number(id))
      assert.ok(Math.max(...numbers(second)) < Math.min(...numbers(first)))
    })
  })

  describe('requests', () => {
    const asks = (dataset: string, why: string) =>
      ledger().requests.ask({ kind: 'account', account: idOf('plain') }, { dataset, level: 'edit', why })

    test('who keeps the dataset grants at a level until a day; nobody else sees it; a second answer is told', async () => {
      const [mine, other] = [await asks('fish2', 'For my thesis'), await asks('fly', 'Of another')]
      const page = await open('keeper', '/requests')
      assert.match(textOf(page), /For my thesis/)
      assert.doesNotMatch(textOf(page), /Of another/)
      assert.match(textOf(page), /Requests 1 waiting/)
      const action = new RegExp(`/${mine.id}/grant$`)
      const wrong = await as('keeper').submit(page, formTo(page, action), {
        level: 'view',
        until: 'soon',
        note: 'Kept words',
      })
      assert.equal(wrong.status, 400)
      assert.match(wrong.text, /Kept words/)
      const csrf = formTo(page, action)?.fields._csrf ?? ''
      const theirs = await post(as('keeper'), `${site.issuer}/console/requests/${other.id}/grant`, {
        _csrf: csrf,
        level: 'view',
      })
      assert.equal(theirs.status, 404)
      assert.doesNotMatch(theirs.text, /Of another/)
      const fields = { level: 'view', until: '2099-01-01T00:00', note: 'Welcome' }
      assert.match(textOf(await as('keeper').submit(page, formTo(page, action), fields)), /Access is given/)
      const answer = await rooms()
        .get('access')
        .decide({ account: idOf('plain'), dataset: 'fish2', verb: 'view' })
      assert.equal(answer.allowed, true)
      const late = await as('boss').submit(page, formTo(page, action), {
        ...fields,
        _csrf: formTo(await open('boss', '/requests'), /grant$/)?.fields._csrf ?? '',
      })
      assert.equal(late.status, 409)
    })

    test('it is refused with a word', async () => {
      const { id } = await asks('fish2', 'More of it')
      const done = await fill('keeper', '/requests', {
        action: new RegExp(`/${id}/refuse$`),
        fields: { note: 'Not yet' },
      })
      assert.match(textOf(done), /The request is refused/)
      assert.match(textOf(await open('keeper', '/requests?state=refused')), /More of it.*Not yet/)
    })
  })

  describe('why', () => {
    test('the answer stands there with its lines, for a person, for nobody, and in words', async () => {
      await ledger().grants.add(command, {
        subject: { kind: 'account', account: idOf('member') },
        dataset: 'fish2',
        level: 'view',
        conditions: { until: new Date(clock.now().getTime() + 60_000) },
      })
      const yes = textOf(await open('keeper', '/explain?account=member&dataset=fish2&verb=view'))
      assert.match(yes, /Yes, that is allowed/)
      assert.match(yes, /member.*see it.*until.*counts/)
      const no = textOf(await open('keeper', '/explain?account=member@example.org&dataset=fish2&verb=edit'))
      assert.match(no, /No, that is not allowed/)
      assert.match(textOf(await open('keeper', '/explain?dataset=fish2&verb=view')), /not signed in.*No, that is not/)
      assert.match(textOf(await open('keeper', '/explain?account=ghost&dataset=fish2')), /ghost/)
    })

    test('a refusal is read by its reference, by those only who look after the dataset', async () => {
      const audit = rooms().get('audit')
      for (const dataset of ['fish2', 'fly'])
        await audit({
          type: 'access.refused',
          actor: idOf('plain'),
          account: idOf('plain'),
          requestId: `ref-${dataset}`,
          detail: { dataset, verb: 'edit' },
        })
      assert.match(textOf(await open('keeper', '/explain?event=ref-fish2')), /What was refused.*plain.*edit on fish2/)
      const [hidden, absent] = [
        await open('keeper', '/explain?event=ref-fly'),
        await open('keeper', '/explain?event=none'),
      ]
      assert.match(textOf(hidden), /There is no refusal with this reference/)
      assert.equal(bare(hidden), bare(absent))
      assert.match(textOf(await open('boss', '/explain?event=ref-fly')), /edit on fly/)
    })
  })

  test('markup in titles, reasons, notes and addresses stays text everywhere', async () => {
    await fill('boss', '/datasets/new', {
      action: /datasets\/new$/,
      fields: { slug: 'evil', title: attack, description: attack, versions: `v1 | ${attack}` },
    })
    await ledger().datasets.change(command, 'evil', { frozen: attack })
    const { id } = await ledger().grants.add(command, {
      subject: { kind: 'group', group: 'tracers' },
      dataset: 'evil',
      level: 'view',
      why: attack,
      conditions: { facts: [{ claim: attack, equals: attack }] },
    })
    const query = encodeURIComponent(attack)
    for (const path of [
      '',
      '/datasets',
      '/datasets/evil',
      `/grants/${id}`,
      '/grants?dataset=evil',
      `/datasets?search=${query}`,
      `/grants?search=${query}&dataset=${query}&subject=${query}&state=${query}`,
      `/requests?search=${query}&dataset=${query}`,
      `/explain?account=${query}&dataset=evil&version=${query}&verb=${query}&service=${query}`,
      `/explain?event=${query}`,
      `/grants/new?dataset=${query}&level=${query}&kind=${query}`,
      `/datasets/${query}`,
      `/grants/${query}`,
      `/grants?after=${query}`,
    ]) {
      const page = await open('boss', path)
      assert.ok(page.status < 500, `${path}: ${page.status}`)
      noMarkup(page)
    }
  })

  test('the account page leads to the console those only who look after something', async () => {
    for (const name of ['boss', 'keeper', 'lead', 'chair'])
      assert.match((await as(name).open(`${site.issuer}/account`)).text, /href="\/console"/, name)
    assert.doesNotMatch((await as('plain').open(`${site.issuer}/account`)).text, /href="\/console"/)
  })

  async function signInAgain(name: string): Promise<void> {
    const agent = newBrowser()
    await signInByEmail(site, agent, { at: `${site.issuer}/account`, email: `${name}@example.org` })
    agents[name] = agent
  }

  /** Posts what is on no form. */
  function post(agent: UserAgent, at: string, fields: Record<string, string>): Promise<Page> {
    const page = { url: new URL(at), status: 0, headers: new Headers(), text: '', forms: [] }
    return agent.submit(page, { action: at, method: 'POST', fields: {}, sent: [], buttons: [] }, fields)
  }
})

/** Lines as an importer would bring them, past the door that writes one at a time. */
async function manyGrants(site: TestLabgate, count: number): Promise<{ sqlite: number }> {
  const storage = site.labgate.rooms.get('storage')
  return storage.transaction(async (em) => {
    const now = Date.now()
    await em.execute(
      `with recursive n(i) as (select 1 union all select i + 1 from n where i < ?)
       insert into access_grant (subject, dataset, conditions, level, granted_by, why, source, created_at)
       select 'name:email:person-' || i || '@example.org', 'fly', '{}', 'view', 'import', 'many', 'import', ? from n`,
      [count, now],
    )
    const [row] = await em.execute<{ n: number }[]>('select count(*) as n from access_grant')
    return { sqlite: row?.n ?? 0 }
  })
}
