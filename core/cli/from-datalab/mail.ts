/** The mail server of datalab, and the sender. @module */
import { parseAddress } from '@labgate/contract'
import { isPlainObject } from '../../config/units.ts'
import { type SecretUse, type Tree, treeOf, type Work } from './mapped.ts'
import type { Found } from './settings.ts'

/** The section `mail`, when datalab could send any. */
export interface Mail {
  readonly tree: Tree | undefined
  /** Whether datalab offered the sign-in by e-mail, as far as mail goes. */
  readonly canSignIn: boolean
  readonly secrets: readonly SecretUse[]
}

const about = 'EMAIL_AUTH_SMTP_SETTINGS'
const members = ['MAIL_SERVER', 'MAIL_PORT', 'MAIL_USERNAME', 'MAIL_USE_TLS', 'MAIL_DEFAULT_SENDER']
const none: Mail = { tree: undefined, canSignIn: false, secrets: [] }

/** Reads the settings for mail. */
export function mailOf(work: Work): Mail {
  const { note, find, isSet } = work
  const smtp = work.tree(find(about))
  if (smtp === undefined) {
    note('notSet', about, 'no mail: set `mail`, so that admins hear of who waits')
    for (const member of members) note('notSet', `${about}.${member}`, 'no mail')
    if (isSet('MAIL_PASSWORD')) note('decide', 'MAIL_PASSWORD', `belongs to ${about}, which is not set`)
    else note('notSet', 'MAIL_PASSWORD', 'no mail')
    return none
  }
  note('taken', about, '`mail`; its members are the next rows')
  tellStrangers(work, smtp)
  const sender = senderOf(work, smtp.within('MAIL_DEFAULT_SENDER'))
  const host = work.text(smtp.within('MAIL_SERVER'))
  const port = portOf(work, smtp.within('MAIL_PORT'))
  const username = usernameOf(work, smtp)
  const password = work.secret('MAIL_PASSWORD')
  const security = securityOf(work, smtp.within('MAIL_USE_TLS'), host ?? defaultHost)
  note(
    host === undefined ? 'notSet' : 'taken',
    `${about}.MAIL_SERVER`,
    host === undefined ? `mail.smtp.host is ${defaultHost}, as there` : 'mail.smtp.host',
  )
  if (sender === undefined) return none
  if (username !== undefined && password === undefined) {
    note(
      'decide',
      'MAIL_PASSWORD',
      'is missing, so `mail` is left out: set mail.smtp with it, or leave out the user name',
    )
    return none
  }
  const isUsed = username !== undefined && password !== undefined
  tellPassword(work, isUsed)
  const smtpTree = treeOf({
    ...{ host: host ?? defaultHost, port, security, username },
    password: isUsed ? { env: 'MAIL_PASSWORD' } : undefined,
  })
  return {
    tree: { from: sender, smtp: smtpTree },
    canSignIn: password !== undefined,
    secrets: isUsed ? [{ name: 'MAIL_PASSWORD', value: password, why: 'Of the mail server.' }] : [],
  }
}

const defaultHost = '127.0.0.1'

function tellStrangers({ note }: Work, smtp: Found): void {
  const keys = isPlainObject(smtp.value) ? Object.keys(smtp.value) : []
  for (const key of keys.filter((one) => ![...members, 'MAIL_USER'].includes(one))) {
    const text =
      key === 'MAIL_PASSWORD'
        ? 'datalab reads it from the environment alone: put it into the .env'
        : 'datalab has no such setting'
    note('decide', `${about}.${key}`, text)
  }
}

/** An address, or a name with an address behind it. */
function senderOf({ text, note, wrong }: Work, found: Found): Tree | undefined {
  const label = `${about}.MAIL_DEFAULT_SENDER` as const
  const written = text(found)
  if (written === undefined) {
    note('decide', label, 'is missing, so `mail` and the sign-in by e-mail are left out, as in datalab')
    return undefined
  }
  const [, name = '', inBrackets] = /^"?([^"<>]*?)"?\s*<([^<>]+)>$/.exec(written) ?? []
  const address = inBrackets ?? written
  if (parseAddress(address) === undefined) return wrong(found, 'must be an e-mail address, or a name with one in <>')
  note('taken', label, 'mail.from')
  return treeOf({ name: name.trim() || undefined, address })
}

function portOf({ whole, note }: Work, found: Found): number | undefined {
  const port = whole(found, { least: 1, most: 65_535 })
  note(
    port === undefined ? 'notSet' : 'taken',
    `${about}.MAIL_PORT`,
    port === undefined ? '587, as there' : 'mail.smtp.port',
  )
  return port
}

/** Older guides call it MAIL_USER. */
function usernameOf({ text, note }: Work, smtp: Found): string | undefined {
  const username = text(smtp.within('MAIL_USERNAME')) ?? text(smtp.within('MAIL_USER'))
  const label = `${about}.MAIL_USERNAME` as const
  if (username === undefined) note('notSet', label, 'the server asks for none')
  else note('taken', label, 'mail.smtp.username')
  return username
}

function securityOf({ flag, note }: Work, found: Found, host: string): string | undefined {
  const label = `${about}.MAIL_USE_TLS` as const
  const usesTls = flag(found)
  if (usesTls === undefined) note('notSet', label, 'starttls, as there')
  else if (usesTls)
    note('taken', label, 'mail.smtp.security is starttls; for TLS from the first byte (port 465) write tls')
  else if (/^(localhost|127\.|\[?::1)/.test(host)) note('taken', label, 'mail.smtp.security is none')
  else note('decide', label, 'mail in clear is for a server on this machine: mail.smtp.security is starttls instead')
  if (usesTls !== false) return undefined
  return /^(localhost|127\.|\[?::1)/.test(host) ? 'none' : 'starttls'
}

function tellPassword({ note, isSet }: Work, isUsed: boolean): void {
  if (isUsed) note('taken', 'MAIL_PASSWORD', 'mail.smtp.password refers to the variable of the same name')
  else if (isSet('MAIL_PASSWORD')) note('decide', 'MAIL_PASSWORD', 'is left out, because there is no user name for it')
  else
    note(
      'decide',
      'MAIL_PASSWORD',
      'is missing, so the sign-in by e-mail is left out, as in datalab; mail goes out without',
    )
}
