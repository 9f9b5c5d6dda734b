/** The way of a site admin through the console's rooms for the ledger. @module */
import assert from 'node:assert/strict'
import type { Actor } from '../../core/accounts/actor.ts'
import type { TestDemo } from '../support/demo.ts'
import type { Visitor } from '../support/visitor.ts'

const maria = 'maria@example.org'
const keeper: Actor = { kind: 'system', name: 'labgate' }
const text = ({ page }: Visitor): Promise<string> => page.getByRole('main').innerText()

/** Signs in as an admin, adds a dataset and everything of it, gives and ends access, answers a request, asks why. */
export async function walkLedger(visitor: Visitor, demo: TestDemo): Promise<void> {
  const { page } = visitor
  await page.goto(`${demo.issuer}/account`)
  await visitor.expect('Sign in')
  await visitor.signInByEmail(maria, { folder: demo.folder, heading: 'Your account' })
  await visitor.press('Console', 'Console')
  await visitor.look('console')
  await visitor.press('Add a dataset', 'Add a dataset')
  await visitor.look('console-dataset-new')
  await addDataset(visitor)
  await publicObjects(visitor)
  await grants(visitor)
  await request(visitor, demo)
  await why(visitor)
  await visitor.press('Datasets', 'Datasets')
  await visitor.look('console-datasets')
  await visitor.press('Fish brain, second part', 'Fish brain, second part')
  await remove(visitor)
  await page.goto(`${demo.issuer}/console/fresh?back=/console/datasets`)
  await visitor.expect('Datasets')
}

async function addDataset(visitor: Visitor): Promise<void> {
  const { page } = visitor
  await page.getByLabel('Slug').fill('Fish 2')
  await page.getByLabel('Title').fill('Fish brain')
  await page.getByLabel('Description').fill('A whole larval brain, two millimetres of it.\nImaged in 2025.')
  await page.getByLabel('Versions').fill('v1 | First release\nv2')
  await page.getByLabel('Other names').fill('fish-two')
  await page.getByLabel('Places').fill('gs://lab-bucket/fish2\ngs://lab-bucket/fish2/v1 | v1')
  await page.getByLabel('Tables').fill('pychunkedgraph | fish2_v1')
  await visitor.press('Add it', 'Add a dataset')
  assert.match(await text(visitor), /cannot be a slug/)
  assert.match(await page.getByLabel('Versions').inputValue(), /First release/)
  await visitor.look('console-dataset-wrong')
  await page.getByLabel('Slug').fill('fish2')
  await visitor.press('Add it', 'Fish brain')
  await visitor.look('console-dataset')
  await page.getByText('Change it').click()
  await page.getByLabel('Title').fill('Fish brain, second part')
  await visitor.look('console-dataset-change')
  await visitor.press('Save', 'Fish brain, second part')
  await page.getByText('Close it for everybody').click()
  await page.getByLabel('Reason').fill('The scale is wrong.')
  await visitor.press('Close it', 'Fish brain, second part')
  assert.match(await text(visitor), /Closed for everybody: The scale is wrong/)
  await visitor.look('console-dataset-closed')
  await visitor.press('Open it again', 'Fish brain, second part')
}

async function publicObjects(visitor: Visitor): Promise<void> {
  const { page } = visitor
  await visitor.press('Public objects', 'Public objects')
  await page.getByLabel('Ids of objects').fill('720575940621039145 720575940621039146\n1')
  await visitor.press('Add these', 'Public objects')
  assert.match(await text(visitor), /New objects that anybody may see: 3/)
  await visitor.look('console-roots')
  await visitor.press('Remove 1', 'Public objects')
  await visitor.press('Fish brain, second part', 'Fish brain, second part')
}

async function grants(visitor: Visitor): Promise<void> {
  const { page } = visitor
  await visitor.press('Give somebody access', 'Give somebody access')
  await page.getByLabel('Kind').selectOption({ label: 'Somebody by what a sign-in says' })
  await page.getByLabel('Who', { exact: true }).fill('nadia@example.org')
  await page.getByLabel('Vouched for by').selectOption('email')
  await page.getByLabel('Level').selectOption('edit')
  await page.getByText('Conditions (none').click()
  await page.getByLabel('Until').fill('2099-12-31T23:59')
  await page.getByLabel('What is known of the person').fill('orcid\naffiliation = Northfield; within 365 days')
  await page.getByLabel('Why').fill('Traces the tectum until the end of the year.')
  await visitor.look('console-grant-new')
  await visitor.press('Give access', /^Grant \d+$/)
  await visitor.look('console-grant')
  await visitor.press('Grants', 'Grants')
  await visitor.look('console-grants')
  await visitor.press('Look nadia@example.org · E-mail fish2', /^Grant \d+$/)
  await page.getByText('End it').click()
  await visitor.press('End this grant', /^Grant \d+$/)
  assert.match(await text(visitor), /The grant is ended/)
}

async function request(visitor: Visitor, demo: TestDemo): Promise<void> {
  const { page } = visitor
  const { get } = demo.labgate.rooms
  const me = (await get('accounts').findByVerifiedEmail(maria))?.id ?? assert.fail()
  const asking = { dataset: 'fish2', level: 'view', why: 'I should like to count its cells.' } as const
  await get('ledger').requests.ask({ kind: 'account', account: me }, asking)
  await get('ledger').terms.add(keeper, { id: 'fish', title: 'Rules of the fish', markdown: 'Feed.', dataset: 'fish2' })
  await visitor.page.reload()
  await visitor.page
    .getByRole('link', { name: /^Requests/ })
    .first()
    .click()
  await visitor.expect('Requests')
  await visitor.look('console-requests')
  await page.getByText('Grant it').click()
  await page.getByLabel('A word to the person').first().fill('Welcome.')
  await visitor.look('console-request-answer')
  await visitor.press('Grant access', 'Requests')
  assert.match(await text(visitor), /Access is given, and the person is told/)
}

async function why(visitor: Visitor): Promise<void> {
  const { page } = visitor
  await visitor.press('Explain', 'Why may somebody, or not?')
  await page.getByLabel('Account').fill(maria)
  await page.getByLabel('Dataset').fill('fish2')
  await visitor.press('Ask', 'Why may somebody, or not?')
  assert.match(await text(visitor), /No, that is not allowed/)
  assert.match(await text(visitor), /Rules of the fish/)
  await visitor.look('console-explain')
}

async function remove(visitor: Visitor): Promise<void> {
  const { page } = visitor
  await page.getByText('Remove it', { exact: true }).click()
  await page.getByLabel('Type “fish2” to go on').fill('fish')
  await visitor.press('Remove it for ever', 'Fish brain, second part')
  assert.match(await text(visitor), /nothing was done/)
  await visitor.look('console-dataset-remove')
  await page.getByText('Remove it', { exact: true }).click()
  await page.getByLabel('Type “fish2” to go on').fill('fish2')
  await visitor.press('Remove it for ever', 'Datasets')
}
