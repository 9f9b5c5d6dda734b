/** A page of a notebook in Chromium tries to read the console's pages and cookies, and cannot. @module */
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { openIncognito } from '../support/browser.ts'
import { freePort } from '../support/labgate.ts'
import { needs } from '../support/needs.ts'
import { type Person, signedIn } from '../support/workspace-visit.ts'
import { type WorkspaceWorld, workspaceWorld } from '../support/workspaces.ts'

suite('a hostile page in a workspace', { skip: needs('chromium') }, () => {
  let world: WorkspaceWorld
  let browser: Browser
  let page: Page
  let port: number
  let carol: Person
  let id: string
  const at = () => `http://${id}.localhost:${port}`

  before(async () => {
    port = await freePort()
    world = await workspaceWorld({ workspaces: { origin: `http://*.localhost:${port}` } }, { port })
    browser = await openIncognito()
    const context = await browser.newContext()
    carol = await signedIn(world, 'carol@example.org')
    id = (await world.ready(carol.account)).id
    const issuer = new URL(world.site.issuer)
    const [name = '', value = ''] =
      carol.agent
        .cookieHeader(issuer)
        ?.split('; ')
        .find((one) => /session=/.test(one))
        ?.split('=') ?? []
    await context.addCookies([{ name, value, url: issuer.href, httpOnly: true, sameSite: 'Lax' }])
    page = await context.newPage()
    await page.goto(`${issuer.origin}/account`)
    assert.match(page.url(), /\/account$/)
    await page.goto(`${at()}/hello`)
    assert.equal(page.url(), `${at()}/hello`, 'the browser was led in')
  })
  after(async () => {
    await browser?.close()
    await world?.stop()
  })

  const inPage = (script: string): Promise<unknown> => page.evaluate(script)

  test('sees no cookie of ours, its own or the issuer’s', async () => {
    assert.equal(await inPage('document.cookie'), '')
    const echo = (await inPage("fetch('/echo').then((answer) => answer.json())")) as { headers: Record<string, string> }
    assert.equal(echo.headers.cookie, undefined)
  })

  test('cannot read a page of the issuer by fetch, nor change anything there', async () => {
    const account = JSON.stringify(`${world.site.issuer}/account`)
    for (const options of ["{ credentials: 'include' }", "{ credentials: 'include', method: 'POST' }"])
      assert.equal(await inPage(`fetch(${account}, ${options}).then(() => 'read', () => 'refused')`), 'refused')
    const opaque = `fetch(${account}, { credentials: 'include', mode: 'no-cors' }).then((a) => a.text()).catch(() => '')`
    assert.equal(await inPage(opaque), '')
  })

  test('cannot frame a page of the issuer or another workspace', async () => {
    const other = (await world.ready(carol.account)).id
    for (const target of [`${world.site.issuer}/account`, `http://${other}.localhost:${port}/hello`]) {
      const read = await inPage(`new Promise((resolve) => {
        const frame = document.createElement('iframe')
        frame.src = ${JSON.stringify(target)}
        const look = () => {
          try { resolve(String(frame.contentDocument && frame.contentDocument.body.textContent)) } catch { resolve('refused') }
        }
        frame.onload = look
        setTimeout(look, 3000)
        document.body.append(frame)
      })`)
      assert.ok(read === 'null' || read === 'refused' || read === '', String(read))
    }
  })

  test('cannot reach into a window of the issuer that it opens', async () => {
    const read = await inPage(`new Promise((resolve) => {
      const opened = window.open(${JSON.stringify(`${world.site.issuer}/account`)})
      setTimeout(() => {
        try { resolve(opened.document.body.textContent) } catch { resolve('refused') }
      }, 1500)
    })`)
    assert.ok(read === 'refused' || read === '', String(read))
  })

  test('cannot toss a cookie that makes somebody else of the person', async () => {
    await inPage("document.cookie = 'labgate_session=evil; Domain=localhost; Path=/'")
    await inPage("document.cookie = 'labgate_session=evil; Path=/account'")
    const next = await page.context().newPage()
    await next.goto(`${world.site.issuer}/account`)
    const text = await next.locator('body').innerText()
    await next.close()
    assert.ok(/carol/i.test(text) || /sign in/i.test(text), text)
    assert.ok(!/evil/.test(text))
  })

  test('cannot talk to another workspace of the same person', async () => {
    const other = (await world.ready(carol.account)).id
    const target = JSON.stringify(`http://${other}.localhost:${port}/echo`)
    assert.equal(
      await inPage(`fetch(${target}, { credentials: 'include' }).then(() => 'read', () => 'refused')`),
      'refused',
    )
  })
})
