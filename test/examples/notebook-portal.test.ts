/** Does what examples/notebook-portal/README.md says, with Chromium, a real engine and an image of the same packages. @module */
import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { openBrowser } from '../support/browser.ts'
import { noDocker, startDocker } from '../support/docker.ts'
import type { Engine } from '../support/engine.ts'
import { notebookImage } from '../support/engine-notebook.ts'
import { type StartedExample, startExample } from '../support/example.ts'
import { loadPackages } from '../support/images.ts'
import { newestMail } from '../support/labgate.ts'
import { needs } from '../support/needs.ts'
import { newNotebook, run } from '../support/notebook-page.ts'
import { freePort, tempFolder } from '../support/program.ts'
import { run as shell } from '../support/project.ts'
import { root } from '../support/sources.ts'

const folder = join(root, 'examples/notebook-portal')
const readme = await readFile(join(folder, 'README.md'), 'utf8')
const skip = noDocker() || needs('chromium', 'jupyter-notebook')

/** `…` stands for anything. */
function expression(prints: string): RegExp {
  const parts = prints.trim().split('…')
  return new RegExp(`^${parts.map((part) => part.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&')).join('.*')}$`)
}

/** The shell line with this word, and what it prints. */
function step(word: string): { readonly script: string; readonly prints: string } {
  const all = [...readme.matchAll(/```sh\n([^`]*)```\n\n```text\n([^`]*)```/g)]
  const [, script = '', prints = ''] = all.find(([, one = '']) => one.includes(word)) ?? assert.fail(`no ${word}`)
  return { script, prints }
}

describe('the example of a portal of notebooks', { skip, timeout: 300_000 }, () => {
  let engine: Engine
  let browser: Browser
  let page: Page
  let notebook: Page
  let portal: StartedExample | undefined
  let temporary: Awaited<ReturnType<typeof tempFolder>>
  let local: (text: string) => string
  let file: string

  before(async () => {
    engine = await startDocker()
    temporary = await tempFolder()
    const ports = new Map([
      ['8095', String(await freePort())],
      ['8096', String(await freePort())],
    ])
    local = (text) =>
      text
        .replace(/\b809[56]\b/g, (port) => ports.get(port) ?? port)
        .replaceAll('data/notebook-portal', join(temporary.path, 'data'))
        .replaceAll('/var/run/docker.sock', engine.socket)
    file = join(temporary.path, 'labgate.yaml')
    await writeFile(file, local(await readFile(join(folder, 'labgate.yaml'), 'utf8')))
  })
  after(async () => {
    await browser?.close()
    await portal?.stop()
    await engine?.close()
    await temporary?.remove()
  })

  const docker = async (word: string) => {
    const { script, prints } = step(word)
    const { output } = await shell(`export DOCKER_HOST=unix://${engine.socket}\n${local(script)}`, root)
    assert.match(output.trim(), expression(local(prints)))
  }

  test('says what to do where there is no image, and where there is no engine', async () => {
    const without = await startExample(['notebook-portal', file])
    assert.equal(without.code, 1)
    assert.match(without.said, /has no image labgate-notebook:latest\. Make it first: docker build/)
    const nowhere = join(temporary.path, 'nowhere.yaml')
    await writeFile(nowhere, (await readFile(file, 'utf8')).replace(engine.socket, join(temporary.path, 'none.sock')))
    const alone = await startExample(['notebook-portal', nowhere])
    assert.equal(alone.code, 1)
    assert.match(alone.said, /no Docker engine answers at .*none\.sock .*Install one, or Podman/)
  })

  test('starts by one command and says where to click', async () => {
    await loadPackages(engine.client, { ...notebookImage, name: 'labgate-notebook:latest' })
    portal = await startExample(['notebook-portal', file])
    assert.match(portal.said, new RegExp(local('http://localhost:8095/workspaces')))
  })

  test('launches a notebook and follows its steps', async () => {
    browser = await openBrowser()
    const context = await browser.newContext()
    context.setDefaultTimeout(60_000)
    page = await context.newPage()
    await page.goto(local('http://localhost:8095/workspaces'))
    await page.getByLabel('E-mail address').fill('ada@lab.example')
    await page.getByLabel('E-mail address').press('Enter')
    await page.getByLabel('Six-digit code').waitFor()
    const { code } = await newestMail(join(temporary.path, 'data/outbox'), 'ada@lab.example')
    await page.getByLabel('Six-digit code').fill(code)
    await page.getByRole('button', { name: 'Sign in', exact: true }).click()
    await page.getByRole('button', { name: /^Start/ }).click()
    await page.getByRole('link', { name: 'Open', exact: true }).waitFor()
    await docker('{{.Ports}}')
  })

  test('ends with a kernel’s answer', async () => {
    const tree = await page.context().newPage()
    await tree.goto(page.url())
    await tree.getByRole('link', { name: 'Open', exact: true }).click()
    notebook = await newNotebook(tree)
    assert.equal(await run(notebook, '6*7'), '42')
    assert.match(readme, /6\*7[\s\S]*Out\[1\]: 42/)
  })

  test('stops, and nothing is left', async () => {
    await page.getByRole('button', { name: 'Stop', exact: true }).click()
    await page.getByRole('button', { name: 'Start again' }).waitFor()
    await docker('--quiet')
  })
})
