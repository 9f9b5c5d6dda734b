/**
 * `npm run screenshots`: renews the pictures of the README in `docs/images/`. With a folder as argument: pictures of
 * every page of every walk, light, dark and on a phone, for people who change pages and want to see what they did.
 * @module
 */
import { mkdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { parse } from 'yaml'
import { openBrowser, views } from '../support/browser.ts'
import { startTestDemo } from '../support/demo.ts'
import { startDocker } from '../support/docker.ts'
import { notebookImage } from '../support/engine-notebook.ts'
import { loadPackages } from '../support/images.ts'
import { freePort } from '../support/labgate.ts'
import { Visitor } from '../support/visitor.ts'
import { workspaceWorld } from '../support/workspaces.ts'
import { startAllSignIns } from './all-sign-ins.ts'
import { take, walks } from './walks.ts'

const images = join(import.meta.dirname, '../../docs/images')
/** Larger ones make a clone slow. */
const mostBytes = 150_000

const browser = await openBrowser()
try {
  const [folder] = process.argv.slice(2)
  if (folder === undefined) {
    await forReadme(browser)
    await ofAllSignIns(browser)
    await ofWorkspaces(browser)
  } else await everything(browser, folder)
} finally {
  await browser.close()
}

async function forReadme(chromium: Browser): Promise<void> {
  await mkdir(images, { recursive: true })
  const demo = await startTestDemo(undefined, 'its own ports')
  const options = { viewport: { width: 1200, height: 780 } }
  const visitor = await Visitor.enter({ browser: chromium, options })
  try {
    const { page } = visitor
    await page.goto(`${demo.application}/sign-in`)
    await visitor.expect('Sign in')
    await picture(page, 'chooser')
    await page.getByRole('button', { name: /Demo University/ }).click()
    await visitor.expect('Who are you today?')
    await page.getByRole('button', { name: 'Ada' }).click()
    await visitor.expect('Allow Demo application?')
    await visitor.press('Allow', 'Hello, Ada Lovelace')
    await page.getByRole('heading', { level: 1 }).hover()
    await picture(page, 'demo-application')
  } finally {
    await visitor.leave()
    await demo.stop()
  }
}

/** The chooser with every sign-in there is. */
async function ofAllSignIns(chromium: Browser): Promise<void> {
  const demo = await startAllSignIns('its own ports')
  const visitor = await Visitor.enter({ browser: chromium, options: { viewport: { width: 1000, height: 1040 } } })
  try {
    await visitor.page.goto(`${demo.application}/sign-in`)
    await visitor.expect('Sign in')
    await picture(visitor.page, 'chooser-all')
  } finally {
    await visitor.leave()
    await demo.stop()
  }
}

/** The example of a portal of notebooks: what can be started, and one that has just started, in a real container. */
async function ofWorkspaces(chromium: Browser): Promise<void> {
  const example = parse(await readFile(join(images, '../../examples/notebook-portal/labgate.yaml'), 'utf8'))
  const engine = await startDocker()
  const port = await freePort()
  const config = { socket: engine.socket, pull: 'never' }
  const workspaces = { ...example.workspaces, origin: `http://*.localhost:${port}` }
  const plugins = { docker: { use: '@labgate/runner-docker', config } }
  const world = await workspaceWorld({ plugins, workspaces }, { port })
  const visitor = await Visitor.enter({ browser: chromium, options: { viewport: { width: 1000, height: 1060 } } })
  try {
    await loadPackages(engine.client, { ...notebookImage, name: example.workspaces.profiles.notebook.image })
    const { page } = visitor
    await page.goto(`${world.site.issuer}/workspaces`)
    await visitor.signInByEmail('ada@lab.example', { folder: world.site.folder, heading: 'Workspaces' })
    await picture(page, 'workspace-launch')
    await page.getByRole('button', { name: /^Start/ }).click()
    await page.getByRole('link', { name: 'Open', exact: true }).waitFor()
    await picture(page, 'workspace-progress')
  } finally {
    await visitor.leave()
    await world.stop()
    await engine.close()
  }
}

async function picture(page: Page, name: string): Promise<void> {
  const path = join(images, `${name}.png`)
  await page.screenshot({ path })
  const { size } = await stat(path)
  if (size > mostBytes) throw new Error(`${path} has ${size} bytes, more than ${mostBytes}`)
  process.stdout.write(`${path}: ${Math.round(size / 1000)} kB\n`)
}

async function everything(chromium: Browser, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  const shoot = async (name: string, page: Page) => {
    const before = page.viewportSize() ?? views.desktop.viewport
    await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true })
    await page.emulateMedia({ colorScheme: 'dark' })
    await page.screenshot({ path: join(folder, `${name}-dark.png`), fullPage: true })
    await page.emulateMedia({ colorScheme: null })
    await page.setViewportSize(views.phone.viewport)
    await page.screenshot({ path: join(folder, `${name}-phone.png`), fullPage: true })
    await page.setViewportSize(before)
  }
  for (const walk of walks) await take(walk, { browser: chromium, options: views.noScript, picture: shoot })
}
