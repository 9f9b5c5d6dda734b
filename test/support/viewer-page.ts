/**
 * The npm Neuroglancer on a page in Chromium: its own credentials providers and stores, bundled unchanged (`npmNeeds('neuroglancer')`
 * first), its buttons pressed as a person does.
 * @module
 */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import type { RequestListener } from 'node:http'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { BrowserContext, Page } from 'playwright-core'
import { loadSteadily } from './browser.ts'
import type { TestLabgate } from './labgate.ts'
import { npmFolder } from './npm-folder.ts'
import { tempFolder } from './program.ts'

const run = promisify(execFile)
const waitMs = 15_000

/** What Neuroglancer made of a reading: `missing` is what it takes for a file that is not there. */
export type Reading =
  | { readonly text: string }
  | { readonly missing: true }
  | { readonly error: string; readonly name: string }

/** Bundles the client, and serves its page at every path. */
export async function viewerSite(): Promise<RequestListener> {
  const folder = await tempFolder()
  const home = npmFolder('neuroglancer')
  try {
    const script = join(home, 'node_modules', 'esbuild', 'bin', 'esbuild')
    const options = ['--bundle', '--format=esm', '--loader:.svg=text', `--outdir=${folder.path}`]
    await run(process.execPath, [script, 'viewer.js', ...options], { cwd: home })
    const read = (name: string) => readFile(join(folder.path, name))
    const files = new Map([
      ['/viewer.js', { type: 'text/javascript', body: await read('viewer.js') }],
      ['/viewer.css', { type: 'text/css', body: await read('viewer.css') }],
    ])
    const page = `<!doctype html><html lang="en"><meta charset="utf-8"><title>viewer</title><link rel="stylesheet" href="/viewer.css"><div id="neuroglancer-container"></div><script type="module" src="/viewer.js"></script></html>`
    return (req, res) => {
      const { type, body } = files.get(req.url ?? '') ?? { type: 'text/html', body: page }
      res.writeHead(200, { 'content-type': type }).end(body)
    }
  } finally {
    await folder.remove()
  }
}

/** One open viewer. */
export class ViewerPage {
  readonly page: Page
  #count = 0

  constructor(page: Page) {
    this.page = page
  }

  /** A new page in the browser whose cookies and storage `context` has. */
  static async open(context: BrowserContext, origin: string): Promise<ViewerPage> {
    const page = await context.newPage()
    page.setDefaultTimeout(waitMs)
    await loadSteadily(page, async () => {
      await page.goto(origin)
      await page.waitForFunction('window.viewer')
    })
    return new ViewerPage(page)
  }

  /** Begins to read an address, as a layer does; the answer comes when a person has done what is asked. */
  async begin(url: string, how: 'read' | 'fetchWithMiddleAuth' = 'read'): Promise<() => Promise<Reading>> {
    const name = `reading-${++this.#count}`
    await this.page.evaluate(`viewer.${how}(${JSON.stringify(name)}, ${JSON.stringify(url)})`)
    return async () => {
      const found = await this.page.waitForFunction(`viewer.results[${JSON.stringify(name)}]`)
      return (await found.jsonValue()) as Reading
    }
  }

  /** Reads where nobody has to do anything. */
  async read(url: string, how?: 'read' | 'fetchWithMiddleAuth'): Promise<Reading> {
    return (await this.begin(url, how))()
  }

  /** Presses the button of a status message, by its words, and gives the window that opens. */
  async press(button: string): Promise<Page> {
    const opened = this.page.waitForEvent('popup')
    await this.page.getByRole('button', { name: button, exact: true }).click()
    const popup = await opened
    popup.setDefaultTimeout(waitMs)
    return popup
  }

  /** Waits until the status messages say something. */
  async says(words: string): Promise<void> {
    await this.page.getByText(words).waitFor()
  }

  /** How many status messages wait for somebody. */
  async asks(): Promise<number> {
    return this.page.locator('#neuroglancer-status-container-modal button').count()
  }
}

/** Signs in by e-mail in a window, from the chooser to the code. */
export async function signInAt(window: Page, site: Pick<TestLabgate, 'mail'>, email: string): Promise<void> {
  await window.getByLabel('E-mail address').fill(email)
  await window.getByLabel('E-mail address').press('Enter')
  await window.locator('input[name=code]').waitFor()
  const { code } = await site.mail(email)
  await window.locator('input[name=code]').fill(code)
  await window.locator('input[name=code]').press('Enter')
}

/** Waits until a window has closed itself, or was closed. */
export async function closed(window: Page): Promise<void> {
  if (!window.isClosed()) await window.waitForEvent('close')
}

/**
 * What a page hears from a window that it opens at `url`, once that window has closed or, with `until`, shows these words:
 * the look of a site that hopes for what is meant for another.
 */
export async function overhear(page: Page, url: string, until?: string): Promise<unknown> {
  const opened = page.waitForEvent('popup')
  await page.evaluate(`(() => {
    window.heard ??= addEventListener('message', ({ data }) => window.heard.push(data)) ?? []
    window.heard.length = 0
    window.open(${JSON.stringify(url)})
  })()`)
  const popup = await opened
  popup.setDefaultTimeout(waitMs)
  if (until === undefined) await closed(popup)
  else await popup.getByText(until).waitFor()
  // Messages are delivered in their order: what was sent before this one has come.
  await page.evaluate(
    'new Promise((done) => { addEventListener("message", done, { once: true }); postMessage("own", "*") })',
  )
  const heard = (await page.evaluate('window.heard')) as unknown[]
  assert.equal(heard.pop(), 'own')
  return heard
}
