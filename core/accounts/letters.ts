/** Mail to people about their accounts: an invitation, and the answer to those who waited. @module */
import type { Log, Mail } from '@labgate/contract'
import { asHtml } from '../mail/plain.ts'
import type { AccountRow } from './accounts.ts'
import type { AccountInvitation } from './invitation.ts'

/** What the letters take. */
export interface LetterNeeds {
  readonly accounts: { find(id: string): Promise<AccountRow | undefined> }
  readonly mail: Mail
  readonly log: Log
  readonly siteName: string
  readonly issuer: string
  /** Words in the language of whom a letter goes to; of the site, for who has no account. */
  wordsFor(account: string | undefined): Promise<Words>
}

/** The words of a letter. */
export interface Words {
  (key: string, values: Readonly<Record<string, string>>): string
  readonly locale: string
}

/** The letters. One that does not leave is logged and stops nobody. */
export interface AccountLetters {
  /** Answers whether it left. */
  invited(invitation: AccountInvitation, link: string): Promise<boolean>
  /** Only to a proved address; whoever has none finds out at the next sign-in. */
  decided(
    account: AccountRow,
    answer: { readonly decision: 'approved' | 'turned-down'; readonly note: string },
  ): Promise<boolean>
}

/** Makes them. */
export function createAccountLetters(needs: LetterNeeds): AccountLetters {
  const { siteName: site } = needs
  const send = async (to: string, letter: { subject: string; parts: readonly string[]; about: object }) => {
    const body = letter.parts.filter((part) => part !== '').join('\n\n')
    try {
      await needs.mail.send({ to, subject: letter.subject, text: body, html: `<p>${asHtml(body)}</p>` })
      return true
    } catch (err) {
      needs.log.warn({ err, ...letter.about }, 'a mail about an account did not leave')
      return false
    }
  }
  return {
    async invited(invitation, link) {
      const text = await needs.wordsFor(undefined)
      const inviter = await needs.accounts.find(invitation.madeBy)
      const values = { site, link, name: lineOf(inviter?.displayName ?? site), note: invitation.note }
      const days = new Intl.DateTimeFormat(text.locale, { dateStyle: 'long', timeZone: 'UTC' })
      const until = days.format(invitation.endsAt)
      return send(invitation.email, {
        subject: text('mail.invitedSubject', values),
        parts: [
          text(inviter ? 'mail.invitedBy' : 'mail.invited', values),
          invitation.note === '' ? '' : text('mail.invitedNote', values),
          text('mail.invitedLink', { ...values, until }),
          text('mail.invitedIgnore', values),
        ],
        about: { invitation: invitation.id },
      })
    },
    async decided(account, { decision, note }) {
      if (!account.email || !account.emailVerified) return false
      const text = await needs.wordsFor(account.id)
      const values = { site, name: lineOf(account.displayName), note, link: new URL('/account', needs.issuer).href }
      const approved = decision === 'approved'
      return send(account.email, {
        subject: text(approved ? 'mail.approvedSubject' : 'mail.turnedDownSubject', values),
        parts: [
          text(approved ? 'mail.approved' : 'mail.turnedDown', values),
          note === '' ? '' : text('mail.decisionNote', values),
        ],
        about: { account: account.id },
      })
    },
  }
}

/** A name of somebody's own choosing, in one line. */
function lineOf(name: string): string {
  return name
    .replaceAll(/[\p{C}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .trim()
    .slice(0, 100)
}
