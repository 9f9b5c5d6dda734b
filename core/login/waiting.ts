/** Mail to the admins about somebody who waits for their approval. @module */
import type { Log, Mail } from '@labgate/contract'
import type { Accounts } from '../accounts/accounts.ts'
import { asHtml } from '../mail/plain.ts'

/** What telling the admins takes. */
export interface WaitingNeeds {
  readonly account: string
  readonly accounts: Accounts
  readonly mail: Mail
  readonly log: Log
  readonly siteName: string
  /** Words in the language of whom a letter goes to. */
  wordsFor(account: string): Promise<(key: string, values?: Readonly<Record<string, string>>) => string>
}

/** Tells every admin with a proved address; a mail that does not leave is logged and stops nobody. */
export async function tellAdmins({ account, accounts, mail, log, wordsFor, siteName }: WaitingNeeds): Promise<void> {
  const person = await accounts.find(account)
  const admins = (await accounts.list({ role: 'admin', limit: 50, offset: 0 })).filter(
    ({ state, emailVerified }) => state === 'active' && emailVerified,
  )
  const values = { name: person?.displayName ?? account, email: person?.email ?? '–', id: account, site: siteName }
  await Promise.all(
    admins.map(async ({ id, email }) => {
      try {
        const text = await wordsFor(id)
        const body = text('mail.waiting', values)
        const subject = text('mail.waitingSubject', values)
        await mail.send({ to: email as string, subject, text: body, html: `<p>${asHtml(body)}</p>` })
      } catch (err) {
        log.warn({ err, account }, 'an admin could not be told of somebody who waits')
      }
    }),
  )
}
