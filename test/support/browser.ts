/** Chromium for the tests of pages: it reaches loopback only, and carries axe-core for accessibility. @module */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Page,
  type Request,
} from 'playwright-core'
import { pathOf, programOf } from './needs.ts'

/** Ways to look at a page. `phone` is 360 pixels wide; they can be mixed by spreading. */
export const views = {
  desktop: { viewport: { width: 1280, height: 800 } },
  phone: { viewport: { width: 360, height: 740 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true },
  dark: { colorScheme: 'dark' },
  light: { colorScheme: 'light' },
  noScript: { javaScriptEnabled: false },
} as const satisfies Record<string, BrowserContextOptions>

/** A way to make an open page one of a phone, and of a desk again, without opening it anew, as DevTools do. */
export async function viewSwitch(page: Page): Promise<(view: 'phone' | 'desktop') => Promise<void>> {
  const devtools = await page.context().newCDPSession(page)
  return async (view) => {
    const mobile = view === 'phone'
    const deviceScaleFactor = mobile ? views.phone.deviceScaleFactor : 1
    await devtools.send('Emulation.setDeviceMetricsOverride', { ...views[view].viewport, deviceScaleFactor, mobile })
    await devtools.send('Emulation.setTouchEmulationEnabled', { enabled: mobile })
  }
}

const quiet = ['--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking']
const alone = ['--disable-component-update', '--disable-sync']
// Every other name fails to resolve, so that a test can never reach the world by mistake.
const loopbackOnly = 'MAP *.localhost 127.0.0.1 , MAP * ~NOTFOUND , EXCLUDE 127.0.0.1 , EXCLUDE localhost'

/** How Chromium is started beside the usual. */
export interface BrowserOptions {
  /** Where further names are, in the words of its `--host-resolver-rules`. */
  readonly rules?: string
}

/**
 * Starts Chromium with a profile of its own; the caller closes it. Ask `needs('chromium')` first.
 * Make pages by `browser.newPage({ ...views.phone, ...views.dark })`; for TLS of the tests add `ignoreHTTPSErrors: true`.
 * Where there is Chromium without its windows it is that one, whose page takes a third of the work.
 */
export function openBrowser(options: BrowserOptions = {}): Promise<Browser> {
  const whole = launching(options)
  const executablePath = pathOf('chromium-headless-shell') ?? whole.executablePath
  // A page of the site before goes to the process of that one, and a new process is not begun for each.
  return chromium.launch({ ...whole, executablePath, args: [...whole.args, '--renderer-process-limit=1'] })
}

/** Like {@link openBrowser}, but all of Chromium: its contexts are incognito windows, no cookie goes to another site than the page's. */
export function openIncognito(options: BrowserOptions = {}): Promise<Browser> {
  return chromium.launch(launching(options))
}

/**
 * Starts Chromium with a profile as most people have one, in an empty folder: cookies go to other sites, if these want them.
 * Debian's refuses that unless told otherwise.
 */
export async function openProfile(
  folder: string,
  { rules, ...context }: BrowserOptions & BrowserContextOptions = {},
): Promise<BrowserContext> {
  const preferences = { profile: { block_third_party_cookies: false, cookie_controls_mode: 0 } }
  await mkdir(join(folder, 'Default'), { recursive: true })
  await writeFile(join(folder, 'Default', 'Preferences'), JSON.stringify(preferences))
  const options = launching(rules === undefined ? {} : { rules })
  return chromium.launchPersistentContext(folder, { ...options, ...context })
}

/**
 * Loads a page, and does `again` where the machine's network changed meanwhile: a container that begins brings an interface, for
 * which Chromium breaks off whatever it is loading. Several may begin one after another.
 */
export async function loadSteadily(page: Page, load: () => Promise<unknown>, again = load): Promise<void> {
  let isBroken = false
  const note = (request: Request) => {
    isBroken ||= request.failure()?.errorText === 'net::ERR_NETWORK_CHANGED'
  }
  page.on('requestfailed', note)
  try {
    for (let left = mostLoads; ; left--) {
      isBroken = false
      try {
        await (left === mostLoads ? load : again)()
        return
      } catch (error) {
        if (!isBroken || left === 1) throw error
        await sleep(calmMs)
      }
    }
  } finally {
    page.off('requestfailed', note)
  }
}

const mostLoads = 4
/** Until the next interface of a container that begins is there as well. */
const calmMs = 300

function launching({ rules }: BrowserOptions) {
  const hosts = `--host-resolver-rules=${[rules ?? [], loopbackOnly].flat().join(' , ')}`
  // Chromium refuses its sandbox to root; the pages are our own.
  const args = [...(process.getuid?.() === 0 ? ['--no-sandbox'] : []), ...quiet, ...alone, hosts]
  return { executablePath: programOf('chromium'), headless: true, args }
}

/**
 * What axe-core finds wrong with a page, WCAG 2.2 AA and best practices: a line for each kind of violation, none when all is well.
 * Works under a strict content security policy, but not in a page without scripts.
 */
export async function axe(page: Page): Promise<readonly string[]> {
  // A page that is looked at again has it already.
  if (!(await page.evaluate('"axe" in window'))) await page.evaluate(await axeSource())
  const found = (await page.evaluate('axe.run(document, { resultTypes: ["violations"] })')) as AxeResult
  return found.violations.map(
    ({ id, impact, help, nodes }) =>
      `${id} (${impact}): ${help} at ${nodes.map((node) => node.target.join(' ')).join(', ')}`,
  )
}

/** By how many pixels a page can be scrolled sideways; 0 on a page that fits. */
export async function sidewaysScroll(page: Page): Promise<number> {
  return Number(await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth'))
}

interface AxeResult {
  readonly violations: readonly {
    readonly id: string
    readonly impact: string
    readonly help: string
    readonly nodes: readonly { readonly target: readonly string[] }[]
  }[]
}

let source: Promise<string> | undefined

function axeSource(): Promise<string> {
  source ??= readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
  return source
}
