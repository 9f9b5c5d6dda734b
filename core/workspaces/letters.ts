/** Mail to owners of workspaces: that one will end soon, or what an admin wants them to know. @module */
import type { Log, Mail } from '@labgate/contract'
import type { Accounts } from '../accounts/accounts.ts'
import { asHtml } from '../mail/plain.ts'
import type { Room } from './room.ts'

/** What the letters take. */
export interface WorkspaceLetterNeeds {
  readonly accounts: Pick<Accounts, 'find'>
  readonly mail: Mail
  readonly log: Log
  readonly siteName: string
  readonly issuer: string
  /** Words in the language of whom a letter goes to. */
  wordsFor(
    account: string,
  ): Promise<{ (key: string, values: Readonly<Record<string, string>>): string; readonly locale: string }>
}

/** Makes them; to a proved address only. One that does not leave is logged and stops nothing. */
export function createWorkspaceLetters(needs: WorkspaceLetterNeeds): Room['tell'] {
  return async ({ to, about, workspace, text = '' }) => {
    try {
      const account = await needs.accounts.find(to)
      if (!account?.email || !account.emailVerified) return
      const say = await needs.wordsFor(account.id)
      const instants = new Intl.DateTimeFormat(say.locale, { dateStyle: 'long', timeStyle: 'short', timeZone: 'UTC' })
      const values = {
        site: needs.siteName,
        title: workspace.title,
        link: new URL(`/workspaces/${workspace.id}`, needs.issuer).href,
        until: `${instants.format(workspace.leaseEndsAt)} UTC`,
        text,
      }
      const body = say(about === 'lease' ? 'mail.workspaceEnds' : 'mail.workspaceMessage', values)
      const subject = say(about === 'lease' ? 'mail.workspaceEndsSubject' : 'mail.workspaceMessageSubject', values)
      await needs.mail.send({ to: account.email, subject, text: body, html: `<p>${asHtml(body)}</p>` })
    } catch (err) {
      needs.log.warn({ err, workspace: workspace.id }, 'a mail about a workspace did not leave')
    }
  }
}
