/** What the ways out of Labgate for mail share: the config, a letter, and what carries it. @module */
import type { Secret } from '@labgate/contract'

/** Where the mail server is and how it is spoken to. */
export interface SmtpConfig {
  readonly host: string
  readonly port: number
  readonly security: 'starttls' | 'tls' | 'none'
  readonly username?: string
  readonly password?: Secret
  /** PEM file with the only authorities trusted for this server. */
  readonly ca?: string
}

/** The part `mail` of the config file: exactly one of `outbox` and `smtp`. */
export interface MailConfig {
  readonly from: { readonly name?: string; readonly address: string }
  readonly outbox?: string
  readonly smtp?: SmtpConfig
}

/** A message with everything a transport needs. Addresses are objects, never strings that could be read twice. */
export interface Letter {
  readonly from: { readonly name: string; readonly address: string }
  readonly to: { readonly name: string; readonly address: string }
  readonly subject: string
  readonly text: string
  readonly html: string
  readonly date: Date
  readonly messageId: string
  readonly headers: Readonly<Record<string, string>>
}

/** What carries letters. */
export interface Transport {
  /** Resolves when the letter was taken, with a line for the log. */
  deliver(letter: Letter): Promise<string>
  /** Whether letters could leave now; a rejection says why not. */
  verify(): Promise<void>
  close(): void
}
