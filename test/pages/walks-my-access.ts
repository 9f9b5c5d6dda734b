/** A walk over what a person may see, with the ledger that the demo has. @module */
import assert from 'node:assert/strict'
import type { TestDemo } from '../support/demo.ts'
import type { Visitor } from '../support/visitor.ts'

const text = (visitor: Visitor) => visitor.page.locator('main').innerText()

/** Accepts the terms of one dataset, asks for another, and takes the request back. */
export async function walkMyAccess(visitor: Visitor, demo: TestDemo): Promise<void> {
  const { page } = visitor
  await page.goto(`${demo.issuer}/account/access`)
  await visitor.expect('Sign in')
  await visitor.signInByEmail('me@example.org', { folder: demo.folder, heading: 'My access' })
  await visitor.look('my-access-missing')
  await page.getByRole('link', { name: 'Larval fish' }).first().click()
  await visitor.expect('Larval fish')
  await visitor.look('my-dataset-missing')
  await page.getByRole('link', { name: 'Read and accept them' }).first().click()
  await visitor.expect('Using the larval fish')
  await page.getByRole('button', { name: /accept/i }).click()
  await page.goto(`${demo.issuer}/account/access`)
  assert.match(await text(visitor), /You may see it\./)
  await page.goto(`${demo.issuer}/account/access/cortex`)
  await visitor.expect('Cortex')
  await page.getByLabel('Why you need it').fill('I trace neurons there')
  await page.getByRole('button', { name: 'Send' }).click()
  await page.getByText('Your request was sent').waitFor()
  await visitor.look('my-dataset-asked')
  await page.goto(`${demo.issuer}/account/history`)
  await visitor.expect('History and data')
  await visitor.look('my-history')
  // The sign-in is new: the way to renew it leads straight back.
  await page.goto(`${demo.issuer}/account/export`)
  await visitor.expect('History and data')
}
