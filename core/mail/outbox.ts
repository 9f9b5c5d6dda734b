/**
 * Letters into a folder, for a try without a mail server: one `.eml` file each, its plain text beside it as `.txt`
 * for people to read, and a line in `index.jsonl`.
 * @module
 */
import { randomBytes } from 'node:crypto'
import { access, appendFile, constants, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Fault } from '@labgate/contract'
import { makeFolder } from '../storage/folder.ts'
import type { Letter, Transport } from './letter.ts'
import { lateMailer } from './mailer.ts'

/** Writes letters instead of sending them. They hold live codes: the folder and its files are for their owner only. */
export function outboxTransport(folder: string): Transport {
  const mailer = lateMailer((library) =>
    library.createTransport({ streamTransport: true, buffer: true, newline: 'unix' }),
  )
  const render = async (letter: Letter) => {
    const mail = await (await mailer.get()).sendMail({
      ...letter,
      to: { ...letter.to },
      headers: { ...letter.headers },
    })
    return mail.message as Buffer // `buffer: true` above makes it one
  }
  return {
    deliver: (letter) => reported(folder, async () => put(folder, letter, await render(letter))),
    async verify() {
      await reported(folder, () => open(folder))
    },
    close: mailer.close,
  }
}

/** Whole or not at all: a reader of the folder never sees half a letter. */
async function put(folder: string, letter: Letter, content: Buffer): Promise<string> {
  await open(folder)
  const at = letter.date.toISOString()
  const name = `${at.replaceAll(/[:.]/g, '-')}-${randomBytes(4).toString('hex')}`
  const file = `${name}.eml`
  // In the letter itself links are broken into lines and escaped.
  await writeFile(join(folder, `${name}.txt`), readable(letter), { mode: 0o600, flag: 'wx' })
  const draft = join(folder, `.${file}.draft`)
  await writeFile(draft, content, { mode: 0o600, flag: 'wx' })
  await rename(draft, join(folder, file))
  const line = JSON.stringify({ at, to: letter.to.address, subject: letter.subject, file })
  await appendFile(join(folder, 'index.jsonl'), `${line}\n`, { mode: 0o600 })
  return `written to ${join(folder, file)}`
}

function readable({ to, subject, text }: Letter): string {
  return `To: ${to.address}\nSubject: ${subject}\n\n${text.trimEnd()}\n`
}

async function open(folder: string): Promise<void> {
  makeFolder(folder)
  await access(folder, constants.W_OK)
}

async function reported<T>(folder: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    throw new Fault('ERR_MAIL', `mail: cannot write to the outbox ${folder}; check that it is a writable folder`, {
      cause,
    })
  }
}
