/** A person in front of Chromium, whose browser tells everything it did not like. @module */
import assert from 'node:assert/strict'
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core'
import { axe, sidewaysScroll, views } from './browser.ts'
import { newestMail } from './labgate.ts'

/** A picture of a page, as it was looked at. */
export type Picture = (name: string, page: Page) => Promise<void>

/** How somebody looks at pages. */
export interface Sight {
  readonly browser: Browser
  readonly options?: BrowserContextOptions
  readonly picture?: Picture
}

/** One browser of one person. */
export class Visitor {
  readonly context: BrowserContext
  readonly page: Page
  /** What the browser complained about: policy violations, failed requests, script errors. */
  readonly complaints: string[] = []
  /** Paths of the documents that were asked for, by origin and path. */
  readonly visited = new Set<string>()
  readonly #sight: Sight

  private constructor(sight: Sight, { context, page }: { context: BrowserContext; page: Page }) {
    this.#sight = sight
    this.context = context
    this.page = page
    context.on('page', (each) => this.#watch(each))
    this.#watch(page)
  }

  static async enter(sight: Sight): Promise<Visitor> {
    const context = await sight.browser.newContext({ ...views.desktop, reducedMotion: 'reduce', ...sight.options })
    context.setDefaultTimeout(20_000)
    return new Visitor(sight, { context, page: await context.newPage() })
  }

  /** Looks closely: accessible in light and dark, no sideways scrolling on a phone. Without scripts, a heading must be there. */
  async look(name: string, page = this.page): Promise<void> {
    assert.ok((await page.locator('h1').count()) === 1, `${name} has one heading, at ${page.url()}`)
    await this.#sight.picture?.(name, page)
    const before = page.viewportSize() ?? views.desktop.viewport
    await page.setViewportSize(views.phone.viewport)
    if (this.#sight.options?.javaScriptEnabled === false) {
      const box = await page.locator('main').boundingBox()
      assert.ok(box !== null && box.width <= 360, `${name} fits a phone`)
    } else {
      assert.equal(await sidewaysScroll(page), 0, `${name} scrolls sideways on a phone`)
      assert.deepEqual(await axe(page), [], `${name} on a phone`)
      await page.setViewportSize(before)
      await page.emulateMedia({ colorScheme: 'dark' })
      assert.deepEqual(await axe(page), [], `${name} in dark`)
      await page.emulateMedia({ colorScheme: null })
    }
    await page.setViewportSize(before)
  }

  /** Presses a button or a link by its whole name and waits for the page with this heading. */
  async press(name: string, heading: string | RegExp, page = this.page): Promise<void> {
    const target = page
      .getByRole('button', { name, exact: true })
      .or(page.getByRole('link', { name, exact: true }))
      .first()
    await target.click()
    await this.expect(heading, page)
  }

  /** Waits for the page with this heading. */
  async expect(heading: string | RegExp, page = this.page): Promise<void> {
    const title = page.getByRole('heading', { level: 1, name: heading, exact: typeof heading === 'string' })
    await title.waitFor().catch(async () => {
      const shown = (await page.locator('body').innerText()).slice(0, 400)
      assert.fail(`expected “${heading}” at ${page.url()}, got:\n${shown}\n${this.complaints.join('\n')}`)
    })
  }

  /** Types an address and the code of the mail that comes. */
  async signInByEmail(email: string, { folder, heading }: { folder: string; heading: string | RegExp }): Promise<void> {
    await this.page.getByLabel('E-mail address').fill(email)
    await this.page.getByLabel('E-mail address').press('Enter')
    await this.expect('Check your mail')
    const { code } = await newestMail(`${folder}/outbox`, email)
    await this.page.getByLabel('Six-digit code').fill(code)
    await this.press('Sign in', heading)
  }

  /** Leaves, and says what the browser did not like. */
  async leave(): Promise<void> {
    await this.context.close()
    assert.deepEqual(this.complaints, [], 'the browser had nothing to complain about')
  }

  #watch(page: Page): void {
    page.on('console', (message) => {
      // A page with an error status is a page all the same.
      const isPage = /^Failed to load resource: the server responded with a status of 4\d\d/.test(message.text())
      if (message.type() === 'error' && !isPage) this.complaints.push(message.text())
    })
    page.on('pageerror', (error) => this.complaints.push(String(error)))
    page.on('requestfailed', (request) => {
      const why = request.failure()?.errorText ?? ''
      if (why !== 'net::ERR_ABORTED') this.complaints.push(`${request.url()}: ${why}`)
    })
    page.on('response', (response) => {
      if (!response.request().isNavigationRequest()) return
      const { origin, pathname } = new URL(response.url())
      this.visited.add(origin + pathname)
    })
  }
}
