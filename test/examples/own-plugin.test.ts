import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse } from 'yaml'
import { parseConfig } from '../../core/config/load.ts'
import { createLabgate } from '../../core/server.ts'
import { openOffice } from '../../examples/own-plugin/office.ts'
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
