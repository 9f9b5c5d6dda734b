/**
 * How mail leaves Labgate: one strict address, one message, over SMTP or into an outbox folder.
 * What a message says belongs to whom it comes from.
 * @module
 */
import { randomUUID } from 'node:crypto'
import { type Clock, Fault, type Log, type Mail, type Message, parseAddress } from '@labgate/contract'
import type { Letter, MailConfig, Transport } from './letter.ts'
import { outboxTransport } from './outbox.ts'
import { smtpTransport } from './smtp.ts'

export interface MailNeeds {
  /** `undefined`: there is no way for mail to leave, and every `send` fails. */
  readonly config: MailConfig | undefined
  readonly clock: Clock
  readonly log: Log
  /** The sender's name where the config gives none. */
  readonly siteName: string
  /** For one message, from queue to acceptance. Default 30. */
  readonly timeoutSeconds?: number
}

/** Mail with an end, and a check for operators. */
export interface MailService extends Mail {
  /** @throws Fault ERR_MAIL when a message could not leave now */
  verify(): Promise<void>
  close(): void
}

/**
 * Builds the one way for mail to leave. Connects at the first message.
 * @throws Fault ERR_CONFIG for a sender that is no strict address, an unreadable CA file, or mail in clear to another machine
 */
export function createMail(needs: MailNeeds): MailService {
  const { config, log } = needs
  if (!config) return nowhere
  const sender = parseAddress(config.from.address)
  if (!sender) throw new Fault('ERR_CONFIG', `mail.from.address: not one plain mail address: ${config.from.address}`)
  const from = { name: config.from.name ?? needs.siteName, address: sender.address }
  const transport = transportOf(config, needs)
  const stamp = () => ({ from, date: needs.clock.now(), messageId: `<${randomUUID()}@${sender.domain}>` })
  return {
    async send(message) {
      const letter = letterOf(message, stamp())
      const result = await transport.deliver(letter)
      log.info({ messageId: letter.messageId, result }, 'mail handed over')
    },
    verify: () => transport.verify(),
    close: () => transport.close(),
  }
}

function transportOf(config: MailConfig, needs: MailNeeds): Transport {
  if (config.outbox !== undefined) return outboxTransport(config.outbox)
  if (config.smtp) return smtpTransport({ config: config.smtp, timeoutSeconds: needs.timeoutSeconds ?? 30 })
  throw new Fault('ERR_CONFIG', 'mail: give either `outbox` or `smtp`')
}

function letterOf(message: Message, stamp: Pick<Letter, 'from' | 'date' | 'messageId'>): Letter {
  const to = parseAddress(message.to)
  if (!to)
    throw new Fault('ERR_MAIL', 'mail: the recipient is not one plain mail address', { detail: { code: 'EENVELOPE' } })
  return {
    ...stamp,
    to: { name: '', address: to.address },
    subject: message.subject.replace(/\s+/g, ' ').trim(),
    text: message.text,
    html: message.html,
    // RFC 3834 §5: no out-of-office replies to these.
    headers: { 'Auto-Submitted': 'auto-generated', 'X-Auto-Response-Suppress': 'All' },
  }
}

const noMail = () =>
  Promise.reject(new Fault('ERR_MAIL', 'mail: nothing is configured; set mail.smtp or mail.outbox in the config file'))

const nowhere: MailService = { send: noMail, verify: noMail, close: () => undefined }
