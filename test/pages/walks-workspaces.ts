/** The way of somebody who starts an app, watches it come, opens it and stops it; and of the admin who looks on. @module */
import assert from 'node:assert/strict'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { DemoFile, TestDemo } from '../support/demo.ts'
import type { Visitor } from '../support/visitor.ts'
import { testProfiles } from '../support/workspaces.ts'

const maria = 'maria@example.org'
const runner = join(import.meta.dirname, '../support/plugins/runner-local.ts')
const text = (visitor: Visitor) => visitor.page.locator('main').innerText()

/** A demo that offers apps, and whose admin is the one who walks. */
export function offersWorkspaces(file: DemoFile): void {
  const folder = join(String(file.data), 'runs')
  mkdirSync(join(folder, 'faults'), { recursive: true })
  file.admins = [`email:${maria}`]
  file.plugins.here = { use: runner, config: { folder } }
  const { notebook, crashing } = testProfiles
  file.workspaces = {
    origin: `http://*.localhost:${new URL(String(file.issuer)).port}`,
    grace: '1s',
    profiles: { notebook: { ...notebook, title: 'Notebook', description: 'Python, with a file browser.' }, crashing },
  }
}

/** Starts, watches, opens, stops, looks at what failed, and at all of it from the console. */
export async function walkWorkspaces(visitor: Visitor, demo: TestDemo): Promise<void> {
  const { page } = visitor
  const slow = join(demo.folder, 'runs', 'faults', 'slow')
  await page.goto(`${demo.issuer}/workspaces`)
  await visitor.expect('Sign in')
  await visitor.signInByEmail(maria, { folder: demo.folder, heading: 'Workspaces' })
  await visitor.look('workspaces-new')
  writeFileSync(slow, '')
  await page.getByLabel('Name').first().fill('First steps')
  await page.getByLabel('large').check()
  await page.getByRole('button', { name: 'Start Notebook' }).click()
  await visitor.expect('First steps')
  await page.getByText('Looking for a port.').waitFor()
  await visitor.look('workspace-progress')
  rmSync(slow)
  const open = page.getByRole('link', { name: 'Open', exact: true })
  await open.waitFor()
  await visitor.look('workspace-ready')
  const at = page.url()
  await page.goto(`${at}/logs`)
  await visitor.expect('What it wrote')
  await page.getByText('app at /').or(page.getByText('app  at /')).waitFor()
  await page.goto(at)
  await open.click()
  await page.waitForURL(/^http:\/\/w[a-z0-9]{15}\.localhost:\d+\/tree$/)
  assert.match(await page.locator('body').innerText(), /"hello":true/)
  await lookFromTheConsole(visitor, demo)
  await page.goto(at)
  await page.getByRole('button', { name: 'Stop', exact: true }).click()
  await page.getByText('Its owner stopped it.', { exact: true }).waitFor()
  await page.getByRole('button', { name: 'Remove from the list' }).waitFor()
  await page.goto(`${demo.issuer}/workspaces`)
  await page.getByRole('button', { name: /^Start crashing/ }).click()
  await page.getByText('cannot find the licence').first().waitFor()
  await page.getByRole('button', { name: 'Try again' }).waitFor()
  await visitor.look('workspace-failed')
}

async function lookFromTheConsole(visitor: Visitor, demo: TestDemo): Promise<void> {
  const { page } = visitor
  await page.goto(`${demo.issuer}/console/workspaces`)
  await visitor.expect('Workspaces')
  await visitor.look('console-workspaces')
  await page.getByRole('link', { name: 'First steps' }).click()
  await visitor.expect('First steps')
  await visitor.look('console-workspace')
  await page.goto(`${demo.issuer}/console/workspaces`)
  await visitor.press('Start one for somebody', 'Start one for somebody')
  await page.getByLabel('Person').fill('nobody')
  await visitor.press('Start it', 'Start one for somebody')
  assert.match(await text(visitor), /Nobody here is known as/)
  await visitor.look('console-workspace-new')
  await page.goto(`${demo.issuer}/console/workspaces/usage`)
  await visitor.expect('Usage')
  assert.match(await text(visitor), /maria/)
  await page.goto(`${demo.issuer}/console/workspaces/quotas`)
  await visitor.expect('Quotas')
  await page.getByLabel('For whom').selectOption('site')
  await page.getByLabel('Workspaces', { exact: true }).fill('40')
  await visitor.press('Save', 'Quotas')
  assert.match(await text(visitor), /The whole site\s+40/)
}
