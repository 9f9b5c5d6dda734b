/**
 * One way through a real notebook, whatever the place it runs in: started, opened in Chromium, a kernel asked, kept while
 * that computes and ended when nobody uses it, started anew, extended, stopped, and nothing left.
 * @module
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import type { BrowserContext, Page } from 'playwright-core'
import { reach } from '../../core/workspaces/ask.ts'
import type { Workspace } from '../../core/workspaces/model.ts'
import { loadSteadily, openBrowser } from './browser.ts'
import { freePort, type Part } from './labgate.ts'
import { newNotebook, run, type } from './notebook-page.ts'
import { type WorkspaceWorld, workspaceWorld } from './workspaces.ts'

/** A place where notebooks run. */
export interface NotebookPlace {
  /** Plugins beside those of every test; the runner's id is `runner`. */
  readonly plugins: Part
  readonly runner: string
  /** What the profile says beside its preset. */
  readonly profile: Part
  /** What a workspace has left behind: containers, processes, files. Empty when it has gone. */
  left(id: string): Promise<readonly string[]>
}

interface Walk {
  readonly world: WorkspaceWorld
  readonly context: BrowserContext
  readonly place: NotebookPlace
  readonly port: number
  readonly account: string
}

/** Goes the whole way. @throws AssertionError where it is not as it should be */
export async function walkNotebook(place: NotebookPlace): Promise<void> {
  const port = await freePort()
  const profiles = { notebook: { preset: 'jupyter-notebook', runner: place.runner, ...place.profile } }
  const workspaces = { origin: `http://*.localhost:${port}`, profiles, idle: '30m' }
  const world = await workspaceWorld({ plugins: place.plugins, workspaces }, { port })
  const browser = await openBrowser()
  try {
    const context = await browser.newContext()
    context.setDefaultTimeout(60_000)
    const account = await signIn(context, world)
    await walk({ world, context, place, port, account })
  } catch (error) {
    throw new Error(`${String(error)}\n${(await lastLines(world)).join('\n')}`, { cause: error })
  } finally {
    await browser.close()
    await world.stop()
  }
}

async function walk(one: Walk): Promise<void> {
  const { id } = await launch(one)
  const page = await open(one)
  const notebook = await newNotebook(page)
  assert.equal(await run(notebook, '6*7'), '42')
  await run(notebook, 'open("kept.txt", "w").write("kept")')
  await keepsBusy(one, { id, notebook })
  await endsIdle(one, id)
  const next = await launchAgain(one, id)
  // What a person kept is there again, at the top of the tree.
  await (await open(one)).getByText('kept.txt', { exact: true }).waitFor()
  await extendAndStop(one, next)
}

/** What every notebook wrote, so that a failure says why. */
async function lastLines({ site }: WorkspaceWorld): Promise<readonly string[]> {
  const all = site.labgate.rooms.get('workspaces')
  const lines: string[] = []
  const options = { tail: 40, follow: false, signal: AbortSignal.timeout(5000) }
  for (const { id, state, trouble } of (await all.list({ limit: 10 })).rows) {
    lines.push(`${id} is ${state}`, ...(trouble?.logs ?? []))
    if (state === 'ready') for await (const line of all.logs(id, options)) lines.push(line)
  }
  return lines
}

async function signIn(context: BrowserContext, { site }: WorkspaceWorld): Promise<string> {
  const page = await context.newPage()
  const email = 'carol@example.org'
  await page.goto(`${site.issuer}/account`)
  await page.getByLabel('E-mail address').fill(email)
  await page.getByLabel('E-mail address').press('Enter')
  await page.getByLabel('Six-digit code').waitFor()
  const { code } = await site.mail(email)
  await page.getByLabel('Six-digit code').fill(code)
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
  await page.waitForURL(/\/account(?!.*sign-in)/)
  await page.getByText(email).first().waitFor()
  await page.close()
  const account = await site.labgate.rooms.get('accounts').findByVerifiedEmail(email)
  return account?.id ?? assert.fail('nobody has signed in')
}

const room = ({ world }: Walk) => world.site.labgate.rooms.get('workspaces')

/** Presses *Start* and sees it get ready. */
async function launch(one: Walk): Promise<Workspace> {
  const page = await one.context.newPage()
  await page.goto(`${one.world.site.issuer}/workspaces`)
  await page.getByRole('button', { name: /^Start/ }).click()
  return seenReady(one, page)
}

async function launchAgain(one: Walk, id: string): Promise<Workspace> {
  const page = await one.context.newPage()
  await page.goto(`${one.world.site.issuer}/workspaces/${id}`)
  await page.getByRole('button', { name: 'Start again' }).click()
  return seenReady(one, page)
}

