/** A person’s pages of workspaces over HTTP: started, watched, extended, shared, stopped; and nobody else’s. @module */
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { type IncomingHttpHeaders, request } from 'node:http'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { newBrowser, textOf, titleOf } from '../support/flow.ts'
import { signInByEmail } from '../support/labgate.ts'
import type { Page, UserAgent } from '../support/user-agent.ts'
import { directProfile, testProfiles, type WorkspaceWorld, workspaceWorld } from '../support/workspaces.ts'

const attack = `<script>alert(1)</script>"'><img src=x onerror=alert(1)>`
const formTo = (page: Page, action: RegExp) => page.forms.find((form) => action.test(form.action))
const idIn = (page: Page) =>
  /^\/workspaces\/(w[a-z0-9]{15})$/.exec(page.url.pathname)?.[1] ?? assert.fail(page.url.href)

describe('a person’s workspaces', () => {
  let world: WorkspaceWorld
  let ann: UserAgent
  let ben: UserAgent
  const room = () => world.site.labgate.rooms.get('workspaces')
  const at = (path: string) => `${world.site.issuer}${path}`
  const accountOf = async (email: string) =>
    (await world.site.labgate.rooms.get('accounts').findByVerifiedEmail(email))?.id ?? assert.fail(email)
  const enter = async (email: string) => {
    const agent = newBrowser()
    const page = await signInByEmail(world.site, agent, { at: at('/workspaces'), email })
    assert.equal(titleOf(page), 'Workspaces', textOf(page))
    return agent
  }
  const launch = async (agent: UserAgent, fields: Record<string, string> = {}, profile = 'notebook') => {
    const page = await agent.open(at('/workspaces'))
    return agent.submit(
      page,
      page.forms.find(({ fields: own }) => own.profile === profile),
      fields,
    )
  }

  before(async () => {
    const quotas = { user: { instances: 2 } }
    const named = { ...testProfiles.notebook, title: 'Notebook', description: `Python ${attack}`, allow: {} }
    const profiles = {
      ...testProfiles,
      notebook: named,
      direct: await directProfile(),
      team: { ...testProfiles.notebook, allow: { groups: ['team'] } },
    }
    world = await workspaceWorld({ workspaces: { quotas, profiles } })
    ann = await enter('ann@example.org')
    ben = await enter('ben@example.org')
  })
  after(() => world.stop())

  test('nobody sees the page who is not signed in; first page and account page lead to it', async () => {
    assert.equal(titleOf(await newBrowser().open(at('/workspaces'))), 'Sign in')
    assert.match((await ann.open(at('/account'))).text, /href="\/workspaces"/)
    assert.match((await ann.open(at('/'))).text, /href="\/workspaces"/)
  })

  test('the form offers what one may start, with sizes, and says which limits nobody keeps', async () => {
    const page = await ann.open(at('/workspaces'))
    const offered = page.forms.map(({ fields }) => fields.profile).filter(Boolean)
    assert.deepEqual(offered, ['notebook', 'crashing', 'never', 'direct'])
    assert.match(textOf(page), /small Memory: not limited · CPUs: not limited/)
    assert.doesNotMatch(page.text, /<script>alert|<img src=x/)
    const none = await launch(ann, { profile: 'team' })
    assert.equal(none.status, 403)
    assert.match(textOf(none), /no such app for you/)
  })

  test('from the form to ready: each step on the page, the button that opens it, a longer lease, stop, again, forget', async () => {
    const page = await launch(ann, { title: `Mine ${attack}`, size: 'large' })
    const id = idIn(page)
    assert.match(page.headers.get('content-security-policy') ?? '', /script-src 'nonce-/)
    assert.match(page.text, /<script src="\/assets\/workspace\.[0-9a-f]+\.js" nonce="[\w-]+" defer>/)
    assert.doesNotMatch(page.text, /<script>alert|<img src=x/)
    await world.until(id, 'ready')
    const ready = await ann.open(at(`/workspaces/${id}`))
    assert.match(textOf(ready), /Asked for\..*There is room for it\..*Starting\..*Looking for a port\..*Ready\./)
    assert.match(ready.text, new RegExp(`href="http://${id}\\.localhost[^"]*/tree"`))
    const list = await ann.open(at('/workspaces'))
    assert.match(list.text, new RegExp(`href="/workspaces/${id}"`))

    // At the beginning it runs that long already.
    const early = await ann.submit(ready, formTo(ready, /\/extend$/))
    const { leaseEndsAt } = (await room().find(id)) ?? assert.fail()
    world.clock.forward((leaseEndsAt.getTime() - world.clock.now().getTime()) / 1000 - 60)
    const soon = await ann.open(at(`/workspaces/${id}`))
    assert.match(textOf(soon), /This workspace ends at .* UTC/, textOf(early))
    const longer = await ann.submit(soon, formTo(soon, /\/extend$/))
    assert.match(textOf(longer), /It runs until .* now/)
    assert.ok(((await room().find(id))?.leaseEndsAt.getTime() ?? 0) > leaseEndsAt.getTime())

    const logs = await ann.open(at(`/workspaces/${id}/logs`))
    assert.match(textOf(logs), /app at \//)
    await ann.submit(longer, formTo(longer, /\/stop$/))
    await world.until(id, 'stopped')
    const over = await ann.open(at(`/workspaces/${id}`))
    assert.match(textOf(over), /Its owner stopped it/)
    assert.doesNotMatch(over.text, /data-live|<script/)
    const again = await ann.submit(over, formTo(over, /\/restart$/))
    assert.equal(idIn(again), id)
    await world.until(id, 'ready')
    const up = await ann.open(at(`/workspaces/${id}`))
    await ann.submit(up, formTo(up, /\/stop$/))
    await world.until(id, 'stopped')
    const gone = await ann.open(at(`/workspaces/${id}`))
    const left = await ann.submit(gone, formTo(gone, /\/forget$/))
    assert.equal(left.url.pathname, '/workspaces')
    assert.match(textOf(left), /was removed from the list/)
    assert.equal((await ann.open(at(`/workspaces/${id}`))).status, 404)
  })

  test('a full quota is told on the form, and nothing that was typed is lost', async () => {
    const ids = [idIn(await launch(ben)), idIn(await launch(ben))]
    const full = await launch(ben, { title: 'The third', size: 'large' })
    assert.equal(full.status, 409)
    assert.equal(full.url.pathname, '/workspaces')
    const form = full.forms.find(({ fields }) => fields.profile === 'notebook')
    assert.equal(form?.fields.title, 'The third')
    assert.match(full.text, /value="large" checked/)
    assert.match(textOf(full), /workspaces: 2 of 2 are taken\. Stop one of yours, or ask the people who run this site/)
    assert.match(textOf(full), /How much is taken by you 2 of 2 workspaces/)
    assert.match(textOf(full), /No room at the moment, taken by you: 2 of 2 workspaces\./)
    for (const id of ids) {
      await room().stop(world.as(await accountOf('ben@example.org')), id)
      await world.until(id, 'stopped')
    }
  })

  test('what failed says why, with the last lines, and can be tried again', async () => {
    const page = await launch(ann, {}, 'crashing')
    const id = idIn(page)
    await world.until(id, 'failed')
    const failed = await ann.open(at(`/workspaces/${id}`))
    assert.match(textOf(failed), /ended by itself.*cannot find the licence.*Try again/)
    const again = await ann.press(failed, 'Try again')
    assert.equal(idIn(again), id)
    await world.until(id, 'failed')
    assert.match(textOf(await ann.open(at(`/workspaces/${id}/logs`))), /does not run.*cannot find the licence/)
  })

  test('what another person has is not there, in no way; a form without its token does nothing', async () => {
    const id = idIn(await launch(ann))
    await world.until(id, 'ready')
    const page = await ann.open(at(`/workspaces/${id}`))
    for (const path of ['', '/events', '/logs', '/logs/follow'])
      assert.equal((await ben.open(at(`/workspaces/${id}${path}`))).status, 404, path)
    const benPage = await ben.open(at('/workspaces'))
    const benForm = benPage.forms.find(({ fields }) => fields.profile === 'notebook')
    for (const path of ['stop', 'restart', 'extend', 'forget', 'invite', 'uninvite', 'reveal']) {
      const answer = await ben.submit(benPage, benForm, { username: 'ben', guest: 'x' }, `/workspaces/${id}/${path}`)
      assert.equal(answer.status, 404, path)
      const forged = await ann.submit(
        page,
        formTo(page, /\/stop$/),
        { _csrf: 'x'.repeat(43) },
        `/workspaces/${id}/${path}`,
      )
      assert.equal(forged.status, 403, path)
    }
    const nobody = await ann.submit(page, formTo(page, /\/stop$/), { _csrf: '' }, '/workspaces')
    assert.equal(nobody.status, 403)
    assert.equal((await room().find(id))?.state, 'ready')
    // An admin acts in the console, with a word of why; not here, as if it were theirs.
    assert.equal((await ann.open(at('/workspaces/wnosuchworkspace'))).status, 404)
    await room().stop(world.as(await accountOf('ann@example.org')), id)
    await world.until(id, 'stopped')
  })

  test('a colleague is let in by username, sees the way in, and is shut out again', async () => {
    const id = idIn(await launch(ann))
    await world.until(id, 'ready')
    const guest = (await world.site.labgate.rooms.get('accounts').find(await accountOf('ben@example.org')))?.username
    let page = await ann.open(at(`/workspaces/${id}`))
    const unknown = await ann.submit(page, formTo(page, /\/invite$/), { username: `nobody ${attack}` })
    assert.equal(unknown.status, 400)
    assert.match(textOf(unknown), /nobody with the username/)
    assert.doesNotMatch(unknown.text, /<script>alert|<img src=x/)
    page = await ann.submit(unknown, formTo(unknown, /\/invite$/), { username: guest ?? '' })
    assert.match(textOf(page), /may enter now/)
    assert.match((await ben.open(at('/workspaces'))).text, new RegExp(`href="http://${id}\\.localhost`))
    // There is nothing for guests on its page: neither stop nor logs.
    assert.equal((await ben.open(at(`/workspaces/${id}`))).url.pathname, '/workspaces')
    assert.equal((await ben.open(at(`/workspaces/${id}/logs`))).status, 404)
    page = await ann.submit(page, formTo(page, /\/uninvite$/))
    assert.doesNotMatch((await ben.open(at('/workspaces'))).text, new RegExp(`http://${id}`))
    await ann.submit(page, formTo(page, /\/stop$/))
    await world.until(id, 'stopped')
  })

  test('a guest of one that does not run is told so, and whose it is', async () => {
    const id = idIn(await launch(ann))
    const [owner, guest] = [await accountOf('ann@example.org'), await accountOf('ben@example.org')]
    await world.until(id, 'ready')
    await room().invite(world.as(owner), id, guest)
    await room().stop(world.as(owner), id)
    await world.until(id, 'stopped')
    const told = await ben.open(at(`/workspaces/${id}`))
    assert.equal(told.status, 200)
    assert.match(textOf(told), /“Notebook” of ann.* does not run.*Its state: stopped\./)
    assert.deepEqual(
      told.forms.filter(({ action }) => action.includes(id)),
      [],
    )
    await room().uninvite(world.as(owner), id, guest)
    assert.equal((await ben.open(at(`/workspaces/${id}`))).status, 404)
  })

  test('the credential past the proxy is on one page, once, and on no other', async () => {
    const id = idIn(await launch(ann, {}, 'direct'))
    await world.until(id, 'ready')
    const page = await ann.open(at(`/workspaces/${id}`))
    assert.match(textOf(page), /A way of its own.*http:\/\/127\.0\.0\.1:\d+\/tree.*Show it once/)
    const shown = await ann.submit(page, formTo(page, /\/reveal$/))
    const credential = /<textarea id="credential-value"[^>]*>([^<]+)</.exec(shown.text)?.[1] ?? assert.fail(shown.text)
    assert.match(shown.headers.get('cache-control') ?? '', /no-store/)
    const href = /href="(http:\/\/127\.0\.0\.1:\d+)\/tree"/.exec(shown.text)?.[1] ?? assert.fail(shown.text)
    const asked = await fetch(`${href}/api/status`, { headers: { authorization: `token ${credential}` } })
    assert.equal(asked.status, 200)
    const after = await ann.open(at(`/workspaces/${id}`))
    assert.match(textOf(after), /shown .* not shown again/)
    assert.equal(formTo(after, /\/reveal$/), undefined)
    const again = await ann.submit(page, formTo(page, /\/reveal$/))
    assert.equal(again.status, 409)
    assert.match(textOf(again), /shown already/)
    for (const { text } of [after, again]) assert.ok(!text.includes(credential))
    await room().stop(world.as(await accountOf('ann@example.org')), id)
    await world.until(id, 'stopped')
  })

  test('what one has stored is downloaded as an archive, one’s own alone, and no other site begins it', async () => {
    const storage = `u${(await world.site.labgate.rooms.get('accounts').find(await accountOf('ann@example.org')))?.numericId}`
    mkdirSync(join(world.folder, 'people', storage), { recursive: true })
    writeFileSync(join(world.folder, 'people', storage, 'notes.txt'), 'of Ann alone')
    const cookie = (agent: UserAgent) => ({ cookie: agent.cookieHeader(new URL(world.site.issuer)) })
    const get = (headers: Record<string, string>, profile = 'notebook') =>
      fetch(at(`/workspaces/storage/${profile}`), { headers, redirect: 'manual' })
    const mine = await get(cookie(ann))
    assert.equal(mine.headers.get('content-disposition'), 'attachment; filename="storage-notebook.tar"')
    assert.equal(mine.headers.get('content-type'), 'application/x-tar')
    assert.equal(mine.headers.get('x-content-type-options'), 'nosniff')
    assert.match(await mine.text(), /notes\.txt.*of Ann alone/s)
    assert.doesNotMatch(await (await get(cookie(ben))).text(), /notes\.txt/)
    assert.equal((await get({ ...cookie(ann), 'sec-fetch-site': 'same-site' })).status, 303)
    assert.equal((await get(cookie(ann), 'none')).status, 404)
    const head = await fetch(at('/workspaces/storage/notebook'), { method: 'HEAD', headers: cookie(ann) })
    assert.deepEqual([head.status, head.headers.get('content-type')], [200, 'application/x-tar'])
    assert.match(textOf(await ann.open(at('/workspaces'))), /Download what you have stored/)
  })

  test('a message of an admin stands on the page', async () => {
    const id = idIn(await launch(ann))
    await world.until(id, 'ready')
    await room().message(world.as(world.admin), {}, `At noon ${attack}`)
    const page = await ann.open(at(`/workspaces/${id}`))
    assert.match(textOf(page), /From the people who run this site: At noon/)
    assert.doesNotMatch(page.text, /<script>alert|<img src=x/)
    await ann.submit(page, formTo(page, /\/stop$/))
    await world.until(id, 'stopped')
  })

  describe('the events of a workspace', () => {
    // Each on a connection of its own: a pool would keep some back for later, which a server that stops waits for.
    const open = (id: string, headers: Record<string, string> = {}, query = '') =>
      new Promise<{ status: number; headers: IncomingHttpHeaders; text(): Promise<string>; close(): void }>(
        (resolve, reject) => {
          const cookie = ann.cookieHeader(new URL(world.site.issuer))
          const url = at(`/workspaces/${id}/events${query}`)
          const asked = request(url, { agent: false, headers: { cookie, ...headers } }, (res) => {
            const parts: Buffer[] = []
            const over = new Promise<void>((done) => res.on('close', done))
            res.on('error', () => undefined).on('data', (part: Buffer) => parts.push(part))
            resolve({
              status: res.statusCode ?? 0,
              headers: res.headers,
              text: async () => {
                await over
                return Buffer.concat(parts).toString()
              },
              close: () => asked.destroy(),
            })
          })
          asked.on('error', reject).end()
        },
      )
    const ids = (text: string) => [...text.matchAll(/^id: (\d+)$/gm)].map(([, number]) => Number(number))

    test('come as they happen, each once, and end with it; who comes later gets what is missing', async () => {
      const id = idIn(await launch(ann))
      const answer = await open(id)
      assert.match(answer.headers['content-type'] ?? '', /^text\/event-stream/)
      assert.equal(answer.headers['cache-control'], 'no-store')
      await world.until(id, 'ready')
      await room().stop(world.as(await accountOf('ann@example.org')), id)
      const text = await answer.text()
      const kept = (await room().events(id)).map(({ number }) => number)
      assert.deepEqual(ids(text), kept)
      assert.match(text, /"kind":"stopped".*\n\nevent: end\n/)
      const late = await (await open(id, { 'last-event-id': String(kept.at(-3)) })).text()
      assert.deepEqual(ids(late), kept.slice(-2))
      assert.deepEqual(ids(await (await open(id, {}, `?after=${kept.at(-2)}`)).text()), kept.slice(-1))
      assert.deepEqual(ids(await (await open(id, { 'last-event-id': 'x' }, '?after=-1')).text()), kept)
    })

    test('end for whoever has too many of them open, and with Labgate', async () => {
      world.fault('slow')
      const id = idIn(await launch(ann))
      const all = await Promise.all(Array.from({ length: 20 }, () => open(id)))
      assert.ok(all.every(({ status }) => status === 200))
      assert.equal((await open(id)).status, 429)
      for (const one of all) one.close()
      world.clear('slow')
      await world.until(id, 'ready')
      const last = await open(id)
      const began = performance.now()
      world = await world.again()
      await last.text()
      assert.ok(performance.now() - began < 8000, 'a page that is open holds nothing up')
      await room().stop(world.as(await accountOf('ann@example.org')), id)
      await world.until(id, 'stopped')
    })
  })
})
