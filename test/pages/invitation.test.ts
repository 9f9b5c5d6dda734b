import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import type { Browser } from 'playwright-core'
import { openBrowser, views } from '../support/browser.ts'
import { atUpstream, startWorld, type World } from '../support/flow.ts'
import { needs } from '../support/needs.ts'
import { Visitor } from '../support/visitor.ts'

const house = { kind: 'system', name: 'test' } as const

suite('an invitation in Chromium', { skip: needs('chromium') }, () => {
  let browser: Browser
  let world: World
  before(async () => {
    browser = await openBrowser()
    // One way to sign in and no form on the chooser: the button of the page leads straight to another origin.
    const part = (upstream: string) => ({ registration: 'closed', plugins: { uni: atUpstream(upstream) } })
    world = await startWorld({ part })
    await world.site.labgate.rooms.get('groups').create(house, { slug: 'imaging', title: 'Imaging' })
  })
  after(async () => {
    await browser.close()
    await world.close()
  })

  for (const options of [{}, views.noScript])
    test(`leads past a strict policy to the only way to sign in${'javaScriptEnabled' in options ? ', without scripts' : ''}`, async () => {
      const person = 'javaScriptEnabled' in options ? 'bob' : 'alice'
      const { get } = world.site.labgate.rooms
      const email = `${person}@example.org`
      const note = 'See you on Monday.\nBring a cup.'
      await get('invitations').invite(house, { email, groups: ['imaging'], note })
      const { text } = await world.site.mail(email)
      const visitor = await Visitor.enter({ browser, options })
      await visitor.page.goto(/http\S+\/invited\/\S+/.exec(text)?.[0] ?? assert.fail(text))
      await visitor.expect(/^An invitation to/)
      await visitor.look('invited')
      await visitor.page.getByRole('button', { name: 'Accept and sign in' }).click()
      await visitor.page.getByRole('button', { name: person, exact: true }).click()
      await visitor.page.waitForURL('**/account')
      await visitor.page.getByText('You have accepted the invitation.').waitFor()
      assert.deepEqual((await get('accounts').findByVerifiedEmail(email))?.groups, ['imaging'])
      assert.deepEqual(
        [...visitor.visited].filter((address) => address.includes('/invited/')).length,
        1,
        'the link is asked for at its own address alone',
      )
      await visitor.leave()
    })
})
