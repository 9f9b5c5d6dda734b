import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { simpleParser } from 'mailparser'
import { createMail } from '../../../core/mail/mail.ts'
import { message, needsOf } from './letters.ts'

const from = { name: 'Gate', address: 'gate@example.test' }

async function folder(t: { after(work: () => Promise<void>): void }): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'labgate-mail-'))
  t.after(() => rm(path, { recursive: true }))
  return path
}

test('the outbox gets one whole file a message and one line in its index, for the owner only', async (t) => {
  const outbox = join(await folder(t), 'deep', 'outbox')
  const { needs } = needsOf({ from, outbox })
  const mail = createMail(needs)
  await mail.verify()
  await Promise.all([mail.send(message), mail.send({ ...message, to: 'Bob@EXAMPLE.test' })])
  mail.close()
  const lines = (await readFile(join(outbox, 'index.jsonl'), 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  assert.deepEqual(lines.map(({ to }) => to).sort(), ['Bob@example.test', 'ada@example.test'])
  const all = (await readdir(outbox)).filter((name) => name !== 'index.jsonl')
  const files = all.filter((name) => name.endsWith('.eml'))
  assert.deepEqual(all.sort(), files.flatMap((name) => [name, name.replace('.eml', '.txt')]).sort())
  assert.deepEqual(files.sort(), lines.map(({ file }) => file).sort())
  assert.match(files[0] ?? '', /^2030-01-02T03-04-05-000Z-[0-9a-f]{8}\.eml$/)
  for (const name of [...all, 'index.jsonl']) assert.equal((await stat(join(outbox, name))).mode & 0o077, 0, name)
  assert.equal((await stat(outbox)).mode & 0o077, 0)
})

test('a file of the outbox is the message, with its code as plain words for a reader', async (t) => {
  const outbox = await folder(t)
  const mail = createMail(needsOf({ from, outbox }).needs)
  await mail.send(message)
  const [name = ''] = (await readdir(outbox)).filter((file) => file.endsWith('.eml'))
  const raw = await readFile(join(outbox, name), 'utf8')
  assert.match(raw, /Code: 012 345/)
  const plain = await readFile(join(outbox, name.replace('.eml', '.txt')), 'utf8')
  assert.equal(plain, `To: ada@example.test\nSubject: ${message.subject}\n\n${message.text.trimEnd()}\n`)
  const read = await simpleParser(raw)
  assert.equal(read.from?.text, '"Gate" <gate@example.test>')
  assert.equal(read.text?.trim(), message.text.trim())
  assert.equal(read.subject, message.subject)
})

test('an outbox that cannot be written is a fault', async (t) => {
  const path = join(await folder(t), 'file')
  await writeFile(path, '')
  const mail = createMail(needsOf({ from, outbox: path }).needs)
  await assert.rejects(mail.send(message), { code: 'ERR_MAIL', message: /outbox/ })
  await assert.rejects(mail.verify(), { code: 'ERR_MAIL' })
})

test('files named in a message are not read and addresses not fetched', async (t) => {
  const outbox = await folder(t)
  const mail = createMail(needsOf({ from, outbox }).needs)
  const sneaky = { ...message, attachments: [{ path: join(outbox, 'index.jsonl') }], text: 'plain' }
  await mail.send(sneaky)
  await mail.send(sneaky)
  for (const name of (await readdir(outbox)).filter((file) => file.endsWith('.eml')))
    assert.deepEqual((await simpleParser(await readFile(join(outbox, name)))).attachments, [])
})

test('without a mail part in the config every message is a fault that says what to set', async () => {
  const mail = createMail(needsOf(undefined).needs)
  await assert.rejects(mail.send(message), { code: 'ERR_MAIL', message: /set mail\.smtp or mail\.outbox/ })
  await assert.rejects(mail.verify(), { code: 'ERR_MAIL' })
  mail.close()
})

test('a sender that is not one strict address, and a config with no way out, stop the start', () => {
  for (const address of ['gate@example.test, eve@evil.test', 'Gate <gate@example.test>', 'gate'])
    assert.throws(() => createMail(needsOf({ from: { address }, outbox: 'x' }).needs), { code: 'ERR_CONFIG' })
  assert.throws(() => createMail(needsOf({ from }).needs), { code: 'ERR_CONFIG', message: /outbox.*smtp/ })
})
