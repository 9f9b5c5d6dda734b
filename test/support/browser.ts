/** Chromium for the tests of pages: it reaches loopback only, and carries axe-core for accessibility. @module */
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { programOf } from './needs.ts'

/** Ways to look at a page. `phone` is 360 pixels wide; they can be mixed by spreading. */
export const views = {
  desktop: { viewport: { width: 1280, height: 800 } },
  phone: { viewport: { width: 360, height: 740 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true },
  dark: { colorScheme: 'dark' },
  light: { colorScheme: 'light' },
  noScript: { javaScriptEnabled: false },
} as const satisfies Record<string, BrowserContextOptions>

const quiet = ['--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking']
const alone = ['--disable-component-update', '--disable-sync']
// Every other name fails to resolve, so that a test can never reach the world by mistake.
const loopbackOnly =
  '--host-resolver-rules=MAP * ~NOTFOUND , MAP *.localhost 127.0.0.1 , EXCLUDE 127.0.0.1 , EXCLUDE localhost'

/**
 * Starts Chromium with a profile of its own; the caller closes it. Ask `needs('chromium')` first.
 * Make pages by `browser.newPage({ ...views.phone, ...views.dark })`; for TLS of the tests add `ignoreHTTPSErrors: true`.
 */
export function openBrowser(): Promise<Browser> {
  // Chromium refuses its sandbox to root; the pages are our own.
  const args = [...(process.getuid?.() === 0 ? ['--no-sandbox'] : []), ...quiet, ...alone, loopbackOnly]
  return chromium.launch({ executablePath: programOf('chromium'), headless: true, args })
}

/**
 * What axe-core finds wrong with a page, WCAG 2.2 AA and best practices: a line for each kind of violation, none when all is well.
 * Works under a strict content security policy, but not in a page without scripts.
 */
export async function axe(page: Page): Promise<readonly string[]> {
  await page.evaluate(await axeSource())
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
