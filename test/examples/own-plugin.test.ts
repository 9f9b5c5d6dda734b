import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse } from 'yaml'
import { parseConfig } from '../../core/config/load.ts'
import { createLabgate } from '../../core/server.ts'
import { openOffice } from '../../examples/own-plugin/office.ts'
import { startExample } from '../support/example.ts'
import { browser, freePort } from '../support/labgate.ts'
import { folderWith } from '../support/plugin-folder.ts'
import { root } from '../support/sources.ts'

const key = 'words-of-the-test'
const file = join(root, 'examples/own-plugin/labgate.yaml')

test('the example config starts, and a badge signs in; an unchecked address is not called verified', async (t) => {
  const office = await openOffice(0, key)
  t.after(() => office.close())
  const folder = await folderWith(t)
  const port = await freePort()
  const written = parse(await readFile(file, 'utf8'))
  written.plugins.badge.config.office = office.origin
  const changes = {
    issuer: `http://localhost:${port}`,
    listen: { port },
    management: { enabled: false },
    data: folder,
    database: { file: join(folder, 'labgate.db') },
    mail: { ...written.mail, outbox: join(folder, 'outbox') },
    log: { file: join(folder, 'labgate.log') },
  }
  const loaded = parseConfig(JSON.stringify({ ...written, ...changes }), { name: file, env: { BADGE_KEY: key } })
  const labgate = await createLabgate({ ...loaded, file })
  await labgate.start()
  t.after(() => labgate.stop())
  const found: unknown[] = []
  for (const name of ['Ada Example', 'Grace Example']) {
    const agent = browser()
    let page = await agent.open(`${labgate.issuer}/account`)
    // With one way to sign in, the chooser may be left out.
    if (page.url.origin !== office.origin) page = await agent.press(page, 'badge')
    assert.equal(page.url.origin, office.origin, page.text)
    const account = await agent.press(page, name, {})
    assert.equal(account.url.pathname, '/account', account.text)
    const mail = `${name.split(' ')[0]?.toLowerCase()}@example.org`
    const known = await labgate.rooms.get('accounts').findByVerifiedEmail(mail)
    found.push(known?.displayName)
  }
  assert.deepEqual(found, ['Ada Example', undefined])
})

test('one command starts office and Labgate; a name that is no example is told what there is', async (t) => {
  const folder = await folderWith(t)
  const [port, office] = [await freePort(), await freePort()]
  const written = parse(await readFile(file, 'utf8'))
  written.plugins.badge = { use: join(root, 'examples/own-plugin/index.ts'), config: written.plugins.badge.config }
  written.plugins.badge.config.office = `http://127.0.0.1:${office}`
  const config = {
    ...written,
    ...{ issuer: `http://localhost:${port}`, listen: { port }, management: { enabled: false } },
    ...{ data: folder, database: { file: join(folder, 'labgate.db') }, log: { file: join(folder, 'labgate.log') } },
  }
  const mine = join(folder, 'mine.yaml')
  await writeFile(mine, JSON.stringify(config))
  const started = await startExample(['own-plugin', mine])
  try {
    assert.match(started.said, /Labgate is ready, with a badge office/)
    const page = await browser().open(`http://localhost:${port}/account`)
    assert.equal(page.url.origin, `http://127.0.0.1:${office}`)
  } finally {
    assert.equal(await started.stop(), 0)
  }
  const lost = await startExample(['own-plugn'])
  assert.equal(lost.code ?? (await lost.stop()), 1)
  assert.match(lost.said, /no example `own-plugn`; there are connectomics, .*own-plugin/)
})
