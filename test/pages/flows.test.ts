import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Browser, BrowserContextOptions } from 'playwright-core'
import { openBrowser, views } from '../support/browser.ts'
import { needs } from '../support/needs.ts'
import { take, walks } from './walks.ts'

/** Routes that no person opens as a page, each with its reason. */
const notPages: Readonly<Record<string, string>> = {
  '/assets/*': 'style sheet, mark and images, which the pages load',
  '/api/admin/v1/*': 'for programs; test/flows/admin-api.test.ts',
  '/invited': 'a link in a mail; test/pages/invitation.test.ts opens it',
  '/workspaces/:id/events': 'events, which the page of a workspace listens to',
  '/workspaces/:id/logs/follow': 'lines, which the page of logs listens to',
  '/workspaces/storage/:profile': 'an archive, which is downloaded; test/flows/workspaces-pages.test.ts',
  '/console/workspaces/usage.csv': 'a table for a spreadsheet, which is downloaded',
  '/console/terms/:id/acceptances.csv': 'a table for a spreadsheet, which is downloaded',
}

describe('people in Chromium', { skip: needs('chromium') }, () => {
  let browser: Browser
  /** Patterns of GET routes, and whether a walk asked for them. */
  const routes = new Map<string, boolean>()
  before(async () => {
    browser = await openBrowser()
  })
  after(() => browser.close())

  describe('ways', { concurrency: 2 }, () => {
    for (const [how, options] of Object.entries({ 'with scripts': {}, 'without scripts': views.noScript }))
      describe(how, () => {
        for (const walk of walks) test(walk.name, () => walked(walk, options))
      })
  })

  async function walked(walk: (typeof walks)[number], options: BrowserContextOptions): Promise<void> {
    const { visited, demo } = await take(walk, { browser, options })
    for (const { method, path, host } of demo.labgate.app.routes.list()) {
      if (method !== 'GET') continue
      const origin = `http://${host}`
      const isSeen = [...visited].some((address) => matches(path, { address, origin }))
      routes.set(path, routes.get(path) === true || isSeen)
    }
  }

  test('every page of the route table was opened', () => {
    const missed = [...routes].flatMap(([path, seen]) => (seen || isException(path) ? [] : [path]))
    assert.deepEqual(missed, [])
    assert.ok(routes.size > 10, 'the route table was read')
  })
})

function matches(pattern: string, { address, origin }: { address: string; origin: string }): boolean {
  if (!address.startsWith(origin)) return false
  const parts = pattern.split('/').map((part) => (part.startsWith(':') ? '[^/]+' : part.replaceAll('.', '\\.')))
  return new RegExp(`^${parts.join('/')}$`).test(address.slice(origin.length))
}

function isException(path: string): boolean {
  return Object.keys(notPages).some((each) => path.startsWith(each.replace('*', '')))
}
