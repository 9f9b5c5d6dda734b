import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { axe, openBrowser, sidewaysScroll, views } from '../support/browser.ts'
import { needs } from '../support/needs.ts'
import { Visitor } from '../support/visitor.ts'
import { type AllSignIns, startAllSignIns, type WayIn, waysIn } from './all-sign-ins.ts'

const sights = {
  'light at a desk': { ...views.desktop, ...views.light },
  'dark at a desk': { ...views.desktop, ...views.dark },
  'light on a phone': { ...views.phone, ...views.light },
  'dark on a phone': { ...views.phone, ...views.dark },
}

describe('every sign-in in Chromium', { skip: needs('chromium') }, () => {
  let browser: Browser
  let demo: AllSignIns
  before(async () => {
    browser = await openBrowser()
    demo = await startAllSignIns()
  })
  after(async () => {
    await browser?.close()
    await demo?.stop()
  })

  async function atChooser(options: object): Promise<Visitor> {
    const visitor = await Visitor.enter({ browser, options })
    await visitor.page.goto(demo.application)
    await visitor.press('Sign in with Labgate', 'Sign in')
    return visitor
  }

  test('no plugin for signing in is missing', async () => {
    const folders = await readdir(join(import.meta.dirname, '../../plugins'))
    const expected = folders.filter((name) => name.startsWith('auth-')).map((name) => `@labgate/${name}`)
    assert.deepEqual(demo.uses.toSorted(), expected.toSorted())
    assert.equal(waysIn.length, expected.length)
  })

  for (const [name, options] of Object.entries(sights))
    test(`the chooser with all of them is accessible, in line and fits: ${name}`, async () => {
      const visitor = await atChooser(options)
      assert.deepEqual(await axe(visitor.page), [])
      assert.equal(await sidewaysScroll(visitor.page), 0)
      await inLine(visitor.page)
      await visitor.leave()
    })

  test('the chooser without scripts has them all, and fits a phone', async () => {
    const visitor = await atChooser({ ...views.phone, ...views.noScript })
    await inLine(visitor.page)
    await visitor.leave()
  })

  for (const [how, options] of Object.entries({ 'with scripts': {}, 'without scripts': views.noScript }))
    describe(`from the chooser to the application ${how}`, () => {
      // People who were here before are not asked for consent again.
      before(async () => {
        await demo.stop()
        demo = await startAllSignIns()
      })
      for (const way of waysIn) test(`by ${way.instance}`, () => walk(way, options))
    })

  async function walk(way: WayIn, options: object): Promise<void> {
    const visitor = await atChooser(options)
    await way.through(visitor, demo)
    await visitor.press('Allow', `Hello, ${way.person}`)
    const text = await visitor.page.getByRole('main').innerText()
    assert.match(text, new RegExp(`\\b${way.instance}\\b`), 'the application is told which sign-in said so')
    await visitor.leave()
  }
})

/** The buttons stand in their order with one left edge and one width, high enough for a finger, their pictures below each other. */
async function inLine(page: Page): Promise<void> {
  const tops: number[] = []
  const [sides, pictures] = [new Set<string>(), new Set<string>()]
  for (const { button, instance } of waysIn) {
    const found = page.getByRole('button', { name: button, exact: true })
    const box = await found.boundingBox()
    assert.ok(box !== null && box.height >= 44, `${button} is there`)
    tops.push(box.y)
    sides.add(`${box.x} to ${box.x + box.width}`)
    if (instance === 'email') continue
    const picture = await found.locator('.icon').boundingBox()
    pictures.add(`${picture?.width} by ${picture?.height} at ${picture?.x}`)
  }
  const ascending = tops.toSorted((one, other) => one - other)
  assert.deepEqual(tops, ascending)
  assert.equal(sides.size, 1, [...sides].join(', '))
  assert.equal(pictures.size, 1, [...pictures].join(', '))
  const right = Number([...sides][0]?.split(' to ')[1])
  assert.ok(right <= (page.viewportSize()?.width ?? 0), `ends at ${right}`)
}