async function seenReady(one: Walk, page: Page): Promise<Workspace> {
  await page.getByRole('link', { name: 'Open', exact: true }).waitFor()
  const id = new URL(page.url()).pathname.split('/')[2] ?? ''
  return (await room(one).find(id)) ?? assert.fail(page.url())
}

/** Presses *Open* on the page of the workspace, which is there. */
async function open(one: Walk): Promise<Page> {
  const page = one.context.pages().at(-1) ?? assert.fail('no page is open')
  const isThere = () => page.locator('#new-dropdown-button').waitFor()
  const press = async () => {
    await page.getByRole('link', { name: 'Open', exact: true }).click()
    await isThere()
  }
  await loadSteadily(page, press, async () => {
    await page.reload()
    await isThere()
  })
  // Jupyter writes its token into every page of its own.
  const id = new URL(page.url()).host.split('.')[0] ?? ''
  const token = (await room(one).way(id, one.account))?.headers.authorization?.split(' ')[1] ?? assert.fail(id)
  assert.ok(!(await page.content()).includes(token))
  return page
}

interface Kernel {
  readonly id: string
  readonly execution_state: string
  readonly connections: number
}

/** Asks the app itself, past the proxy. */
async function askNotebook(one: Walk, id: string, { method, path }: { method: string; path: string }): Promise<string> {
  const way = await room(one).way(id, one.account)
  assert.ok(way)
  const asked = request({
    ...(await reach(way.endpoint)),
    method,
    path,
    headers: { ...way.headers, host: 'localhost' },
  })
  asked.end()
  const [answer] = (await once(asked, 'response')) as [IncomingMessage]
  return text(answer)
}

async function kernels(one: Walk, id: string): Promise<readonly Kernel[]> {
  return JSON.parse(await askNotebook(one, id, { method: 'GET', path: '/api/kernels' })) as Kernel[]
}

async function untilKernel(one: Walk, id: string, isSo: (kernel: Kernel) => boolean): Promise<Kernel> {
  for (let tries = 0; tries < 200; tries++) {
    const [kernel] = await kernels(one, id)
    if (kernel !== undefined && isSo(kernel)) return kernel
    await sleep(50)
  }
  return assert.fail(`the kernel is not as it should be: ${JSON.stringify(await kernels(one, id))}`)
}

/** Somebody starts a long computation, closes the browser and goes home: it is not ended. */
async function keepsBusy(one: Walk, { id, notebook }: { id: string; notebook: Page }): Promise<void> {
  const { world, context } = one
  await type(notebook, 'import time; time.sleep(100000)')
  await untilKernel(one, id, ({ execution_state: state }) => state === 'busy')
  for (const page of context.pages()) await page.close({ runBeforeUnload: false })
  await untilKernel(one, id, ({ connections }) => connections === 0)
  world.clock.forward(2 * 3600)
  await room(one).look()
  assert.equal((await room(one).find(id))?.state, 'ready', 'a kernel that computes is activity')
}

/** The computation is broken off; two hours later nobody has come. */
async function endsIdle(one: Walk, id: string): Promise<void> {
  const kernel = await untilKernel(one, id, () => true)
  await askNotebook(one, id, { method: 'POST', path: `/api/kernels/${kernel.id}/interrupt` })
  await untilKernel(one, id, ({ execution_state: state }) => state === 'idle')
  one.world.clock.forward(2 * 3600)
  await room(one).look()
  const { stopReason } = await one.world.until(id, 'stopped')
  assert.equal(stopReason, 'idle')
  assert.deepEqual(await one.place.left(id), [])
}

async function extendAndStop(one: Walk, { id, leaseEndsAt }: Workspace): Promise<void> {
  const { world, context, place, port } = one
  world.clock.forward(3600)
  const page = await context.newPage()
  await page.goto(`${world.site.issuer}/workspaces/${id}`)
  await page.getByRole('button', { name: 'Let it run longer' }).click()
  await page.getByText('It runs until').first().waitFor()
  const extended = await room(one).find(id)
  assert.ok(extended && extended.leaseEndsAt > leaseEndsAt, 'the lease is longer')
  await page.getByRole('button', { name: 'Stop', exact: true }).click()
  await page.getByRole('button', { name: 'Start again' }).waitFor()
  assert.equal((await room(one).find(id))?.state, 'stopped')
  assert.deepEqual(await place.left(id), [])
  await page.goto(`http://${id}.localhost:${port}/tree`)
  assert.equal(new URL(page.url()).origin, world.site.issuer, 'who comes back is led to the page of the workspace')
}
