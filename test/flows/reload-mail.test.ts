/** A reload whose mail cannot leave is taken back by itself; a real mail server says no. */
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { type Exim, startExim } from '../support/exim.ts'
import { newBrowser, textOf } from '../support/flow.ts'
import { freePort, loadedConfig, type Part, relyingParty, startLabgate, type TestLabgate } from '../support/labgate.ts'
import { needs } from '../support/needs.ts'

suite('a reload of mail.smtp', { skip: needs('exim', 'openssl') }, () => {
  let exim: Exim
  let site: TestLabgate
  let right: Part
  before(async () => {
    exim = await startExim({ users: { mailer: 'right-one' } })
    const { host, port, caFile: ca } = exim
    right = { host, port, security: 'starttls', username: 'mailer', ca }
    site = await startLabgate()
    for (const password of ['right-one', 'wrong-one']) await writeFile(join(site.folder, password), password)
  })
  after(async () => {
    await site.stop()
    await exim.close()
  })

  const reload = (name: string, smtp: Part) => {
    const password = { file: join(site.folder, 'right-one') }
    const mail = { from: { address: 'gate@example.test' }, smtp: { ...right, password, ...smtp } }
    const part = { name, mail, reload: { guard: { least: 3 } } }
    const place = { issuer: site.issuer, folder: site.folder, port: Number(new URL(site.issuer).port) }
    return site.labgate.reload(async () => loadedConfig(part, place))
  }
  /** Asks for a mail; answers what the page says. */
  const ask = async (email: string): Promise<string> => {
    const agent = newBrowser()
    const chooser = await agent.open((await (await relyingParty(site.issuer)).request()).url)
    const form = chooser.forms.find(({ fields }) => 'email' in fields)
    return textOf(await agent.submit(chooser, form, { email }, form?.buttons[0]?.action))
  }
  const shown = async () => (await fetch(site.issuer)).text()
  const lastEvent = async () =>
    (await site.labgate.rooms.get('storage').audit.list({ limit: 10 })).find(({ type }) => type.startsWith('config.'))
  /** Waits for the way back; it is under way when the answer of the failed mail is. */
  const isBack = async () => {
    for (const end = performance.now() + 10_000; performance.now() < end; )
      if ((await lastEvent())?.type === 'config.rolled-back') return true
    return false
  }

  test('recipients that are refused bring nothing back', async () => {
    assert.equal((await reload('Good', {})).outcome, 'applied')
    for (let tries = 0; tries < 4; tries++) await ask('full@example.test')
    assert.equal((await lastEvent())?.type, 'config.applied')
    assert.ok((await shown()).includes('Good'))
  })

  for (const [what, smtp] of [
    ['the password is wrong', () => ({ password: { file: join(site.folder, 'wrong-one') } })],
    ['nobody listens', async () => ({ port: await freePort() })],
    ['TLS is spoken where there is none', () => ({ security: 'tls' })],
  ] as const)
    test(`when ${what}, the former mail.smtp comes back, and mail leaves again`, async () => {
      assert.equal((await reload('Good', {})).outcome, 'applied')
      assert.equal((await reload('Bad', await smtp())).outcome, 'applied')
      for (let tries = 0; tries < 3; tries++) await ask(`person${tries}@example.test`)
      assert.ok(await isBack())
      assert.ok((await shown()).includes('Good'))
      const before = (await exim.mailbox()).length
      await ask('ada@example.test')
      await exim.delivered(before + 1)
    })
})
