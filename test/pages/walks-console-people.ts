/** The way of a site admin through the console's rooms for people, and of a person to a token. @module */
import assert from 'node:assert/strict'
import type { TestDemo } from '../support/demo.ts'
import type { Visitor } from '../support/visitor.ts'

const maria = 'maria@example.org'
const text = ({ page }: Visitor): Promise<string> => page.getByRole('main').innerText()

/** Signs in as an admin; keeps a group, terms of use, a service account and tokens; reads the trail. */
export async function walkPeople(visitor: Visitor, demo: TestDemo): Promise<void> {
  const { page } = visitor
  await page.goto(`${demo.issuer}/account`)
  await visitor.expect('Sign in')
  await visitor.signInByEmail(maria, { folder: demo.folder, heading: 'Your account' })
  await visitor.press('Console', 'Console')
  await group(visitor)
  await terms(visitor)
  await serviceAccount(visitor)
  await trail(visitor)
}

async function group(visitor: Visitor): Promise<void> {
  const { page } = visitor
  await visitor.press('Groups', 'Groups')
  await visitor.look('console-groups-none')
  await visitor.press('Add a group', 'Add a group')
  await page.getByLabel('Name', { exact: true }).fill('Tracers')
  await page.getByLabel('Short name').fill('Not A Slug')
  await visitor.press('Add the group', 'Add a group')
  assert.equal(await page.getByLabel('Name', { exact: true }).inputValue(), 'Tracers')
  await visitor.look('console-group-wrong')
  await page.getByLabel('Short name').fill('tracers')
  await visitor.press('Add the group', 'Tracers')
  await page.getByLabel('Username, e-mail address or id').first().fill(maria)
  await visitor.press('Add', 'Tracers')
  assert.match(await text(visitor), /maria is in this group now/)
  await page.getByLabel('Username, e-mail address or id').last().fill('maria')
  await visitor.press('Make manager', 'Tracers')
  await visitor.look('console-group')
  await page.getByLabel('Find a member').fill('nobody')
  await visitor.press('Find', 'Tracers')
  assert.match(await text(visitor), /Nothing here/)
  await visitor.press('Groups', 'Groups')
  await visitor.look('console-groups')
  await visitor.press('Tracers', 'Tracers')
  await page.getByRole('button', { name: /^Take out/ }).click()
  await visitor.expect('Tracers')
  await page.locator('summary', { hasText: 'Remove this group' }).click()
  await page.getByLabel('Type “tracers” to go on').fill('tracers')
  await visitor.press('Remove it', 'Groups')
}

async function terms(visitor: Visitor): Promise<void> {
  const { page } = visitor
  await visitor.press('Terms of use', 'Terms of use')
  await visitor.look('console-terms-none')
  await visitor.press('Add terms of use', 'Add terms of use')
  await page.getByLabel('Title').fill('Rules of the house')
  await page.getByLabel('Id', { exact: true }).fill('house')
  await page.getByLabel('demo-rp').check()
  await page
    .getByLabel('Text', { exact: true })
    .fill('# Rules\n\n- Be *kind*.\n- Name [the lab](https://lab.example.org/).')
  await visitor.press('Look at it first', 'Add terms of use')
  assert.equal(await page.getByRole('heading', { name: 'Rules', exact: true }).count(), 1)
  assert.ok(await page.getByLabel('demo-rp').isChecked())
  await visitor.look('console-terms-preview')
  await visitor.press('Publish them', 'Rules of the house')
  await page.getByText('Make a link', { exact: true }).click()
  await page.getByLabel('Places').fill('30')
  await page.getByLabel('Until').fill('2099-12-31')
  await visitor.press('Make the link', 'Rules of the house')
  const link = await page.getByLabel('Link', { exact: true }).inputValue()
  assert.match(link, /\/terms\/invited\/[\w-]{43}$/)
  await visitor.look('console-terms-link')
  await page.goto(link)
  await visitor.expect('Rules of the house')
  await page.getByRole('button', { name: 'I accept' }).click()
  await visitor.expect('Thank you')
  await page.goto(new URL('/console/terms/house', link).href)
  await visitor.expect('Rules of the house')
  await page.getByText('Publish a new text').click()
  await page.getByLabel('Text', { exact: true }).fill('# Rules\n\nBe kinder.')
  await page.getByLabel(/must accept this one/).check()
  await visitor.press('Publish this text', 'Rules of the house')
  assert.match(await text(visitor), /Everybody must accept it again/)
  await visitor.look('console-terms-house')
  await page.getByRole('button', { name: /^End/ }).click()
  await visitor.expect('Rules of the house')
  await page.locator('summary', { hasText: 'Retire these terms' }).click()
  await visitor.press('Retire them', 'Rules of the house')
  await visitor.press('Terms of use', 'Terms of use')
  await visitor.look('console-terms')
}

