/** The way of a site admin through the console's rooms for accounts. @module */
import assert from 'node:assert/strict'
import type { AccountState } from '@labgate/contract'
import type { TestDemo } from '../support/demo.ts'
import type { Visitor } from '../support/visitor.ts'

const maria = 'maria@example.org'
const text = ({ page }: Visitor): Promise<string> => page.getByRole('main').innerText()

/** Lets somebody in, turns somebody down, invites; looks after a person; merges two accounts and erases one. */
export async function walkAccounts(visitor: Visitor, demo: TestDemo): Promise<void> {
  const { page } = visitor
  for (const [name, state] of [
    ['ada', 'pending'],
    ['grace', 'pending'],
    ['anna', 'active'],
    ['anna-again', 'active'],
  ] as const)
    await arrive(demo, { name, state })
  await page.goto(`${demo.issuer}/account`)
  await visitor.expect('Sign in')
  await visitor.signInByEmail(maria, { folder: demo.folder, heading: 'Your account' })
  await visitor.press('Console', 'Console')
  assert.match(await text(visitor), /2\s+people wait to be let in/)
  await visitor.look('console-with-people')
  await queue(visitor)
  await invite(visitor)
  await person(visitor)
  await whole(visitor)
}

async function arrive({ labgate }: TestDemo, { name, state }: { name: string; state: AccountState }): Promise<void> {
  const { get } = labgate.rooms
  const email = `${name}@example.org`
  const facts = [
    { claim: 'email', value: email, trust: 'verified' },
    { claim: 'name', value: `Person called ${name}`, trust: 'asserted' },
  ] as const
  await get('storage').transaction(async (em) => {
    const id = await get('accounts').createIn(em, { facts, state, role: 'user' })
    const source = { instance: 'email', realm: 'email' }
    const assertion = { issuer: 'email', subject: email, facts, amr: [], at: get('clock').now() }
    await get('identities').linkIn(em, id, { source, assertion })
  })
}

async function queue(visitor: Visitor): Promise<void> {
  const { page } = visitor
  await page.getByRole('link', { name: /^Waiting/ }).click()
  await visitor.expect('Waiting')
  await page.locator('summary').first().click()
  await visitor.look('console-waiting')
  await page.getByRole('link', { name: /Groups, a note, or no.*ada/ }).click()
  await visitor.expect('Person called ada')
  await page.getByLabel('Note to them').first().fill('Welcome!')
  await visitor.look('console-waiting-one')
  await visitor.press('Let them in', 'Waiting')
  assert.match(await text(visitor), /Person called ada may come in now/)
  await page.getByRole('link', { name: /Groups, a note, or no.*grace/ }).click()
  await visitor.expect('Person called grace')
  await page.locator('summary', { hasText: 'Turn down' }).click()
  await page.getByLabel('Note to them').last().fill('Another lab.')
  await visitor.press('Turn them down', 'Waiting')
  await visitor.look('console-waiting-none')
}

async function invite(visitor: Visitor): Promise<void> {
  const { page } = visitor
  await visitor.press('Invitations', 'Invitations')
  await visitor.press('Invite somebody', 'Invite somebody')
  await page.getByLabel('E-mail address').fill('not an address')
  await visitor.press('Send the invitation', 'Invite somebody')
  assert.equal(await page.getByLabel('E-mail address').inputValue(), 'not an address')
  await visitor.look('console-invitation-wrong')
  await page.getByLabel('E-mail address').fill('guest@example.org')
  await page.getByLabel('Words to them').fill('Come and see.')
  await visitor.press('Send the invitation', 'Invitations')
  await visitor.look('console-invitations')
  await page.getByRole('button', { name: 'Withdraw guest@example.org' }).click()
  await visitor.expect('Invitations')
  assert.match(await text(visitor), /was withdrawn/)
}

async function person(visitor: Visitor): Promise<void> {
  const { page } = visitor
  await visitor.press('People', 'People')
  await visitor.look('console-people')
  await page.getByLabel('Username, name or address').fill('called anna')
  await visitor.press('Find', 'People')
  await visitor.press('Person called anna', 'Person called anna')
  await visitor.look('console-person')
  await page.locator('summary', { hasText: 'Change the role' }).click()
  await page.getByLabel('Role').selectOption('manager')
  await visitor.press('Save', 'Person called anna')
  await page.locator('summary', { hasText: 'Switch this account off' }).click()
  await visitor.press('Switch it off', 'Person called anna')
  assert.match(await text(visitor), /signed out everywhere/)
  await visitor.look('console-person-off')
  await visitor.press('Switch this account on', 'Person called anna')
  await visitor.press('All of it', 'What happened: Person called anna')
  await visitor.look('console-person-history')
  await visitor.press('Person called anna', 'Person called anna')
}

async function whole(visitor: Visitor): Promise<void> {
  const { page } = visitor
  const [file] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Download' }).click(),
  ])
  assert.match(file.suggestedFilename(), /^account-[\w-]{22}\.json$/)
  await visitor.press('Choose the other one', 'Merge into another account')
  await page.getByLabel('The account that stays').fill('anna-again@example.org')
  await visitor.press('Look what would happen', 'Merge into another account')
  await page.locator('summary', { hasText: 'Merge them' }).click()
  await visitor.look('console-person-merge')
  await visitor.press('Yes, merge them', 'Person called anna-again')
  await page.locator('summary', { hasText: 'Erase' }).click()
  await page.getByLabel('Type “anna-again” to go on').fill('anna')
  await visitor.press('Erase for good', 'Person called anna-again')
  assert.match(await text(visitor), /so nothing was done/)
  await visitor.look('console-person-not-erased')
  await page.locator('summary', { hasText: 'Erase' }).click()
  await page.getByLabel('Type “anna-again” to go on').fill('anna-again')
  await page.getByRole('button', { name: 'Erase for good' }).click()
  await visitor.expect(/^erased-/)
  await visitor.look('console-person-erased')
}
