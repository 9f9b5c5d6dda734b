/** Letters over SMTP: STARTTLS required, TLS from the first byte, or in clear to this machine only. @module */
import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { Fault } from '@labgate/contract'
import type { SmtpConfig, Transport } from './letter.ts'
import { lateMailer } from './mailer.ts'

// Two are enough for a lab, and an attacker's burst of mails does not open many.
const maxConnections = 2

/**
 * Speaks SMTP submission through a small pool of connections.
 * Spec: RFC 6409, RFC 3207 (STARTTLS, never optional), RFC 8314, RFC 4954.
 * @throws Fault ERR_CONFIG for an unreadable CA file, or mail in clear to another machine
 */
export function smtpTransport(needs: { readonly config: SmtpConfig; readonly timeoutSeconds: number }): Transport {
  const { config, timeoutSeconds } = needs
  const milliseconds = timeoutSeconds * 1000
  const settings = {
    pool: true as const,
    maxConnections,
    host: config.host,
    port: config.port,
    ...security(config),
    ...credentials(config),
    connectionTimeout: milliseconds,
    greetingTimeout: milliseconds,
    socketTimeout: milliseconds,
    disableFileAccess: true,
    disableUrlAccess: true,
  }
  const mailer = lateMailer((library) => library.createTransport(settings))
  return {
    async deliver(letter) {
      // A server that drips a byte at a time never meets the socket's time-out.
      const signal = AbortSignal.timeout(milliseconds)
      const options = { ...letter, to: { ...letter.to }, headers: { ...letter.headers }, signal }
      const { response } = await guarded(config, async () => (await mailer.get()).sendMail(options))
      return response
    },
    async verify() {
      await guarded(config, async () => (await mailer.get()).verify())
    },
    close: mailer.close,
  }
}

function security(config: SmtpConfig) {
  if (config.security === 'none') return inClear(config)
  const ca = config.ca === undefined ? {} : { ca: readCa(config.ca) }
  const servername = isIP(config.host) ? {} : { servername: config.host }
  return {
    secure: config.security === 'tls',
    requireTLS: config.security === 'starttls',
    tls: { minVersion: 'TLSv1.2', rejectUnauthorized: true, ...servername, ...ca },
  } as const
}

function inClear(config: SmtpConfig) {
  if (config.host === 'localhost' || config.host === '::1' || /^127(?:\.\d{1,3}){3}$/.test(config.host))
    return { secure: false, ignoreTLS: true } as const
  throw new Fault('ERR_CONFIG', `mail.smtp.security: none is for this machine only, not for ${config.host}`)
}

function readCa(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new Fault('ERR_CONFIG', `mail.smtp.ca: cannot read ${file}`, { cause })
  }
}

function credentials(config: SmtpConfig) {
  if (config.username === undefined) return {}
  return { auth: { user: config.username, pass: config.password?.reveal() ?? '' } }
}

async function guarded<T>(config: SmtpConfig, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw faultOf(config, error)
  }
}

/** The library's error may repeat what was sent, or what a hostile server echoes; only masked parts of it go on. */
function faultOf(config: SmtpConfig, error: unknown): Fault {
  const { code, responseCode, command, response, message, name } = partsOf(error)
  const masked = (text: string | undefined) => (text === undefined ? undefined : mask(config, text).slice(0, 300))
  const detail = { code, responseCode, command: command?.split(' ')[0], response: masked(response) }
  const why = name === 'TimeoutError' || name === 'AbortError' ? 'no answer in time' : masked(message)
  return new Fault('ERR_MAIL', `mail: ${config.host}:${config.port} did not take the message: ${why}; ${mend(code)}`, {
    detail,
    cause: new Error(masked(message)),
  })
}

interface MailError {
  readonly name: string
  readonly message: string
  readonly code?: string
  readonly responseCode?: number
  readonly command?: string
  readonly response?: string
}

function partsOf(error: unknown): MailError {
  // Nodemailer documents these members on every error it rejects with.
  return error instanceof Error ? (error as MailError) : { name: 'Error', message: String(error) }
}

function mend(code: string | undefined): string {
  if (code === 'EAUTH') return 'check mail.smtp.username and password'
  if (code === 'ETLS') return 'check mail.smtp.security, ca and the server’s certificate'
  if (code === 'EENVELOPE') return 'the server refused the sender or the recipient'
  return 'check mail.smtp.host, port, security and ca, and whether the server is up'
}

function mask(config: SmtpConfig, text: string): string {
  const password = config.password?.reveal() ?? ''
  if (password === '') return text
  const base64 = (value: string) => Buffer.from(value).toString('base64')
  const forms = [base64(`\0${config.username ?? ''}\0${password}`), base64(password), password]
  return forms.reduce((masked, form) => masked.replaceAll(form, '***'), text)
}
