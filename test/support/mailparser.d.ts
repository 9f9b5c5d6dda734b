/** The part of mailparser that tests use; the package brings no types of its own. */
declare module 'mailparser' {
  export interface Mailbox {
    readonly name: string
    readonly address?: string
  }
  export interface Addresses {
    readonly value: readonly Mailbox[]
    readonly text: string
  }
  export interface ParsedMail {
    readonly subject?: string
    readonly from?: Addresses
    readonly to?: Addresses | readonly Addresses[]
    readonly bcc?: Addresses
    readonly text?: string
    readonly html: string | false
    readonly date?: Date
    readonly messageId?: string
    readonly headers: ReadonlyMap<string, unknown>
    readonly attachments: readonly unknown[]
  }
  export function simpleParser(source: string | Uint8Array): Promise<ParsedMail>
}
