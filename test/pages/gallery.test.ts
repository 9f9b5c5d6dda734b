import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, suite, test } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { loadAssets } from '../../core/pages/assets.ts'
import { createPages } from '../../core/pages/pages.ts'
import { axe, openBrowser, sidewaysScroll, viewSwitch, views } from '../support/browser.ts'
import { galleryData, renderSample, samplePages } from '../support/gallery.ts'
import { needs } from '../support/needs.ts'

const policy =
  "default-src 'none'; script-src 'nonce-sample-nonce'; style-src 'self' 'nonce-sample-nonce'; img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'"

/** Serves the gallery under the policy of the real server, and tells what was posted. */
async function openGallery() {
  const branded = createPages({
    siteName: 'Northfield Lab',
    branding: { accent: '#ff9900' },
    assets: Object.fromEntries(Object.entries(loadAssets()).map(([name, { url }]) => [name, url])),
    log: { ...console, warn: () => undefined },
  })
  const posted: { path: string; body: string }[] = []
  const server = createServer((request, response) => {
    const [, first = '', second = ''] = (request.url ?? '').split('/')
    const asset = Object.values(loadAssets()).find(({ url }) => url === request.url)
    if (asset) return response.setHeader('content-type', asset.type).end(asset.body)
    if (request.method === 'POST') {
      let body = ''
      request.on('data', (chunk) => {
        body += String(chunk)
      })
      request.on('end', () => {
        posted.push({ path: request.url ?? '', body })
        response.setHeader('content-type', 'text/html').end('<!doctype html><title>posted</title>')
      })
      return response
    }
    // Nothing happens in the gallery; what waits for it waits.
    if (/\/(events|follow)\b/.test(request.url ?? ''))
      return response.writeHead(200, { 'content-type': 'text/event-stream' }).write(': nothing\n\n')
    const sample = galleryData().find(({ name }) => name === (second || first))
    if (!sample) return response.writeHead(404).end()
    const pages = first === 'branded' ? branded : samplePages()
    response.setHeader('content-security-policy', policy)
    return response.setHeader('content-type', 'text/html; charset=utf-8').end(renderSample(pages, sample))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const close = () => new Promise((resolve) => server.close(resolve).closeAllConnections())
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, posted, close }
}

/** What is there to be pressed and smaller than a fingertip. */
async function small(page: Page): Promise<readonly string[]> {
  const script = `[...document.querySelectorAll('main button:not(.default), main a.button, main summary')]
    .filter((part) => part.checkVisibility({ contentVisibilityAuto: true }))
    .filter((part) => part.getBoundingClientRect().height < 24 || part.getBoundingClientRect().width < 24)
    .map((part) => part.textContent.trim())`
  return (await page.evaluate(script)) as string[]
}

suite('the gallery in Chromium', { skip: needs('chromium') }, () => {
  let gallery: Awaited<ReturnType<typeof openGallery>>
  let browser: Browser

  before(async () => {
    gallery = await openGallery()
    browser = await openBrowser()
  })
  after(async () => {
    await browser.close()
    await gallery.close()
  })

  describe('every view is whole, accessible in light and dark, and fits a phone, for fingers too', () => {
    let page: Page
    let lookAs: Awaited<ReturnType<typeof viewSwitch>>
    const blocked: string[] = []
    before(async () => {
      // A button would pass from its colours in light to those in dark slowly.
      page = await browser.newPage({ reducedMotion: 'reduce' })
      lookAs = await viewSwitch(page)
      page.on('console', (message) => {
        if (message.type() === 'error') blocked.push(message.text())
      })
    })
    after(() => page?.close())

    for (const { name } of galleryData())
      test(name, async () => {
        blocked.length = 0
        await lookAs('desktop')
        await page.emulateMedia(views.light)
        await page.goto(`${gallery.origin}/${name}`)
        assert.deepEqual(await axe(page), [], 'in light colours')
        await page.emulateMedia(views.dark)
        assert.deepEqual(await axe(page), [], 'in dark colours')
        await page.emulateMedia(views.light)
        await lookAs('phone')
        assert.equal(await sidewaysScroll(page), 0, 'sideways on a phone')
        assert.deepEqual(await axe(page), [], 'on a phone')
        assert.deepEqual(await small(page), [], 'for a finger (WCAG 2.2 §2.5.8)')
        assert.deepEqual(blocked, [], 'everything a page needs is there, and the policy blocks none of it')
      })
  })

  test('long words of others break instead of widening the page', async () => {
    const page = await browser.newPage({ ...views.phone })
    for (const name of ['consent', 'account', 'chooser', 'refused', 'error']) {
      await page.goto(`${gallery.origin}/${name}`)
      const long = `document.querySelectorAll('main strong, main dd, main a, main .sub, main .lead, main button > span:not(.badge)')
        .forEach((part) => { part.textContent = 'W'.repeat(90) })`
      await page.evaluate(long)
      assert.equal(await sidewaysScroll(page), 0, name)
    }
    await page.close()
  })

  test('the deployer’s accent is readable in both schemes', async () => {
    for (const scheme of [views.light, views.dark]) {
      const page = await browser.newPage({ ...views.desktop, ...scheme })
      for (const name of ['chooser', 'account', 'message']) {
        await page.goto(`${gallery.origin}/branded/${name}`)
        assert.deepEqual(await axe(page), [], name)
      }
      await page.close()
    }
  })

  test('the return key in the e-mail field sends the mail, without scripts, and the box is posted with it', async () => {
    const page = await browser.newPage({ ...views.noScript })
    await page.goto(`${gallery.origin}/chooser-again`)
    await page.getByLabel('E-mail address').fill('bob@example.org')
    await page.getByLabel('E-mail address').press('Enter')
    await page.waitForURL('**/m/email')
    const last = gallery.posted.at(-1)
    assert.equal(last?.path, '/interaction/u/m/email')
    assert.deepEqual(Object.fromEntries(new URLSearchParams(last?.body)), {
      _csrf: 'sample-csrf',
      email: 'bob@example.org',
      remember: 'on',
    })
    await page.close()
  })

  test('a button beside the e-mail field works while that field is empty, without scripts', async () => {
    const page = await browser.newPage({ ...views.noScript })
    await page.goto(`${gallery.origin}/chooser`)
    await page.getByLabel('Keep me signed in').check()
    await page.getByRole('button', { name: 'Continue with GitHub' }).click()
    await page.waitForURL('**/m/github')
    assert.equal(new URLSearchParams(gallery.posted.at(-1)?.body).get('remember'), 'on')
    await page.close()
  })

  test('the code field has the focus, takes digits and is read with its error; "send a new code" needs none', async () => {
    const page = await browser.newPage({ ...views.noScript })
    await page.goto(`${gallery.origin}/step-error`)
    const code = page.getByLabel('Six-digit code')
    assert.equal(await code.getAttribute('inputmode'), 'numeric')
    assert.equal(await page.locator('input:focus').getAttribute('name'), 'code')
    const described = (await code.getAttribute('aria-describedby'))?.split(' ') ?? []
    const words = await Promise.all(described.map((id) => page.locator(`#${id}`).textContent()))
    assert.match(words.join(' '), /good for ten minutes.*This code is not right/s)
    await code.fill('')
    await page.getByRole('button', { name: 'Send a new code' }).click()
    await page.waitForURL('**/m/email')
    assert.equal(new URLSearchParams(gallery.posted.at(-1)?.body).get('again'), '1')
    await page.close()
  })

  test('removing a way to sign in asks once more, without scripts', async () => {
    const page = await browser.newPage({ ...views.noScript })
    await page.goto(`${gallery.origin}/account`)
    const go = page.getByRole('button', { name: 'Yes, remove it' })
    assert.equal(await go.isVisible(), false)
    await page.locator('.confirm summary').click()
    await go.click()
    await page.waitForURL('**/identities/2/unlink')
    assert.equal(gallery.posted.at(-1)?.body, '_csrf=sample-csrf')
    await page.close()
  })

  test('the keyboard reaches everything in reading order, and shows where it is', async () => {
    const page = await browser.newPage({ ...views.desktop })
    await page.goto(`${gallery.origin}/chooser`)
    const reached: string[] = []
    for (let step = 0; step < 10; step++) {
      await page.keyboard.press('Tab')
      const at = await page.evaluate(
        `(() => { const at = document.activeElement; const outline = getComputedStyle(at).outlineStyle;
          return (at.name || at.textContent.trim() || at.tagName) + ':' + outline })()`,
      )
      reached.push(String(at))
    }
    assert.deepEqual(reached, [
      'Skip to content:solid',
      'Northfield Lab:solid',
      'Neuron Atlas:solid',
      'email:solid',
      'Send me a sign-in mail:solid',
      'Continue with GitHubLast used:solid',
      'Continue with ORCID:solid',
      'remember:solid',
      'Back to Neuron Atlas:solid',
      'Help and contact:solid',
    ])
    await page.close()
  })
})
