/** The way of an admin through the sandbox. @module */
import assert from 'node:assert/strict'
import type { TestDemo } from '../support/demo.ts'
import { newestMail } from '../support/labgate.ts'
import type { Visitor } from '../support/visitor.ts'

const maria = 'maria@example.org'

/** Tries the university, which it turns down once, and e-mail; looks at what came back, once. */
export async function walkSandbox(visitor: Visitor, demo: TestDemo): Promise<void> {
  const { page } = visitor
  await page.goto(`${demo.issuer}/console/sandbox`)
  await visitor.expect('Sign in')
  await visitor.signInByEmail(maria, { folder: demo.folder, heading: 'Try a way to sign in' })
  await visitor.look('sandbox')
  await page.getByRole('button', { name: 'Demo University' }).click()
  await visitor.expect('Who are you today?')
  await page.getByRole('button', { name: 'Ada' }).click()
  await visitor.expect('What Demo University said')
  const said = await page.getByRole('main').innerText()
  assert.match(said, /ada@university\.example/)
  assert.match(said, /It opens a new account/)
  await visitor.look('sandbox-seen')
  await visitor.press('Try another one', 'Try a way to sign in')
  await page.getByRole('button', { name: /e-mail/i }).click()
  await page.getByLabel('E-mail address').fill(maria)
  await page.getByLabel('E-mail address').press('Enter')
  await visitor.expect('Check your mail')
  const { code } = await newestMail(`${demo.folder}/outbox`, maria)
  await page.getByLabel('Six-digit code').fill(code)
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
  await visitor.expect(/^What .* said$/)
  assert.match(await page.getByRole('main').innerText(), /It opens your account/)
}
