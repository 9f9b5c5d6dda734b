/** A message and the needs of `createMail`, for the tests of this folder. @module */
import type { Log, Message } from '@labgate/contract'
import type { MailConfig } from '../../../core/mail/letter.ts'

export const message: Message = {
  to: 'ada@example.test',
  subject: 'Ihr Anmelde-Code für das Labor',
  text: 'Code: 012 345\n\nGrüße\n',
  html: '<p>Code: <b>012 345</b> – Grüße</p>',
}

/** What `createMail` needs, and everything that was logged. */
export function needsOf(config: MailConfig | undefined, timeoutSeconds = 10) {
  const logged: unknown[] = []
  const note = (fields: unknown, text: string) => {
    logged.push({ fields, text })
  }
  const log: Log = { debug: note, info: note, warn: note, error: note }
  const clock = { now: () => new Date('2030-01-02T03:04:05Z') }
  return { needs: { config, log, clock, siteName: 'Labor Grün', timeoutSeconds }, logged }
}