async function serviceAccount(visitor: Visitor): Promise<void> {
  const { page } = visitor
  await visitor.press('Service accounts', 'Service accounts')
  await visitor.press('Add a service account', 'Add a service account')
  await page.getByLabel('Name', { exact: true }).fill('Segmentation robot')
  await page.getByLabel('Username').first().fill('segbot')
  await page.getByLabel('Person behind it').fill(maria)
  await visitor.look('console-service-account-new')
  await visitor.press('Add the account', 'Segmentation robot')
  await page.getByText('Make a token', { exact: true }).click()
  await page.getByLabel('Name', { exact: true }).last().fill('Cluster')
  await page.getByLabel('admin', { exact: true }).check()
  await page.getByLabel('How long it works').selectOption('0')
  await visitor.press('Make it', 'Segmentation robot')
  assert.match(await page.getByLabel('Token', { exact: true }).inputValue(), /^lgs_[0-9A-Za-z]{38}$/)
  await visitor.look('console-service-account-token')
  await visitor.press('Switch it off', 'Segmentation robot')
  assert.equal(await page.getByLabel('Token', { exact: true }).count(), 0)
  await visitor.look('console-service-account')
  await visitor.press('Service accounts', 'Service accounts')
  await visitor.look('console-service-accounts')
  await visitor.press('Clients', 'Clients')
  await visitor.look('console-clients')
  await client(visitor)
  await visitor.press('Service accounts', 'Service accounts')
  await visitor.press('Tokens', 'Tokens')
  await page.getByLabel('State').selectOption('active')
  await page.getByLabel('Name, owner or first characters').fill('segbot')
  await visitor.press('Find', 'Tokens')
  await visitor.look('console-tokens')
  await page.getByRole('button', { name: /^Revoke/ }).click()
  await visitor.expect('Tokens')
  assert.match(await text(visitor), /works no more/)
}

async function client(visitor: Visitor): Promise<void> {
  const { page } = visitor
  await visitor.press('Add a client', 'Add a client')
  await visitor.look('console-client-new')
  await page.getByLabel('Grafana').check()
  await page.getByLabel('Where it is reached').fill('https://plots.example.org/?x=1')
  await page.getByLabel('Short name').fill('plots')
  await visitor.press('Add it', 'Add a client')
  assert.match(await text(visitor), /Its address looks like/)
  assert.ok(await page.getByLabel('Grafana').isChecked(), 'what was chosen stays')
  await visitor.look('console-client-wrong')
  await page.getByLabel('Where it is reached').fill('https://plots.example.org/')
  await visitor.press('Add it', 'Grafana was added')
  const lines = await page.getByLabel('Lines to paste').inputValue()
  assert.match(lines, /^client_secret = [\w-]{30,}$/m)
  assert.match(lines, /^root_url = https:\/\/plots\.example\.org\/$/m)
  await visitor.look('console-client-added')
  await visitor.press('Done: it is pasted', 'Clients')
  assert.match(await text(visitor), /Grafana\s+plots/)
}

async function trail(visitor: Visitor): Promise<void> {
  const { page } = visitor
  await visitor.press('Audit trail', 'Audit trail')
  await visitor.look('console-audit')
  await page.getByLabel('Who did it, or whom it concerns').fill('segbot')
  await page.getByLabel('What happened').selectOption('service-account.changed')
  await visitor.press('Find', 'Audit trail')
  assert.match(await text(visitor), /active.*deactivated/s)
  await visitor.look('console-audit-changed')
}

/** Makes a token of one's own, sees it once, revokes it. */
export async function walkTokens(visitor: Visitor, demo: TestDemo): Promise<void> {
  const { page } = visitor
  await page.goto(`${demo.issuer}/account`)
  await visitor.expect('Sign in')
  await visitor.signInByEmail(maria, { folder: demo.folder, heading: 'Your account' })
  await visitor.press('Tokens for programs', 'Your tokens')
  await visitor.look('tokens-none')
  await page.getByLabel('Name', { exact: true }).fill('My notebook')
  await page.getByLabel('How long it works').selectOption('30')
  await visitor.press('Make it', 'Your tokens')
  assert.match(await page.getByLabel('Token', { exact: true }).inputValue(), /^lgp_[0-9A-Za-z]{38}$/)
  await visitor.look('tokens-made')
  await page.goto(`${demo.issuer}/account/tokens/fresh`)
  await visitor.expect('Your tokens')
  assert.equal(await page.getByLabel('Token', { exact: true }).count(), 0)
  await page.getByRole('button', { name: /^Revoke My notebook/ }).click()
  await visitor.expect('Your tokens')
  assert.match(await text(visitor), /works no more/)
  await visitor.look('tokens-revoked')
}
