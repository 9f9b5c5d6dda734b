/** What runs in a workspace, in Chromium, against the issuer and against another workspace of the same person. @module */
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { openBrowser } from '../support/browser.ts'
import { freePort, newestMail } from '../support/labgate.ts'
import { needs } from '../support/needs.ts'
import { type WorkspaceWorld, workspaceWorld } from '../support/workspaces.ts'

suite('a notebook that means harm', { skip: needs('chromium'), timeout: 90_000 }, () => {
  let world: WorkspaceWorld
  let browser: Browser
  let context: BrowserContext
  let page: Page
  let port: number
  let ids: readonly string[]
  const issuer = () => world.site.issuer
  const at = (id = '', path = '/hello') => `http://${id}.localhost:${port}${path}`

  before(async () => {
    port = await freePort()
    world = await workspaceWorld({ workspaces: { origin: `http://*.localhost:${port}` } }, { port })
    browser = await openBrowser()
    context = await browser.newContext()
    page = await context.newPage()
    await signIn()
    const rooms = world.site.labgate.rooms
    const account = (await rooms.get('accounts').findByVerifiedEmail('carol@example.org'))?.id ?? assert.fail()
    // The most that there is to be had.
    await rooms.get('accounts').setRole(account, 'admin')
    const make = () => rooms.get('workspaces').request(world.as(account), { account, profile: 'notebook' })
    ids = [(await make()).id, (await make()).id]
    for (const id of ids) {
      await world.until(id, 'ready')
      await page.goto(at(id))
      assert.equal(new URL(page.url()).host, `${id}.localhost:${port}`)
    }
    await page.goto(at(ids[0]))
  })
  after(async () => {
    await browser?.close()
    await world?.stop()
  })

  async function signIn(): Promise<void> {
    await page.goto(`${issuer()}/account`)
    await page.getByLabel('E-mail address').fill('carol@example.org')
    await page.getByLabel('E-mail address').press('Enter')
    await page.getByLabel('Six-digit code').waitFor()
    const { code } = await newestMail(`${world.site.folder}/outbox`, 'carol@example.org')
    await page.getByLabel('Six-digit code').fill(code)
    await page.getByRole('button', { name: 'Sign in', exact: true }).click()
    await page.getByText('carol@example.org').first().waitFor()
  }

  /** How a request from within the workspace ends: `error`, or status and type of the answer. */
  const asks = (url: string, init: Readonly<Record<string, string>> = {}) =>
    page.evaluate(
      ([to, options]) =>
        fetch(to, { credentials: 'include', ...options }).then(
          async (answer) => `${answer.type} ${answer.status} ${(await answer.text()).length}`,
          () => 'error',
        ),
      [url, init] as const,
    )

  test('reads no cookie of Labgate’s, not even its own host’s', async () => {
    assert.doesNotMatch(await page.evaluate('document.cookie').then(String), /labgate/)
    const cookies = await context.cookies(at(ids[0]))
    assert.ok(cookies.some(({ name, httpOnly }) => name.includes('labgate') && httpOnly))
  })

  test('reads no page of the issuer’s: not by a request, not in a frame, not in a window', async () => {
    for (const path of ['/account', '/console', '/console/accounts', '/workspaces', '/account/tokens'])
      assert.equal(await asks(issuer() + path), 'error', path)
    assert.match(await asks(`${issuer()}/console`, { mode: 'no-cors' }), /^(opaque 0 0|error)$/)
    const framed = await page.evaluate(`(async () => {
      const frame = document.createElement('iframe')
      frame.src = ${JSON.stringify(`${issuer()}/console`)}
      document.body.append(frame)
      await new Promise((done) => { frame.onload = done })
      return frame.contentDocument === null
    })()`)
    assert.equal(framed, true)
    assert.ok(
      page.frames().every((frame) => !frame.url().includes('/console') || frame.url().startsWith('chrome-error')),
    )
    const opened = await page.evaluate(`(async () => {
      const other = window.open(${JSON.stringify(`${issuer()}/account`)})
      await new Promise((done) => setTimeout(done, 500))
      try { return other?.document.body.innerText ?? 'none' } catch { return 'refused' }
    })()`)
    assert.equal(typeof opened, 'string')
    assert.match(String(opened), /^(none|refused|)$/)
  })

  test('changes nothing at the issuer in the name of whoever looks at it', async () => {
    const before = await world.site.labgate.rooms.get('workspaces').find(ids[1] ?? '')
    for (const path of [`/workspaces/${ids[1]}/stop`, '/account/sign-out', '/sign-out'])
      await asks(issuer() + path, { method: 'POST', mode: 'no-cors', body: 'csrf=x' })
    assert.equal((await world.site.labgate.rooms.get('workspaces').find(ids[1] ?? ''))?.wanted, before?.wanted)
    const other = await context.newPage()
    await other.goto(`${issuer()}/account`)
    await other.getByText('carol@example.org').first().waitFor()
  })

  test('takes no session over: a cookie that it sets counts nowhere, and its own counts on its own host alone', async () => {
    await page.evaluate("document.cookie = 'labgate_session=evil; path=/; domain=localhost'")
    await page.evaluate("document.cookie = 'labgate_session=evil; path=/'")
    const other = await context.newPage()
    await other.goto(`${issuer()}/account`)
    await other.getByText('carol@example.org').first().waitFor()
    const own = (await context.cookies(at(ids[0]))).find(({ name }) => name.includes('labgate_session'))
    const taken = await fetch(`${issuer()}/account`, {
      redirect: 'manual',
      headers: { cookie: `${own?.name}=${own?.value}` },
    })
    assert.equal(taken.status, 303, 'somebody has to sign in')
    await taken.body?.cancel()
  })

  test('reads and changes nothing in another workspace, though the same person may', async () => {
    assert.equal(await asks(at(ids[1])), 'error')
    assert.match(await asks(at(ids[1], '/quit'), { mode: 'no-cors' }), /^(opaque 0 0|error)$/)
    const answer = await page.evaluate(
      (url) =>
        new Promise<string>((done) => {
          const socket = new WebSocket(url)
          socket.onopen = () => done('open')
          socket.onerror = () => done('refused')
        }),
      at(ids[1], '/socket').replace('http:', 'ws:'),
    )
    assert.equal(answer, 'refused')
    const mine = await context.newPage()
    await mine.goto(at(ids[1]))
    assert.match(await mine.locator('body').innerText(), /"hello":true/, 'it still runs')
  })
})
